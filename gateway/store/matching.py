"""Whose message a batch's evidence is about: from memory where it is there, else from its rows.

Owns the look-ups of receipts by the carrier's id. Judges nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import asyncpg

from gateway.domain.identifiers import first_id_at
from gateway.domain.message import ENDS, MessageState, Progress, Reason
from gateway.domain.receipts import is_too_late
from gateway.store.cases import Case
from gateway.store.database import Connection
from gateway.store.evidence import Matched, ReceiptSeen, WrittenOff
from gateway.store.flights import Flight, FlightBook

_NEWEST_DAYS = 2
_OLDEST_REMEMBERED = timedelta(days=40)
"""Age of an id beyond which memory is not asked: the message is over (30 days to its time, 7 of validity, 3
for its receipt), and its rows may be dropped."""

MessageKey = tuple[int, int, int]
"""(shop_id, id, slot)."""


class Strangers(NamedTuple):
    """Receipts of a batch that have no message."""

    unmatched: list[ReceiptSeen]
    """Their ids are unknown, so far."""
    too_late: list[ReceiptSeen]
    """Their messages, or ids, are no longer kept: no later look will find them."""


NO_STRANGERS = Strangers([], [])


class Found(NamedTuple):
    """An inferred receipt whose id was learnt, and the part that has it."""

    receipt: ReceiptSeen
    flight: Flight
    part: int


class Gathering:
    """The cases of one batch, by message id, as they are found."""

    def __init__(self, connection: Connection, book: FlightBook, *, lookup_days: int) -> None:
        """`lookup_days` is how long carriers' ids are kept."""
        self.cases: dict[int, Case] = {}
        self.corrections: list[Found] = []
        self._connection = connection
        self._book = book
        self._lookup_days = lookup_days
        self._dropped: set[tuple[int, str]] = set()
        """(connector_id, carrier_id) of messages whose rows are gone."""

    def case_of(self, flight: Flight) -> Case:
        case = self.cases.get(flight.id)
        if case is None:
            case = self.cases[flight.id] = Case(flight)
        return case

    async def match_receipts(self, receipts: Sequence[ReceiptSeen], now: datetime) -> Strangers:
        """Give each receipt its message: from memory, else from the two newest days, else from all. Returns
        those that have none."""
        today = now.date()
        strangers: list[ReceiptSeen] = []
        oldest_id = first_id_at(datetime.combine(today, time(), UTC) - _OLDEST_REMEMBERED)
        for receipt in receipts:
            if receipt.inferred is not None:
                strangers.append(receipt)  # memory need not know where it has been put
                continue
            found = self._book.find(receipt.connector_id, receipt.carrier_id)
            if found is None and receipt.other_id:
                found = self._book.find(receipt.connector_id, receipt.other_id)
            if found is None or found[0].id < oldest_id or self._ends_here(*found):
                strangers.append(receipt)
            else:
                self.match(receipt, *found)
        for first, last in ((-1, _NEWEST_DAYS), (_NEWEST_DAYS, self._lookup_days + 1)):
            if strangers:
                days = [today - timedelta(days=age) for age in range(first, last)]
                strangers = await self._match_in_days(strangers, days)
        if not strangers:
            return NO_STRANGERS
        sorted_out = Strangers([], [])
        for receipt in strangers:
            is_gone = receipt.inferred is None and self._is_gone(receipt, now)
            (sorted_out.too_late if is_gone else sorted_out.unmatched).append(receipt)
        return sorted_out

    def match(self, receipt: ReceiptSeen, flight: Flight, part: int, *, is_inferred: bool = False) -> None:
        """The receipt speaks of this part."""
        if receipt.ends_message:
            # A message that was read back from its rows does not know how its carrier sends receipts.
            flight.receipt_per_message = True
        self.case_of(flight).evidence.append(Matched(receipt, part, is_inferred))

    def _is_open(self, flight: Flight, part: int) -> bool:
        return flight.progress.part_states[part] not in ENDS and not self._ends_here(flight, part)

    def _ends_here(self, flight: Flight, part: int) -> bool:
        """Whether a receipt of this batch ends the part: the next one of the same id may be another's."""
        case = self.cases.get(flight.id)
        if case is not None:
            for item in case.evidence:
                if type(item) is Matched and item.part == part and item.receipt.wanted in ENDS:
                    return True
        return False

    def _is_gone(self, receipt: ReceiptSeen, now: datetime) -> bool:
        if any(key in self._dropped for key in _keys_of(receipt)):
            return True
        return is_too_late(receipt.submitted_at, receipt.carrier_at, now=now, lookup_days=self._lookup_days)

    async def _match_in_days(self, receipts: list[ReceiptSeen], days: list[date]) -> list[ReceiptSeen]:
        """Returns the receipts whose ids are not of these days."""
        targets = await self._find_targets({key for receipt in receipts for key in _keys_of(receipt)}, days)
        left: list[ReceiptSeen] = []
        for receipt in receipts:
            candidates = next((targets[key] for key in _keys_of(receipt) if key in targets), None)
            if candidates is None:
                left.append(receipt)
                continue
            is_open = (each for each in candidates if self._is_open(*each))
            if receipt.inferred is None:
                self.match(receipt, *next(is_open, candidates[0]))
            else:
                has_it = (each for each in candidates if each[0].id == receipt.inferred.id)
                self.corrections.append(Found(receipt, *next(has_it, next(is_open, candidates[0]))))
        return left

    async def _find_targets(
        self, wanted: Iterable[tuple[int, str]], days: list[date]
    ) -> dict[tuple[int, str], list[tuple[Flight, int]]]:
        """Parts by (connector_id, carrier_id), newest first. Of several messages with one id the newest whose
        part is open has it, for SMSCs start their ids again (quirk 33)."""
        connectors, carrier_ids = zip(*wanted, strict=True)
        rows = await self._connection.fetch("find_receipt_targets", days, connectors, carrier_ids)
        flights = await self.load({(row["shop_id"], row["id"], row["slot"]) for row in rows})
        targets: dict[tuple[int, str], list[tuple[Flight, int]]] = {}
        for row in rows:
            flight = flights.get(row["id"])
            key = (row["connector_id"], row["carrier_id"])
            if flight is None:
                self._dropped.add(key)
                continue
            if row["part"] >= len(flight.progress.part_states):
                continue
            targets.setdefault(key, []).append((flight, row["part"]))
        return targets

    async def look_again(self) -> None:
        """Read afresh those messages of which memory may say more than is so."""
        doubted = [case.flight for case in self.cases.values() if case.flight.is_doubted]
        if not doubted:
            return
        fresh = await self.load({(each.shop_id, each.id, each.slot) for each in doubted}, afresh=True)
        for flight in doubted:
            if flight.id in fresh:
                flight.copy_state(fresh[flight.id])
                self.cases[flight.id].start_again()

    async def load_written_off(self, items: Sequence[WrittenOff]) -> None:
        """Find the messages that no process has in flight; one whose day was dropped is left out."""
        flights = await self.load({(item.shop_id, item.id, item.slot) for item in items})
        for item in items:
            flight = flights.get(item.id)
            if flight is not None:
                self.case_of(flight).evidence.append(item)

    async def load(self, keys: set[MessageKey], *, afresh: bool = False) -> dict[int, Flight]:
        """Flights by message id: those this batch already has, unless `afresh`, the rest from their rows."""
        found = {} if afresh else {key[1]: self.cases[key[1]].flight for key in keys if key[1] in self.cases}
        missing = [key for key in keys if key[1] not in found]
        if missing:
            shops, ids, slots = zip(*missing, strict=True)
            for row in await self._connection.fetch("load_flights", shops, ids, slots):
                found[row["id"]] = _flight_of(row)
        return found


def _keys_of(receipt: ReceiptSeen) -> list[tuple[int, str]]:
    """The ids to look a receipt up by, the surer first."""
    keys = [(receipt.connector_id, receipt.carrier_id)]
    if receipt.other_id:
        keys.append((receipt.connector_id, receipt.other_id))
    return keys


def _flight_of(row: asyncpg.Record) -> Flight:
    flight = Flight(
        shop_id=row["shop_id"],
        id=row["id"],
        slot=row["slot"],
        connector_id=row["connector_id"],
        accepted_connector_id=row["connector_id"],
        lane=row["lane"],
        category=row["category"],
        attempt=row["attempt"],
        refusals=0,
        progress=Progress(MessageState(row["state"]), row["entered"], row["part_states"]),
        expires_at=row["expires_at"],
        parts=row["parts"],
        cost_micros=row["cost_micros"],
        country=row["country"],
        currency=row["currency"],
        campaign_id=row["campaign_id"],
        contact_id=row["contact_id"],
        is_sensitive=row["is_sensitive"],
        is_test=row["is_test"],
        wants_events=row["wants_events"],
        has_webhook_url=row["has_webhook_url"],
        to_address=None,
        from_address=row["from_address"],
        text=None,
        body=None,
        sent_at=row["sent_at"],
    )
    flight.reason = Reason(row["reason"])
    flight.failure_class = row["failure_class"]
    return flight

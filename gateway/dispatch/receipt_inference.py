"""The look for messages of receipts whose id nobody ever learnt: whose can such a receipt only be?

Owns when and for which receipts it is asked, in turns, so that none starves however many are hopeless; the
rules are `domain.inference`'s, and what is found goes to the outcome writer as evidence.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gateway.domain.identifiers import first_id_at, time_of_id
from gateway.domain.inference import RIPE_AFTER, CarrierAddresses, StrayReceipt, Suspect, infer
from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.evidence import Inference, PartRef, ReceiptSeen
from gateway.store.outcomes import OutcomeWriter
from gateway.store.suspects import (
    MOST_OF_A_NUMBER,
    SuspectRow,
    find_receipts_of_numbers,
    find_suspects,
    find_waiting_receipts,
    has_unknown_messages,
    mark_repeats,
)
from gateway.store.unmatched import RETRIED_FOR, FindLookupId

log = structlog.get_logger("dispatch")

LOOKED_AT_ONCE: Final = 500
"""Receipts of one turn."""

_OLDEST_OPEN: Final = timedelta(days=40)
"""30 days to a message's time, 7 of validity, 3 for its receipt."""

_Number = tuple[int, str]
"""Of a connector, a number as we keep it."""


class ReceiptInference:
    """The regular look of one node."""

    def __init__(
        self,
        database: Database,
        outcomes: OutcomeWriter,
        find_lookup_id: FindLookupId,
        find_addresses: Callable[[int], CarrierAddresses],
        *,
        batch: int = LOOKED_AT_ONCE,
    ) -> None:
        """`find_addresses` tells how a connector writes numbers and senders."""
        self._database = database
        self._outcomes = outcomes
        self._find_lookup_id = find_lookup_id
        self._find_addresses = find_addresses
        self._batch = batch
        self._addresses: dict[int, CarrierAddresses] = {}
        """For the time of a look, by connector."""
        self._looked_to = 0
        """The next turn goes on behind this id."""

    async def look(self, now: datetime | None = None) -> int:
        """One turn through the receipts that wait; returns how many were given a message. Costs next to
        nothing while no message is unknown."""
        now = datetime.now(UTC) if now is None else now
        if not await has_unknown_messages(self._database):
            return 0
        self._addresses.clear()
        low_id = first_id_at(now - RETRIED_FOR)
        waiting = await find_waiting_receipts(
            self._database,
            after_id=max(self._looked_to, low_id),
            high_id=first_id_at(now - RIPE_AFTER),
            limit=self._batch,
        )
        self._looked_to = waiting[-1].receipt_id if len(waiting) == self._batch else 0
        numbers = {
            (each.connector_id, self._addresses_of(each.connector_id).read(each.from_address))
            for each in waiting
        }
        inferences = await self._infer(numbers, low_id, now)
        if inferences:
            log.info("receipts.inferred", receipts=len(inferences))
            self._outcomes.put_many(inferences)
            await self._outcomes.drained()
        return len(inferences)

    def _addresses_of(self, connector_id: int) -> CarrierAddresses:
        addresses = self._addresses.get(connector_id)
        if addresses is None:
            addresses = self._addresses[connector_id] = self._find_addresses(connector_id)
        return addresses

    async def _infer(self, numbers: set[_Number], low_id: int, now: datetime) -> list[Inference]:
        suspects = await find_suspects(
            self._database, {number for _, number in numbers}, low_id=first_id_at(now - _OLDEST_OPEN)
        )
        hopeful = [
            (connector_id, number)
            for connector_id, number in sorted(numbers)
            if any(each.unknown_on == connector_id for each in suspects.get(number, ()))
        ]
        receipts = await find_receipts_of_numbers(
            self._database, hopeful, self._find_lookup_id, low_id=low_id
        )
        by_number: defaultdict[_Number, list[ReceiptSeen]] = defaultdict(list)
        for receipt in receipts:
            addresses = self._addresses_of(receipt.connector_id)
            by_number[receipt.connector_id, addresses.read(receipt.from_address)].append(receipt)
        found: list[Inference] = []
        for connector_id, number in hopeful:
            told = by_number[connector_id, number]
            if len(told) < MOST_OF_A_NUMBER:
                fresh = await self._set_repeats_aside(told)
                found += self._judge(connector_id, fresh, suspects[number], now)
        return found

    async def _set_repeats_aside(self, receipts: Sequence[ReceiptSeen]) -> list[ReceiptSeen]:
        """Those whose id was not inferred before; the others go where the first of their id went."""
        taken: dict[str, PartRef] = {
            receipt.carrier_id: receipt.inferred for receipt in receipts if receipt.inferred is not None
        }
        waiting = [receipt for receipt in receipts if receipt.inferred is None]
        await mark_repeats(
            self._database,
            [(each.unmatched_id, taken[each.carrier_id]) for each in waiting if each.carrier_id in taken],
        )
        return [receipt for receipt in waiting if receipt.carrier_id not in taken]

    def _judge(
        self, connector_id: int, receipts: Sequence[ReceiptSeen], rows: Sequence[SuspectRow], now: datetime
    ) -> list[Inference]:
        addresses = self._addresses_of(connector_id)
        suspects = [
            suspect for row in rows if (suspect := _suspect(row, connector_id, addresses)) is not None
        ]
        strays = [
            StrayReceipt(
                each.unmatched_id,
                each.carrier_id,
                addresses.read(each.to_address),
                each.wanted,
                each.at,
                each.carrier_at,
            )
            for each in receipts
        ]
        by_id = {each.unmatched_id: each for each in receipts}
        return [
            Inference(by_id[verdict.receipt_id], PartRef(*verdict.key, verdict.part))
            for verdict in infer(strays, suspects, now)
        ]


def _suspect(row: SuspectRow, connector_id: int, addresses: CarrierAddresses) -> Suspect | None:
    """A message as one that receipts of this connector could be of; None when they cannot."""
    submits = [each for each in row.open_submits if each.connector_id in (None, connector_id)]
    is_unknown = row.unknown_on == connector_id
    if not submits and not row.is_sending and not is_unknown:
        return None
    unknown_parts: tuple[int, ...] = ()
    if is_unknown:
        submitted = {each.part for each in submits}
        unknown_parts = tuple(
            part
            for part, state in enumerate(row.part_states)
            if state == MessageState.UNKNOWN and part in submitted
        )
    accepted_at = time_of_id(row.key[1])
    first = (
        accepted_at if row.is_sending else min((each.submitted_at for each in submits), default=accepted_at)
    )
    return Suspect(
        key=row.key,
        sender=addresses.show(row.from_address),
        is_sending=row.is_sending,
        unknown_parts=unknown_parts,
        submitted_at=first,
        expires_at=row.expires_at,
    )

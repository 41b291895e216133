"""What one connector asks the store for, and when: intents of claimed messages, and claims.

Owns the messages whose intent is asked for, planned as PDUs, until the store answers. How fast they leave
afterwards is the connector's to say, and which rows a claim reads is that of `claims.py`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import structlog

from gateway.config.carriers import ConnectorConfig, ReceiptMode
from gateway.dispatch.claims import Claims
from gateway.dispatch.holds import HeldInStream
from gateway.dispatch.planning import Planner, WirePlan
from gateway.dispatch.rounds import CALM_SECONDS
from gateway.domain.lanes import Lane
from gateway.domain.message import MessageState, Progress, Reason
from gateway.smpp.errors import SmppError, TextTooLong
from gateway.store.evidence import Ending, Evidence
from gateway.store.flights import Flight

log = structlog.get_logger("dispatch")

PREFETCH_SECONDS = 0.2

_LARGE_ORDER = 256
"""Intents asked for at one time, above which more would not make each of them cheaper."""

_PER_MESSAGE = ReceiptMode.PER_MESSAGE
"""By a name of the module: to find a member of an Enum takes 65 ns (CPython 3.11), for every message."""


class Holds(Protocol):
    """What operators have stopped."""

    def stops_category(self, category: int) -> bool:
        """Whether nothing of this category may leave, whichever shop's."""

    def stops_shop(self, shop_id: int, category: int) -> bool:
        """Whether this shop's messages of this category may not leave."""

    def stops_campaign(self, campaign_id: int | None) -> bool:
        """Whether nothing of this campaign may leave; a message of none has None."""

    def held_in(self, lane: int, category: int) -> HeldInStream:
        """Whose messages of a stream a claim passes over."""


class Flow(NamedTuple):
    """How a connector's messages flow at a moment, as far as it bears on what to ask for."""

    parts_per_second: float
    room: int
    """Submits that the windows have room for now, of `window` in all."""
    window: int
    ready: int
    """Messages whose intent is committed and that are not wholly submitted."""
    is_bulk_ready: bool
    """Whether some of them are of the bulk lane."""
    most_claimed: int

    def lasts(self, messages: int) -> bool:
        """Whether so many messages are enough until a round has come and gone."""
        return messages >= self.parts_per_second * CALM_SECONDS


class Ordering:
    """The orders of one connector. `join_round` has it order with all others in the next round, `ask_claim`
    has its queue read, `pump_again` lets it look again after this turn of the loop; `sends_tlvs` says whether
    every SMSC that it is bound to reads TLVs (quirk 15)."""

    def __init__(
        self,
        config: ConnectorConfig,
        claims: Claims,
        *,
        holds: Holds,
        join_round: Callable[[], None],
        ask_claim: Callable[[], None],
        pump_again: Callable[[], None],
        sends_tlvs: Callable[[], bool],
        put_intents: Callable[[Sequence[Flight]], None],
        put_evidence: Callable[[Sequence[Evidence]], None],
        is_store_behind: Callable[[], bool],
    ) -> None:
        self._config = config
        self._claims = claims
        self._holds = holds
        self._join_round = join_round
        self._ask_claim = ask_claim
        self._pump_again = pump_again
        self._sends_tlvs = sends_tlvs
        self._put_intents = put_intents
        self._put_evidence = put_evidence
        self._is_store_behind = is_store_behind
        self._planner = Planner(config)
        self._plans: dict[int, WirePlan] = {}
        self._withdrawn: set[int] = set()
        """Messages whose intent is on its way and need not be submitted; all of them are in `_plans`."""

    def change_config(self, config: ConnectorConfig) -> None:
        """What is planned from now on is planned by these settings."""
        self._config = config
        self._planner = Planner(config)

    # Intents on their way.

    @property
    def unsettled(self) -> int:
        """Messages whose intent is asked for, and neither committed nor found to be in vain."""
        return len(self._plans)

    def awaits(self, flight: Flight) -> bool:
        """Whether the intent of this message was asked for here and is not settled."""
        return flight.id in self._plans

    def withdraw(self, message_id: int) -> None:
        """It need not be submitted when its intent is committed."""
        if message_id in self._plans:
            self._withdrawn.add(message_id)

    def settle(self, flight: Flight) -> tuple[WirePlan, bool]:
        """Its intent is committed: its PDUs, and whether it was withdrawn meanwhile."""
        self._claims.release(flight)
        plan = self._plans.pop(flight.id)
        is_withdrawn = flight.id in self._withdrawn
        self._withdrawn.discard(flight.id)
        return plan, is_withdrawn

    def forget(self, flight: Flight) -> None:
        """It left the queue by another door."""
        self._plans.pop(flight.id, None)
        self._withdrawn.discard(flight.id)
        self._claims.release(flight)

    # New orders.

    def refill(self, flow: Flow) -> None:
        """See that intents and claims keep the flow going. What would be missed soon is asked for at once;
        where there is enough for a while, it waits for the next round of all connectors."""
        claims = self._claims
        self.order_urgent(flow)
        most, wanted = self._count_wanted(flow)
        if wanted > 0 and flow.is_bulk_ready and claims.has_waiting(Lane.TRANSACTIONAL):
            self._join_round()
        elif wanted >= min(most / 4, _LARGE_ORDER):
            if flow.lasts(flow.ready):
                self._join_round()
            else:
                self._order_intents(wanted)
        stream = claims.next_to_claim(most=flow.most_claimed, is_held=self._holds.stops_category)
        if stream is not None:
            if flow.lasts(len(stream.flights)):
                self._join_round()
            else:
                self._ask_claim()

    def order_urgent(self, flow: Flow) -> None:
        """Ask for the intents of one-time passwords, alone: they do not wait until a campaign is planned."""
        if self._claims.has_waiting(Lane.OTP):
            _, wanted = self._count_wanted(flow)
            self._order_intents(wanted, only_urgent=True)

    def order(self, flow: Flow) -> None:
        """Ask for all intents that window and prefetch allow, and for claims."""
        _, wanted = self._count_wanted(flow)
        if wanted > 0:
            self._order_intents(wanted)
        self._ask_claim()

    def _count_wanted(self, flow: Flow) -> tuple[int, int]:
        """How many messages window and prefetch allow to be intended or on the way there, and how many of
        them are missing. Of a window that is wide for the speed only what the next moment fills: intents
        cannot be paused."""
        soon = int(flow.parts_per_second * PREFETCH_SECONDS) + 1
        most = min(flow.room, soon) + min(flow.window, soon)
        return most, most - flow.ready - len(self._plans)

    def _order_intents(self, wanted: int, *, only_urgent: bool = False) -> None:
        """While the store is behind only one-time passwords go on: more than it can take would just make
        memory grow. Commits pump again. More than a large order is cut into several, for a thousand messages
        are planned in 10 ms, in which nothing else is done."""
        flights = self._claims.take(
            min(wanted, _LARGE_ORDER),
            is_held=self._holds.stops_category,
            only_urgent=only_urgent or self._is_store_behind(),
        )
        if flights:
            self._intend(flights)
        if wanted > len(flights) == _LARGE_ORDER:
            self._pump_again()

    def _intend(self, flights: list[Flight]) -> None:
        now = datetime.now(UTC)
        ready: list[Flight] = []
        endings: list[Evidence] = []
        for flight in flights:
            if flight.expires_at <= now:
                self._claims.release(flight)
                endings.append(_end(flight, MessageState.EXPIRED, Reason.VALIDITY_PASSED))
            elif self._holds.stops_shop(flight.shop_id, flight.category) or self._holds.stops_campaign(
                flight.campaign_id
            ):
                self._claims.release(flight)  # read again when the hold ends
            elif isinstance(plan := self._plan(flight, now), Reason):
                self._claims.release(flight)
                endings.append(_end(flight, MessageState.BLOCKED, plan))
            else:
                self._plans[flight.id] = plan
                ready.append(flight)
        if endings:
            self._put_evidence(endings)
        if ready:
            self._put_intents(ready)

    def _plan(self, flight: Flight, now: datetime) -> WirePlan | Reason:
        """The PDUs of a message, or why it cannot be sent here. Nothing of it has left then."""
        if flight.to_address is None or (flight.text is None and flight.body is None):
            return Reason.CONTENT_ERASED
        sends_tlvs = not self._planner.needs_tlvs or self._sends_tlvs()
        try:
            plan = self._planner.plan(flight, now=now, sends_tlvs=sends_tlvs)
        except TextTooLong as exc:
            log.warning("message.too_long", connector=self._config.name, id=flight.id, fault=str(exc))
            return Reason.TOO_MANY_PARTS
        except SmppError as exc:
            log.error("message.unsendable", connector=self._config.name, id=flight.id, fault=str(exc))
            return Reason.NOT_SENDABLE
        flight.forget_content()
        flight.receipt_per_message = self._config.receipts is _PER_MESSAGE
        pdus = len(plan.bodies)
        if pdus != flight.parts:
            progress = flight.progress
            flight.progress = Progress(progress.state, progress.entered, bytes((MessageState.QUEUED,)) * pdus)
        return plan


def _end(flight: Flight, state: MessageState, reason: Reason) -> Ending:
    return Ending(flight.shop_id, flight.id, flight.slot, state, reason)

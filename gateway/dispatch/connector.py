"""One connector at work: claimed messages become intents, intents become submits, evenly and in lane order.

Owns the flow and its bounds: claimed ≤ 1 s of speed, intents ≤ free window + prefetch, submits as the pacer
and the window allow. Judges no answer (`answers`) and opens no connection (`session.Bind` does).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from gateway.config.carriers import ConnectorConfig, ReceiptMode
from gateway.dispatch.claims import Claims
from gateway.dispatch.holds import HeldInStream
from gateway.dispatch.planning import Planner, WirePlan
from gateway.dispatch.rounds import CALM_SECONDS, Rounds
from gateway.domain.failures import FailureClass
from gateway.domain.lanes import Lane
from gateway.domain.message import MessageState, Progress, Reason
from gateway.domain.pacing import Pacer
from gateway.domain.sharing import shard_of_slot
from gateway.domain.throttling import SlowingEffect
from gateway.session.session import Session
from gateway.smpp.errors import SmppError, TextTooLong
from gateway.store.evidence import Answer, Ending, Evidence, Unsent
from gateway.store.flights import Flight

log = structlog.get_logger("dispatch")

PREFETCH_SECONDS = 0.2
_LEAST_CLAIMED = 32
_MOST_CLAIMED = 4_000
"""Claimed messages in memory at the highest speeds: about 4 MB, and a claim's latency many times over."""

_LARGE_ORDER = 256
"""Intents asked for at one time, above which more would not make each of them cheaper."""

_SHORT_PAUSE_SECONDS = 0.05
"""After a refusal that does not depend on speed: what was sent back is in the queue again by then."""

_ONLY = (0,)
_PER_MESSAGE = ReceiptMode.PER_MESSAGE
"""By a name of the module: to find a member of an Enum takes 65 ns (CPython 3.11), for every message."""

SubmitContext = tuple[Flight, int, datetime]
"""What a session carries for us with each submit: message, part, and when it was handed over."""


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


class _Outgoing:
    """A message whose intent is committed, and the parts still to be submitted."""

    __slots__ = ("flight", "parts", "plan", "session")

    def __init__(self, flight: Flight, plan: WirePlan) -> None:
        self.flight = flight
        self.plan = plan
        states = flight.progress.part_states
        self.parts = deque(_ONLY if len(states) == 1 else _parts_in(states, MessageState.SENDING))
        self.session: Session | None = None


class ConnectorRun:
    """The running state of one connector on this node."""

    def __init__(
        self,
        connector_id: int,
        config: ConnectorConfig,
        *,
        loop: asyncio.AbstractEventLoop,
        rounds: Rounds,
        holds: Holds,
        put_intents: Callable[[Sequence[Flight]], None],
        put_evidence: Callable[[Sequence[Evidence]], None],
        ask_claim: Callable[["ConnectorRun"], None],
        is_store_behind: Callable[[], bool],
    ) -> None:
        self.connector_id = connector_id
        self.config = config
        self.claims = Claims(connector_id)
        self.pacer = Pacer(config.parts_per_second, now=loop.time())
        self.sessions: list[Session] = []
        self.shards: tuple[int, ...] = ()
        self.parts_per_second = 0.0
        """The share of the connector's speed that is this node's; nothing leaves at 0."""
        self.is_stopping = False
        self.submitted_parts = 0
        self.throttled_by = 0
        """The last command_status that asked for less speed."""
        self.waiting = 0
        """Messages whose intent is asked for or committed and that are not wholly submitted."""
        self._loop = loop
        self._rounds = rounds
        self._holds = holds
        self._put_intents = put_intents
        self._put_evidence = put_evidence
        self._ask_claim = ask_claim
        self._is_store_behind = is_store_behind
        self._slowing = SlowingEffect()
        self._planner = Planner(config)
        self._plans: dict[int, WirePlan] = {}
        self._withdrawn: set[int] = set()
        """Messages whose intent is on its way and need not be submitted; all of them are in `_plans`."""
        self._outgoing: tuple[deque[_Outgoing], ...] = tuple(deque() for _ in Lane)
        self._timer: asyncio.TimerHandle | None = None
        self._is_pump_planned = False

    # What others tell.

    def change_config(self, config: ConnectorConfig) -> None:
        """New encoding from a reload; binds and speed are the dispatcher's to change."""
        self.config = config
        self._planner = Planner(config)

    def hold(self, shards: Collection[int]) -> bool:
        """Claim these shards of the queue from now on, and no others; whether they are new."""
        if set(shards) == set(self.shards):
            return False
        self.shards = tuple(sorted(shards))
        self.claims.drop_others(self.shards)
        self.claims.look_again()
        return True

    def offer(self, flight: Flight) -> bool:
        """Send a message that was stored just now without reading it; False where it must be read."""
        stream = self.claims.streams[flight.lane, flight.category]
        is_ours = self.is_up and not self.is_stopping and shard_of_slot(flight.slot) in self.shards
        if not is_ours or len(stream.flights) >= self.most_claimed or not stream.offer(flight):
            return False
        self.plan_pump()
        return True

    def allow(self, parts_per_second: float) -> None:
        """Send no faster than this from now on; nothing at 0."""
        if parts_per_second == self.parts_per_second:
            return
        self.parts_per_second = parts_per_second
        if parts_per_second > 0.0:
            self.pacer.set_limit(parts_per_second)
        if self._timer is not None:
            self._timer.cancel()  # it stands where the next part was due at the speed of before
            self._timer = None
        self.plan_pump()

    def go_on(self) -> None:
        """Answers made room, or intents are committed: what may leave leaves in this very turn of the loop,
        and what comes next is asked for after it. Where parts were ready and had room before, nothing has
        changed: they leave at their time."""
        if self._timer is None:
            self._submit_outgoing()
            self.plan_pump()

    def plan_pump(self) -> None:
        """Pump once at the end of this turn of the loop, however many ask."""
        if not self._is_pump_planned:
            self._is_pump_planned = True
            self._loop.call_soon(self._pump_as_planned)

    def awaits(self, flight: Flight) -> bool:
        """Whether this run has asked for the intent of a message; else it was an earlier run of the
        connector."""
        return flight.id in self._plans

    def on_intended(self, flight: Flight) -> None:
        """Its intent is committed: it may be submitted."""
        self.claims.release(flight)
        plan = self._plans.pop(flight.id)
        if len(plan.bodies) != len(flight.progress.part_states):
            self._give_up(flight)
            return
        entry = _Outgoing(flight, plan)
        self._outgoing[flight.lane - 1].append(entry)
        is_withdrawn = flight.id in self._withdrawn
        self._withdrawn.discard(flight.id)
        if is_withdrawn or not self.is_up or self.is_stopping or self.pacer.is_paused(self._loop.time()):
            self._hand_back([entry])

    def _give_up(self, flight: Flight) -> None:
        """The carrier has some parts of this message, and this connector, or its new settings, would cut the
        text otherwise: the rest would not join with them."""
        log.error("message.cut_changed", connector=self.config.name, id=flight.id)
        self.waiting -= 1
        at = datetime.now(UTC)
        self._put_evidence(
            [
                Answer(
                    flight=flight,
                    part=part,
                    bind_no=0,
                    wanted=MessageState.FAILED,
                    reason=Reason.RETRIES_EXHAUSTED,
                    failure_class=FailureClass.UNKNOWN,
                    command_status=None,
                    carrier_id=None,
                    lookup_id=None,
                    submitted_at=None,
                    at=at,
                )
                for part in _parts_in(flight.progress.part_states, MessageState.SENDING)
            ]
        )

    def on_gone(self, flight: Flight) -> None:
        """It left the queue by another door (cancelled, expired, moved)."""
        self._plans.pop(flight.id, None)
        self._withdrawn.discard(flight.id)
        self.claims.release(flight)
        self.waiting -= 1

    def on_session_closed(self, session: Session) -> None:
        """What this session had begun, and all when none is left, goes back to the queue."""
        if session in self.sessions:
            self.sessions.remove(session)
        entries = [entry for queue in self._outgoing for entry in queue]
        if self.is_up:
            entries = [entry for entry in entries if entry.session is session]
        else:
            self.claims.drop_all()
        self._hand_back(entries)
        self.plan_pump()

    def on_leaving(self, session: Session) -> None:
        """This session takes no more: what it had begun of longer messages goes back, or it would hold up
        whatever is behind it until the last answer has come."""
        self._hand_back([entry for queue in self._outgoing for entry in queue if entry.session is session])
        self.plan_pump()

    def on_unwritten(self, contexts: Sequence[SubmitContext]) -> None:
        """Submits that never reached the kernel, for the lease had run out."""
        at = datetime.now(UTC)
        self._put_evidence([Unsent(flight, (part,), at) for flight, part, _ in contexts])

    def note_answers(self, *, taken: int, throttled: int) -> None:
        """Answers of the carrier, and how many of them asked for less speed."""
        if throttled or self.throttled_by:
            self._slowing.note(
                self.pacer.parts_per_second / self.pacer.limit, taken=taken, throttled=throttled
            )

    def slow_down(self, pause_seconds: float, command_status: int) -> None:
        """The carrier asked for less speed. Messages not begun go back to the queue, so that those it sent
        back leave before them. Where slowing has been in vain, the speed stays."""
        self.throttled_by = command_status
        self._hand_back([entry for queue in self._outgoing for entry in queue if entry.session is None])
        self.claims.drop_all()
        if self._slowing.keeps_speed:
            self.pacer.pause(self._loop.time(), _SHORT_PAUSE_SECONDS)
        else:
            self.pacer.slow_down(self._loop.time(), pause_seconds)

    def recover(self) -> None:
        """Give back speed after throttling; call about once a second."""
        if self.pacer.parts_per_second < self.pacer.limit:
            self.pacer.recover(self._loop.time())
            self.plan_pump()

    def withdraw(self, message_id: int) -> None:
        """A message that is to be sent again was taken after all: it goes back to the queue, where its answer
        finds it, if nothing of it has been submitted anew."""
        if message_id in self._plans:
            self._withdrawn.add(message_id)
        self._hand_back(
            [
                entry
                for queue in self._outgoing
                for entry in queue
                if entry.flight.id == message_id and entry.session is None
            ]
        )

    def stop_message(self, flight: Flight) -> None:
        """A part failed or must wait: the parts after it are not submitted now."""
        for entry in self._outgoing[flight.lane - 1]:
            if entry.flight is flight:
                self._hand_back([entry])
                return

    def hand_back_all(self) -> None:
        """Return every intent that was not written, at a stop."""
        self.is_stopping = True
        self._hand_back([entry for queue in self._outgoing for entry in queue])

    def _hand_back(self, entries: Sequence[_Outgoing]) -> None:
        at = datetime.now(UTC)
        evidence: list[Evidence] = []
        for entry in entries:
            self._outgoing[entry.flight.lane - 1].remove(entry)
            self.waiting -= 1
            if entry.parts:
                evidence.append(Unsent(entry.flight, tuple(entry.parts), at))
        if evidence:
            self._put_evidence(evidence)

    # What others ask.

    @property
    def is_up(self) -> bool:
        return bool(self.sessions)

    @property
    def _sends_tlvs(self) -> bool:
        """Whether every SMSC that we are bound to reads TLVs (quirk 15)."""
        return all(session.sends_tlvs for session in self.sessions)

    @property
    def is_throttled_at_any_speed(self) -> bool:
        """Whether the carrier asks for less speed however slow we are."""
        return self._slowing.is_in_vain

    @property
    def is_paced(self) -> bool:
        """Whether messages are ready, the window has room, and only the speed holds them."""
        return bool(self.room) and any(self._outgoing)

    @property
    def unanswered_seconds(self) -> float:
        """For how long the oldest submit has waited for its answer; 0 when none waits."""
        return max((session.unanswered_seconds for session in self.sessions), default=0.0)

    @property
    def room(self) -> int:
        return sum(session.room for session in self.sessions)

    @property
    def in_flight(self) -> int:
        return sum(session.in_flight for session in self.sessions)

    @property
    def window(self) -> int:
        return sum(session.window_size for session in self.sessions)

    @property
    def most_claimed(self) -> int:
        """One second of speed, within bounds."""
        return max(_LEAST_CLAIMED, min(_MOST_CLAIMED, int(self.pacer.limit)))

    # The flow.

    def pump(self) -> None:
        """Submit what may leave now, then ask for the intents and claims that keep the flow going."""
        self._submit_outgoing()
        self._refill()

    def _pump_as_planned(self) -> None:
        self._is_pump_planned = False
        self.pump()

    def _pump_on_time(self) -> None:
        self._timer = None
        self.pump()

    def _submit_outgoing(self) -> None:
        otp, transactional, bulk = self._outgoing
        if not (otp or transactional or bulk):
            return
        room = self.room
        if not room or not self.parts_per_second:
            return  # answers, or a share of the speed, pump again
        allowed = left = self.pacer.take(self._loop.time(), room)
        submitted_at = datetime.now(UTC)
        while left:
            queue = otp or transactional or bulk
            if not queue:
                break
            if queue[0].plan.tlvs and not self._sends_tlvs:
                self._hand_back([queue[0]])  # a bind without TLVs came up since: it is planned anew
                continue
            sent = self._submit_parts(queue[0], left, submitted_at)
            if not queue[0].parts:
                queue.popleft()
                self.waiting -= 1
            elif not sent:
                break  # the bind that has its first parts is full; order within a message is kept
            left -= sent
        self.submitted_parts += allowed - left
        if left:
            self.pacer.give_back(left)
        if (otp or transactional or bulk) and self.room:
            self._plan_timer()

    def _plan_timer(self) -> None:
        """Pump again when the next part may leave."""
        if self._timer is None:
            self._timer = self._loop.call_at(self._rounds.next_tick(self.pacer.next_at()), self._pump_on_time)

    def _submit_parts(self, entry: _Outgoing, most: int, submitted_at: datetime) -> int:
        """Submit up to `most` parts of one message, all on one bind; returns how many went."""
        session = entry.session
        if session is None:
            session = entry.session = self._roomiest()
        flight, plan = entry.flight, entry.plan
        sent = 0
        while entry.parts and sent < most and session.room:
            part = entry.parts.popleft()
            session.submit(
                (flight, part, submitted_at),
                plan.template,
                plan.destination,
                plan.bodies[part],
                plan.headers[part] if plan.headers else b"",
                plan.tlvs[part] if plan.tlvs else b"",
            )
            sent += 1
        return sent

    def _roomiest(self) -> Session:
        if len(self.sessions) == 1:
            return self.sessions[0]
        return max(self.sessions, key=_room_of)

    def _refill(self) -> None:
        """See that intents and claims keep the flow going. What would be missed soon is asked for at once;
        where there is enough for a while, it waits for the next round of all connectors."""
        if self.is_stopping or not self.sessions or not self.parts_per_second:
            return
        if self.pacer.is_paused(self._loop.time()):
            self._plan_timer()  # what is sent back meanwhile must be claimed again before what is behind it
            return
        otp, transactional, bulk = self._outgoing
        most, wanted = self._count_wanted()
        if wanted > 0 and self.claims.has_waiting(Lane.OTP):
            self._order_intents(wanted)
        elif wanted > 0 and bulk and self.claims.has_waiting(Lane.TRANSACTIONAL):
            self._rounds.join(self)
        elif wanted >= min(most / 4, _LARGE_ORDER):
            if self._lasts(len(otp) + len(transactional) + len(bulk)):
                self._rounds.join(self)
            else:
                self._order_intents(wanted)
        stream = self.claims.next_to_claim(most=self.most_claimed, is_held=self._holds.stops_category)
        if stream is not None:
            if self._lasts(len(stream.flights)):
                self._rounds.join(self)
            else:
                self._ask_claim(self)

    def order(self) -> None:
        """Ask for all intents that window and prefetch allow, and for claims."""
        if self.is_stopping or not self.sessions or not self.parts_per_second:
            return
        if self.pacer.is_paused(self._loop.time()):
            return
        _, wanted = self._count_wanted()
        if wanted > 0:
            self._order_intents(wanted)
        self._ask_claim(self)

    def _count_wanted(self) -> tuple[int, int]:
        """How many messages window and prefetch allow to be intended or on the way there, and how many of
        them are missing. Of a window that is wide for the speed only what the next moment fills: intents
        cannot be paused."""
        soon = int(self.pacer.parts_per_second * PREFETCH_SECONDS) + 1
        most = min(self.room, soon) + min(self.window, soon)
        return most, most - self.waiting

    def _lasts(self, messages: int) -> bool:
        """Whether so many messages are enough until a round has come and gone."""
        return messages >= self.pacer.parts_per_second * CALM_SECONDS

    def _order_intents(self, wanted: int) -> None:
        """While the store is behind only one-time passwords go on: more than it can take would just make
        memory grow. Commits pump again. More than a large order is cut into several, for a thousand messages
        are planned in 10 ms, in which nothing else is done."""
        flights = self.claims.take(
            min(wanted, _LARGE_ORDER), is_held=self._holds.stops_category, only_urgent=self._is_store_behind()
        )
        if flights:
            self._intend(flights)
        if wanted > len(flights) == _LARGE_ORDER:
            self.plan_pump()

    def _intend(self, flights: list[Flight]) -> None:
        now = datetime.now(UTC)
        ready: list[Flight] = []
        endings: list[Evidence] = []
        for flight in flights:
            if flight.expires_at <= now:
                self.claims.release(flight)
                endings.append(_end(flight, MessageState.EXPIRED, Reason.VALIDITY_PASSED))
            elif self._holds.stops_shop(flight.shop_id, flight.category) or self._holds.stops_campaign(
                flight.campaign_id
            ):
                self.claims.release(flight)  # read again when the hold ends
            elif isinstance(plan := self._plan(flight, now), Reason):
                self.claims.release(flight)
                endings.append(_end(flight, MessageState.BLOCKED, plan))
            else:
                self._plans[flight.id] = plan
                ready.append(flight)
        if endings:
            self._put_evidence(endings)
        if ready:
            self.waiting += len(ready)
            self._put_intents(ready)

    def _plan(self, flight: Flight, now: datetime) -> WirePlan | Reason:
        """The PDUs of a message, or why it cannot be sent here. Nothing of it has left then."""
        if flight.to_address is None or (flight.text is None and flight.body is None):
            return Reason.CONTENT_ERASED
        sends_tlvs = not self._planner.needs_tlvs or self._sends_tlvs
        try:
            plan = self._planner.plan(flight, now=now, sends_tlvs=sends_tlvs)
        except TextTooLong as exc:
            log.warning("message.too_long", connector=self.config.name, id=flight.id, fault=str(exc))
            return Reason.TOO_MANY_PARTS
        except SmppError as exc:
            log.error("message.unsendable", connector=self.config.name, id=flight.id, fault=str(exc))
            return Reason.NOT_SENDABLE
        flight.forget_content()
        flight.receipt_per_message = self.config.receipts is _PER_MESSAGE
        pdus = len(plan.bodies)
        if pdus != flight.parts:
            progress = flight.progress
            flight.progress = Progress(progress.state, progress.entered, bytes((MessageState.QUEUED,)) * pdus)
        return plan


def hand_back(flight: Flight, at: datetime) -> Evidence:
    """That nothing of a message's committed intent was submitted."""
    return Unsent(flight, tuple(_parts_in(flight.progress.part_states, MessageState.SENDING)), at)


def _parts_in(states: bytes, state: MessageState) -> list[int]:
    return [part for part, held in enumerate(states) if held == state]


def _room_of(session: Session) -> int:
    return session.room


def _end(flight: Flight, state: MessageState, reason: Reason) -> Ending:
    return Ending(flight.shop_id, flight.id, flight.slot, state, reason)

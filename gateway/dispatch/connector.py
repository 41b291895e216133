"""One connector at work: what its queue gives is submitted, evenly and in lane order.

Owns the flow and its bounds: claimed ≤ 1 s of speed, submits as the pacer and the window allow. What is asked
of the store is `ordering`'s to say; judges no answer (`answers`), opens no connection (`session.Bind`).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter

import structlog

from gateway.config.carriers import ConnectorConfig
from gateway.dispatch.claims import Claims
from gateway.dispatch.ordering import Flow, Holds, Ordering
from gateway.dispatch.outgoing import Outgoing, OutgoingLanes, give_up
from gateway.dispatch.rounds import Rounds
from gateway.domain.lanes import Lane
from gateway.domain.pacing import Pacer, spread_phase
from gateway.domain.sharing import shard_of_slot
from gateway.domain.throttling import SlowingEffect
from gateway.session.session import Session
from gateway.store.evidence import Evidence, Unsent
from gateway.store.flights import Flight

log = structlog.get_logger("dispatch")

_LEAST_CLAIMED = 32
_MOST_CLAIMED = 4_000
"""Claimed messages in memory at the highest speeds: about 4 MB, and a claim's latency many times over."""

_SHORT_PAUSE_SECONDS = 0.05
"""After a refusal that does not depend on speed: what was sent back is in the queue again by then."""

SubmitContext = tuple[Flight, int, datetime]
"""What a session carries for us with each submit: message, part, and when it was handed over."""


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
        self.pacer = Pacer(config.parts_per_second, now=loop.time(), phase=spread_phase(connector_id))
        self.sessions: list[Session] = []
        self.shards: tuple[int, ...] = ()
        self.parts_per_second = 0.0
        """The share of the connector's speed that is this node's; nothing leaves at 0."""
        self.is_stopping = False
        self.submitted_parts = 0
        self.throttled_by = 0
        """The last command_status that asked for less speed."""
        self._loop = loop
        self._rounds = rounds
        self._put_intents = put_intents
        self._put_evidence = put_evidence
        self._slowing = SlowingEffect()
        self._ordering = Ordering(
            config,
            self.claims,
            holds=holds,
            join_round=lambda: rounds.join(self),
            ask_claim=lambda: rounds.with_round(lambda: ask_claim(self)),
            pump_again=self.plan_pump,
            sends_tlvs=self._sends_tlvs,
            put_intents=self._ask_intents,
            put_evidence=put_evidence,
            is_store_behind=is_store_behind,
        )
        self._outgoing = OutgoingLanes()
        self._timer: asyncio.TimerHandle | None = None
        self._is_pump_planned = False

    # What others tell.

    def change_config(self, config: ConnectorConfig) -> None:
        """New encoding from a reload; binds and speed are the dispatcher's to change."""
        self.config = config
        self._ordering.change_config(config)

    def hold(self, shards: Collection[int]) -> bool:
        """Claim these shards of the queue from now on, and no others; whether they are new."""
        if set(shards) == set(self.shards):
            return False
        self.shards = tuple(sorted(shards))
        self.claims.drop_others(self.shards)
        self.claims.look_again()
        return True

    def offer(self, flight: Flight) -> bool:
        """Take a message that was stored just now without reading it; False where it must be read."""
        stream = self.claims.streams[flight.lane, flight.category]
        is_ours = self.is_up and not self.is_stopping and shard_of_slot(flight.slot) in self.shards
        return is_ours and len(stream.flights) < self.most_claimed and stream.offer(flight)

    def begin_offered(self) -> None:
        """Go on with what was offered: passwords that have room are asked for in this very turn of the
        loop, the others as soon as there is some."""
        if self._may_order and not self.pacer.is_paused(self._loop.time()):
            self._ordering.order_urgent(self._flow)
        self.plan_pump()

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
        """Answers made room, or intents are committed: what may leave is written in this very turn of the
        loop, and what comes next is asked for after it. Where parts were ready and had room before, nothing
        has changed: they leave at their time."""
        if self._timer is None:
            self._submit_outgoing()
            for session in tuple(self.sessions):  # one that finds itself lost leaves the list
                session.write_now()
            self.plan_pump()

    def plan_pump(self) -> None:
        """Pump once at the end of this turn of the loop, however many ask."""
        if not self._is_pump_planned:
            self._is_pump_planned = True
            self._loop.call_soon(self._pump_as_planned)

    def awaits(self, flight: Flight) -> bool:
        """Whether this run has asked for the intent of a message; else it was an earlier run of the
        connector."""
        return self._ordering.awaits(flight)

    def on_intended(self, flight: Flight) -> None:
        """Its intent is committed: it may be submitted."""
        plan, is_withdrawn = self._ordering.settle(flight)
        if len(plan.bodies) != len(flight.progress.part_states):
            self._give_up(flight)
            return
        entry = Outgoing(flight, plan)
        self._outgoing.put(entry)
        if is_withdrawn or not self.is_up or self.is_stopping or self.pacer.is_paused(self._loop.time()):
            self._hand_back([entry])

    def _give_up(self, flight: Flight) -> None:
        """The carrier has some parts of this message, and this connector, or its new settings, would cut the
        text otherwise: the rest would not join with them."""
        log.error("message.cut_changed", connector=self.config.name, id=flight.id)
        self._put_evidence(give_up(flight, datetime.now(UTC)))

    def on_gone(self, flight: Flight) -> None:
        """It left the queue by another door (cancelled, expired, moved)."""
        self._ordering.forget(flight)

    def on_session_closed(self, session: Session) -> None:
        """What this session had begun, and all when none is left, goes back to the queue."""
        if session in self.sessions:
            self.sessions.remove(session)
        if self.is_up:
            self.on_leaving(session)
            return
        self.claims.drop_all()
        self._hand_back(self._outgoing)
        self.plan_pump()

    def on_leaving(self, session: Session) -> None:
        """This session takes no more: what it had begun of longer messages goes back, or it would hold up
        whatever is behind it until the last answer has come."""
        self._hand_back(entry for entry in self._outgoing if entry.session is session)
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
        self._hand_back(entry for entry in self._outgoing if entry.session is None)
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
        self._ordering.withdraw(message_id)
        self._hand_back(
            entry for entry in self._outgoing if entry.flight.id == message_id and entry.session is None
        )

    def stop_message(self, flight: Flight) -> None:
        """A part failed or must wait: the parts after it are not submitted now."""
        if entry := self._outgoing.find(flight):
            self._hand_back([entry])

    def hand_back_all(self) -> None:
        """Return every intent that was not written, at a stop."""
        self.is_stopping = True
        self._hand_back(self._outgoing)

    def _hand_back(self, entries: Iterable[Outgoing]) -> None:
        if unsent := self._outgoing.take_back(entries, datetime.now(UTC)):
            self._put_evidence(unsent)

    # What others ask.

    @property
    def is_up(self) -> bool:
        return bool(self.sessions)

    @property
    def waiting(self) -> int:
        """Messages whose intent is asked for or committed and that are not wholly submitted."""
        return self._ordering.unsettled + len(self._outgoing)

    @property
    def is_throttled_at_any_speed(self) -> bool:
        """Whether the carrier asks for less speed however slow we are."""
        return self._slowing.is_in_vain

    @property
    def is_paced(self) -> bool:
        """Whether messages are ready, the window has room, and only the speed holds them."""
        return bool(self.room and self._outgoing)

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
        otp, transactional, bulk = self._outgoing.lanes
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
            if queue[0].plan.tlvs and not self._sends_tlvs():
                self._hand_back([queue[0]])  # a bind without TLVs came up since: it is planned anew
                continue
            sent = self._submit_parts(queue[0], left, submitted_at)
            if not queue[0].parts:
                queue.popleft()
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

    def _submit_parts(self, entry: Outgoing, most: int, submitted_at: datetime) -> int:
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
        return max(self.sessions, key=attrgetter("room"))

    def _sends_tlvs(self) -> bool:
        """Whether every SMSC that we are bound to reads TLVs (quirk 15)."""
        return all(session.sends_tlvs for session in self.sessions)

    def _refill(self) -> None:
        """See that what leaves is followed by more."""
        if not self._may_order:
            return
        if self.pacer.is_paused(self._loop.time()):
            self._plan_timer()  # what is sent back meanwhile must be claimed again before what is behind it
            return
        self._ordering.refill(self._flow)

    def _ask_intents(self, flights: Sequence[Flight]) -> None:
        """Together with the others of the round that is under way, but one-time passwords at once: a round
        of 200 connectors is eight turns of the loop."""
        if flights[0].lane == Lane.OTP:
            self._put_intents(flights)
        else:
            self._rounds.with_round(lambda: self._put_intents(flights))

    def order(self) -> None:
        """Ask for everything that is wanted: the round has come that was joined."""
        if self._may_order and not self.pacer.is_paused(self._loop.time()):
            self._ordering.order(self._flow)

    @property
    def _may_order(self) -> bool:
        return bool(self.sessions and self.parts_per_second) and not self.is_stopping

    @property
    def _flow(self) -> Flow:
        return Flow(
            parts_per_second=self.pacer.parts_per_second,
            room=self.room,
            window=self.window,
            ready=len(self._outgoing),
            is_bulk_ready=bool(self._outgoing.lanes[-1]),
            most_claimed=self.most_claimed,
        )

"""The binds of one examination: finds a form in which they bind, brings them back, puts messages on them.

Every PDU is made by the server's own planner and every bind by the server's own settings, so that what is
proposed is what a server will do. Refuses to know what the messages are for.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from types import MappingProxyType
from typing import Final

from gateway.config.carriers import ConnectorConfig
from gateway.dispatch.binding import bind_settings, modes_of
from gateway.dispatch.planning import Planner
from gateway.doctor.errors import NoBind
from gateway.doctor.evidence import BindSeen
from gateway.doctor.plan import Changes, Probe, Purpose, next_bind_form, with_changes
from gateway.doctor.recording import Ear, Sent, Tape
from gateway.domain.message import accepted
from gateway.session.backoff import Backoff, Delay, FailureKind
from gateway.session.bind import Bind, BindMode, BindPhase, BindSettings, BindState
from gateway.session.session import Session
from gateway.smpp.timers import TimerSettings
from gateway.store.flights import Flight

_WINDOW: Final = 100
"""Above every burst, so that the carrier's window shows and not ours."""
_VALIDITY: Final = timedelta(hours=1)
_BACK_SECONDS: Final = 20.0
"""Wait for a bind that was lost to come back."""
_BILLED_PARTS: Final = {Purpose.LONG: 2}
"""Of a text that leaves in one submit, because the carrier cuts it."""
_PAUSE_SECONDS: Final = 0.3
"""Between a refused bind and the next try."""
_DELAYS: Final[Mapping[FailureKind, Delay]] = MappingProxyType({kind: Delay(1, 5) for kind in FailureKind})
"""A person waits: sooner back than a server, and never more than five times a minute or so."""


class Line:
    """One carrier account, bound for an examination. `open` first; `aclose` in any case."""

    def __init__(
        self,
        config: ConnectorConfig,
        tape: Tape,
        *,
        destination: str,
        country: str,
        random: Random,
        answer_seconds: float,
        link_seconds: float,
    ) -> None:
        """`answer_seconds` is the wait for an answer to a submit, `link_seconds` the silence after which
        the link is tested."""
        self.config = config
        self.binds_seen: list[BindSeen] = []
        self._tape = tape
        self._destination = destination
        self._country = country
        self._random = random
        self._answer_seconds = answer_seconds
        self._link_seconds = link_seconds
        self._binds: list[tuple[Bind, Ear]] = []
        self._planners: dict[tuple[tuple[str, object], ...], Planner] = {}

    # Binding.

    async def open(self) -> Changes:
        """Bind, in another form where the configured one is refused; return the settings that this took.

        A second bind is tried where the configuration asks for more than one. Raises `NoBind`.
        """
        changes: Changes = {}
        tried: list[Changes] = [changes]
        while not await self._bind_all(with_changes(self.config, changes)):
            last = self.binds_seen[-1]
            following = next_bind_form(self.config, changes, last.command_status, tried)
            if following is None:
                raise NoBind(last.error or "the bind was refused", last.command_status)
            changes = following
            tried.append(changes)
            await asyncio.sleep(_PAUSE_SECONDS)
        if self.config.binds > 1:
            await self._bind_all(with_changes(self.config, changes))
        self.config = with_changes(self.config, changes)
        return changes

    async def aclose(self) -> None:
        """Unbind in order."""
        binds, self._binds = self._binds, []
        await asyncio.gather(*(bind.aclose(drain_seconds=1.0) for bind, _ in binds))

    async def _bind_all(self, config: ConnectorConfig) -> bool:
        """One bind, or the pair; all of it or nothing."""
        opened: list[tuple[Bind, Ear]] = []
        for mode in modes_of(config):
            ear = Ear(self._tape, len(self._binds) + len(opened) + 1, mode)
            bind, seen = await self._bind(bind_settings(config, mode, bind_no=1), ear)
            self.binds_seen.append(seen)
            if not seen.is_bound:
                await bind.aclose(drain_seconds=0)
                await asyncio.gather(*(each.aclose(drain_seconds=0) for each, _ in opened))
                return False
            opened.append((bind, ear))
        self._binds.extend(opened)
        return True

    async def _bind(self, settings: BindSettings, ear: Ear) -> tuple[Bind, BindSeen]:
        """Start one bind and wait until it is bound or refused; time-outs of the settings bound the wait."""
        begun_at = self._tape.clock()
        decided = asyncio.Event()

        def look(bind: Bind, state: BindState) -> None:
            if state.phase in (BindPhase.BOUND, BindPhase.BACKING_OFF, BindPhase.DOWN):
                decided.set()
            self._tape.tell()

        bind = Bind(
            self._hasten(settings),
            ear,
            random=self._random,
            trace_for=ear.trace_for_session,
            on_state=look,
            backoff=Backoff(self._random, _DELAYS),
        )
        bind.start()
        await decided.wait()
        answer = ear.bind_answer
        return bind, BindSeen(
            mode=ear.mode.value,
            stated_version=settings.interface_version,
            command_status=answer.command_status,
            error=bind.state.last_error,
            seconds=self._tape.clock() - begun_at,
            smsc_name=answer.smsc_name,
            smsc_version=answer.smsc_version,
        )

    def _hasten(self, settings: BindSettings) -> BindSettings:
        """The server's settings, but for a wide window and waits that suit a person who looks on."""
        timers = TimerSettings(
            session_init_seconds=settings.session.timers.session_init_seconds,
            enquire_link_seconds=self._link_seconds,
            enquire_link_timeout_seconds=self._answer_seconds,
        )
        session = replace(
            settings.session,
            window=_WINDOW,
            response_timeout_seconds=self._answer_seconds,
            timers=timers,
        )
        return replace(settings, session=session, failback_seconds=0)

    # Sending.

    async def sending_bind(self) -> tuple[Session, Ear]:
        """A bind that can send, as soon as there is one. Raises `NoBind` after 20 s without."""
        if not await self._tape.until(lambda: self._find_room() is not None, seconds=_BACK_SECONDS):
            state = self._binds[0][0].state if self._binds else None
            reason = (state and state.last_error) or "the carrier gave no reason"
            raise NoBind(f"the bind was lost and did not come back within {_BACK_SECONDS:g} s: {reason}")
        found = self._find_room()
        assert found is not None, "nothing was awaited since it was there"
        return found

    def _find_room(self) -> tuple[Session, Ear] | None:
        for bind, ear in self._binds:
            if ear.mode is not BindMode.RECEIVER and bind.session is not None and bind.session.room:
                return bind.session, ear
        return None

    async def rebind(self) -> None:
        """Cut the sessions that send: the carrier says that they are not bound (0x04, quirk 22)."""
        for bind, ear in self._binds:
            if ear.mode is not BindMode.RECEIVER and bind.session is not None:
                bind.session.abort("the carrier answered 0x04: it does not know this session as bound")
        await asyncio.sleep(0)  # so that the session is seen as gone before the next one is awaited

    async def submit(self, probe: Probe, changes: Changes, *, part: int = 0) -> Sent:
        """Put one part of `probe` on the line, written under the configuration with `changes`.

        `bills` of what comes back says what the part costs. Raises `NoBind`, and errors of `gateway.smpp`
        for a text or a sender that no PDU can carry.
        """
        session, ear = await self.sending_bind()
        planner = self._planner(changes)
        plan = planner.plan(self._flight(probe), now=self._tape.now(), sends_tlvs=session.sends_tlvs)
        sent = Sent(
            probe=probe,
            part=part,
            parts=len(plan.bodies),
            bills=_BILLED_PARTS.get(probe.purpose, 1) if len(plan.bodies) == 1 else 1,
            bind_no=ear.bind_no,
            session_no=ear.session_no,
            at=self._tape.clock(),
            wall_at=self._tape.now(),
            body=plan.bodies[part],
            changes=changes,
        )
        sent.sequence_number = session.submit(
            sent,
            plan.template,
            plan.destination,
            plan.bodies[part],
            plan.headers[part] if plan.headers else b"",
            plan.tlvs[part] if plan.tlvs else b"",
        )
        self._tape.sent.append(sent)
        return sent

    async def answered(self, *sent: Sent) -> None:
        """Wait until each is answered, or will not be."""
        await self._tape.until(
            lambda: all(each.is_settled for each in sent), seconds=2 * self._answer_seconds
        )

    def _planner(self, changes: Changes) -> Planner:
        key = tuple(changes.items())
        if key not in self._planners:
            self._planners[key] = Planner(with_changes(self.config, changes))
        return self._planners[key]

    def _flight(self, probe: Probe) -> Flight:
        """The message as the server knows one; only its addresses, text and end are asked for."""
        return Flight(
            shop_id=0,
            id=probe.number,
            slot=0,
            connector_id=0,
            accepted_connector_id=0,
            lane=0,
            category=0,
            attempt=0,
            refusals=0,
            progress=accepted(1, scheduled=False),
            expires_at=self._tape.now() + _VALIDITY,
            parts=1,
            cost_micros=0,
            country=self._country,
            currency="",
            campaign_id=None,
            contact_id=None,
            is_sensitive=False,
            is_test=True,
            wants_events=False,
            has_webhook_url=False,
            to_address=self._destination,
            from_address=probe.sender,
            text=probe.text,
            body=None,
        )

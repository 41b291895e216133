"""The binds of one connector: started, watched, stopped, and what their sessions tell passed on.

Owns bind numbers and states. Turns session callbacks into evidence through the connector's judge and reader;
acknowledges nothing by itself.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Protocol, cast

import structlog

from gateway.config.carriers import ConnectorConfig
from gateway.dispatch.answers import AnswerJudge
from gateway.dispatch.binding import bind_settings, modes_of
from gateway.dispatch.connector import ConnectorRun, SubmitContext
from gateway.dispatch.deliveries import Acknowledge, DeliveryReader
from gateway.dispatch.seldom import Seldom
from gateway.dispatch.trace_desk import TraceDesk
from gateway.domain.message import MessageState
from gateway.session.bind import Bind, BindMode, BindPhase, BindState
from gateway.session.owner import Answer, CloseReason, Request, SessionOwner
from gateway.session.session import Session
from gateway.smpp.errors import BadPdu, SmppError
from gateway.smpp.pdus import AlertNotification, DataSm, DataSmResp, DeliverSm, Pdu
from gateway.smpp.statuses import CommandStatus, name_status
from gateway.store.evidence import Evidence, ReceiptSeen

log = structlog.get_logger("dispatch")


CallLater = Callable[..., object]
"""(seconds, work, *arguments), as a loop has it."""


class EvidenceSink(Protocol):
    """Where evidence goes; the outcome writer."""

    def put_many(self, evidence: Sequence[Evidence]) -> None: ...

    @property
    def backlog(self) -> int: ...

    @property
    def is_away(self) -> bool: ...


_CUT_SECONDS = 1.0
_GUESS_SECONDS = 1.0
_REFUSAL_SECONDS = 0.2

BACKLOG_CAP = 20_000
"""Evidence waiting to be stored beyond which deliver_sm is refused for now (quirk 64): the carrier keeps it
and sends it again. Answers are never refused; the window bounds them."""
LARGE_BACKLOG_CAP = 1_000
LARGE_OCTETS = 4_096
"""Beyond so many that wait, a delivery with larger TLVs than this is refused for now as well: the cap counts
items, and 20,000 payloads of 64 KiB would be 1.3 GB."""


@dataclass(frozen=True, slots=True)
class BindReport:
    """A bind as an operator sees it."""

    bind_no: int
    mode: BindMode
    state: BindState
    window: int
    in_flight: int
    submitted: int
    bad_pdus: int
    late_answers: int = 0
    stray_responses: int = 0
    sends_tlvs: bool = False
    """Whether the carrier may be sent TLVs, by what both sides said when they bound."""
    history: tuple[BindState, ...] = ()
    """The last changes, newest first."""


class Connections:
    """The binds of one connector on this node."""

    def __init__(
        self,
        run: ConnectorRun,
        config: ConnectorConfig,
        *,
        judge: AnswerJudge,
        reader: DeliveryReader,
        sink: EvidenceSink,
        random: Random,
        may_write: Callable[[], bool],
        on_state: Callable[[ConnectorRun, int, BindMode, BindState], None],
        trace: TraceDesk,
    ) -> None:
        self.run = run
        self.judge = judge
        self.reader = reader
        self.sink = sink
        self._binds: list[tuple[int, BindMode, Bind]] = []
        self._config = config
        self._random = random
        self._may_write = may_write
        self._on_state = on_state
        self._trace = trace

    def hold(self, bind_nos: Collection[int]) -> None:
        """Begin to keep up those of these binds that are not kept up yet."""
        for bind_no in sorted(set(bind_nos) - self.bind_nos):
            for mode in modes_of(self._config):
                bind = Bind(
                    bind_settings(self._config, mode, bind_no=bind_no),
                    _BindOwner(self, bind_no),
                    random=self._random,
                    may_write=self._may_write,
                    trace_for=self._trace.tracer(self.run.connector_id, bind_no, mode.value),
                    on_state=self._reporter(bind_no, mode),
                )
                self._binds.append((bind_no, mode, bind))
                bind.start()
        self._binds.sort(key=_place_of)

    async def give_up(self, bind_nos: Collection[int], *, drain_seconds: float) -> None:
        """Unbind these for good; messages go on over the others. What they had begun is awaited up to
        `drain_seconds`."""
        leaving = [entry for entry in self._binds if entry[0] in bind_nos]
        closing = asyncio.gather(*(bind.aclose(drain_seconds=drain_seconds) for _, _, bind in leaving))
        await asyncio.sleep(0)  # from here on they take nothing more
        for _, _, bind in leaving:
            if bind.session is not None:
                self.run.on_leaving(bind.session)
        await closing
        self._binds = [entry for entry in self._binds if entry[0] not in bind_nos]

    @property
    def bind_nos(self) -> frozenset[int]:
        """The binds that are kept up, or are just being given up."""
        return frozenset(bind_no for bind_no, _, _ in self._binds)

    def _reporter(self, bind_no: int, mode: BindMode) -> Callable[[Bind, BindState], None]:
        def report(_: Bind, state: BindState) -> None:
            self._on_state(self.run, bind_no, mode, state)

        return report

    def change_config(self, config: ConnectorConfig) -> None:
        """New settings that need no new binds."""
        self._config = config
        self._change_window(config.window)

    def _change_window(self, window: int) -> None:
        """Let so many submits await their answer on each bind from now on; a session that has more out just
        sends none until there is room."""
        for _, _, bind in self._binds:
            bind.settings = replace(bind.settings, session=replace(bind.settings.session, window=window))
            if bind.session is not None:
                bind.session.window_size = window
        self.run.plan_pump()

    def retry_now(self) -> None:
        """End the waits between attempts of binds that are down."""
        for _, _, bind in self._binds:
            bind.retry_now()

    async def aclose(self, *, drain_seconds: float) -> None:
        """Unbind all at once: intents not written go back, answers are awaited up to `drain_seconds`."""
        self.run.hand_back_all()
        await asyncio.gather(*(bind.aclose(drain_seconds=drain_seconds) for _, _, bind in self._binds))

    async def cut(self) -> None:
        """Unbind at once; whoever does not answer within a second is hung up on."""
        closing = [asyncio.create_task(bind.aclose(drain_seconds=0.0)) for _, _, bind in self._binds]
        if not closing:
            return
        await asyncio.wait(closing, timeout=_CUT_SECONDS)
        for _, _, bind in self._binds:
            if bind.session is not None:
                bind.session.abort("this node ends")
        await asyncio.wait(closing, timeout=_CUT_SECONDS)
        self._binds.clear()

    def report(self) -> list[BindReport]:
        reports = []
        for bind_no, mode, bind in self._binds:
            session = bind.session
            reports.append(
                BindReport(
                    bind_no=bind_no,
                    mode=mode,
                    state=bind.state,
                    window=bind.settings.session.window,
                    in_flight=session.in_flight if session is not None else 0,
                    submitted=session.counters.requests_sent if session is not None else 0,
                    bad_pdus=session.counters.bad_pdus if session is not None else 0,
                    late_answers=session.counters.late_answers if session is not None else 0,
                    stray_responses=session.counters.stray_responses if session is not None else 0,
                    sends_tlvs=session is not None and session.sends_tlvs,
                    history=bind.history,
                )
            )
        return reports

    def is_bound(self) -> bool:
        return any(bind.state.phase is BindPhase.BOUND for _, _, bind in self._binds)

    def list_sending(self) -> frozenset[int]:
        """The binds over which messages can leave now."""
        return frozenset(
            bind_no
            for bind_no, mode, bind in self._binds
            if mode is not BindMode.RECEIVER and bind.state.phase is BindPhase.BOUND
        )


def _place_of(entry: tuple[int, BindMode, Bind]) -> tuple[int, str]:
    return (entry[0], entry[1].value)


class _BindOwner(SessionOwner):
    """What one bind's sessions tell."""

    def __init__(
        self,
        connections: Connections,
        bind_no: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        call_later: CallLater | None = None,
    ) -> None:
        self._connections = connections
        self._call_later = call_later or _call_later
        self._run = connections.run
        self._bind_no = bind_no
        self._bad_pdus = Seldom(monotonic)
        self._refusals = Seldom(monotonic)
        self._alerts = Seldom(monotonic)

    def on_bound(self, session: Session, pdu: Pdu) -> None:
        if session.room:
            self._run.sessions.append(session)
            self._run.plan_pump()

    def on_answers(self, session: Session, answers: list[Answer]) -> None:
        judged = self._connections.judge.judge(answers, self._bind_no, datetime.now(UTC))
        run = self._run
        run.note_answers(taken=len(answers) - judged.throttled, throttled=judged.throttled)
        if judged.throttled:
            run.slow_down(judged.pause_seconds, judged.last_status)
        for flight in judged.stopped:
            run.stop_message(flight)
        self._connections.sink.put_many(judged.evidence)
        if judged.must_rebind:
            log.warning("bind.not_bound", connector=run.config.name, bind=self._bind_no)
            session.leave(f"the carrier says it is not bound: {name_status(judged.last_status)}")
        run.go_on()

    def on_late_answers(self, session: Session, answers: list[Answer]) -> None:
        evidence = self._connections.judge.judge_late(answers, datetime.now(UTC))
        for item in evidence:
            if item.wanted is MessageState.SENT:
                self._run.withdraw(item.flight.id)  # its way back to the queue is told before the answer
        self._connections.sink.put_many(evidence)

    def on_timeouts(self, session: Session, contexts: list[object]) -> None:
        log.warning(
            "submit.unanswered", connector=self._run.config.name, bind=self._bind_no, parts=len(contexts)
        )
        self._put_silence(contexts)
        self._run.plan_pump()

    def on_requests(self, session: Session, requests: list[Request]) -> None:
        sink = self._connections.sink
        if sink.is_away or sink.backlog > BACKLOG_CAP:
            self._refuse_for_now(session, requests)
            return
        if sink.backlog > LARGE_BACKLOG_CAP:
            requests = self._refuse_large(session, requests)
        at = datetime.now(UTC)
        reader = self._connections.reader
        evidence: list[Evidence] = []
        for sequence_number, pdu in requests:
            if type(pdu) is DeliverSm or type(pdu) is DataSm:
                acknowledge = Acknowledge(session, sequence_number, type(pdu) is DataSm)
                try:
                    seen = reader.read(pdu, acknowledge, at)
                except SmppError as exc:
                    log.warning("delivery.unreadable", connector=self._run.config.name, fault=str(exc))
                    answer_delivery([acknowledge], CommandStatus.ESME_RSYSERR.value)
                    continue
                if type(seen) is ReceiptSeen and seen.otherwise is not None and self._run.in_flight:
                    self._put_after_answers(seen)
                else:
                    evidence.append(seen)
            elif isinstance(pdu, AlertNotification) and (times := self._alerts.note()):
                log.info("alert.received", connector=self._run.config.name, bind=self._bind_no, times=times)
        if evidence:
            sink.put_many(evidence)

    def _put_after_answers(self, seen: ReceiptSeen) -> None:
        """What may be a receipt or a text is told by its id, and the answer that brings the id may be on its
        way still: judge it a moment later. The carrier's window bounds how many wait."""
        self._call_later(_GUESS_SECONDS, self._connections.sink.put_many, [seen])

    def on_room(self, session: Session) -> None:
        self._run.plan_pump()

    def on_unwritten(self, session: Session, contexts: list[object]) -> None:
        self._run.on_unwritten(cast(list[SubmitContext], contexts))

    def on_bad_pdu(self, session: Session, raw: bytes, error: BadPdu) -> None:
        if times := self._bad_pdus.note():
            log.warning(
                "pdu.bad",
                connector=self._run.config.name,
                bind=self._bind_no,
                times=times,
                fault=str(error),
            )

    def on_closed(self, session: Session, reason: CloseReason, unanswered: list[object]) -> None:
        if unanswered:
            log.warning(
                "submit.unknown", connector=self._run.config.name, bind=self._bind_no, parts=len(unanswered)
            )
            self._put_silence(unanswered)
        self._run.on_session_closed(session)

    def _put_silence(self, contexts: list[object]) -> None:
        """Without an answer the outcome is unknown; parts of the message not yet submitted go back to the
        queue."""
        typed = cast(list[SubmitContext], contexts)
        for flight, _, _ in typed:
            if len(flight.progress.part_states) > 1 and not flight.is_stopped:
                flight.is_stopped = True
                self._run.stop_message(flight)
        self._connections.sink.put_many(
            self._connections.judge.judge_silence(typed, self._bind_no, datetime.now(UTC))
        )

    def _refuse_large(self, session: Session, requests: list[Request]) -> list[Request]:
        """Those that are small; the rest comes again when less waits."""
        small: list[Request] = []
        large: list[Request] = []
        for request in requests:
            (large if _count_octets(request[1]) > LARGE_OCTETS else small).append(request)
        if large:
            self._refuse_for_now(session, large)
        return small

    def _refuse_for_now(self, session: Session, requests: list[Request]) -> None:
        """The store cannot take it: a temporary refusal makes the carrier send it again (quirk 64)."""
        waiting = [
            Acknowledge(session, sequence_number, isinstance(pdu, DataSm))
            for sequence_number, pdu in requests
            if isinstance(pdu, DeliverSm | DataSm)
        ]
        if pdus := self._refusals.note(len(waiting)):
            log.warning("delivery.refused", connector=self._run.config.name, bind=self._bind_no, pdus=pdus)
        # A carrier that repeats at once would otherwise keep both sides busy with nothing else.
        self._call_later(_REFUSAL_SECONDS, answer_delivery, waiting, CommandStatus.ESME_RX_T_APPN.value)


def _count_octets(pdu: Pdu) -> int:
    """Those of its TLVs, which may hold 64 KiB each; short_message holds 254."""
    return sum(len(value) for _, value in pdu.tlvs) if isinstance(pdu, DeliverSm | DataSm) else 0


def _call_later(seconds: float, work: Callable[..., None], *arguments: object) -> object:
    return asyncio.get_running_loop().call_later(seconds, work, *arguments)


def answer_delivery(acknowledgements: Sequence[Acknowledge], command_status: int) -> None:
    """Answer deliver_sm and data_sm, one call for each session. On a closed session nothing happens: the
    carrier sends again and the repeat is recognised."""
    by_session: dict[Session, list[int]] = {}
    for acknowledge in acknowledgements:
        if acknowledge.is_data_sm:
            response = DataSmResp(sequence_number=acknowledge.sequence_number, command_status=command_status)
            acknowledge.session.answer(response)
        else:
            by_session.setdefault(acknowledge.session, []).append(acknowledge.sequence_number)
    for session, sequence_numbers in by_session.items():
        session.acknowledge_deliveries(sequence_numbers, command_status)

"""The SMSC behind the sessions: judges binds, takes and answers submits. What goes out is `desk.py`'s.

Owns the order of things. Refuses to know listeners and timers: it is told the time and
says when it wants to be called again. No task or future per message.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from gateway.session.owner import Answer, CloseKind, CloseReason, Request, SessionOwner
from gateway.session.session import Session
from gateway.simulator.acceptance import Acceptance
from gateway.simulator.addresses import NumberForm
from gateway.simulator.agenda import Agenda
from gateway.simulator.behaviour import Behaviour, Verdict
from gateway.simulator.desk import DeliveryDesk, pick_deliveries
from gateway.simulator.doorkeeper import Doorkeeper
from gateway.simulator.journal import Journal, Taken, account_of, octets_of
from gateway.simulator.profile import Profile
from gateway.simulator.reading import TextReader
from gateway.simulator.receipt_forms import QUOTED_CHARACTERS, ReceiptWriter, TakenMessage
from gateway.simulator.responses import SubmitResponse, write_response
from gateway.simulator.stats import SimulatorStats
from gateway.simulator.switchboard import Delivery, Seat, Switchboard
from gateway.smpp import pdus
from gateway.smpp.constants import INTERFACE_VERSION_34
from gateway.smpp.errors import BadPdu
from gateway.smpp.rules import SessionState
from gateway.smpp.statuses import CommandStatus
from gateway.smpp.udh import find_concatenation, split_user_data

_BATCH: Final = 1_000
"""Due items handled before the sockets get their turn again: about 20 ms."""

_RECEIVING: Final = (SessionState.BOUND_RX, SessionState.BOUND_TRX)

_Submit: TypeAlias = pdus.SubmitSm | pdus.DataSm
_DueAnswer: TypeAlias = tuple[Seat, SubmitResponse]

_ORDERLY_ENDS: Final = (CloseKind.UNBOUND, CloseKind.PEER_UNBOUND)
_ALREADY_BOUND: Final = CommandStatus.ESME_RALYBND.value
_NOT_BOUND: Final = CommandStatus.ESME_RINVBNDSTS.value


class Exchange(SessionOwner):
    """Owner of all sessions of one simulator. `mode_of` tells what a client binds as.

    `clock` counts seconds for what is due, `wall_clock` seconds since 1970 for what is written down.
    `wake_at` asks for a call of `run_due` at that moment of `clock`.
    """

    def __init__(
        self,
        profile: Profile,
        behaviour: Behaviour,
        journal: Journal,
        *,
        mode_of: Callable[[Session, pdus.BindRequest], str],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        wake_at: Callable[[float], None],
    ) -> None:
        self.stats: Final = SimulatorStats()
        self.switchboard: Final = Switchboard(profile.receipts.bind)
        self.holds_reading = False
        """Whether sessions are read only when the shell lets them: a stall or a slow reader."""
        self._profile = profile
        self._behaviour = behaviour
        self._acceptance = Acceptance(profile, wall_clock=wall_clock)
        self._numbers = NumberForm(profile.addresses)
        self._reader = TextReader(profile.texts)
        self._readers = {
            account.system_id: TextReader(
                replace(profile.texts, default_charset=account.default_charset, default_charset_sent=None)
            )
            for account in profile.bind.accounts
            if account.default_charset is not None
        }
        """Of accounts whose clients write another alphabet than the rest."""
        self._doorkeeper = Doorkeeper(profile.bind)
        self._journal = journal
        self._mode_of = mode_of
        self._clock = clock
        self._wall_clock = wall_clock
        self._wake_at = wake_at
        self._agenda: Agenda[Delivery | _DueAnswer] = Agenda()
        self._seats: dict[Session, Seat] = {}
        self._seats_opened = 0
        self.desk: Final = DeliveryDesk(
            profile.receipts,
            ReceiptWriter(profile.receipts, self._reader),
            switchboard=self.switchboard,
            journal=journal,
            stats=self.stats,
            wall_clock=wall_clock,
            add_in=lambda in_seconds, delivery: self._add(clock() + in_seconds, delivery),
        )

    # Binding and closing.

    def authenticate(self, session: Session, bind: pdus.BindRequest) -> int:
        """Judge a bind request: the `command_status` to answer."""
        account, mode = account_of(bind), self._mode_of(session, bind)
        sessions = self.switchboard.count(account)
        command_status = self._doorkeeper.judge(bind, account, mode, sessions=sessions, now=self._clock())
        if command_status == _ALREADY_BOUND and self._profile.bind.newcomer_wins:
            command_status = self._make_room(account)
        if command_status:
            self.stats.refused_binds += 1
            self._journal.note_bind(0, bind, mode, command_status)
        return command_status

    def _make_room(self, account: str) -> int:
        """End the account's oldest session for a new one: its client came back before we saw that it had gone
        (quirk 95).
        """
        oldest = next((seat for seat in self.switchboard if seat.account == account), None)
        if oldest is None:
            return _ALREADY_BOUND  # only sessions that are gone hold the places
        oldest.session.hang_up("a newer session of the account took its place")
        return 0

    def on_bound(self, session: Session, pdu: pdus.Pdu) -> None:
        assert isinstance(pdu, pdus.BindRequest)
        self._seats_opened += 1
        seat = Seat(
            self._seats_opened,
            account_of(pdu),
            session,
            session.state in _RECEIVING,
            takes_tlvs=pdu.interface_version >= INTERFACE_VERSION_34,
        )
        self._seats[session] = seat
        self.stats.binds += 1
        self.stats.sessions += 1
        self._journal.note_bind(seat.number, pdu, self._mode_of(session, pdu), 0)
        if self.holds_reading:
            session.hold_reading(True)
        for delivery in self.switchboard.open(seat):
            self.desk.dispatch(delivery)

    def on_closed(self, session: Session, reason: CloseReason, unanswered: list[object]) -> None:
        seat = self._seats.pop(session)
        self.stats.sessions -= 1
        if reason.kind not in _ORDERLY_ENDS:
            self._doorkeeper.note_lost(seat.account, now=self._clock())
        waiting = self.switchboard.close(seat)
        self._journal.note_close(seat, reason, unanswered=len(unanswered))
        for delivery in (*pick_deliveries(unanswered), *waiting):
            delivery.avoids = 0
            self.desk.dispatch(delivery)

    def on_bad_pdu(self, session: Session, raw: bytes, error: BadPdu) -> None:
        self.stats.bad_pdus += 1

    # Submits.

    def on_requests(self, session: Session, requests: list[Request]) -> None:
        seat = self._seats[session]
        if self.holds_reading:
            session.hold_reading(True)
        now, at = self._clock(), self._wall_clock()
        verdicts: list[tuple[int, _Submit, Verdict, Taken]] = []
        for number, pdu in requests:
            if isinstance(pdu, (pdus.SubmitSm, pdus.DataSm)):
                taken = self._read_submit(seat.account, pdu)
                verdicts.append((number, pdu, self._judge(seat, number, pdu, taken, now, at), taken))
            else:
                self._decline(session, number, pdu)
        if self._profile.submit.reversed:
            verdicts.reverse()
        for number, submit, verdict, taken in verdicts:
            if verdict.is_answered:
                self._answer(seat, number, submit, verdict, now)
            if verdict.receipts:
                self._plan_receipts(seat, submit, verdict, taken, at)

    def _decline(self, session: Session, number: int, pdu: pdus.Pdu) -> None:
        """What asks about a message on its way is refused, as by most carriers (quirk 90)."""
        if isinstance(pdu, pdus.QuerySm):
            status = CommandStatus.ESME_RQUERYFAIL.value
            session.answer(pdus.QuerySmResp(command_status=status, sequence_number=number))
        elif isinstance(pdu, pdus.CancelSm):
            session.answer(pdus.CancelSmResp(CommandStatus.ESME_RCANCELFAIL.value, number))
        elif isinstance(pdu, pdus.ReplaceSm):
            session.answer(pdus.ReplaceSmResp(CommandStatus.ESME_RREPLACEFAIL.value, number))

    def _read_submit(self, account: str, submit: _Submit) -> Taken:
        """What a submit says, as this SMSC understands it."""
        octets = octets_of(submit)
        user_data = split_user_data(submit.esm_class, octets)
        header_octets = len(octets) - len(user_data.body)
        part = None
        if user_data.elements or submit.tlvs:
            part = find_concatenation(user_data, submit.tlvs)
        reader = self._readers.get(account, self._reader)
        text = reader.read(user_data.body, submit.data_coding, header_octets=header_octets)
        return Taken(octets[:header_octets], user_data.body, text, part)

    def _judge(
        self, seat: Seat, number: int, submit: _Submit, taken: Taken, now: float, at: float
    ) -> Verdict:
        """What becomes of a submit, noted in the log before anybody hears of it."""
        stats = self.stats
        stats.submits += 1
        if seat.is_forgotten:
            verdict = Verdict(_NOT_BOUND, True)
        else:
            verdict = self._behaviour.judge(
                seat.account,
                submit,
                waiting_answers=seat.waiting_answers,
                pending_receipts=stats.pending,
                now=now,
                part=taken.part,
                refused_with=self._acceptance.refuse(submit, taken.part),
            )
        if not self._journal.note_submit(seat, number, submit, verdict, taken, at=at):
            verdict = Verdict(CommandStatus.ESME_RSYSERR.value, True)
        if verdict.is_taken:
            stats.taken += 1
        else:
            stats.refused[verdict.command_status] = stats.refused.get(verdict.command_status, 0) + 1
        if not verdict.is_answered:
            stats.unanswered += 1
        elif verdict.answer_in_seconds > 0:
            seat.waiting_answers += 1
        return verdict

    def _answer(self, seat: Seat, number: int, submit: _Submit, verdict: Verdict, now: float) -> None:
        response = write_response(submit, verdict, number)
        if verdict.answer_in_seconds <= 0:
            seat.session.answer(response)
        else:
            self._add(now + verdict.answer_in_seconds, (seat, response))

    def _plan_receipts(self, seat: Seat, submit: _Submit, verdict: Verdict, taken: Taken, at: float) -> None:
        replaced_by = self._profile.addresses.source_replaced_by
        source = replaced_by.encode() if replaced_by is not None else self._numbers.write(submit.source_addr)
        message = TakenMessage(
            receipt_id=verdict.receipt_id,
            account=seat.account,
            session_number=seat.number,
            source_ton=submit.source_addr_ton,
            source_npi=submit.source_addr_npi,
            source=source,
            destination_ton=submit.dest_addr_ton,
            destination_npi=submit.dest_addr_npi,
            destination=self._numbers.write(submit.destination_addr),
            taken_at=at,
            quoted=taken.text[:QUOTED_CHARACTERS],
            receipt_tlv_id=verdict.receipt_tlv_id,
        )
        for planned in verdict.receipts:
            delivery = Delivery(seat.account, message, planned.stat, planned.err, planned.is_final)
            self.desk.plan(delivery, planned.in_seconds)

    # Receipts and MOs.

    def on_answers(self, session: Session, answers: list[Answer]) -> None:
        if self.holds_reading:
            session.hold_reading(True)
        self.desk.note_answers(self._seats[session], answers)

    def on_late_answers(self, session: Session, answers: list[Answer]) -> None:
        self.desk.note_late_answers(self._seats[session], answers)

    def on_timeouts(self, session: Session, contexts: list[object]) -> None:
        self.desk.note_timeouts(self._seats[session], contexts)

    def on_unwritten(self, session: Session, contexts: list[object]) -> None:
        self.desk.note_unwritten(contexts)

    def on_room(self, session: Session) -> None:
        self.desk.drain(self._seats[session])

    # Time.

    def run_due(self) -> None:
        """Do what is due; ask to be called again for the rest."""
        if self.desk.is_stalled:
            return
        for item in self._agenda.pop_due(self._clock(), most=_BATCH):
            if isinstance(item, Delivery):
                self.desk.dispatch(item)
                continue
            seat, response = item
            seat.waiting_answers -= 1
            seat.session.answer(response)
        next_at = self._agenda.next_at
        if next_at is not None:
            self._wake_at(next_at)

    def resume(self) -> None:
        """After a stall: send what has waited."""
        for seat in self.switchboard:
            self.desk.drain(seat)
        self.run_due()

    def _add(self, at: float, item: Delivery | _DueAnswer) -> None:
        self._agenda.add(at, item)
        self._wake_at(at)

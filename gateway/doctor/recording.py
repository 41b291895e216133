"""Writes down what happens on the binds of one examination: every PDU's moment and order, answers, receipts.

Owns reading PDUs into evidence, and answers what the carrier sends: each receipt is acknowledged at once, as
nothing here is kept. Refuses to know what is sent and when.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.doctor.evidence import AnswerSeen, Evidence, ReceiptSeen, SubmitSeen, Vehicle
from gateway.doctor.plan import Probe
from gateway.session.bind import BindMode
from gateway.session.owner import Answer, CloseKind, CloseReason, Request, SessionOwner
from gateway.session.session import Session
from gateway.session.settings import Direction, Trace
from gateway.smpp import pdus
from gateway.smpp.codec import decode
from gateway.smpp.constants import CommandId, DataCoding, Tag
from gateway.smpp.errors import BadPdu, name_command
from gateway.smpp.framing import Frame, Framer
from gateway.smpp.receipts import Receipt, parse_receipt
from gateway.smpp.udh import split_user_data

_BIND_RESPONSES: Final = (
    CommandId.BIND_TRANSMITTER_RESP,
    CommandId.BIND_RECEIVER_RESP,
    CommandId.BIND_TRANSCEIVER_RESP,
)
_EXPECTED: Final = frozenset((CommandId.UNBIND, CommandId.UNBIND_RESP))
_ANSWERS: Final = (CommandId.SUBMIT_SM_RESP, CommandId.GENERIC_NACK)
_DELIVERIES: Final = (CommandId.DELIVER_SM, CommandId.DATA_SM)
_find_quotation: Final = re.compile(rb"\btext *: ?", re.IGNORECASE).search
_MOST_QUOTED_OCTETS: Final = 200


@dataclass(slots=True, eq=False)
class Sent:
    """One submit while its answer is awaited."""

    probe: Probe
    part: int
    parts: int
    bills: int
    """Parts that it costs when it is taken; more than one where the carrier splits."""
    bind_no: int
    session_no: int
    at: float
    wall_at: datetime
    body: bytes
    changes: Mapping[str, object]
    sequence_number: int = 0
    answer: AnswerSeen | None = None
    is_settled: bool = False

    @property
    def is_taken(self) -> bool:
        return self.answer is not None and not self.answer.command_status

    @property
    def may_be_billed(self) -> bool:
        return self.answer is None or not self.answer.command_status

    def freeze(self) -> SubmitSeen:
        return SubmitSeen(
            probe=self.probe,
            part=self.part,
            parts=self.parts,
            bind_no=self.bind_no,
            at=self.at,
            wall_at=self.wall_at,
            body=self.body,
            changes=self.changes,
            answer=self.answer,
            bills=self.bills,
        )


class Tape:
    """What all binds of one examination have seen so far. `clock` counts seconds, `now` tells UTC."""

    def __init__(self, *, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self.clock: Final = clock
        self.now: Final = now
        self.sent: list[Sent] = []
        self.receipts: list[ReceiptSeen] = []
        self.handset_texts = 0
        self.links_asked = 0
        self.links_answered = 0
        self.slowest_link_seconds = 0.0
        self.link_requests = 0
        self.bad_pdus = 0
        self.ends: list[str] = []
        self.strays: list[str] = []
        self._order = 0
        self._news = asyncio.Event()

    def take_order(self) -> int:
        """The next place among everything received."""
        self._order += 1
        return self._order

    def tell(self) -> None:
        """Something has happened: whoever waits looks again."""
        self._news.set()

    async def until(self, condition: Callable[[], bool], *, seconds: float) -> bool:
        """Wait until `condition` holds, looked at whenever something happens; False when time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return condition()
        return True

    def freeze(self) -> Evidence:
        """All of it as values; binds, waits and notes are added by whoever knows them."""
        return Evidence(
            submits=tuple(sent.freeze() for sent in self.sent),
            receipts=tuple(self.receipts),
            handset_texts=self.handset_texts,
            links_asked=self.links_asked,
            links_answered=self.links_answered,
            slowest_link_seconds=self.slowest_link_seconds,
            link_requests=self.link_requests,
            ends=tuple(self.ends),
            bad_pdus=self.bad_pdus,
            strays=tuple(self.strays),
        )


@dataclass(slots=True)
class BindAnswer:
    """What the SMSC said to the last bind request."""

    command_status: int | None = None
    smsc_name: str = ""
    smsc_version: int | None = None


class Ear(SessionOwner):
    """Listens on one bind: told by its sessions, and by their trace, which alone knows the order."""

    def __init__(self, tape: Tape, bind_no: int, mode: BindMode) -> None:
        self.bind_no: Final = bind_no
        self.mode: Final = mode
        self.session_no = 0
        self.bind_answer = BindAnswer()
        self._tape = tape
        self._arrivals: dict[tuple[int, int, bool], tuple[int, float]] = {}
        """(session, sequence_number, is an answer) → (order, moment) of what has not been handled yet."""
        self._asked_at: dict[int, float] = {}

    # The trace.

    def trace_for_session(self) -> Trace:
        """The trace of a session that is about to begin."""
        self.session_no += 1
        self.bind_answer = BindAnswer()
        return self._hear

    def _hear(self, direction: Direction, octets: bytes) -> None:
        at = self._tape.clock()
        buffer, frames = Framer().feed(octets)
        for frame in frames:
            command_id, command_status, number, _, _ = frame
            if direction is Direction.SENT:
                if command_id == CommandId.ENQUIRE_LINK:
                    self._tape.links_asked += 1
                    self._asked_at[number] = at
                    self._tape.tell()
            elif command_id in _ANSWERS or command_id in _DELIVERIES:
                is_answer = command_id in _ANSWERS
                self._arrivals[self.session_no, number, is_answer] = (self._tape.take_order(), at)
                if command_id == CommandId.GENERIC_NACK and self.bind_answer.command_status is None:
                    self.bind_answer.command_status = command_status
            elif command_id in _BIND_RESPONSES:
                self.bind_answer = _read_bind_answer(buffer, frame)
            elif command_id == CommandId.ENQUIRE_LINK_RESP:
                self._note_link(number, at)
            elif command_id == CommandId.ENQUIRE_LINK:
                self._tape.link_requests += 1
            elif command_id not in _EXPECTED:
                self._tape.strays.append(name_command(command_id))

    def _note_link(self, number: int, at: float) -> None:
        asked_at = self._asked_at.pop(number, None)
        if asked_at is not None:
            self._tape.links_answered += 1
            self._tape.slowest_link_seconds = max(self._tape.slowest_link_seconds, at - asked_at)
            self._tape.tell()

    # The session.

    def on_bound(self, session: Session, pdu: pdus.Pdu) -> None:
        self._tape.tell()

    def on_room(self, session: Session) -> None:
        self._tape.tell()

    def on_answers(self, session: Session, answers: list[Answer]) -> None:
        for context, command_status, message_id in answers:
            assert isinstance(context, Sent)
            place = (context.session_no, context.sequence_number, True)
            order, at = self._arrivals.pop(place, (self._tape.take_order(), self._tape.clock()))
            context.answer = AnswerSeen(order, at, command_status, message_id.decode("latin-1"))
            context.is_settled = True
        self._tape.tell()

    def on_late_answers(self, session: Session, answers: list[Answer]) -> None:
        self.on_answers(session, answers)

    def on_timeouts(self, session: Session, contexts: list[object]) -> None:
        self._settle(contexts)

    def on_unwritten(self, session: Session, contexts: list[object]) -> None:
        for context in contexts:
            if isinstance(context, Sent) and context in self._tape.sent:
                self._tape.sent.remove(context)
        self._settle(contexts)

    def on_closed(self, session: Session, reason: CloseReason, unanswered: list[object]) -> None:
        if reason.kind is not CloseKind.UNBOUND:
            self._tape.ends.append(reason.detail)
        self._settle(unanswered)

    def _settle(self, contexts: list[object]) -> None:
        for context in contexts:
            if isinstance(context, Sent):
                context.is_settled = True
        self._tape.tell()

    def on_bad_pdu(self, session: Session, raw: bytes, error: BadPdu) -> None:
        self._tape.bad_pdus += 1

    def on_requests(self, session: Session, requests: list[Request]) -> None:
        for number, pdu in requests:
            if isinstance(pdu, pdus.DeliverSm):
                session.acknowledge_deliveries((number,))
                self._read(number, pdu)
            elif isinstance(pdu, pdus.DataSm):
                session.answer(pdus.DataSmResp(sequence_number=number))
                self._read(number, pdu)
        self._tape.tell()

    def _read(self, number: int, pdu: pdus.DeliverSm | pdus.DataSm) -> None:
        receipt = parse_receipt(pdu, text_without_esm_class=True)
        if receipt is None:
            self._tape.handset_texts += 1
            return
        here = (self._tape.take_order(), self._tape.clock())
        order, at = self._arrivals.pop((self.session_no, number, False), here)
        self._tape.receipts.append(self._describe(pdu, receipt, order, at))

    def _describe(
        self, pdu: pdus.DeliverSm | pdus.DataSm, receipt: Receipt, order: int, at: float
    ) -> ReceiptSeen:
        tlv = pdus.find_tlv(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) or b""
        tlv_id = tlv.partition(b"\0")[0].decode("latin-1")
        text = _read_text(pdu)
        return ReceiptSeen(
            order=order,
            at=at,
            wall_at=self._tape.now(),
            bind_no=self.bind_no,
            is_on_transmitter=self.mode is BindMode.TRANSMITTER,
            vehicle=Vehicle.DELIVER_SM if isinstance(pdu, pdus.DeliverSm) else Vehicle.DATA_SM,
            esm_class=pdu.esm_class,
            data_coding=pdu.data_coding,
            tlv_id=tlv_id,
            text_id=receipt.text_carrier_id or (receipt.carrier_id if text else ""),
            has_state_tlv=pdus.find_tlv(pdu.tlvs, Tag.MESSAGE_STATE) is not None,
            has_text=bool(text),
            quoted=_find_quoted(text),
            source=pdu.source_addr.decode("ascii", "replace"),
            destination=pdu.destination_addr.decode("ascii", "replace"),
            receipt=receipt,
        )


def _read_bind_answer(buffer: bytes, frame: Frame) -> BindAnswer:
    command_status = frame[1]
    try:
        pdu = decode(buffer, frame)
    except BadPdu:
        return BindAnswer(command_status)
    assert isinstance(pdu, pdus.BindResponse)
    version = pdus.find_tlv(pdu.tlvs, Tag.SC_INTERFACE_VERSION)
    name = pdu.system_id.decode("ascii", "replace")
    return BindAnswer(command_status, name, version[0] if version else None)


def _read_text(pdu: pdus.DeliverSm | pdus.DataSm) -> bytes:
    """The octets of a receipt's text; UCS-2 as UTF-8, so that one search does for all."""
    octets = pdu.short_message if isinstance(pdu, pdus.DeliverSm) else b""
    octets = octets or pdus.find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    body = split_user_data(pdu.esm_class, octets).body
    if pdu.data_coding == DataCoding.UCS2 and 0 in body:
        return body[: len(body) & ~1].decode("utf-16-be", "replace").encode("utf-8", "replace")
    return body


def _find_quoted(text: bytes) -> bytes | None:
    found = _find_quotation(text)
    return text[found.end() :][:_MOST_QUOTED_OCTETS].rstrip(b" ") if found else None

"""Turns what happens in the exchange into lines of the log. Decides nothing."""

from collections.abc import Callable
from typing import NamedTuple

from gateway.session.owner import CloseReason
from gateway.simulator.behaviour import Verdict
from gateway.simulator.errors import LogBroken
from gateway.simulator.log import (
    AcceptedLine,
    BoundLine,
    ClosedLine,
    Line,
    MoLine,
    ReceiptLine,
    RefusedLine,
    SubmitLine,
    SubmitLog,
)
from gateway.simulator.switchboard import Delivery, Seat
from gateway.smpp import pdus
from gateway.smpp.constants import Tag
from gateway.smpp.udh import Concatenation


class Taken(NamedTuple):
    """What a submit says: made per submit, so plain."""

    udh: bytes
    body: bytes
    text: str
    """As this SMSC understands it."""
    part: Concatenation | None
    """Which of a long text it is; None for one that stands alone."""


class Journal:
    """Writes the log of one simulator. `on_fault` is told each time that a line could not be kept."""

    def __init__(
        self, log: SubmitLog, *, wall_clock: Callable[[], float], on_fault: Callable[[LogBroken], None]
    ) -> None:
        self._log = log
        self._wall_clock = wall_clock
        self._on_fault = on_fault

    def note_bind(self, number: int, bind: pdus.BindRequest, mode: str, command_status: int) -> None:
        """`number` is that of the new seat; 0 for a bind that was refused."""
        self._write(
            BoundLine(
                at=self._wall_clock(),
                session=number,
                system_id=account_of(bind),
                mode=mode,
                command_status=command_status,
            )
        )

    def note_submit(
        self,
        seat: Seat,
        number: int,
        submit: pdus.SubmitSm | pdus.DataSm,
        verdict: Verdict,
        taken: Taken,
        *,
        at: float,
    ) -> bool:
        """False when the line could not be written, so that the submit must be refused."""
        line = SubmitLine(
            at=at,
            session=seat.number,
            system_id=seat.account,
            sequence_number=number,
            command_status=verdict.command_status,
            answered=verdict.is_answered,
            carrier_id=verdict.response_id if verdict.tells_id else "",
            receipt_id=verdict.receipt_id,
            source=submit.source_addr.decode("latin-1"),
            destination=submit.destination_addr.decode("latin-1"),
            data_coding=submit.data_coding,
            esm_class=submit.esm_class,
            registered_delivery=submit.registered_delivery,
            udh=taken.udh.hex(),
            short_message=taken.body.hex(),
            text=taken.text,
        )
        if isinstance(submit, pdus.SubmitSm):
            line.validity_period = submit.validity_period.decode("latin-1")
        if (part := taken.part) is not None:
            line.reference, line.total, line.number = part.reference, part.total, part.number
        return self._write(line)

    def note_delivery(self, seat: Seat, delivery: Delivery, *, at: float) -> None:
        """A receipt or a part of an MO was handed to a session."""
        message, pdu = delivery.message, delivery.pdu
        if message is not None:
            line: Line = ReceiptLine(
                at=at,
                session=seat.number,
                system_id=seat.account,
                carrier_id=message.receipt_id,
                stat=delivery.stat,
                err=delivery.err,
                attempt=delivery.attempts,
            )
        else:
            assert isinstance(pdu, pdus.DeliverSm)
            line = MoLine(
                at=at,
                session=seat.number,
                system_id=seat.account,
                source=pdu.source_addr.decode("latin-1"),
                destination=pdu.destination_addr.decode("latin-1"),
                data_coding=pdu.data_coding,
                esm_class=pdu.esm_class,
                short_message=octets_of(pdu).hex(),
                attempt=delivery.attempts,
            )
        self._write(line)

    def note_refusal(self, seat: Seat, delivery: Delivery, command_status: int | None) -> None:
        """The client refused a delivery, or did not answer it (None)."""
        message = delivery.message
        self._write(
            RefusedLine(
                at=self._wall_clock(),
                session=seat.number,
                carrier_id=message.receipt_id if message is not None else "",
                command_status=command_status,
            )
        )

    def note_acceptance(self, seat: Seat, delivery: Delivery) -> None:
        """The client acknowledged a delivery, at once or late."""
        message = delivery.message
        self._write(
            AcceptedLine(
                at=self._wall_clock(),
                session=seat.number,
                carrier_id=message.receipt_id if message is not None else "",
            )
        )

    def note_close(self, seat: Seat, reason: CloseReason, *, unanswered: int) -> None:
        """A session ended."""
        self._write(
            ClosedLine(
                at=self._wall_clock(),
                session=seat.number,
                system_id=seat.account,
                reason=reason.kind.value,
                unanswered=unanswered,
            )
        )

    def _write(self, line: Line) -> bool:
        try:
            self._log.append(line)
        except LogBroken as exc:
            self._on_fault(exc)
            return False
        return True


def account_of(bind: pdus.BindRequest) -> str:
    """The account's name as a person reads it."""
    return bind.system_id.decode("utf-8", "replace")


def mode_of(bind: pdus.BindRequest) -> str:
    """`transmitter`, `receiver` or `transceiver`."""
    return type(bind).__name__.removeprefix("Bind").lower()


def octets_of(pdu: pdus.SubmitSm | pdus.DeliverSm | pdus.DataSm) -> bytes:
    """The text with its header, from message_payload where it is there."""
    if isinstance(pdu, pdus.DataSm):
        return pdus.find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    if pdu.short_message or not pdu.tlvs:
        return pdu.short_message
    return pdus.find_tlv(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""

"""Bends whole PDUs on their way over the wire, as carriers do, and bends the answers back. Pure.

Owns the numbers that a client sees in place of the session's own, bind responses cut short, octets too many
and PDUs that nobody asked for. Refuses to know when they are written: `wire.py` does.
"""

from itertools import count, cycle
from struct import Struct
from typing import Final

from gateway.simulator.profile import BindRules, Profile, WireRules
from gateway.simulator.profile_sessions import BindRefusalForm, BindResponseForm, DropForm
from gateway.smpp.codec import encode
from gateway.smpp.constants import HEADER_OCTETS, RESPONSE_BIT, CommandId, Tag
from gateway.smpp.pdus import AlertNotification, GenericNack, Outbind, Pdu, SubmitSmResp, UnknownPdu
from gateway.smpp.statuses import CommandStatus

_header: Final = Struct(">IIII")

_BIND_RESPONSES: Final = frozenset(
    (
        CommandId.BIND_TRANSMITTER_RESP.value,
        CommandId.BIND_RECEIVER_RESP.value,
        CommandId.BIND_TRANSCEIVER_RESP.value,
    )
)
_DELIVERIES: Final = frozenset((CommandId.DELIVER_SM.value, CommandId.DATA_SM.value))

_FOREIGN_FIRST: Final = 0x00C0FFEE
"""Where the carrier's own count of bind responses begins."""

_CUT_TLV: Final = bytes((0x14, 0x02, 0x00, 0xFF, 0x61))
"""A TLV that claims 255 octets and has one."""

_UNKNOWN_COMMAND: Final = 0x00010200
_STRAY_FIRST: Final = 0x50000001
"""Strays are numbered where no session of a test ever gets to, so that what answers them matches nothing."""


class PduBender:
    """The bends of one session. Call `bend_out` and `bend_in` with each PDU, in order."""

    def __init__(self, profile: Profile) -> None:
        self._bind: Final[BindRules] = profile.bind
        self._wire: Final[WireRules] = profile.wire
        self._cuts_tlv = profile.receipts.broken_tlvs
        self._foreign_numbers = count(_FOREIGN_FIRST)
        self._stray_numbers = count(_STRAY_FIRST)
        self._strays = cycle(_STRAYS)
        self._until_stray = profile.wire.strays_every
        self._is_bound = False
        self.is_transmitter = False
        """Whether the client has bound as a transmitter, and the session was told of a transceiver."""

    def bend_out(self, pdu: bytes) -> bytes:
        """What the client gets for one PDU of the session: its octets, perhaps with a stray behind them."""
        _, command_id, command_status, number = _header.unpack_from(pdu)
        body = pdu[HEADER_OCTETS:]
        if command_id in _BIND_RESPONSES:
            command_id, body, number = self._bend_bind_response(command_id, command_status, body, number)
            self._is_bound = not command_status
        elif self._wire.high_numbers and not command_id & RESPONSE_BIT:
            number ^= 0xFFFFFFFF
        if command_id in _DELIVERIES and self._cuts_tlv:
            body += _CUT_TLV
        body += bytes(self._wire.trailing_octets)
        bent = _header.pack(HEADER_OCTETS + len(body), command_id, command_status, number) + body
        if self._until_stray and self._is_bound:
            self._until_stray -= 1
            if not self._until_stray:
                self._until_stray = self._wire.strays_every
                bent += self._make_stray()
        return bent

    def _make_stray(self) -> bytes:
        stray = next(self._strays)
        number = next(self._stray_numbers)
        if isinstance(stray, GenericNack):
            number = 0
        return encode(stray, sequence_number=number)

    def bend_in(self, pdu: bytes) -> bytes:
        """What the session gets for one PDU of the client."""
        length, command_id, command_status, number = _header.unpack_from(pdu)
        if command_id == CommandId.BIND_TRANSMITTER and self._wire.receipts_on_transmitters:
            self.is_transmitter = True
            command_id = CommandId.BIND_TRANSCEIVER.value
        elif self._wire.high_numbers and command_id & RESPONSE_BIT:
            number ^= 0xFFFFFFFF
        else:
            return pdu
        return _header.pack(length, command_id, command_status, number) + pdu[HEADER_OCTETS:]

    def _bend_bind_response(
        self, command_id: int, command_status: int, body: bytes, number: int
    ) -> tuple[int, bytes, int]:
        rules = self._bind
        if self.is_transmitter:
            command_id = CommandId.BIND_TRANSMITTER_RESP.value
        if command_status:
            if rules.refusal is BindRefusalForm.NACK:
                return CommandId.GENERIC_NACK.value, b"", number
            if rules.refusal is BindRefusalForm.FULL:
                body = rules.system_id.encode() + b"\0"
        elif rules.response is BindResponseForm.EMPTY:
            body = b""
        else:
            body = rules.system_id.encode() + b"\0"
            if rules.response is BindResponseForm.FULL:
                body += _VERSION_HEADER + bytes((rules.version,))
        if rules.foreign_number:
            number = next(self._foreign_numbers)
        return command_id, body, number


def needs_bending(profile: Profile) -> bool:
    """Whether a profile asks for anything that stands between a session and its connection."""
    usual = BindRules()
    bind = profile.bind
    return (
        profile.wire != WireRules()
        or profile.receipts.broken_tlvs
        or (bind.response, bind.version, bind.foreign_number, bind.refusal)
        != (usual.response, usual.version, usual.foreign_number, usual.refusal)
        or profile.faults.half_open_every_seconds != 0
        or profile.faults.drop is DropForm.RESET
    )


_VERSION_HEADER: Final = Struct(">HH").pack(Tag.SC_INTERFACE_VERSION.value, 1)

_STRAYS: Final[tuple[Pdu, ...]] = (
    UnknownPdu(_UNKNOWN_COMMAND, b"vendor\0"),
    AlertNotification(source_addr_ton=1, source_addr_npi=1, source_addr=b"33600000000", esme_addr=b"shop"),
    SubmitSmResp(b"nobody-asked"),
    GenericNack(CommandStatus.ESME_RINVCMDID.value),
    Outbind(b"shop", b""),
    UnknownPdu(_UNKNOWN_COMMAND | RESPONSE_BIT, b""),
)
"""What nobody asked for, in turn (quirks 7, 8, 10, 11)."""

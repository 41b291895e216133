"""Profile keys of binds, octets and connections: who may bind, what the wire bends, what breaks by itself.

The text below each field is what `docs/simulator.md` repeats. Nothing here acts on a value.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from gateway.simulator.profile_texts import Charset
from gateway.simulator.profile_values import Milliseconds, Range, Refusal, Seconds, Status


class BindMode(Enum):
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"
    TRANSCEIVER = "transceiver"


class BindResponseForm(Enum):
    FULL = "full"
    WITHOUT_VERSION = "without_version"
    EMPTY = "empty"
    """The header alone, also where the bind is taken."""


class BindRefusalForm(Enum):
    BARE = "bare"
    """The response's header alone, as the specification allows."""
    FULL = "full"
    """The response with its body."""
    NACK = "nack"
    """generic_nack, as one answers what one has never heard of."""


class DropForm(Enum):
    CLOSE = "close"
    """What was answered is still written, then the connection is closed."""
    RESET = "reset"
    """The connection is reset (RST); what was not read yet is gone."""


class UnbindForm(Enum):
    ORDERLY = "orderly"
    """unbind, the last answers, unbind_resp, close."""
    HASTY = "hasty"
    """unbind, and closed at once."""


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pair of credentials."""

    system_id: Annotated[str, Meta(min_length=1, max_length=63)]
    """The name that a client binds with."""
    password: Annotated[str, Meta(max_length=63)]
    """Its password; anything else is refused with 0x0e."""
    default_charset: Charset | None = None
    """What its clients write in `data_coding` 0. Absent: as `texts.default_charset` says."""


class BindRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may bind, and how."""

    accounts: tuple[Account, ...] = ()
    """Credentials that are taken; an unknown `system_id` is refused with 0x0f. Empty: everybody may bind."""
    modes: tuple[BindMode, ...] = (BindMode.TRANSMITTER, BindMode.RECEIVER, BindMode.TRANSCEIVER)
    """Kinds of bind that are taken; another is refused with `mode_refused_with`."""
    mode_refused_with: Refusal = 0x0D
    """The `command_status` for a kind of bind that is not taken."""
    system_type: Annotated[str, Meta(max_length=12)] | None = None
    """The `system_type` that a bind must state, exactly; another is refused with 0x53. Absent: any."""
    address_range: Annotated[str, Meta(max_length=40)] | None = None
    """The `address_range` that a bind must state, exactly; another is refused with 0x0d. Absent: any."""
    sessions_per_account: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Binds one account may hold at a time; one more is refused with 0x05."""
    newcomer_wins: bool = False
    """Ends the account's oldest session for one bind too many, in place of refusing it."""
    remembers_seconds: Seconds = 0
    """Seconds for which a session that ended without an unbind still counts as bound, until the simulator
    notices. A client that comes back sooner gets 0x05 when it has no other place left."""
    system_id: Annotated[str, Meta(max_length=15)] = "ESTAFETTE"
    """The name in the bind response."""
    response: BindResponseForm = BindResponseForm.FULL
    """How much of a bind response is sent: all, no `sc_interface_version`, or only the header."""
    version: Annotated[int, Meta(ge=0, le=0xFF)] = 0x34
    """`sc_interface_version` of the response: 0x33, 0x34 or 0x50."""
    foreign_number: bool = False
    """Numbers bind responses by a count of its own in place of the client's `sequence_number`."""
    refusal: BindRefusalForm = BindRefusalForm.BARE
    """How a bind is refused."""
    refuse_with: Status = 0
    """Answer every bind with this `command_status`, for instance 0x0d. 0: judge it by the keys above."""
    enquire_link_seconds: Seconds = 30
    """Pause after which the simulator asks whether the client is there. 0: never."""


class WireRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to octets on their way to the client."""

    write_octets: Annotated[int, Meta(ge=1, le=65_536)] | None = None
    """Cuts everything into pieces of so many octets, each written by itself. Absent: whole PDUs."""
    gather_ms: Milliseconds = 0
    """Gathers what is to be written for so long, then writes it in one piece."""
    delay_ms: Milliseconds = 0
    """Sends every PDU so much later, in order, also the answers to enquire_link: a slow server."""
    trailing_octets: Annotated[int, Meta(ge=0, le=64)] = 0
    """Zero octets after the fields of every PDU, within its length; also where a PDU has no fields."""
    strays_every: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """After so many PDUs sends one that nobody asked for, in turn: an unknown command, alert_notification, a
    generic_nack with number 0, responses to nothing, an outbind. 0: never."""
    high_numbers: bool = False
    """Numbers its own requests from ffffffff downwards, above what the specification allows."""
    receipts_on_transmitters: bool = False
    """Sends deliver_sm also to those who are bound to transmit only."""


class FaultRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong by itself. A period of 0 means never."""

    drop_every_seconds: Seconds | Range = 0
    """Closes the connection of one session, in turn, without a word."""
    drop: DropForm = DropForm.CLOSE
    """How connections are cut: `close` lets what was answered arrive, `reset` does not."""
    unbind_every_seconds: Seconds | Range = 0
    """Unbinds one session, in turn."""
    unbind: UnbindForm = UnbindForm.ORDERLY
    """How it unbinds: in order, or closing at once."""
    half_open_every_seconds: Seconds | Range = 0
    """Goes silent for good on one session, in turn, without closing it: nothing is read, nothing is sent."""
    forget_every_seconds: Seconds | Range = 0
    """Forgets that one session, in turn, is bound: its submits are refused with 0x04 until it binds again."""
    stall_every_seconds: Seconds | Range = 0
    """Stops reading and answering for `stall_seconds`."""
    stall_seconds: Seconds = 5
    """How long a stall lasts."""
    reads_per_second: Annotated[float, Meta(ge=0.1, le=1000)] | None = None
    """A slow reader: takes whatever has arrived, at most so many times a second. Absent: reads at once."""

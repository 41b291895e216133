"""Every key of a simulator profile: its type, bounds, default and meaning.

The text below each field is what `docs/simulator.md` repeats. Nothing here reads a file or acts on a value.
An absent key means its default, and the defaults alone are a fast SMSC that delivers everything.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=604_800)]
Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]
Status = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]

MAX_PENDING_RECEIPTS: Final = 1_000_000
"""About 600 MB of receipts that have not been sent; more would be a mistake in a profile."""


class BindMode(Enum):
    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"
    TRANSCEIVER = "transceiver"


class IdForm(Enum):
    DECIMAL = "decimal"
    HEX = "hex"
    """Capitals, no padding."""
    PADDED = "padded"
    """Decimal, zeros in front up to ten digits."""
    UUID = "uuid"


class ReceiptForm(Enum):
    TEXT = "text"
    TLV = "tlv"
    """Empty text; the id and the state stand in TLVs."""
    BOTH = "both"


class ReceiptText(Enum):
    NOMINAL = "nominal"
    """As in SMPP 3.4 appendix B."""
    SHORT = "short"
    """Without `sub:` and `dlvrd:`."""
    SECONDS = "seconds"
    """Dates with seconds, twelve digits."""
    UNDERSCORED = "underscored"
    """`submit_date:` and `done_date:`, and a capital `Text:`."""
    CAPITALS = "capitals"
    """Every label in capitals."""
    SPACED = "spaced"
    """A space after each colon."""
    WORDS = "words"
    """The full word, DELIVERED for DELIVRD."""


class ReceiptBind(Enum):
    SAME = "same"
    """The session that submitted; another of the account when that one cannot receive or is gone."""
    OTHER = "other"
    """Another session of the account when there is one."""
    ANY = "any"
    """Each receiving session of the account in turn."""


class Range(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evenly spread between two bounds."""

    least: Annotated[float, Meta(ge=0, le=604_800)]
    """The lower bound."""
    most: Annotated[float, Meta(ge=0, le=604_800)]
    """The upper bound, not below the lower one."""


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pair of credentials."""

    system_id: Annotated[str, Meta(min_length=1, max_length=63)]
    """The name that a client binds with."""
    password: Annotated[str, Meta(max_length=63)]
    """Its password; anything else is refused with 0x0e."""


class BindRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may bind, and how."""

    accounts: tuple[Account, ...] = ()
    """Credentials that are taken; an unknown `system_id` is refused with 0x0f. Empty: everybody may bind."""
    modes: tuple[BindMode, ...] = (BindMode.TRANSMITTER, BindMode.RECEIVER, BindMode.TRANSCEIVER)
    """Kinds of bind that are taken; another is refused with 0x0d."""
    sessions_per_account: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Binds one account may hold at a time; one more is refused with 0x05."""
    system_id: Annotated[str, Meta(max_length=15)] = "ESTAFETTE"
    """The name in the bind response."""
    refuse_with: Status = 0
    """Answer every bind with this `command_status`, for instance 0x0d. 0: judge it by the keys above."""
    enquire_link_seconds: Seconds = 30
    """Pause after which the simulator asks whether the client is there. 0: never."""


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the answers to `submit_sm`, drawn by weight."""

    command_status: Status = 0
    """0 takes the message; anything else refuses it."""
    answered: bool = True
    """False: no response is ever sent. With `command_status: 0` the message is taken all the same and its
    receipt comes, so that the client never learns the id; else it vanishes."""
    weight: Weight = 1
    """How often, against the weights beside it."""


class SubmitRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a `submit_sm` or `data_sm` is answered, and when."""

    latency_ms: Milliseconds | Range = 0
    """Milliseconds until the response; a range makes responses come out of order."""
    answers: Annotated[tuple[Answer, ...], Meta(min_length=1, max_length=64)] = (Answer(),)
    """The mix of answers."""
    parts_per_second: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """Submits an account may send per second of the simulator's clock, no bursts carried over; the rest is
    answered with `throttled_with`. Absent: no limit."""
    throttled_with: Annotated[int, Meta(ge=1, le=0xFFFFFFFF)] = 0x58
    """The `command_status` above that limit."""
    window: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    """Submits of one session that may wait for their response; more are refused with `window_full_with` at
    once. This also bounds memory."""
    window_full_with: Annotated[int, Meta(ge=1, le=0xFFFFFFFF)] = 0x14
    """The `command_status` above that window; carriers use 0x14, 0x58 and 0x45."""


class IdRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the ids of messages look. They count up from `first`."""

    response: IdForm = IdForm.DECIMAL
    """Form in the `submit_sm_resp`."""
    receipt: IdForm | None = None
    """Form in the receipt. Absent: the same. `uuid` goes with `uuid` only, since it cannot be converted."""
    first: Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)] | None = None
    """The first id; 0 is what some SMSCs begin with after each start. Absent: drawn at the start, so that two
    runs do not hand out the same ids."""


class Outcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the ends of a message, drawn by weight."""

    stat: Annotated[str, Meta(pattern=r"^[A-Z]{1,16}$")] = "DELIVRD"
    """The word after `stat:`, also one that no specification knows."""
    err: Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{1,4}$")] = "000"
    """The value after `err:`; in TLVs a decimal one is the network's error code."""
    weight: Weight = 1
    """How often, against the weights beside it."""


class ReceiptRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which receipts come, when, where and in which form."""

    delay_seconds: Seconds | Range = 0
    """Seconds from the response to the receipt."""
    outcomes: Annotated[tuple[Outcome, ...], Meta(min_length=1, max_length=64)] = (Outcome(),)
    """The mix of ends."""
    form: ReceiptForm = ReceiptForm.BOTH
    """Text, TLVs or both."""
    text: ReceiptText = ReceiptText.NOMINAL
    """Which variant of the text."""
    data_coding: Annotated[int, Meta(ge=0, le=8)] = 0
    """`data_coding` of the text: 0, 1, 3, or 8 for UTF-16."""
    as_data_sm: bool = False
    """Sends receipts as `data_sm`, the text in `message_payload`."""
    without_esm_class: bool = False
    """Sends receipts with `esm_class` 0, as a few SMSCs do."""
    bind: ReceiptBind = ReceiptBind.SAME
    """Which session of the account gets them."""
    before_response_ms: Milliseconds = 0
    """Sends the first receipt so many milliseconds before the `submit_sm_resp`, whatever the delay says. 0:
    in the usual order."""
    intermediate: bool = False
    """Sends an ENROUTE receipt first, halfway to the final one."""
    duplicate_share: Share = 0
    """Share of final receipts that come twice."""
    lost_share: Share = 0
    """Share of messages whose receipts never come."""
    unrequested: bool = False
    """Sends receipts also where `registered_delivery` did not ask for one."""
    window: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    """`deliver_sm` of one session that may wait for their response; the rest waits in line."""
    response_seconds: Annotated[float, Meta(ge=0.05, le=3600)] = 30
    """Seconds to wait for a `deliver_sm_resp`; then the receipt goes to the next session of the account."""
    retry_seconds: Annotated[float, Meta(ge=0.05, le=3600)] = 1
    """Pause before a receipt that was refused, or not answered, is sent again."""
    attempts: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """Times a receipt or an MO is sent before it is given up, and counted so."""
    capacity: Annotated[int, Meta(ge=1, le=MAX_PENDING_RECEIPTS)] = 200_000
    """Receipts that may wait to be sent and answered. While there are so many, further submits are refused
    with 0x14, queue full. This bounds memory: about 0.6 kB each."""


class FaultRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong by itself. A period of 0 means never."""

    drop_every_seconds: Seconds | Range = 0
    """Closes the connection of one session, in turn, without a word."""
    unbind_every_seconds: Seconds | Range = 0
    """Unbinds one session, in turn, in order."""
    stall_every_seconds: Seconds | Range = 0
    """Stops reading and answering for `stall_seconds`."""
    stall_seconds: Seconds = 5
    """How long a stall lasts."""
    reads_per_second: Annotated[float, Meta(ge=0.1, le=1000)] | None = None
    """A slow reader: takes whatever has arrived, at most so many times a second. Absent: reads at once."""


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one simulated SMSC behaves."""

    description: Annotated[str, Meta(max_length=500)] = ""
    """What this profile is for, in a sentence."""
    bind: BindRules = BindRules()
    """Who may bind, and how."""
    submit: SubmitRules = SubmitRules()
    """What a submit is answered, and when."""
    ids: IdRules = IdRules()
    """How ids look."""
    receipts: ReceiptRules = ReceiptRules()
    """Which receipts come, when, where and in which form."""
    faults: FaultRules = FaultRules()
    """What goes wrong by itself."""
    magic_numbers: bool = True
    """Whether the documented test numbers decide what happens to their messages, whatever the rest says."""

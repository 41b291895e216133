"""Profile keys of submits: what they are answered, which are accepted, how their ids look.

The text below each field is what `docs/simulator.md` repeats. Nothing here acts on a value.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from gateway.simulator.profile_values import Milliseconds, Range, Refusal, Status, Weight


class ResponseBody(Enum):
    NORMAL = "normal"
    """An id when the message is taken, nothing when it is refused."""
    NONE = "none"
    """The header alone."""
    EMPTY = "empty"
    """An id of no characters: one NUL."""
    ID = "id"
    """An id, also when the message is refused."""
    UNTERMINATED = "unterminated"
    """An id without the NUL at its end."""


class ValidityForm(Enum):
    ANY = "any"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    NONE = "none"


class IdForm(Enum):
    DECIMAL = "decimal"
    HEX = "hex"
    """Capitals, no padding."""
    HEX_LOWER = "hex_lower"
    PADDED = "padded"
    """Decimal, zeros in front up to ten digits."""
    UUID = "uuid"
    LONG = "long"
    """64 characters, with a slash and dashes among them."""


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the answers to `submit_sm`, drawn by weight."""

    command_status: Status = 0
    """0 takes the message; anything else refuses it."""
    answered: bool = True
    """False: no response is ever sent. With `command_status: 0` the message is taken all the same and its
    receipt comes, so that the client never learns the id; else it vanishes."""
    body: ResponseBody = ResponseBody.NORMAL
    """What follows the header of the response."""
    weight: Weight = 1
    """How often, against the weights beside it."""


class SubmitRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a `submit_sm` or `data_sm` is answered, and when."""

    latency_ms: Milliseconds | Range = 0
    """Milliseconds until the response; a range makes responses come out of order."""
    reversed: bool = False
    """Answers what came in one read in reversed order."""
    answers: Annotated[tuple[Answer, ...], Meta(min_length=1, max_length=64)] = (Answer(),)
    """The mix of answers."""
    parts_per_second: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """Submits an account may send per second of the simulator's clock, no bursts carried over; the rest is
    answered with `throttled_with`. Absent: no limit."""
    throttled_with: Refusal = 0x58
    """The `command_status` above that limit."""
    window: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    """Submits of one session that may wait for their response; more are refused with `window_full_with` at
    once. This also bounds memory."""
    window_full_with: Refusal = 0x14
    """The `command_status` above that window; carriers use 0x14, 0x58 and 0x45."""
    queue_full_for: tuple[Annotated[str, Meta(pattern=r"^[0-9]{2,20}$")], ...] = ()
    """Last digits of people whose own queue is full: what goes to them is refused with 0x14, always."""


class AcceptanceRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which submits are refused for their form, before the mix of answers is asked."""

    tlvs: bool = True
    """Whether a submit may carry TLVs."""
    tlvs_refused_with: Refusal = 0xC1
    """The `command_status` for one that does."""
    udh: bool = True
    """Whether a submit may carry a user data header."""
    udh_refused_with: Refusal = 0x43
    """The `command_status` for one that does."""
    parts_most: Annotated[int, Meta(ge=1, le=255)] | None = None
    """Parts that a long text may have; each part of a longer one is refused. Absent: any number."""
    parts_refused_with: Refusal = 0x01
    """The `command_status` for such a part."""
    validity: ValidityForm = ValidityForm.ANY
    """Form of `validity_period` that is understood; `none` wants the field empty. Anything else is refused
    with 0x62, and so is an absolute one that is past."""
    service_type: Annotated[str, Meta(max_length=5)] | None = None
    """The `service_type` that a submit must state, exactly; another is refused with 0x15. Absent: any."""
    sources: tuple[Annotated[str, Meta(min_length=1, max_length=20)], ...] = ()
    """Senders that are known; any other is refused with 0x0a. Empty: all."""


class IdRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the ids of messages look. They count up from `first`."""

    response: IdForm = IdForm.DECIMAL
    """Form in the `submit_sm_resp`."""
    receipt: IdForm | None = None
    """Form in the receipt. Absent: the same. `uuid` goes with `uuid` only, since it cannot be converted."""
    receipt_tlv: IdForm | None = None
    """Form in the receipt's TLV, where it differs from the text's. Absent: the same."""
    response_prefix: Annotated[str, Meta(pattern=r"^[!-9;-~]{0,16}$")] = ""
    """Characters in front of the id in the `submit_sm_resp`."""
    receipt_prefix: Annotated[str, Meta(pattern=r"^[!-9;-~]{0,16}$")] = ""
    """Characters in front of the id in the receipt."""
    first: Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)] | None = None
    """The first id; 0 is what some SMSCs begin with after each start. Absent: drawn at the start, so that two
    runs do not hand out the same ids."""
    count: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    """How many ids there are: after so many they begin again with the first, as after a restart. Absent:
    they never repeat."""

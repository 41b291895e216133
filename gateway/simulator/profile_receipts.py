"""Profile keys of receipts: which come, when, where and in which form.

The text below each field is what `docs/simulator.md` repeats. Nothing here acts on a value.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.simulator.profile_values import Milliseconds, Range, Seconds, Share, Weight

MAX_PENDING_RECEIPTS: Final = 1_000_000
"""About 600 MB of receipts that have not been sent; more would be a mistake in a profile."""


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
    CENTURY = "century"
    """Dates with the century, twelve digits too."""
    NONSENSE = "nonsense"
    """Dates that are none."""
    UNDERSCORED = "underscored"
    """`submit_date:` and `done_date:`, and a capital `Text:`."""
    CAPITALS = "capitals"
    """Every label in capitals."""
    SPACED = "spaced"
    """A space after each colon."""
    WORDS = "words"
    """The full word, DELIVERED for DELIVRD."""
    SHUFFLED = "shuffled"
    """The same labels in another order."""
    UNLABELLED = "unlabelled"
    """The state word without `stat:`."""
    VARIED = "varied"
    """Each of the others in turn."""


class ReceiptBind(Enum):
    SAME = "same"
    """The session that submitted; another of the account when that one cannot receive or is gone."""
    OTHER = "other"
    """Another session of the account when there is one."""
    ANY = "any"
    """Each receiving session of the account in turn."""


class ReceiptsPer(Enum):
    PART = "part"
    FIRST_PART = "first_part"
    LAST_PART = "last_part"


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
    per: ReceiptsPer = ReceiptsPer.PART
    """Which parts of a long text get a receipt: each, or only the first or the last."""
    form: ReceiptForm = ReceiptForm.BOTH
    """Text, TLVs or both."""
    text: ReceiptText = ReceiptText.NOMINAL
    """Which variant of the text."""
    data_coding: Annotated[int, Meta(ge=0, le=8)] = 0
    """`data_coding` of the text: 0, 1, 3, or 8 for UTF-16."""
    utc_offset_minutes: Annotated[int, Meta(ge=-720, le=840)] = 0
    """Local time of the dates, in minutes from UTC."""
    as_data_sm: bool = False
    """Sends receipts as `data_sm`, the text in `message_payload`."""
    without_esm_class: bool = False
    """Sends receipts with `esm_class` 0, as a few SMSCs do."""
    with_udh: bool = False
    """Puts a user data header in front of the text, and says so in `esm_class`."""
    sender_first: bool = False
    """Writes the message's sender as the source and the handset as the destination: the wrong way round."""
    bare_addresses: bool = False
    """Writes both addresses with TON and NPI 0."""
    broken_tlvs: bool = False
    """Writes TLVs as they should not be: an id without NUL, a state of four octets, unknown and repeated
    ones, and at the end one that runs past the PDU."""
    bind: ReceiptBind = ReceiptBind.SAME
    """Which session of the account gets them."""
    before_response_ms: Milliseconds = 0
    """Sends the first receipt so many milliseconds before the `submit_sm_resp`, whatever the delay says. 0:
    in the usual order."""
    intermediate: bool = False
    """Sends an ENROUTE receipt first, halfway to the final one."""
    duplicate_share: Share = 0
    """Share of final receipts that come twice."""
    second_share: Share = 0
    """Share of final receipts that another one contradicts right after."""
    second: Outcome = Outcome(stat="UNDELIV", err="001")
    """What that other one says."""
    lost_share: Share = 0
    """Share of messages whose receipts never come."""
    unrequested: bool = False
    """Sends receipts also where `registered_delivery` did not ask for one."""
    window: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    """`deliver_sm` of one session that may wait for their response; the rest waits in line."""
    response_seconds: Annotated[float, Meta(ge=0.05, le=3600)] = 30
    """Seconds to wait for a `deliver_sm_resp`; then the receipt goes to the next session of the account."""
    timeouts_most: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    """Deliveries in a row that a session may leave unanswered before it is cut. Absent: any number."""
    retry_seconds: Annotated[float, Meta(ge=0.05, le=3600)] = 1
    """Pause before a receipt that was refused, or not answered, is sent again."""
    attempts: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    """Times a receipt or an MO is sent before it is given up, and counted so."""
    capacity: Annotated[int, Meta(ge=1, le=MAX_PENDING_RECEIPTS)] = 200_000
    """Receipts that may wait to be sent and answered. While there are so many, further submits are refused
    with 0x14, queue full. This bounds memory: about 0.6 kB each."""

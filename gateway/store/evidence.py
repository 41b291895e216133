"""What is handed to the outcome writer: each value is one thing that happened to a message.

Structs made in C, because several are made for every message: an answer takes 0.1 µs, as a NamedTuple 0.3 to
0.7, as a frozen dataclass 1.0. Nothing that they refer to leads back to them, so the garbage collector need
not know them; an `Ending` has a future, which may. What is a key, or a piece of one, is a tuple.
"""

import asyncio
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import msgspec

from gateway.domain.message import MessageState, Reason
from gateway.smpp.text import ReadAs
from gateway.store.flights import Flight


class ReceiptOutcome(IntEnum):
    """What was done with a receipt. Stored; never renumber."""

    APPLIED = 1
    """It moved its part."""
    REPEATED = 2
    """It says again what is known."""
    INTERMEDIATE = 3
    """Not final: kept, moves nothing."""
    LATE = 4
    """It contradicts an end; kept, the end stands."""
    UNMATCHED = 5
    """Its id is unknown so far; tried again for 72 h."""
    MATCHED_LATER = 6
    """Was unmatched; a receipt row stands for it now."""
    GIVEN_UP = 7
    """Unmatched for 72 h."""
    TOO_LATE = 8
    """Of a message whose rows, or whose id, are no longer kept."""
    INFERRED = 9
    """Its id is unknown, and only one message could be meant: it moved that one's part. Looked up on."""
    DISOWNED = 10
    """Was inferred, and turned out to be another message's: what it did is undone."""


WITHOUT_MESSAGE = (ReceiptOutcome.UNMATCHED, ReceiptOutcome.TOO_LATE)
"""How a receipt is counted that found no message when it came; what becomes of it later is not counted."""


class PartRef(NamedTuple):
    """One part of one message."""

    shop_id: int
    id: int
    slot: int
    part: int


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a submitted part came to: SENT, FAILED, QUEUED (not taken, to be tried again) or UNKNOWN.

    `carrier_id` is as the carrier wrote it, `lookup_id` the form under which its receipt is looked up.
    """

    flight: Flight
    part: int
    bind_no: int
    wanted: MessageState
    reason: Reason
    failure_class: int
    command_status: int | None
    carrier_id: str | None
    lookup_id: str | None
    submitted_at: datetime | None
    at: datetime
    retry_at: datetime | None = None


class LateAnswer(msgspec.Struct, frozen=True, gc=False):
    """An answer to a part that was written off as unknown, or put back to be sent again, for want of it."""

    flight: Flight
    part: int
    wanted: MessageState
    failure_class: int
    command_status: int
    carrier_id: str | None
    lookup_id: str | None
    at: datetime
    submitted_at: datetime | None = None
    """Tells the attempt that it answers."""


class Unsent(msgspec.Struct, frozen=True, gc=False):
    """An intent whose bytes were never written: these parts go back to the queue."""

    flight: Flight
    parts: tuple[int, ...]
    at: datetime


class ReceiptSeen(msgspec.Struct, frozen=True, gc=False):
    """A delivery receipt. `wanted` is None for one that ends nothing; `acknowledge` comes back on commit.

    `carrier_id` and `other_id` are the forms to look up; the `written` ones and the addresses are as the
    carrier wrote them. They are kept when no message has the id, and read anew at each later look.
    """

    connector_id: int
    carrier_id: str
    wanted: MessageState | None
    receipt_state: int
    failure_class: int
    stat: str
    err: str
    from_address: str
    to_address: str
    at: datetime
    acknowledge: object | None = None
    other_id: str = ""
    """The id in the text where it differs from receipted_message_id (quirk 51); tried second."""
    unmatched_id: int = 0
    """Its row of `receipt_unmatched`, once it has one."""
    written_id: str = ""
    written_other_id: str = ""
    carrier_at: datetime | None = None
    """When the carrier says it happened, where that makes sense."""
    submitted_at: datetime | None = None
    """When the carrier says that it took the message; believed only to call a receipt too late."""
    ends_message: bool = False
    """The carrier sends one receipt for all parts (quirk 59)."""
    otherwise: "InboundSeen | None" = None
    """What it is when no message has its id: only its text says that it is a receipt (quirk 55)."""
    inferred: PartRef | None = None
    """Whose it was taken to be, while no message has its id."""


class Matched(msgspec.Struct, frozen=True, gc=False):
    """A receipt and the part it speaks of, found by its id unless `is_inferred`."""

    receipt: ReceiptSeen
    part: int
    is_inferred: bool = False


class Inference(msgspec.Struct, frozen=True, gc=False):
    """No message has this receipt's id, and only this part can be meant."""

    receipt: ReceiptSeen
    ref: PartRef


class Disowned(msgspec.Struct, frozen=True, gc=False):
    """A receipt that was inferred for this part is another's; the rest of its rows say `standing`."""

    receipt: ReceiptSeen
    part: int
    standing: MessageState
    reason: Reason
    failure_class: int
    at: datetime


class InboundSeen(msgspec.Struct, frozen=True, gc=False):
    """A text from a handset, or one part of it: `parts` above 1. `acknowledge` comes back on commit.

    `body` is the user data behind its header, `udh` that header with the octet of its length. A part has no
    `text`; the writer makes one InboundSeen of all parts, in which `part` is the first that came.
    """

    shop_id: int
    slot: int
    connector_id: int
    data_coding: int
    esm_class: int
    reference: int | None
    part: int
    parts: int
    from_address: str
    to_address: str
    text: str | None
    body: bytes
    at: datetime
    acknowledge: object | None = None
    reference_bits: int = 0
    read_as: ReadAs = ReadAs.GSM7
    udh: bytes = b""
    destination_port: int | None = None
    source_port: int | None = None
    parts_came: int = 1
    inbound_id: int = 0
    """Of a text that was joined; any other gets its id when it is stored."""


class PartKey(NamedTuple):
    """What the parts of one text have in common. References of 8 and of 16 bits are spaces apart."""

    slot: int
    from_address: str
    shop_id: int
    to_address: str
    connector_id: int
    reference_bits: int
    reference: int
    parts: int


class PartsOverdue(NamedTuple):
    """Parts that waited long enough, or of which all are there: whatever came becomes a text now."""

    key: PartKey
    set_no: int


class Ending(NamedTuple):
    """End a message that waits: cancelled, expired or blocked. `done` hears whether it still waited."""

    shop_id: int
    id: int
    slot: int
    state: MessageState
    reason: Reason
    done: "asyncio.Future[bool] | None" = None


class WrittenOff(msgspec.Struct, frozen=True, gc=False):
    """Evidence of absence. NO_RESPONSE: the node that was sending it is gone, parts without an answer become
    UNKNOWN, or QUEUED with `retry_at`. NO_RECEIPT: parts that were answered and never reported become so."""

    shop_id: int
    id: int
    slot: int
    reason: Reason
    at: datetime
    intended_at: datetime | None = None
    """When that node was about to submit it; its bytes left then or later, if they did."""
    retry_at: datetime | None = None


Evidence: TypeAlias = (
    Answer | LateAnswer | Unsent | ReceiptSeen | Inference | InboundSeen | PartsOverdue | Ending | WrittenOff
)

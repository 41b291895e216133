"""What an examination saw, as values: binds, submits with their answers, receipts, the link.

Owns facts only; what they mean is read elsewhere. `order` counts everything received on all binds, so that
what came first can be told even where two PDUs came in one read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from gateway.doctor.plan import Probe, Purpose
from gateway.smpp.receipts import Receipt


@dataclass(frozen=True, slots=True)
class BindSeen:
    """One try to bind."""

    mode: str
    """`transceiver`, `transmitter` or `receiver`."""
    stated_version: int
    """`interface_version` that we stated."""
    command_status: int | None
    """None: no answer to the bind came at all."""
    error: str | None
    """In words, where it failed."""
    seconds: float
    smsc_name: str = ""
    smsc_version: int | None = None
    """`sc_interface_version`; None when the answer has none."""

    @property
    def is_bound(self) -> bool:
        return self.command_status == 0


@dataclass(frozen=True, slots=True)
class AnswerSeen:
    """One `submit_sm_resp`, or the generic_nack in its place."""

    order: int
    at: float
    """Seconds of the examination's clock."""
    command_status: int
    message_id: str


@dataclass(frozen=True, slots=True, eq=False)
class SubmitSeen:
    """One `submit_sm`, one part of one test message. Each is equal to itself only."""

    probe: Probe
    part: int
    parts: int
    bind_no: int
    at: float
    wall_at: datetime
    body: bytes
    """The text's octets, without any header."""
    changes: Mapping[str, object]
    """Settings that differed from those of the connector as it is configured, by path."""
    answer: AnswerSeen | None = None
    bills: int = 1
    """Parts that it costs when it is taken; more than one where the carrier cuts the text."""

    @property
    def is_taken(self) -> bool:
        return self.answer is not None and self.answer.command_status == 0

    @property
    def is_refused(self) -> bool:
        return self.answer is not None and self.answer.command_status != 0


class Vehicle(Enum):
    """The PDU that brought a receipt."""

    DELIVER_SM = "deliver_sm"
    DATA_SM = "data_sm"


@dataclass(frozen=True, slots=True)
class ReceiptSeen:
    """One receipt; also one that only reads like one (`is_announced` false, no TLVs)."""

    order: int
    at: float
    wall_at: datetime
    bind_no: int
    is_on_transmitter: bool
    vehicle: Vehicle
    esm_class: int
    data_coding: int
    tlv_id: str
    text_id: str
    has_state_tlv: bool
    has_text: bool
    quoted: bytes | None
    """Octets after `text:`, without trailing blanks; None when there is no `text:`."""
    source: str
    destination: str
    receipt: Receipt

    @property
    def is_announced(self) -> bool:
        """Whether `esm_class` says that it is a receipt."""
        return bool(self.esm_class & 0x24)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of one examination."""

    binds: tuple[BindSeen, ...] = ()
    submits: tuple[SubmitSeen, ...] = ()
    receipts: tuple[ReceiptSeen, ...] = ()
    handset_texts: int = 0
    """Texts from handsets that came meanwhile."""
    links_asked: int = 0
    """`enquire_link` of ours."""
    links_answered: int = 0
    slowest_link_seconds: float = 0.0
    link_requests: int = 0
    """`enquire_link` of the carrier's."""
    ends: tuple[str, ...] = ()
    """Why sessions ended by themselves, in words, in order."""
    bad_pdus: int = 0
    strays: tuple[str, ...] = ()
    """Commands that came and that nobody asks for, by name."""
    wait_seconds: float = 0.0
    """How long receipts were waited for, at most, after the last submit."""
    bind_changes: Mapping[str, object] = field(default_factory=dict)
    """Settings by path that the bind needed."""
    notes: tuple[str, ...] = ()
    """What the examination could not try, in words."""

    @property
    def taken(self) -> tuple[SubmitSeen, ...]:
        return tuple(submit for submit in self.submits if submit.is_taken)

    def of(self, *purposes: Purpose) -> tuple[SubmitSeen, ...]:
        """The submits that were sent for any of `purposes`."""
        return tuple(submit for submit in self.submits if submit.probe.purpose in purposes)

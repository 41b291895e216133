"""How a session behaves, and what it counts. Values only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from gateway.smpp.framing import MAX_PDU_OCTETS
from gateway.smpp.timers import TimerSettings


class Direction(Enum):
    """Which way a traced PDU went."""

    RECEIVED = "received"
    SENT = "sent"


Trace: TypeAlias = Callable[[Direction, bytes], None]
"""Called once for each read and each write with the whole PDUs in it, one after the other, in order.
Passwords and texts are in them: whoever shows a trace hides them. `framing.Framer` tells the PDUs apart."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How a session behaves. Times in seconds."""

    window: int = 10
    """Requests that may await a response. Some SMSCs accept 1 only (quirk 41)."""
    response_timeout_seconds: float = 60.0
    keep_late_seconds: float = 300.0
    """How long after its time-out a response is still recognised (quirk 8)."""
    unbind_timeout_seconds: float = 5.0
    """Wait for unbind_resp, for pending responses after the peer's unbind, and for the connection to
    close.
    """
    tick_seconds: float = 0.5
    """How often timers are looked at, so by how much they may be late."""
    max_pdu_octets: int = MAX_PDU_OCTETS
    system_id: bytes = b"estafette"
    """Our name in bind responses, for the SMSC role."""
    timers: TimerSettings = field(default_factory=TimerSettings)


@dataclass(slots=True)
class SessionCounters:
    """What passed on one session since it was opened. Only grows."""

    received_octets: int = 0
    received_pdus: int = 0
    reads: int = 0
    writes: int = 0
    written_octets: int = 0
    requests_sent: int = 0
    """Those that take a place in the window."""
    answers: int = 0
    late_answers: int = 0
    timeouts: int = 0
    stray_responses: int = 0
    """Responses that match no request of ours (quirks 6, 7, 8)."""
    bad_pdus: int = 0
    refused_requests: int = 0
    """Requests answered with an error here: unknown, or illegal in the state."""

"""What a session tells whoever owns it, and how it ends. Values and one port; no behaviour.

The owner is called on the event loop, once per read and kind, not once per message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.smpp.errors import BadPdu
from gateway.smpp.pdus import Pdu

if TYPE_CHECKING:
    from gateway.session.session import Session

Answer: TypeAlias = tuple[object, int, bytes]
"""(context of the request, command_status, message_id). A plain tuple: one is made per message."""

Request: TypeAlias = tuple[int, Pdu]
"""(sequence_number to answer with, PDU)."""


class CloseKind(Enum):
    """Why a session ended; decides how soon to come back."""

    UNBOUND = "unbound"
    """We unbound in order."""
    PEER_UNBOUND = "peer_unbound"
    """The peer unbound in order."""
    PEER_CLOSED = "peer_closed"
    """The peer closed the connection without a word."""
    NETWORK = "network"
    """The connection broke."""
    BIND_REFUSED = "bind_refused"
    SESSION_INIT_EXPIRED = "session_init_expired"
    ENQUIRE_LINK_UNANSWERED = "enquire_link_unanswered"
    INACTIVE = "inactive"
    TLS = "tls"
    """No TLS between us: a certificate, a protocol or a setting is wrong."""
    STREAM_LOST = "stream_lost"
    """The peer's octets made no PDUs any more."""
    ABORTED = "aborted"
    """The owner cut the connection."""


@dataclass(frozen=True, slots=True)
class CloseReason:
    """How a session ended, for a program (`kind`) and for a person (`detail`)."""

    kind: CloseKind
    detail: str
    command_status: int | None = None


class SessionOwner(Protocol):
    """Receives what happens on a session. Subclass it and write only the methods that matter.

    All methods run synchronously on the loop and must neither raise nor block. An exception ends the session.
    """

    def on_bound(self, session: Session, pdu: Pdu) -> None:
        """Messages may flow. `pdu` is the bind response for an ESME and the bind request for an SMSC."""

    def on_answers(self, session: Session, answers: list[Answer]) -> None:
        """Responses to requests of ours, in the order they came; also generic_nacks that name one of them.

        `message_id` is the first string of the response; a query_sm's other fields are not carried.
        """

    def on_late_answers(self, session: Session, answers: list[Answer]) -> None:
        """Responses that came after `on_timeouts` reported their contexts (quirk 8)."""

    def on_requests(self, session: Session, requests: list[Request]) -> None:
        """Requests of the peer, each to be answered with `answer` or `acknowledge_deliveries`.

        alert_notification comes here too and has no answer.
        """

    def on_timeouts(self, session: Session, contexts: list[object]) -> None:
        """No response within the time allowed. The peer may have acted on these requests or not."""

    def on_room(self, session: Session) -> None:
        """The window was full, or the connection congested, and requests can be sent again."""

    def on_unwritten(self, session: Session, contexts: list[object]) -> None:
        """These requests were not handed to the connection, or not to their last octet: safe to send
        elsewhere."""

    def on_bad_pdu(self, session: Session, raw: bytes, error: BadPdu) -> None:
        """A PDU that could not be read, already answered. `raw` is the whole PDU, for the trace."""

    def on_closed(self, session: Session, reason: CloseReason, unanswered: list[object]) -> None:
        """The end, exactly once for each session that was bound. `unanswered` were written and have no
        response.
        """

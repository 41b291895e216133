"""Which PDU is legal when, as one table, and the sequence numbers of a session. SMPP 3.4 §2.2, §2.3, §3.2.

Owns the states of a session and the judgement. Refuses to know sockets, windows and time.
"""

from collections.abc import Container
from enum import Enum, auto
from typing import Final

from gateway.smpp.constants import MAX_SEQUENCE_NUMBER, CommandId
from gateway.smpp.statuses import CommandStatus


class Role(Enum):
    """Which end of a session one is."""

    ESME = auto()
    """The client: a gateway's side towards a carrier."""
    SMSC = auto()
    """The server: a carrier, a simulator, or a gateway's side towards its customers."""

    @property
    def peer(self) -> "Role":
        """The other end."""
        return Role.SMSC if self is Role.ESME else Role.ESME


class SessionState(Enum):
    """SMPP 3.4 §2.2. UNBOUND here also covers an unbind that is sent and not yet answered."""

    OPEN = "open"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBOUND = "unbound"
    CLOSED = "closed"

    @property
    def is_bound(self) -> bool:
        """Whether messages may flow in some direction."""
        return self in _BOUND


_BOUND: Final = frozenset((SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX))
_OPEN: Final = frozenset((SessionState.OPEN,))
_FROM_ESME: Final = frozenset((SessionState.BOUND_TX, SessionState.BOUND_TRX))
_TO_ESME: Final = frozenset((SessionState.BOUND_RX, SessionState.BOUND_TRX))

_LEGAL: Final[dict[tuple[Role, int], frozenset[SessionState]]] = {
    (Role.ESME, CommandId.BIND_TRANSMITTER): _OPEN,
    (Role.ESME, CommandId.BIND_RECEIVER): _OPEN,
    (Role.ESME, CommandId.BIND_TRANSCEIVER): _OPEN,
    (Role.SMSC, CommandId.OUTBIND): _OPEN,
    (Role.ESME, CommandId.SUBMIT_SM): _FROM_ESME,
    (Role.ESME, CommandId.DATA_SM): _FROM_ESME,
    (Role.ESME, CommandId.QUERY_SM): _FROM_ESME,
    (Role.ESME, CommandId.CANCEL_SM): _FROM_ESME,
    (Role.ESME, CommandId.REPLACE_SM): _FROM_ESME,
    (Role.SMSC, CommandId.DELIVER_SM): _TO_ESME,
    (Role.SMSC, CommandId.DATA_SM): _TO_ESME,
    (Role.SMSC, CommandId.ALERT_NOTIFICATION): _TO_ESME,
    (Role.ESME, CommandId.UNBIND): _BOUND,
    (Role.SMSC, CommandId.UNBIND): _BOUND,
    (Role.ESME, CommandId.ENQUIRE_LINK): _BOUND,
    (Role.SMSC, CommandId.ENQUIRE_LINK): _BOUND,
}
"""Who may send which request in which state: SMPP 3.4 table 2-1. Responses are legal when their request
was.
"""

_TOLERATED: Final[dict[tuple[Role, int], frozenset[SessionState]]] = {
    # Receipts arrive on transmitter binds too (quirk 45).
    (Role.SMSC, CommandId.DELIVER_SM): _BOUND,
    (Role.SMSC, CommandId.DATA_SM): _BOUND,
    (Role.SMSC, CommandId.ALERT_NOTIFICATION): _BOUND,
    # Always answer a sign-of-life question, also while shutting down (quirk 20); never quarrel over an
    # unbind.
    (Role.ESME, CommandId.ENQUIRE_LINK): frozenset(SessionState),
    (Role.SMSC, CommandId.ENQUIRE_LINK): frozenset(SessionState),
    (Role.ESME, CommandId.UNBIND): frozenset(SessionState),
    (Role.SMSC, CommandId.UNBIND): frozenset(SessionState),
}
"""What we accept beyond the table, since peers do it."""

_BINDS: Final = frozenset((CommandId.BIND_TRANSMITTER, CommandId.BIND_RECEIVER, CommandId.BIND_TRANSCEIVER))
_STATE_AFTER_BIND: Final[dict[int, SessionState]] = {
    CommandId.BIND_TRANSMITTER: SessionState.BOUND_TX,
    CommandId.BIND_RECEIVER: SessionState.BOUND_RX,
    CommandId.BIND_TRANSCEIVER: SessionState.BOUND_TRX,
}


def may_send(role: Role, state: SessionState, command_id: int) -> bool:
    """Whether one in `role` may send this request in `state`, by the letter of table 2-1."""
    return state in _LEGAL.get((role, command_id), ())


def refuse_request(role: Role, state: SessionState, command_id: int) -> CommandStatus | None:
    """The status with which one in `role` answers a received request, or None to accept it.

    `role` is the receiver's. An ESME that has unbound answers messages with a temporary error, so that the
    SMSC keeps them for the next bind instead of dropping them.
    """
    sender = role.peer
    legal = _LEGAL.get((sender, command_id))
    if legal is None:
        return CommandStatus.ESME_RINVCMDID
    if state in legal or state in _TOLERATED.get((sender, command_id), ()):
        return None
    if command_id in _BINDS and state.is_bound:
        return CommandStatus.ESME_RALYBND
    if role is Role.ESME and state is SessionState.UNBOUND:
        return CommandStatus.ESME_RX_T_APPN
    return CommandStatus.ESME_RINVBNDSTS


def state_after_bind(command_id: int) -> SessionState:
    """The state that a bind with this command_id leads to."""
    return _STATE_AFTER_BIND[command_id]


def may_send_messages(role: Role, state: SessionState) -> bool:
    """Whether one in `role` may open message requests: submit_sm for an ESME, deliver_sm for an SMSC."""
    return state in (_FROM_ESME if role is Role.ESME else _TO_ESME)


class SequenceNumbers:
    """The numbers of one direction of one session: 1 to 7fffffff, then 1 again, never one still in use."""

    __slots__ = ("_last",)

    def __init__(self, *, last: int = 0) -> None:
        self._last = last

    def take(self, in_use: Container[int]) -> int:
        """The next number that is not `in_use`."""
        number = self._last + 1
        while number > MAX_SEQUENCE_NUMBER or number in in_use:
            number = 1 if number >= MAX_SEQUENCE_NUMBER else number + 1
        self._last = number
        return number

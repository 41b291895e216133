"""The life of a message: its states, its parts, and the only judge of how they may move.

Evidence (an answer, a receipt, a time-out) speaks of one part; the state of the message follows from its
parts. Nothing undoes an end: evidence that would is reported as not applied, and kept by the caller.
Knows no database, PDU or clock.
"""

from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple


class MessageState(IntEnum):
    """States of a message and of a part. Stored in Postgres; never renumber."""

    SCHEDULED = 1
    QUEUED = 2
    SENDING = 3
    SENT = 4
    DELIVERED = 5
    FAILED = 6
    EXPIRED = 7
    CANCELLED = 8
    BLOCKED = 9
    UNKNOWN = 10

    @property
    def word(self) -> str:
        return self.name.lower()


class Reason(IntEnum):
    """Why a message is where it is, when the state alone does not say. Stored; never renumber."""

    NONE = 0
    NO_RESPONSE = 1
    NO_RECEIPT = 2
    RECEIPT_SAID_UNKNOWN = 3
    CANCELLED_BY_SHOP = 4
    CANCELLED_BY_OPERATOR = 5
    VALIDITY_PASSED = 6
    REJECTED_BY_CARRIER = 7
    RECEIPT_SAID_SO = 8
    RETRIES_EXHAUSTED = 9
    CONTENT_ERASED = 10
    OPTED_OUT = 11
    CAMPAIGN_CANCELLED = 12
    SUPPRESSED = 13
    TOO_MANY_PARTS = 14
    NOT_SENDABLE = 15
    CLOSED_BY_OPERATOR = 16
    RESENT_AS_NEW = 17

    @property
    def word(self) -> str:
        return "" if self is Reason.NONE else self.name.lower()


S = MessageState

MOVES: dict[MessageState, frozenset[MessageState]] = {
    S.SCHEDULED: frozenset({S.QUEUED, S.CANCELLED, S.BLOCKED, S.EXPIRED}),
    S.QUEUED: frozenset({S.SENDING, S.SCHEDULED, S.CANCELLED, S.BLOCKED, S.EXPIRED}),
    S.SENDING: frozenset({S.SENT, S.QUEUED, S.FAILED, S.UNKNOWN, S.DELIVERED, S.EXPIRED}),
    S.SENT: frozenset({S.DELIVERED, S.FAILED, S.EXPIRED, S.UNKNOWN}),
    S.UNKNOWN: frozenset({S.SENT, S.DELIVERED, S.FAILED, S.EXPIRED}),
    S.DELIVERED: frozenset(),
    S.FAILED: frozenset(),
    S.EXPIRED: frozenset(),
    S.CANCELLED: frozenset(),
    S.BLOCKED: frozenset(),
}
"""Every move that evidence makes. `UNKNOWN → QUEUED` is absent: only a person makes it, see `reopen`. Out of
an end leads nothing but the loss of the evidence that led there, see `disown`."""

ENDS = frozenset(state for state, onward in MOVES.items() if not onward)

ACCEPTED_BIT = 1
"""Bit 0 of `entered`: the gateway took the message in."""

COUNTED = (S.SENT, S.DELIVERED, S.FAILED, S.EXPIRED, S.CANCELLED, S.BLOCKED, S.UNKNOWN)
"""States whose first entry the rollups count, beside acceptance. Where a message merely waits
(scheduled, queued, sending) is read from the queue itself."""

COUNTED_MASK = sum(1 << state for state in COUNTED)


def entered_bit(state: MessageState) -> int:
    return 1 << state


class Progress(NamedTuple):
    """Where a message stands: its state, the states it ever entered (bit per state), one state per part."""

    state: MessageState
    entered: int
    part_states: bytes


_REMEMBERED: Final = 4_096
"""Moves of which the result is kept, 0.3 kB each. Messages of one part know some dozens in all; of longer
ones those that are met again and again stay. To work one out takes 0.5 µs, to remember it 0.1."""

_ENDED_HERE = frozenset({S.CANCELLED, S.BLOCKED})
"""Ends that no carrier had a part in."""

_SENT_BIT = entered_bit(S.SENT)
_PROVES_SENT = frozenset({S.DELIVERED, S.EXPIRED})


def accepted(parts: int, *, scheduled: bool) -> Progress:
    """The progress of a message just taken in."""
    state = S.SCHEDULED if scheduled else S.QUEUED
    return Progress(state, ACCEPTED_BIT | entered_bit(state), bytes((state,)) * parts)


def transition(state: MessageState, wanted: MessageState) -> bool:
    """Whether a message, or a part, may move from `state` to `wanted`."""
    return wanted in MOVES[state]


def intend(progress: Progress) -> Progress:
    """A queued message whose waiting parts are about to be submitted."""
    return _intend(progress)


@lru_cache(maxsize=_REMEMBERED)
def _intend(progress: Progress) -> Progress:
    if len(progress.part_states) == 1:
        states = _ONE_PART[S.SENDING]
    else:
        states = bytes(S.SENDING if state == S.QUEUED else state for state in progress.part_states)
    return Progress(S.SENDING, progress.entered | entered_bit(S.SENDING), states)


def recall(progress: Progress, part: int) -> Progress:
    """A part that waits to be sent again counts as being sent once more: its submit has an answer after all.

    The message leaves the queue with the last such part; whoever calls this has taken its row away. One that
    is at its end stays there.
    """
    held = progress.part_states
    states = held[:part] + _ONE_PART[S.SENDING] + held[part + 1 :]
    state = progress.state
    if state is S.QUEUED and S.QUEUED not in states:
        state = S.SENDING
    return Progress(state, progress.entered, states)


def reopen(progress: Progress) -> Progress:
    """A message of unknown outcome that a person has sent again: its unknown parts wait once more.

    The others keep their states; what carriers took is not sent twice. Raises `ValueError` for any other
    message.
    """
    if progress.state is not S.UNKNOWN:
        raise ValueError(f"a message that is {progress.state.word} cannot be sent again as it is")
    states = bytes(S.QUEUED if state == S.UNKNOWN else state for state in progress.part_states)
    return Progress(S.QUEUED, progress.entered | entered_bit(S.QUEUED), states)


def disown(
    progress: Progress, part: int, standing: MessageState, *, receipt_per_message: bool = False
) -> Progress:
    """A receipt was taken to be of this part and is another message's: the part stands where everything else
    that is known of it puts it, and the message follows, out of an end too.

    What it ever entered stays entered, so that nothing is counted or told of twice.
    """
    held = progress.part_states
    states = held[:part] + _ONE_PART[standing] + held[part + 1 :]
    state = progress.state
    if state not in _ENDED_HERE:
        state = _message_state(states, receipt_per_message=receipt_per_message)
    entered = progress.entered | entered_bit(state)
    return Progress(state, entered | _SENT_BIT if state in _PROVES_SENT else entered, states)


def judge(
    progress: Progress, part: int, wanted: MessageState, *, receipt_per_message: bool = False
) -> Progress | None:
    """The progress after evidence that part `part` (from 0) is now `wanted`; None when it changes nothing.

    None means late, repeated or contradicting evidence: the caller keeps it as a row and applies nothing.
    """
    return _judge(progress, part, wanted, receipt_per_message)


@lru_cache(maxsize=_REMEMBERED)
def _judge(progress: Progress, part: int, wanted: MessageState, receipt_per_message: bool) -> Progress | None:
    held = progress.part_states
    if wanted not in _BY_EVIDENCE[held[part]]:
        return None
    if len(held) == 1:
        states = _ONE_PART[wanted]
        found = S(wanted)  # a number that only equals the state would be remembered for all who ask by it
    else:
        states = held[:part] + _ONE_PART[wanted] + held[part + 1 :]
        found = _message_state(states, receipt_per_message=receipt_per_message)
    state = S(progress.state)
    if found == state or found not in MOVES[state]:
        return Progress(state, progress.entered, states)
    entered = progress.entered | (1 << found)
    if found in _PROVES_SENT:
        entered |= _SENT_BIT
    return Progress(found, entered, states)


_WAITING = frozenset({S.SCHEDULED, S.QUEUED})
_BY_EVIDENCE: tuple[frozenset[MessageState], ...] = (
    frozenset(),
    *(frozenset() if state in _WAITING else MOVES[state] for state in sorted(S)),
)
"""Where evidence may move a part, by its state. A part that waits has a queue or schedule row, which only a
cancel or an expiry may take away."""

_ONE_PART = {state: bytes((state,)) for state in S}


def _message_state(states: bytes, *, receipt_per_message: bool) -> MessageState:
    """The state of a message from those of its parts: delivered when all are, failed when one is."""
    if S.FAILED in states:
        return S.FAILED
    if states.count(S.DELIVERED) == len(states):
        return S.DELIVERED
    if receipt_per_message and S.DELIVERED in states and S.SENDING not in states and S.QUEUED not in states:
        return S.DELIVERED  # not while a part may still be refused, or waits to be sent again
    for waiting in (S.SENDING, S.QUEUED, S.EXPIRED, S.UNKNOWN):
        if waiting in states:
            return waiting
    return S.SENT

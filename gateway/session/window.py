"""The requests of one session that await a response, and for some minutes those whose response did not come
in time.

Owns matching by sequence number and expected command, and expiry. Refuses to know sockets and clocks. No
object per request beyond one tuple: 5,000 messages a second pass through here.
"""

from typing import Final, TypeAlias

from gateway.smpp.constants import RESPONSE_BIT

Pending: TypeAlias = tuple[object, float, int]
"""(context, sent_at in seconds, command_id of the response)."""

_MOST_LATE: Final = 20_000
"""Requests kept beyond their time-out: some 4 MB at worst. The oldest make room for new ones."""


class Window:
    """Requests by sequence number. `pending` is open to the session's hot path and changed there directly."""

    __slots__ = ("_keep_late_seconds", "_late", "_response_timeout_seconds", "pending")

    def __init__(self, *, response_timeout_seconds: float, keep_late_seconds: float) -> None:
        self._response_timeout_seconds = response_timeout_seconds
        self._keep_late_seconds = keep_late_seconds
        self.pending: dict[int, Pending] = {}
        self._late: dict[int, Pending] = {}

    def __contains__(self, sequence_number: object) -> bool:
        """Whether a number is in use, so that it is not given to another request."""
        return sequence_number in self.pending or sequence_number in self._late

    def expire(self, now: float) -> list[object]:
        """Move requests whose time is over out of the window; return their contexts, oldest first.

        Their answers are recognised for some minutes more by `take_late`.
        """
        expired = []
        for number, entry in self.pending.items():  # insertion order is order of sending
            if now - entry[1] < self._response_timeout_seconds:
                break
            expired.append(number)
        contexts = []
        for number in expired:
            entry = self._late[number] = self.pending.pop(number)
            contexts.append(entry[0])
        self._forget_late(now)
        return contexts

    def _forget_late(self, now: float) -> None:
        forget_seconds = self._response_timeout_seconds + self._keep_late_seconds
        while self._late:
            number, entry = next(iter(self._late.items()))
            if len(self._late) <= _MOST_LATE and now - entry[1] < forget_seconds:
                return
            del self._late[number]

    def take_late(self, sequence_number: int, command_id: int | None = None) -> object | None:
        """The context of a timed-out request whose response this is, or None. Without `command_id`, as with a
        generic_nack, any request of that number.
        """
        entry = self._late.get(sequence_number)
        if entry is None or command_id not in (entry[2], None):
            return None
        del self._late[sequence_number]
        return entry[0]

    def take_nacked(self, sequence_number: int) -> object | None:
        """The context of the pending request that a generic_nack names, or None; it matches any command."""
        entry = self.pending.pop(sequence_number, None)
        return None if entry is None else entry[0]

    def take_all(self) -> list[object]:
        """Empty the window; return the contexts of all pending requests, oldest first."""
        contexts = [entry[0] for entry in self.pending.values()]
        self.pending.clear()
        return contexts


def response_id(command_id: int) -> int:
    """The command_id of the response to a request."""
    return command_id | RESPONSE_BIT

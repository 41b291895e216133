"""Reads a simulator's log as an accountant would: what was sent to whom, and what should have come of it.

Knows only the lines. The gateway's own opinion is not asked, so that the two can be compared.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]

_ENDS = {
    "DELIVRD": "delivered",
    "UNDELIV": "failed",
    "REJECTD": "failed",
    "DELETED": "failed",
    "EXPIRED": "expired",
    "UNKNOWN": "unknown",
}
"""What a final receipt makes of its part. Any other word comes with the TLV for unknown."""
_NO_END = ("ENROUTE",)
_BAD_ENDS = frozenset(("failed", "expired"))
_DELIVERED = frozenset(("delivered",))
_WAITING = frozenset(("waiting",))


@dataclass(slots=True)
class Sent:
    """What the carrier saw of one text to one number."""

    taken: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    """Submits that were taken, by the number of their part."""
    refused: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))

    @property
    def text(self) -> str:
        """The text that the person reads."""
        return "".join(lines[0]["text"] for _, lines in sorted(self.taken.items()))

    @property
    def is_doubled(self) -> bool:
        return any(len(lines) > 1 for lines in self.taken.values())


class SimulatorLog:
    """The lines of one simulator, as far as they have been read."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = defaultdict(Sent)
        """By the last nine digits of the number, which every form of it has."""
        self.closes = 0
        self.last_n = 0
        self._ends: dict[str, str] = {}

    def read(self, lines: Iterable[bytes]) -> None:
        """Take further lines, in order."""
        for encoded in lines:
            line = json.loads(encoded)
            self.last_n = line["n"]
            match line["event"]:
                case "submit":
                    sent = self.sent[line["destination"][-9:]]
                    book = sent.refused if line["command_status"] else sent.taken
                    book[line["number"]].append(line)
                case "receipt" if line["stat"] not in _NO_END:
                    self._ends.setdefault(line["carrier_id"], _ENDS.get(line["stat"], "unknown"))
                case "close":
                    self.closes += 1

    def judge(self, number: str, *, is_receipt_per_message: bool) -> frozenset[str]:
        """The states that the text to `number` may have come to, by what the carrier answered and said.

        Two of them where two parts came to different ends, of which the first counts.
        """
        sent = self.sent.get(number)
        if sent is None:
            return _WAITING
        parts = [self._judge_taken(lines[0]) for lines in sent.taken.values()]
        parts += [_judge_refused(lines[-1]) for n, lines in sent.refused.items() if n not in sent.taken]
        if is_receipt_per_message and "delivered" in parts:
            parts = [state for state in parts if state != "sent"]
        if ends := _BAD_ENDS.intersection(parts):
            return ends
        for state in ("unknown", "sent"):
            if state in parts:
                return frozenset((state,))
        return _DELIVERED

    def _judge_taken(self, line: Line) -> str:
        if not line["answered"]:
            return "unknown"
        if not line["carrier_id"]:
            return "sent"
        return self._ends.get(line["receipt_id"], "sent")


def _judge_refused(line: Line) -> str:
    return "failed" if line["answered"] else "unknown"

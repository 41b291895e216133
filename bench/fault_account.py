"""What became of every serial: the carrier's log, which is only ever appended to, beside the gateway's rows.

Pure but for reading a file. Each message of a fault run is to a number of its own and has its serial in the
text; whoever counts them needs neither side's opinion of the other.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.message import MessageState

_SERIAL: Final = re.compile(r"^fault run (\d+)$")
_WAITING: Final = frozenset(
    (MessageState.SCHEDULED, MessageState.QUEUED, MessageState.SENDING, MessageState.SENT)
)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Serials by what became of them. `lost` and `doubled` must be empty."""

    lost: tuple[int, ...]
    """Accepted, and without a row, or still under way when nothing moves any more, or delivered by the
    gateway's word and not by the carrier's, or the other way round."""
    doubled: tuple[int, ...]
    """Taken by the carrier more than once, or stored more than once."""
    unknown: tuple[int, ...]
    """Of unknown outcome, and said to be: the gateway sent it and has no answer."""
    unknown_taken: tuple[int, ...] = ()
    """Of these, what the carrier did take: a late answer or a receipt may tell."""


def text_of_serial(serial: int) -> str:
    return f"fault run {serial:06d}"


def serial_of_text(text: str) -> int | None:
    """None for a text that is not of a fault run."""
    found = _SERIAL.match(text)
    return int(found[1]) if found else None


def read_taken(log: Path) -> Counter[int]:
    """How often the simulator took each serial, by its log."""
    taken: Counter[int] = Counter()
    with log.open("rb") as lines:
        for encoded in lines:
            if b'"event":"submit"' not in encoded:
                continue
            line = json.loads(encoded)
            serial = serial_of_text(line["text"])
            if serial is not None and line["command_status"] == 0:
                taken[serial] += 1
    return taken


def reckon(
    accepted: Collection[int], taken: Counter[int], rows: Iterable[tuple[int, MessageState]]
) -> Reckoning:
    """Compare what was answered 202 with what the carrier took and what the rows say, once all is at rest."""
    states: dict[int, list[MessageState]] = {}
    for serial, state in rows:
        states.setdefault(serial, []).append(state)
    lost, doubled, unknown = [], [], []
    for serial in accepted:
        stored = states.get(serial, [])
        if len(stored) > 1 or taken[serial] > 1:
            doubled.append(serial)
        elif not stored or _is_lost(stored[0], is_taken=taken[serial] > 0):
            lost.append(serial)
        elif stored[0] is MessageState.UNKNOWN:
            unknown.append(serial)
    unknown_taken = tuple(serial for serial in unknown if taken[serial])
    return Reckoning(tuple(lost), tuple(doubled), tuple(unknown), unknown_taken)


def _is_lost(state: MessageState, *, is_taken: bool) -> bool:
    """This carrier takes and delivers everything that reaches it."""
    if state in _WAITING:
        return True
    if state is MessageState.UNKNOWN:
        return False
    return is_taken is not (state is MessageState.DELIVERED)

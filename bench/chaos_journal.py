"""What the SMSC of `bench chaos` knows: its journal, read while it grows.

Both kinds are understood: the lines of the C sink and the JSON lines of the simulator. Texts end with the
serial that the shop gave them. Knows nothing of the gateway.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Taken:
    """A submit that the SMSC took: when (Unix seconds), on which session, which serial its text bears."""

    at: float
    session: int
    carrier_id: str
    destination: str
    serial: int


class Journal:
    """The journal up to the last `read_more`."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path = path
        self._read_line = self._read_sink_line if kind == "smsc_sink" else self._read_simulator_line
        self._offset = 0
        self.taken: dict[str, Taken] = {}
        """By the SMSC's message id."""
        self.by_serial: defaultdict[int, list[Taken]] = defaultdict(list)
        self.receipts_sent = 0
        self.receipts_refused = 0
        self.receipts_accepted: set[str] = set()
        """Ids whose receipt the gateway acknowledged: from then on it must know of it. Empty for the
        simulator, whose log does not say."""
        self.binds = 0
        self.last_taken_at = 0.0

    def read_more(self) -> None:
        """Take in the whole lines that were appended since. Raises `BenchError` for one that says nothing."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            content = file.read()
        whole = content.rfind(b"\n") + 1
        self._offset += whole
        for line in content[:whole].decode("latin-1").splitlines():
            try:
                self._read_line(line)
            except (ValueError, KeyError, IndexError) as exc:
                raise BenchError(f"the SMSC's journal has a line that nobody understands: {line!r}") from exc

    def _read_sink_line(self, line: str) -> None:
        event, at, session, rest = line.split(" ", 3)
        if event == "S":
            carrier_id, destination, text = rest.split(" ", 2)
            self._note_taken(Taken(float(at), int(session), carrier_id, destination, read_serial(text)))
        elif event == "R":
            self.receipts_sent += 1
        elif event == "A":
            carrier_id, status = rest.split(" ")
            if status == "0":
                self.receipts_accepted.add(carrier_id)
            else:
                self.receipts_refused += 1
        elif event == "B":
            self.binds += 1

    def _read_simulator_line(self, line: str) -> None:
        entry = json.loads(line)
        event = entry["event"]
        if event == "submit" and entry["command_status"] == 0:
            serial = read_serial(entry["text"])
            self._note_taken(
                Taken(entry["at"], entry["session"], entry["receipt_id"], entry["destination"], serial)
            )
        elif event == "receipt":
            self.receipts_sent += 1
        elif event == "refused":
            self.receipts_refused += 1
        elif event == "bind":
            self.binds += entry["command_status"] == 0

    def _note_taken(self, taken: Taken) -> None:
        if taken.carrier_id in self.taken:
            raise BenchError(f"the SMSC gave the id {taken.carrier_id} twice")
        self.taken[taken.carrier_id] = taken
        self.by_serial[taken.serial].append(taken)
        self.last_taken_at = taken.at


def read_serial(text: str) -> int:
    """The serial at the end of a text."""
    return int(text.rpartition(" ")[2])

"""What an SMSC wrote down itself, line by line: submits that it took, receipts that it knows acknowledged.

Understands the log of `estafette simulator --log` (JSON lines) and the journal of the benchmarks' sink
(words). Holds about 300 octets for each submit; knows nothing of our rows.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.errors import EstafetteError


class BadCarrierLog(EstafetteError):
    """A line that neither kind of log has."""

    def __init__(self, number: int, line: bytes) -> None:
        shown = line[:80].decode("latin-1")
        super().__init__(f"line {number} is of no carrier's log that is known: {shown!r}; give another file")
        self.line_number = number


@dataclass(slots=True)
class TakenSubmit:
    """One submit that the SMSC took. `part` counts from 0; `at` are Unix seconds."""

    at: float
    carrier_id: str
    receipt_id: str
    destination: str
    text: str
    part: int = 0


class CarrierLog:
    """Everything of one log that the account needs."""

    def __init__(self) -> None:
        self.lines = 0
        self.first_at: float | None = None
        self.taken: list[TakenSubmit] = []
        self.refused = 0
        """Submits that the SMSC did not take."""
        self.receipts_sent = 0
        self.acknowledged: Counter[str] = Counter()
        """Receipts that we took, by the id that they bear."""

    def read(self, lines: Iterable[bytes], *, until: float) -> None:
        """Take further lines, in order; receipts that were acknowledged after `until` (Unix seconds) are left
        out. A last line without its end is one that is just being written. Raises `BadCarrierLog`."""
        for line in lines:
            if not line.endswith(b"\n"):
                return
            self.lines += 1
            try:
                if line.startswith(b"{"):
                    self._read_simulator_line(json.loads(line), until)
                else:
                    self._read_sink_line(line.decode("latin-1").rstrip("\n"), until)
            except (ValueError, KeyError, IndexError, TypeError) as exc:
                raise BadCarrierLog(self.lines, line) from exc

    def _read_simulator_line(self, entry: dict[str, Any], until: float) -> None:
        at = self._note_time(float(entry["at"]))
        match entry["event"]:
            case "submit" if entry["command_status"]:
                self.refused += 1
            case "submit":
                self.taken.append(
                    TakenSubmit(
                        at,
                        entry["carrier_id"] or entry["receipt_id"],
                        entry["receipt_id"],
                        _digits(entry["destination"]),
                        entry["text"],
                        entry["number"] - 1,
                    )
                )
            case "receipt":
                self.receipts_sent += 1
            case "accepted" if entry["carrier_id"] and at <= until:
                self.acknowledged[entry["carrier_id"]] += 1

    def _read_sink_line(self, line: str, until: float) -> None:
        kind, moment, _, rest = (*line.split(" ", 3), "")[:4]
        at = self._note_time(float(moment))
        match kind:
            case "S":
                carrier_id, destination, text = rest.split(" ", 2)
                self.taken.append(TakenSubmit(at, carrier_id, carrier_id, _digits(destination), text))
            case "R":
                self.receipts_sent += 1
            case "A":
                carrier_id, status = rest.split(" ")
                if status == "0" and at <= until:
                    self.acknowledged[carrier_id] += 1

    def _note_time(self, at: float) -> float:
        if self.first_at is None:
            self.first_at = at
        return at


def _digits(number: str) -> str:
    """A number as ours are written, where the carrier writes it internationally."""
    return number.lstrip("+").removeprefix("00")

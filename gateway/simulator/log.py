"""The append-only log: a JSON line per bind, submit, receipt, MO and end of session, for counting by others.

A submit is logged before it is answered, and its line reaches the file within the owner's flush period. Knows
the shape of the lines and when they reach the file; refuses to know what happened.
"""

import os
from collections import deque
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gateway.simulator.errors import LogBroken

RECENT_LINES: Final = 10_000
"""Lines kept in memory for `GET /log`; about 4 MB."""

_FLUSH_OCTETS: Final = 256 * 1024
"""Buffered octets that go to the file without waiting for the clock."""


class Line(Struct, tag_field="event", kw_only=True):
    """What every line has."""

    n: int = 0
    """Number of the line, from 1, without gaps."""
    at: float
    """Seconds since 1970, UTC."""


class BoundLine(Line, tag="bind"):
    """A bind was answered."""

    session: int
    """Number of the session, from 1; 0 when the bind was refused."""
    system_id: str
    """The account's name."""
    mode: str
    """`transmitter`, `receiver` or `transceiver`."""
    command_status: int
    """0, or why it was refused."""


class SubmitLine(Line, tag="submit"):
    """A submit_sm or data_sm arrived; this is what will be answered."""

    session: int
    """Number of the session."""
    system_id: str
    """The account's name."""
    sequence_number: int
    """As the client numbered it."""
    command_status: int
    """The answer; 0 means that the message was taken."""
    answered: bool
    """False when the profile says that no response is sent."""
    carrier_id: str
    """The id as the response says it; empty when it says none."""
    receipt_id: str
    """The id as its receipts will say it; empty when the message is refused."""
    source: str
    """Sender's address."""
    destination: str
    """Handset's address."""
    data_coding: int
    """As sent."""
    esm_class: int
    """As sent."""
    registered_delivery: int
    """As sent."""
    udh: str
    """User data header in hexadecimal; empty when there is none."""
    short_message: str
    """Text without that header, in hexadecimal; from `message_payload` when it was there."""
    text: str
    """The same as this SMSC understood it."""
    validity_period: str = ""
    """As sent."""
    reference: int | None = None
    """Reference of a long message; null for a text that stands alone."""
    total: int = 1
    """Parts it has."""
    number: int = 1
    """Which of them this is."""


class ReceiptLine(Line, tag="receipt"):
    """A receipt was handed to a session; the same one again when it had to be repeated."""

    session: int
    """Number of the session that gets it."""
    system_id: str
    """The account's name."""
    carrier_id: str
    """The id as the receipt says it."""
    stat: str
    """Its state word."""
    err: str
    """Its error value."""
    attempt: int
    """1 at first."""


class MoLine(Line, tag="mo"):
    """One part of a message from a handset was handed to a session."""

    session: int
    """Number of the session that gets it."""
    system_id: str
    """The account's name."""
    source: str
    """Handset's address."""
    destination: str
    """The number it was sent to."""
    data_coding: int
    """As sent."""
    esm_class: int
    """As sent."""
    short_message: str
    """Text with its header in hexadecimal."""
    attempt: int
    """1 at first."""


class RefusedLine(Line, tag="refused"):
    """A receipt or an MO was refused, or not answered in time; it will be sent again."""

    session: int
    """Number of the session."""
    carrier_id: str
    """The receipt's id; empty for an MO."""
    command_status: int | None
    """The client's answer; null when there was none."""


class AcceptedLine(Line, tag="accepted"):
    """The client acknowledged a receipt or one part of an MO: from now on it must know of it."""

    session: int
    """Number of the session."""
    carrier_id: str
    """The receipt's id; empty for an MO."""


class ClosedLine(Line, tag="close"):
    """A session ended."""

    session: int
    """Number of the session."""
    system_id: str
    """The account's name."""
    reason: str
    """Why, in a word."""
    unanswered: int
    """Receipts and MOs it had not answered; they go to another session."""


LINE_TYPES: Final = (BoundLine, SubmitLine, ReceiptLine, MoLine, RefusedLine, AcceptedLine, ClosedLine)


class SubmitLog:
    """Appends lines; the owner calls `flush` at least every 100 ms and `close` at the end.

    Writing goes to the page cache, on the event loop: a flush of 250 kB takes 0.1 ms, and a thread hop would
    take as long. After the first failed write every `append` raises `LogBroken`, so that nothing more
    is taken that would not be logged.
    """

    def __init__(self, path: Path | None) -> None:
        self._recent: deque[bytes] = deque(maxlen=RECENT_LINES)
        self._buffer: list[bytes] = []
        self._buffered_octets = 0
        self._fault: LogBroken | None = None
        self._count = 0
        self._path = path
        self._descriptor: int | None = None
        self._encode = msgspec.json.Encoder().encode
        if path is not None:
            try:
                self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            except OSError as exc:
                raise LogBroken(f"the log {path} cannot be opened: {exc.strerror}") from exc

    @property
    def lines(self) -> int:
        """Lines appended so far."""
        return self._count

    def append(self, line: Line) -> None:
        """Number `line` and queue it for the file. Raises `LogBroken`."""
        if self._fault is not None:
            raise self._fault
        self._count += 1
        line.n = self._count
        encoded = self._encode(line)
        self._recent.append(encoded)
        if self._descriptor is None:
            return
        self._buffer.append(encoded)
        self._buffered_octets += len(encoded) + 1
        if self._buffered_octets >= _FLUSH_OCTETS:
            self.flush()

    def flush(self) -> None:
        """Hand everything queued to the operating system. Raises `LogBroken`."""
        if not self._buffer or self._descriptor is None:
            return
        data = memoryview(b"\n".join(self._buffer) + b"\n")
        self._buffer.clear()
        self._buffered_octets = 0
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as exc:
            self._fault = LogBroken(f"the log {self._path} cannot be written: {exc.strerror}; free the disk")
            raise self._fault from exc

    def read_since(self, n: int, *, most: int = 1_000) -> list[bytes]:
        """Up to `most` encoded lines numbered above `n`, oldest first, as far back as `RECENT_LINES`."""
        first = self._count - len(self._recent)
        start = max(n - first, 0)
        return list(islice(self._recent, start, start + most))

    def close(self) -> None:
        """Flush and close the file. Raises `LogBroken` when the flush fails; the file is closed even so."""
        try:
            self.flush()
        finally:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

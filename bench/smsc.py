"""The carrier of a measurement: the C sink, else our simulator, else one that somebody else started.

The sink is a program of its own so that its work is not counted as the gateway's, and keeps the clock. Where
the simulator stands in, the figure says so.
"""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.tools import build_tool

_START_SECONDS = 10.0
_SUMMARY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SmscCounts:
    """What the sink saw; times are Unix seconds, latencies from submit_sm to the answer of its receipt."""

    submits: int
    receipts_asked: int
    receipts_answered: int
    inbound_answered: int
    most_in_window: int
    first_submit: float
    last_submit: float
    last_answer: float
    p50_ms: float
    p99_ms: float


class Smsc:
    """An SMSC on `host`:`port`. `kind` names it in the figures; only the C sink counts for itself."""

    def __init__(self, kind: str, host: str, port: int, process: "_Lines | None" = None) -> None:
        self.kind = kind
        self.host = host
        self.port = port
        self._process = process

    @property
    def keeps_clock(self) -> bool:
        return self.kind == "smsc_sink"

    @property
    def pid(self) -> int | None:
        return self._process.process.pid if self._process else None

    def begin(self) -> None:
        """A measurement begins: latencies are forgotten; texts from handsets start, if any were asked for."""
        if self._process is not None and self.keeps_clock:
            self._process.process.send_signal(signal.SIGUSR2)

    def counts(self) -> SmscCounts:
        """The sink's counters now. Raises `BenchError` for an SMSC that keeps none, or a sink that died."""
        if self._process is None or not self.keeps_clock:
            raise BenchError(f"{self.kind} does not count for us")
        self._process.process.send_signal(signal.SIGUSR1)
        summary = self._process.wait_for("summary", _SUMMARY_SECONDS)
        return SmscCounts(**{name: summary[name] for name in SmscCounts.__slots__})

    def seconds(self) -> list[dict[str, Any]]:
        """The sink's counters of each second so far."""
        return [] if self._process is None else self._process.seen("second")


@contextlib.contextmanager
def start_smsc(
    address: str | None, options: Sequence[str] = (), *, journal: Path | None = None
) -> Iterator[Smsc]:
    """The SMSC at `address` (HOST:PORT), or one of our own with `options` of the sink.

    With `journal`, one of our own appends to that file what it takes and tells; which form the lines have
    depends on its `kind`.
    """
    if address is not None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise BenchError(f"{address} is not HOST:PORT")
        yield Smsc("external", host, int(port))
        return
    program = build_tool("smsc_sink")
    if program is not None:
        kind, command = "smsc_sink", [str(program), "--port", "0", *options]
        command += [] if journal is None else ["--journal", str(journal)]
    else:
        kind = "simulator"
        command = [
            sys.executable,
            "-m",
            "gateway.cli",
            "simulator",
            "--port",
            "0",
            "--control-port",
            "0",
            "--json",
            *([] if journal is None else ["--log", str(journal)]),
        ]
    with _Lines.started(command) as process:
        listening = process.wait_for("listening" if program else None, _START_SECONDS)
        yield Smsc(kind, "127.0.0.1", int(listening["port"]), process)


class _Lines:
    """A child that prints JSON lines, read by a thread so that it never blocks on a full pipe."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._name = name
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._kept: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    @contextlib.contextmanager
    def started(cls, command: list[str]) -> Iterator["_Lines"]:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            yield cls(command[0], process)
        finally:
            process.terminate()
            try:
                process.wait(_SUMMARY_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_for(self, kind: str | None, seconds: float) -> dict[str, Any]:
        """The next line of `kind`, or the next of any; others are kept. Raises `BenchError`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise BenchError(
                    f"{self._name} said nothing for {seconds:.0f} s, status {self.process.poll()}"
                ) from None
            if kind is None or line.get("kind") == kind:
                return line
            self._kept.append(line)

    def seen(self, kind: str) -> list[dict[str, Any]]:
        with contextlib.suppress(queue.Empty):
            while True:
                self._kept.append(self._lines.get_nowait())
        return [line for line in self._kept if line.get("kind") == kind]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self._lines.put(json.loads(line))

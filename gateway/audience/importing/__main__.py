"""The process that reads files: `python -m gateway.audience.importing look|read`, told what on stdin.

What it finds it says on stdout; it knows no database. Apart from the gateway, so that a million rows or a
hostile spreadsheet never hold up its event loop or its memory. It is niced, ends with its parent, and cannot
take more memory than its limit.
"""

import ctypes
import gc
import os
import resource
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.process import EXIT_BROKEN, LookOrder
from gateway.audience.importing.reading import ReadingOrder, ReadingProgress, ReadingReport, stage_file
from gateway.audience.importing.sniffing import look_at

_NICENESS: Final = 10
_MEMORY_OCTETS: Final = 2 * 1024**3
"""Of address space: a spreadsheet of a million rows takes 1 GiB, a text file 40 MB whatever its size."""
_PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""
_OBJECTS_BEFORE_COLLECTION: Final = 50_000
"""Rows make no cycles, and thousands of them wait in memory to be looked through for some."""


def main() -> int:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1  # the parent ended before the kernel was told
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_OCTETS, _MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    order = sys.stdin.buffer.read()
    if sys.argv[1] == "look":
        return _look(msgspec.json.decode(order, type=LookOrder))
    _read(msgspec.json.decode(order, type=ReadingOrder))
    return 0


def _look(order: LookOrder) -> int:
    try:
        look = look_at(Path(order.path))
    except BrokenFile as exc:
        sys.stdout.write(str(exc))
        return EXIT_BROKEN
    sys.stdout.buffer.write(msgspec.json.encode(look))
    return 0


def _read(order: ReadingOrder) -> None:
    _say(stage_file(order, now=datetime.now(UTC), tell=_say))


def _say(word: ReadingProgress | ReadingReport) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())

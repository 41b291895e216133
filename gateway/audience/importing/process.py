"""The gateway's side of the reading process: starting it, waiting for it, ending it.

The order goes in by standard input, so that the instance's secret stands neither on a command line nor in an
environment; what was found comes back by standard output.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.reading import ReadingOrder, ReadingProgress, ReadingReport
from gateway.audience.importing.sniffing import Look

EXIT_BROKEN: Final = 65
"""EX_DATAERR of sysexits(3)."""
_LONGEST_WORD_OCTETS: Final = 64 * 1_048_576
"""Of a report: ten thousand faults are about two megabytes."""
_LOOK_SECONDS: Final = 120.0
_TOO_MUCH: Final = "the file could not be read within the memory or time that it may take; save it as CSV."

log = structlog.get_logger("audience")
_decode_word: Final = msgspec.json.Decoder(ReadingProgress | ReadingReport).decode


class LookOrder(Struct, frozen=True):
    """Which file to look at."""

    path: str


async def look_apart(path: Path) -> Look:
    """What a file looks like, found by a process of its own. Raises `BrokenFile`."""
    process = await _start("look", LookOrder(str(path)))
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            said, complaint = await process.communicate()
    except TimeoutError as exc:
        raise BrokenFile(_TOO_MUCH) from exc
    finally:
        await _end(process)
    if process.returncode == EXIT_BROKEN:
        raise BrokenFile(said.decode())
    if process.returncode != 0:
        _log_crash(process, complaint)
        raise BrokenFile(_TOO_MUCH)
    return msgspec.json.decode(said, type=Look)


async def read_apart(
    order: ReadingOrder, note: Callable[[ReadingProgress], Awaitable[None]]
) -> ReadingReport | None:
    """Read a file into its staged file; `note` hears how far it came. None when the process ended without a
    report. A caller that is cancelled ends the process."""
    process = await _start("read", order)
    assert process.stdout is not None  # asked for by `_start`
    assert process.stderr is not None
    complaint = asyncio.create_task(process.stderr.read())
    report: ReadingReport | None = None
    try:
        async for line in process.stdout:
            word = _decode_word(line)
            if isinstance(word, ReadingReport):
                report = word
            else:
                await note(word)
        await process.wait()
    finally:
        await _end(process)
        said = await complaint
    if process.returncode != 0:
        _log_crash(process, said)
        return None
    return report


async def _start(word: str, order: Struct) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.audience.importing",
        word,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=_LONGEST_WORD_OCTETS,
        start_new_session=True,
    )
    assert process.stdin is not None  # asked for above
    with contextlib.suppress(ConnectionError):
        process.stdin.write(msgspec.json.encode(order))
        await process.stdin.drain()
    process.stdin.close()
    return process


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())


def _log_crash(process: Process, complaint: bytes) -> None:
    """The kind of the error only: its message might hold a cell of somebody's list."""
    last_line = complaint.decode(errors="replace").strip().rpartition("\n")[2]
    log.error("import.reader_ended", status=process.returncode, error=last_line.partition(":")[0][:80])

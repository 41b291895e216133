"""The gateway's side of the reading process: starting it, waiting for it, ending it.

The order goes in by standard input, so that neither the database's password nor the instance's secret stands
on a command line or in an environment.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.reading import ReadingOrder
from gateway.audience.importing.sniffing import Look

EXIT_BROKEN: Final = 65
"""EX_DATAERR of sysexits(3)."""
EXIT_STORE_AWAY: Final = 75
"""EX_TEMPFAIL: the reading is to be begun again."""
_LOOK_SECONDS: Final = 120.0
_TOO_MUCH: Final = "the file could not be read within the memory or time that it may take; save it as CSV."

log = structlog.get_logger("audience")


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


async def read_apart(order: ReadingOrder) -> int:
    """Read a file into staging; the exit status of the process comes back, 0 when everything it found stands
    in the import's row. A caller that is cancelled ends the process."""
    process = await _start("read", order)
    try:
        _, complaint = await process.communicate()
    finally:
        await _end(process)
    status = process.returncode or 0
    if status == EXIT_STORE_AWAY:
        log.warning("import.reading_again", fault=complaint.decode(errors="replace").strip()[-300:])
    elif status != 0:
        _log_crash(process, complaint)
    return status


async def _start(word: str, order: Struct) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.audience.importing",
        word,
        stdin=PIPE,
        stdout=PIPE if word == "look" else DEVNULL,
        stderr=PIPE,
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

"""The process that reads files: `python -m gateway.audience.importing look|read`, told what on stdin.

Apart from the gateway, so that a million rows or a hostile spreadsheet never hold up its event loop or its
memory. It is niced, ends with its parent, and cannot take more memory than its limit.
"""

import asyncio
import ctypes
import os
import resource
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.process import EXIT_BROKEN, EXIT_STORE_AWAY, LookOrder
from gateway.audience.importing.reading import ReadingOrder, stage_file, survey_file
from gateway.audience.importing.sniffing import look_at
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.import_rows import Staging
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from gateway.store.writer import Fence

_NICENESS: Final = 10
_MEMORY_OCTETS: Final = 2 * 1024**3
"""Of address space: a spreadsheet of a million rows takes 1 GiB, a text file 40 MB whatever its size."""
_PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""


def main() -> int:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return EXIT_STORE_AWAY  # the parent ended before the kernel was told
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_OCTETS, _MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = sys.stdin.buffer.read()
    if sys.argv[1] == "look":
        return _look(msgspec.json.decode(order, type=LookOrder))
    return asyncio.run(_read(msgspec.json.decode(order, type=ReadingOrder)))


def _look(order: LookOrder) -> int:
    try:
        look = look_at(Path(order.path))
    except BrokenFile as exc:
        sys.stdout.write(str(exc))
        return EXIT_BROKEN
    sys.stdout.buffer.write(msgspec.json.encode(look))
    return 0


async def _read(order: ReadingOrder) -> int:
    fence = Fence(order.node_no, order.epoch)
    queries = load_queries(locate_sql() / "queries")
    try:
        staging = await Staging.open(
            order.dsn, queries, fence, shop_id=order.shop_id, import_id=order.import_id
        )
        try:
            try:
                await stage_file(order, survey_file(order), staging, clock=_now)
            except BrokenFile as exc:
                await staging.fail(str(exc), _now())
        finally:
            await staging.aclose()
    except (StoreUnavailable, LeaseLost) as exc:
        print(type(exc).__name__, exc, file=sys.stderr)
        return EXIT_STORE_AWAY
    return 0


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())

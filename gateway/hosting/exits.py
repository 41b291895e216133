"""The moment at which a child process ends, as an event of the loop.

Knows process numbers only. Collecting the exit status is the parent's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def exit_event(pid: int) -> Iterator[asyncio.Event | None]:
    """An event set when process `pid` ends; None where the system has no process descriptors and polling must
    do."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        yield None
        return
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        yield event
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)

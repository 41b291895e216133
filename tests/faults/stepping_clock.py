"""A wall clock that tests put forward and back under a gateway in this process.

The machine's own cannot be: other tests run by it. `datetime` is replaced in every module of the gateway, and
`time.time` everywhere; the monotonic clock goes on as it does.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Any
from unittest.mock import patch


class _AnyDatetime(type):
    """Values that the database gives are of the class that was replaced."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class WallClock:
    """How far the wall clock is from the true time."""

    def __init__(self) -> None:
        self.offset = timedelta()


@contextmanager
def stepping_clock() -> Iterator[WallClock]:
    """The gateway's modules read this clock while the context is entered. Enter it before anything that keeps
    `datetime.now` for later is made."""
    clock, true_time = WallClock(), time.time

    class SteppedDatetime(datetime, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + clock.offset

    modules = [module for name, module in list(sys.modules.items()) if name.startswith("gateway.")]
    patches = [
        patch.object(module, "datetime", SteppedDatetime)
        for module in modules
        if vars(module).get("datetime") is datetime
    ]
    patches.append(patch("time.time", lambda: true_time() + clock.offset.total_seconds()))
    try:
        for each in patches:
            each.start()
        yield clock
    finally:
        for each in patches:
            each.stop()

"""The log line of regular work that cannot reach the database: its beginning, one a minute, its end.

Owns when the next line is due. An outage of an hour would otherwise be told by every look of every room, ten
lines a second, with `database.away` lost among them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from gateway.store.errors import StoreUnavailable

_REMIND_SECONDS: Final = 60.0


class OutageLine:
    """One kind of work. `event` and `fields` are those of its warning; `log` is the room's."""

    def __init__(
        self, log: Any, event: str, *, monotonic: Callable[[], float] = time.monotonic, **fields: object
    ) -> None:
        self._log = log.bind(**fields)
        self._event = event
        self._monotonic = monotonic
        self._began_at: float | None = None
        self._due_at = 0.0
        self._failures = 0

    def failed(self, fault: StoreUnavailable, **fields: object) -> None:
        """It did not work this time either."""
        now = self._monotonic()
        if self._began_at is None:
            self._began_at, self._due_at, self._failures = now, now, 0
        self._failures += 1
        if now >= self._due_at:
            self._due_at = now + _REMIND_SECONDS
            self._log.warning(self._event, fault=str(fault), failures=self._failures, **fields)

    def worked(self) -> None:
        """It works, again or still."""
        if self._began_at is not None:
            seconds = round(self._monotonic() - self._began_at, 1)
            self._began_at = None
            self._log.info("work.resumed", after=self._event, failures=self._failures, seconds=seconds)

    @contextmanager
    def absorbing(self) -> Iterator[None]:
        """What is done inside may fail for want of the database; that is told, and goes no further."""
        try:
            yield
        except StoreUnavailable as exc:
            self.failed(exc)
        else:
            self.worked()

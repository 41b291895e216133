"""An event loop that stands still until it is turned: no sockets, no waiting, time as told.

As much of a loop as a session and its coroutines use, and quick enough for a fuzzer to make one per input.
"""

import asyncio
import heapq
from collections import deque
from contextlib import contextmanager
from itertools import count


class StillLoop(asyncio.AbstractEventLoop):
    """`turn` runs what is ready, `pass_seconds` what comes due. `faults` are exceptions nobody caught."""

    def __init__(self):
        self.now = 1000.0
        self.faults = []
        self._ready = deque()
        self._due = []
        self._numbers = count()

    def time(self):
        return self.now

    def get_debug(self):
        return False

    def is_running(self):
        return True

    def create_future(self):
        return asyncio.Future(loop=self)

    def create_task(self, coro, *, name=None, context=None):
        return asyncio.Task(coro, loop=self, name=name)

    def call_exception_handler(self, context):
        self.faults.append(context.get("exception") or RuntimeError(context["message"]))

    def call_soon(self, callback, *args, context=None):
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(self, delay, callback, *args, context=None):
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._due, (when, next(self._numbers), handle))
        return handle

    def _timer_handle_cancelled(self, handle):
        """A cancelled timer stays in its place and does nothing."""

    def turn(self):
        """Run what is ready, and what that makes ready. Bounded: a session that never rests is a fault."""
        for _ in range(10_000):
            if not self._ready:
                return
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()
        raise AssertionError("callbacks make callbacks without end")

    def pass_seconds(self, seconds):
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, handle = heapq.heappop(self._due)
            if not handle.cancelled():
                handle._run()
            self.turn()
        self.now = end


@contextmanager
def still_loop():
    """A loop that `asyncio.get_running_loop()` gives, inside the context, beside no other."""
    outer = asyncio._get_running_loop()
    loop = StillLoop()
    asyncio._set_running_loop(loop)
    try:
        yield loop
    finally:
        asyncio._set_running_loop(outer)

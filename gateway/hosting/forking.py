"""A process of our own code, forked from a running one, so that both share what was loaded before.

Owns what a fork must leave behind: the parent's loop and its signals. Knows nothing of what the child does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from gateway.hosting.accounts import prepare_death_signal
from gateway.hosting.errors import HostingError
from gateway.hosting.exits import exit_event

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_BROKEN: Final = 70
"""Exit status of a child whose work raised; sysexits.h's for a fault of the program."""
_POLL_SECONDS: Final = 0.1


class ForkedProcess:
    """A child, and our end of the channel on which it speaks in datagrams, which whoever listens closes."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.channel = channel
        self._is_collected = False

    def signal(self, number: signal.Signals) -> None:
        """Does nothing once the child is gone: its number may be another's by then."""
        if not self._is_collected:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit status once it has ended; negative is a signal. Call it once."""
        with exit_event(self.pid) as event:
            while (status := self._collect()) is None:
                await (event.wait() if event else asyncio.sleep(_POLL_SECONDS))
        return status

    def _collect(self) -> int | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self._is_collected = True
        return os.waitstatus_to_exitcode(status)


def fork(
    run: Callable[[socket.socket], int], *, death_signal: signal.Signals = signal.SIGTERM
) -> ForkedProcess:
    """Run `run` in a child, with its end of the channel; what it returns is the exit status.

    The child gets `death_signal` when this process dies, and never returns from here. It has every descriptor
    of this process, a lock among them, and holds that too; none reaches a program that it starts. Those of
    the loop and of libraries (libuv aborts without its own) stay open unused. May be called from a coroutine:
    the loop is left behind without being closed, as both share its epoll descriptor, from which closing
    would remove the parent's sockets. Raises `HostingError` beside other threads, whose locks the child
    would find taken for ever.
    """
    if threading.active_count() > 1:
        raise HostingError("a process with threads cannot be forked")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    ours.setblocking(False)
    die_with_parent = prepare_death_signal(death_signal)
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal that came to the child before it has handlers of its own would be written to the parent's loop.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        raise
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        theirs.close()
        return ForkedProcess(pid, ours)
    status = _BROKEN
    try:
        _forget_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        if die_with_parent is not None:
            die_with_parent()
        status = run(theirs)
    except BaseException:
        traceback.print_exc()
    finally:
        # Nothing above us on the stack is ours: it would unwind the parent's work a second time.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _forget_signals() -> None:
    """Those of the parent are written to its loop."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

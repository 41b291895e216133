"""Processes that are none: they say and do what a test has them do."""

import asyncio
import contextlib
import signal
import socket
from typing import cast

from gateway.hosting.forking import ForkedProcess
from gateway.hosting.notify import ServiceNotifier


class FakeProcess:
    """Ends when it is told to, or at SIGTERM and SIGKILL; ignores SIGTERM where `is_stubborn`, and the other
    too where `is_undead`."""

    def __init__(self, number: int, *, is_stubborn: bool = False, is_undead: bool = False) -> None:
        self.number = number
        self.pid = 1000 + number
        self.signals: list[signal.Signals] = []
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)
        self.says = ServiceNotifier(None, None, channel=theirs)
        self._theirs = theirs
        self._is_stubborn = is_stubborn
        self._is_undead = is_undead
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def signal(self, number: signal.Signals) -> None:
        self.signals.append(number)
        if self._is_undead:
            return
        if number is signal.SIGKILL or (number is signal.SIGTERM and not self._is_stubborn):
            self.end(0 if number is signal.SIGTERM else -number)

    def end(self, status: int) -> None:
        if not self._status.done():
            self._status.set_result(status)

    async def wait(self) -> int:
        status = await self._status
        self._theirs.close()
        return status


class FakeForks:
    """Hands out processes and remembers them, the newest of each worker last. Each is ready at once, unless
    `are_ready` is off."""

    def __init__(self) -> None:
        self.made: list[FakeProcess] = []
        self.are_ready = True
        self.are_stubborn = False
        self.are_undead = False
        self.refusals = 0
        """How often the system refuses to fork."""

    def fork(self, number: int) -> ForkedProcess:
        if self.refusals:
            self.refusals -= 1
            raise OSError(11, "Resource temporarily unavailable")
        process = FakeProcess(number, is_stubborn=self.are_stubborn, is_undead=self.are_undead)
        self.made.append(process)
        if self.are_ready:
            process.says.ready("up")
        return cast(ForkedProcess, process)

    def end_all(self) -> None:
        for process in self.made:
            process.end(0)

    def of(self, number: int) -> list[FakeProcess]:
        return [process for process in self.made if process.number == number]


class FakeManager(ServiceNotifier):
    """What the service manager is told, in order."""

    def __init__(self, watchdog_seconds: float | None = None) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        super().__init__(None, watchdog_seconds, channel=theirs)

    def read(self) -> list[str]:
        """What came since the last reading."""
        said: list[str] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                said.append(self._ours.recv(4_096).decode())
        return said

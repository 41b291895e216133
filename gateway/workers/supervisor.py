"""Keeps the workers of a server running: starts them, starts again those that end, and stops all in order.

Owns the states of workers and what is told to the service manager. Forks by a function that it is given;
what a worker does is unknown here.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Final, Self

import structlog

from gateway.domain.restarts import Restart, plan_restart
from gateway.hosting.forking import ForkedProcess
from gateway.hosting.notify import NOTICE_OCTETS, Notice, ServiceNotifier, read_notice
from gateway.workers.errors import WorkerNotStarted

log = structlog.get_logger("main")

_COLLECT_SECONDS: Final = 5.0
"""For a killed process to be gone."""
_NOT_FORKED: Final = 71
"""In place of an exit status; sysexits.h's for what the system refuses."""


class WorkerState(Enum):
    """A worker between its starts and its ends."""

    STARTING = "starting"
    READY = "ready"
    RELOADING = "reloading"
    """Up, and about to say that it has read the configuration again."""
    WAITING = "waiting"
    """Ended, and about to be started again."""


@dataclass(slots=True)
class Worker:
    """One worker over all its processes."""

    number: int
    state: WorkerState = WorkerState.WAITING
    process: ForkedProcess | None = None
    heard_at: float = 0.0
    """When it last said that its loop turns, in monotonic seconds."""
    is_outdated: bool = False
    """Whether it was forked before the configuration was read again, and is to be told once it is up."""
    killed: ForkedProcess | None = None
    """The last that was killed because it was silent."""
    fault: str | None = None
    """What its last process said that it failed by."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """The workers 1 to `count`, which run while the context is entered. `stop_seconds` bounds a stop in
    order; then what is left is killed. Entering raises `WorkerNotStarted`, and nothing is left running
    then."""

    def __init__(
        self,
        count: int,
        fork_worker: Callable[[int], ForkedProcess],
        notifier: ServiceNotifier,
        *,
        stop: asyncio.Event,
        status: str,
        stop_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workers = [Worker(number) for number in range(1, count + 1)]
        self._fork_worker = fork_worker
        self._notifier = notifier
        self._status = status
        self._stop_seconds = stop_seconds
        self._monotonic = monotonic
        self._keeping: list[asyncio.Task[None]] = []
        self._is_up = False
        """Whether all were ready once: only from then on is a worker that ends started again."""
        self._stop = stop
        """Set by whoever wants the stop, and not here: a start that failed is no stop that was asked for."""
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _start(self) -> None:
        """Return once all are ready. The first starts alone: it brings the database up to date, and finds
        what would keep each of them from starting."""
        for group in (self.workers[:1], self.workers[1:]):
            self._keeping += [asyncio.create_task(self._keep(worker)) for worker in group]
            await self._wait_ready(group)
        self._is_up = True
        self._tell()

    async def wait_failed(self) -> None:
        """Waits for ever, or raises what ended the keeping of a worker."""
        done, _ = await asyncio.wait(self._keeping, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    def reload(self) -> None:
        """Have each worker read the configuration again. One that is being started is asked once it is up:
        until then the signal would end it."""
        self._notifier.reloading(time.monotonic_ns() // 1000)
        for worker in self.workers:
            if worker.state is WorkerState.STARTING:
                worker.is_outdated = True
            elif worker.process is not None:
                self._reload(worker, worker.process)

    def _reload(self, worker: Worker, process: ForkedProcess) -> None:
        worker.is_outdated = False
        self._move(worker, WorkerState.RELOADING)
        process.signal(signal.SIGHUP)

    async def beat(self) -> None:
        """Tell the service manager that all is well, as often as it wants, until cancelled.

        A worker that has not been heard of for as long as the manager waits is killed, to be started again;
        one that starts is given time. While a killed one is still there, as on a disk that does not answer,
        the manager hears nothing.
        """
        seconds = self._notifier.watchdog_seconds
        if seconds is None:
            await asyncio.Event().wait()
            return
        while True:
            if self._kill_silent(seconds):
                self._notifier.watchdog()
            await asyncio.sleep(seconds / 2)

    def _kill_silent(self, seconds: float) -> bool:
        """Whether none is left of those that were killed before."""
        are_gone = True
        for worker in self.workers:
            process = worker.process
            if process is None or not self._is_silent(worker, seconds):
                continue
            log.error("worker.silent", worker=worker.number, seconds=seconds)
            are_gone &= worker.killed is not process
            worker.killed = process
            process.signal(signal.SIGKILL)
        return are_gone

    def kill(self) -> None:
        """End all at once."""
        self._closing.set()
        for worker in self.workers:
            if worker.process is not None:
                worker.process.signal(signal.SIGKILL)

    async def aclose(self) -> None:
        """Stop all in order, at one time, and return when they are gone."""
        self._closing.set()
        self._notifier.stopping("stopping the workers")
        for worker in self.workers:
            if worker.process is not None:
                worker.process.signal(signal.SIGTERM)
        if not self._keeping:
            return
        _, left = await asyncio.wait(self._keeping, timeout=self._stop_seconds)
        if left:
            log.error("workers.killed", workers=[each.number for each in self.workers if each.process])
            self.kill()
            await asyncio.wait(left, timeout=_COLLECT_SECONDS)

    @property
    def _is_stopping(self) -> bool:
        return self._stop.is_set() or self._closing.is_set()

    # One worker.

    async def _keep(self, worker: Worker) -> None:
        """Run a worker until the stop. Raises `WorkerNotStarted` when it ends before the server was up."""
        restart = Restart()
        while not self._is_stopping:
            started_at = self._monotonic()
            status = await self._run_once(worker)
            if self._is_stopping:
                return
            fault = worker.fault or _describe_end(status)
            if not self._is_up:
                raise WorkerNotStarted(worker.number, fault)
            restart = plan_restart(restart, lived_seconds=self._monotonic() - started_at)
            log.error(
                "worker.ended",
                worker=worker.number,
                fault=fault,
                next_start_seconds=restart.pause_seconds,
            )
            await _sleep_until(self._closing, restart.pause_seconds)

    async def _run_once(self, worker: Worker) -> int:
        """One process of a worker from its fork to its end; its exit status."""
        loop = asyncio.get_running_loop()
        worker.fault = None
        worker.is_outdated = False
        try:
            process = worker.process = self._fork_worker(worker.number)
        except OSError as exc:  # the machine is out of memory or of processes, for now
            worker.fault = f"it could not be forked: {exc.strerror}"
            return _NOT_FORKED
        self._move(worker, WorkerState.STARTING)
        log.info("worker.started", worker=worker.number, pid=process.pid)
        with process.channel as channel:
            loop.add_reader(channel, self._hear, worker, channel)
            try:
                status = await process.wait()
            finally:
                loop.remove_reader(channel)
                worker.process = None
            self._hear(worker, channel)
        self._move(worker, WorkerState.WAITING)
        return status

    def _hear(self, worker: Worker, channel: socket.socket) -> None:
        """Note all that a worker has said by now."""
        with suppress(BlockingIOError, ConnectionError):
            while datagram := channel.recv(NOTICE_OCTETS):
                self._note(worker, read_notice(datagram))
            asyncio.get_running_loop().remove_reader(channel)  # its end is closed, and always readable

    def _note(self, worker: Worker, notice: Notice) -> None:
        worker.heard_at = self._monotonic()
        if notice.fault is not None:
            worker.fault = notice.fault
        if notice.extend_seconds is not None and not self._is_up:
            self._notifier.starting(f"worker {worker.number}: {notice.status}", notice.extend_seconds)
        if notice.is_ready and worker.is_outdated and worker.process is not None:
            self._reload(worker, worker.process)
        elif notice.is_ready:
            self._move(worker, WorkerState.READY)

    def _move(self, worker: Worker, state: WorkerState) -> None:
        worker.state = state
        worker.changed.set()
        if self._is_up and not self._is_stopping:
            self._tell()

    # What is seen outside.

    def _tell(self) -> None:
        ready = sum(worker.state is WorkerState.READY for worker in self.workers)
        if ready == len(self.workers):
            self._notifier.ready(f"{self._status} with {ready} workers")
        else:
            self._notifier.status(f"{self._status} with {ready} of {len(self.workers)} workers")

    async def _wait_ready(self, group: Sequence[Worker]) -> None:
        """Return when all of `group` are ready. Raises what ends any worker before."""
        for worker in group:
            while worker.state is not WorkerState.READY:
                worker.changed.clear()
                changed = asyncio.create_task(worker.changed.wait())
                try:
                    done, _ = await asyncio.wait(
                        (changed, *self._keeping), return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    changed.cancel()
                for task in done - {changed}:
                    task.result()

    def _is_silent(self, worker: Worker, seconds: float) -> bool:
        """One that starts says nothing for as long as its database takes."""
        is_up = worker.state in (WorkerState.READY, WorkerState.RELOADING)
        return is_up and self._monotonic() - worker.heard_at > seconds


def _describe_end(status: int) -> str:
    if status >= 0:
        return f"it ended with status {status}"
    return f"it was ended by {signal.Signals(-status).name}"


async def _sleep_until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass

"""The server's life as a process: signals, the service manager, and reading the configuration again."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Self, TypeVar

import structlog

from gateway.config import Config
from gateway.errors import EstafetteError
from gateway.hosting.notify import ServiceNotifier
from gateway.node.gateway import Gateway
from gateway.node.ground import Footing
from gateway.node.place import ALONE, Place

log = structlog.get_logger("main")

_BEAT_SECONDS = 1_800.0

T = TypeVar("T")


async def serve(
    config: Config,
    load: Callable[[], Config],
    *,
    notifier: ServiceNotifier | None = None,
    footing: Footing | None = None,
    place: Place = ALONE,
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP calls `load` and takes its configuration over.

    A configuration that cannot be read leaves the one in force. A worker is given whom to tell how it is, and
    what it stands on. Raises what ended the gateway by itself, and whatever entering `Gateway` raises.
    """
    loop = asyncio.get_running_loop()
    stop, reload = asyncio.Event(), asyncio.Event()
    notifier = notifier or ServiceNotifier.from_environment(os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    async with AsyncExitStack() as standing:
        starting = Gateway(config, notifier=notifier, footing=footing, place=place)
        gateway = await start_until(stop, standing, starting)
        if gateway is None:
            return
        notifier.ready(_describe(gateway))
        async with Watch() as watch:
            watch.add(gateway.wait_failed())
            watch.add(stop.wait())
            watch.add(beat(notifier))
            watch.add(_reload_when_asked(gateway, load, reload, notifier))
            await watch.wait_first()


async def start_until(
    stop: asyncio.Event, standing: AsyncExitStack, what: AbstractAsyncContextManager[T]
) -> T | None:
    """What entering `what` in `standing` gives; None when `stop` was asked for before it stood.

    A start may wait for its database for as long as that recovers, so it has to be possible to end it. It
    runs in this task, because the bundled Postgres and the stack belong to the task that enters them.
    """
    starting = asyncio.current_task()
    assert starting is not None
    asked = asyncio.create_task(stop.wait())
    asked.add_done_callback(lambda done: None if done.cancelled() else starting.cancel())
    try:
        return await standing.enter_async_context(what)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        starting.uncancel()
        return None
    finally:
        asked.cancel()


class Watch:
    """Tasks of which the first to end ends all; its error, if any, is raised."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[object]] = []

    def add(self, work: Coroutine[object, object, object]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def wait_first(self) -> None:
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


async def beat(notifier: ServiceNotifier) -> None:
    """Tell the service manager, from this loop, that the loop still turns."""
    while True:
        notifier.watchdog()
        await asyncio.sleep((notifier.watchdog_seconds or 2 * _BEAT_SECONDS) / 2)


async def _reload_when_asked(
    gateway: Gateway, load: Callable[[], Config], asked: asyncio.Event, notifier: ServiceNotifier
) -> None:
    while True:
        await asked.wait()
        asked.clear()
        notifier.reloading(time.monotonic_ns() // 1000)
        try:
            await gateway.apply(load())
            log.info("config.reloaded")
        except EstafetteError as exc:
            log.error("config.not_reloaded", fault=str(exc))
        notifier.ready(_describe(gateway))


def _describe(gateway: Gateway) -> str:
    return f"taking messages on port {gateway.http_port}"

"""A server of several workers as a process: its footing, its addresses, signals, and the service manager.

Owns what a server has once. It takes no message and asks no database: that is the workers' work.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from gateway.config import Config
from gateway.errors import EstafetteError
from gateway.hosting.addresses import reserve_address
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.forking import ForkedProcess, fork
from gateway.hosting.notify import ServiceNotifier
from gateway.main import Watch, start_until
from gateway.node.ground import Footing, keep_postgres, open_footing
from gateway.node.place import Place
from gateway.workers.supervisor import Supervisor
from gateway.workers.worker import run_worker

log = structlog.get_logger("main")

_STOP_SECONDS: Final = 150.0
_DRAINS: Final = 3
"""Steps of a node's stop that wait for `stop.drain_seconds` each, one after the other."""


async def serve_workers(config: Config, load: Callable[[], Config], *, count: int) -> None:
    """Run `count` workers until SIGTERM or SIGINT, and end them at once at the second; SIGHUP calls `load`
    and has them take its configuration over.

    Must run on the main thread, in a process without others. Raises `HostingError`, `AddressTaken` among
    them, and `WorkerNotStarted`.
    """
    notifier = ServiceNotifier.from_environment(os.environ)
    stop, reload = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as standing:
        _listen_to_signals(stop.set, reload.set)
        footing = await start_until(stop, standing, open_footing(config, notifier, workers=count))
        if footing is None:
            return
        for address in (config.http, config.public):
            standing.enter_context(reserve_address(address.host, address.port))
        if footing.postgres is not None:
            await standing.enter_async_context(_kept(footing.postgres))
        seed = _Seed(config, load, footing, count=count, watchdog_seconds=notifier.watchdog_seconds)
        starting = Supervisor(
            count,
            seed.fork_worker,
            notifier,
            stop=stop,
            status=f"taking messages on port {config.http.port}",
            stop_seconds=_STOP_SECONDS + _DRAINS * config.stop.drain_seconds,
        )
        _listen_to_signals(lambda: starting.kill() if stop.is_set() else stop.set(), reload.set)
        supervisor = await start_until(stop, standing, starting)
        if supervisor is None:
            return
        async with Watch() as watch:
            watch.add(supervisor.wait_failed())
            watch.add(stop.wait())
            watch.add(supervisor.beat())
            watch.add(_reload_when_asked(seed, supervisor, reload))
            await watch.wait_first()


class _Seed:
    """What each worker begins with. `config` is the newest that could be read: a worker that is started again
    while the file is faulty has it too."""

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config],
        footing: Footing,
        *,
        count: int,
        watchdog_seconds: float | None,
    ) -> None:
        self.config = config
        self.load = load
        self._footing = footing
        self._count = count
        # The bundled Postgres ends with us. Without it a worker stores nothing more: asked to stop in order
        # it waited 37 s in vain, and nobody could start on its state folder.
        self._death_signal = signal.SIGTERM if footing.postgres is None else signal.SIGKILL
        # Half of ours, so that each is heard of between two beats of ours.
        self._watchdog_seconds = None if watchdog_seconds is None else watchdog_seconds / 2

    def fork_worker(self, number: int) -> ForkedProcess:
        run = partial(
            run_worker,
            config=self.config,
            load=self.load,
            footing=replace(self._footing, postgres=None),
            place=Place(number, self._count),
            watchdog_seconds=self._watchdog_seconds,
        )
        return fork(run, death_signal=self._death_signal)


def _listen_to_signals(on_stop: Callable[[], object], on_reload: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_stop)
    loop.add_signal_handler(signal.SIGHUP, on_reload)


@asynccontextmanager
async def _kept(postgres: EmbeddedPostgres) -> AsyncIterator[None]:
    """The bundled Postgres is started again whenever it ends, also while the workers stop."""
    keeping = asyncio.create_task(keep_postgres(postgres))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait((keeping,))


async def _reload_when_asked(seed: _Seed, supervisor: Supervisor, asked: asyncio.Event) -> None:
    while True:
        await asked.wait()
        asked.clear()
        try:
            seed.config = seed.load()
        except EstafetteError as exc:
            log.error("config.not_reloaded", fault=str(exc))
            continue
        supervisor.reload()

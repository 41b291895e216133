"""A Postgres of a test's own, for what is done to a whole server: killed, stopped, made to stand still."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings


class OwnPostgres:
    """The bundled server on a folder of its own. Syncs nothing: it is killed, but the machine never is."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        binaries = find_postgres()
        chosen = choose_settings(binaries, shared_buffers_mb=32, max_wal_size_mb=256)
        self._server = EmbeddedPostgres(folder, binaries, {**chosen, "fsync": "off", **(settings or {})})

    @property
    def dsn(self) -> str:
        return self._server.dsn

    @property
    def data(self) -> Path:
        return self._server.data

    async def start(self) -> None:
        """Start it, also after a `kill`."""
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(timeout_seconds=10)

    async def kill(self, number: signal.Signals) -> None:
        """SIGKILL ends all its processes at once; SIGQUIT is the immediate shutdown, much like a power cut;
        SIGINT is the stop for a restart by an operator. Returns once all are gone."""
        pids = self._list_pids()
        _signal_all(pids if number is signal.SIGKILL else pids[:1], number)
        await self._server.wait_exit()
        await self._server.stop()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes stand still while the context is entered."""
        pids = self._list_pids()
        _signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal_all(pids, signal.SIGCONT)

    def _list_pids(self) -> list[int]:
        """The postmaster and its children."""
        postmaster = self._server.pid
        assert postmaster is not None
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a child that had ended was in the list until it was collected
            os.kill(pid, number)


def _make_folder(open_folder: Path, name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=open_folder))
    folder.chmod(0o711)  # root's Postgres runs as another user and must pass through
    return folder


@asynccontextmanager
async def own_postgres(
    open_folder: Path, name: str, settings: dict[str, str] | None = None
) -> AsyncIterator[OwnPostgres]:
    """A server with an empty database; all of it is gone afterwards."""
    folder = _make_folder(open_folder, name)
    server = OwnPostgres(folder / "postgres", settings)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)

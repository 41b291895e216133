"""The bundled Postgres: made, started, watched and stopped as a direct child of this process.

Owns one data folder. The child never outlives us, runs as an unprivileged user when we are root, and takes no
network connections. Knows nothing of what is stored. Whoever owns this object decides whether a crash is
followed by `start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg

from gateway.hosting.accounts import Account, choose_account, spawn
from gateway.hosting.errors import HostingError, PostgresStartFailed
from gateway.hosting.exits import exit_event
from gateway.hosting.postgres_binaries import PostgresBinaries, make_reachable
from gateway.hosting.postgres_folders import (
    SOCKET_NAME,
    give_to,
    prepare_directory,
    prepare_socket_folder,
    refuse_other_major,
    remove_socket_folder,
)
from gateway.hosting.postmaster import is_alive, process_serves, read_postmaster
from gateway.hosting.state import sync_directory

DATABASE: Final = "estafette"
"""Name of the database and of its owning role."""

_POLL_SECONDS: Final = 0.01
_PROGRESS_SECONDS: Final = 5.0
"""Between two words about a start that takes long; systemd waits 90 s for the first."""
_LEFTOVERS_SECONDS: Final = 30.0
"""How long the processes of a killed postmaster may keep its shared memory; they notice within a second."""
_IMMEDIATE_STOP_SECONDS: Final = 5.0
_LOG_SIZE_OCTETS: Final = 8_388_608
_LOG_TAIL_OCTETS: Final = 1500

_LEFTOVER_SIGNS: Final = (b"pre-existing shared memory block", b'lock file "postmaster.pid" already exists')
"""What Postgres writes while processes of its predecessor still live; a start soon after succeeds."""


class EmbeddedPostgres:
    """One Postgres server below one folder, for as long as this process lives.

    `directory` holds `data/`, `postgres.log` and, where needed, a copy of the programs. The caller holds the
    lock of the state folder, so that no second supervisor works on it. `report` is told in words what a long
    start is doing.
    """

    def __init__(
        self,
        directory: Path,
        binaries: PostgresBinaries,
        settings: Mapping[str, str],
        *,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log_path = directory / "postgres.log"
        self._original_binaries = binaries
        self._binaries = binaries
        self._settings = dict(settings)
        self._report = report
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder = self.data

    @property
    def pid(self) -> int | None:
        """Process id of the running postmaster, or None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def dsn(self) -> str:
        """Address of the database once `start` has returned; only this user and root can connect."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """The same server's address of another database."""
        host = quote(str(self._socket_folder), safe="")
        return f"postgresql://{DATABASE}@/{quote(database, safe='')}?host={host}&port=5432"

    async def start(self) -> None:
        """Make the data folder if it is missing, start the server and return once it takes connections.

        Waits for as long as a recovery goes on. Raises `PostgresDataUnusable`, `PostgresStartFailed` or
        another `HostingError`; then nothing is left running.
        """
        if self.pid is not None:
            raise HostingError(f"the Postgres on {self.data} already runs as process {self.pid}")
        self._account = choose_account(os.geteuid())
        prepare_directory(self.directory, self._account)
        self._binaries = make_reachable(self._original_binaries, self._account, self.directory / "binaries")
        if not (self.data / "PG_VERSION").exists():
            await self._initialise()
        refuse_other_major(self.data, self._binaries.major)
        runtime_folder = "/run" if self._account else os.environ.get("XDG_RUNTIME_DIR", "")
        self._socket_folder = prepare_socket_folder(self.data, self._account, runtime_folder)
        await self._wait_for_predecessor()
        try:
            await self._start_server()
            await self._create_database()
        except BaseException:
            self._kill()
            remove_socket_folder(self._socket_folder, self.data)
            raise

    async def stop(self, *, timeout_seconds: float = 60) -> None:
        """Disconnect everyone and shut down cleanly; after `timeout_seconds` at once, to be recovered at the
        next start.

        Returns when the process is gone. Does nothing when none runs.
        """
        process = self._process
        if process is None:
            return
        try:
            for how, patience_seconds in (
                (signal.SIGINT, timeout_seconds),  # Postgres's fast shutdown
                (signal.SIGQUIT, _IMMEDIATE_STOP_SECONDS),  # its immediate one
            ):
                _signal(process, how)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience_seconds):
                        await self.wait_exit()
                        break
        finally:
            self._kill()
            self._process = None
            remove_socket_folder(self._socket_folder, self.data)

    async def wait_exit(self) -> int:
        """Return the server's exit status once it has ended, by a crash or by `stop`; negative is a signal.

        For the owner to await beside its other work. Cancelling the wait does not touch the server.
        """
        process = self._process
        if process is None:
            raise HostingError(f"no Postgres was started on {self.data}")
        with exit_event(process.pid) as event:
            while (status := process.poll()) is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0 if event else 0.1):
                        await (event.wait() if event else asyncio.Event().wait())
        return status

    async def _initialise(self) -> None:
        """Make the data folder under another name first: a start that was killed half-way leaves nothing to
        be trusted."""
        self._report("making the database")
        partial = self.directory / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        give_to(partial, self._account)
        options: list[str | Path] = [
            "-D",
            partial,
            "-U",
            DATABASE,
            "-A",
            "trust",
            "--encoding=UTF8",
            "--no-instructions",
        ]
        if self._settings.get("fsync") == "off":
            options.append("--no-sync")
        if self._binaries.major >= 17:
            options.append("--locale-provider=builtin")  # Unicode's rules, whatever locales this machine has
        # Not `C`: pg_trgm asks LC_CTYPE what a letter is, and under C it drops "é" (18.6).
        options.append("--locale=C.UTF-8")
        status = await self._run([self._binaries.initdb, *options])
        if status != 0:
            raise self._failed("initdb", status)
        partial.rename(self.data)
        sync_directory(self.directory)

    async def _run(self, command: list[str | Path]) -> int:
        process = self._spawn(command)
        try:
            while (status := process.poll()) is None:  # noqa: ASYNC110  # a process has no event
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return status

    def _spawn(self, command: list[str | Path]) -> subprocess.Popen[bytes]:
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_SIZE_OCTETS:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            environment = {
                "PATH": os.defpath,
                "LC_ALL": "C",
                "TZ": "UTC",
            }  # no PG* variable of ours reaches it
            return spawn(command, account=self._account, environment=environment, output=log)

    async def _wait_for_predecessor(self) -> None:
        """See to a `postmaster.pid` left behind by a kill or a power cut.

        A postmaster of this folder that still shuts down (its parent was killed) is awaited. A process that
        only got its number after a reboot, or a killed one that nobody has collected, would make Postgres
        refuse (a number that is dealt out again: for good), so the file is given ours instead: Postgres takes
        its parent's for stale, and still checks by its shared memory that nobody works on the data. The lock
        of the socket names the same process, and goes.
        """
        path = self.data / "postmaster.pid"
        asked = False
        for seconds in _progress_seconds():
            left = read_postmaster(path)
            if left is None or not is_alive(left.pid):
                return
            if not process_serves(left.pid, self.data):
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
                path.write_text("".join([f"{os.getpid()}\n", *lines[1:]]), encoding="utf-8")
                (self._socket_folder / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
                return
            if not asked:
                asked = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(left.pid, signal.SIGINT)
            if seconds is not None:
                self._report(
                    f"waiting {seconds:.0f} s for the previous Postgres (process {left.pid}) to stop"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _start_server(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LEFTOVERS_SECONDS
        while True:
            log_size_octets = self.log_path.stat().st_size if self.log_path.exists() else 0
            self._process = process = self._spawn(self._server_command())
            status = await self._wait_ready(process)
            if status is None:
                return
            written = self._read_log_tail(from_octet=log_size_octets)
            has_leftovers = any(sign in written for sign in _LEFTOVER_SIGNS)
            if not has_leftovers or loop.time() >= deadline:
                raise self._failed("postgres", status)
            self._report("waiting for processes of the previous Postgres to end")
            await asyncio.sleep(0.2)

    def _server_command(self) -> list[str | Path]:
        settings = {
            **self._settings,
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self._socket_folder),
        }
        options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
        return [self._binaries.postgres, "-D", self.data, *options]

    async def _wait_ready(self, process: subprocess.Popen[bytes]) -> int | None:
        """None once the server takes connections, or its exit status if it ends before."""
        for seconds in _progress_seconds():
            status = process.poll()
            if status is not None:
                return status
            postmaster = read_postmaster(self.data / "postmaster.pid")
            if postmaster is not None and postmaster.is_ready and postmaster.pid == process.pid:
                return None
            if seconds is not None:
                last = self._read_log_tail().decode("utf-8", "replace").strip().rpartition("\n")[2]
                self._report(f"Postgres has been starting for {seconds:.0f} s; it says: {last}")
            await asyncio.sleep(_POLL_SECONDS)
        raise AssertionError("progress never ends")

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.dsn_of("postgres"))
        try:
            if not await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE
            ):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    def _kill(self) -> None:
        """Leave nothing running, whatever went wrong before."""
        if self._process is not None and self._process.poll() is None:
            _signal(self._process, signal.SIGQUIT)
            try:
                self._process.wait(timeout=_IMMEDIATE_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _failed(self, program: str, status: int) -> PostgresStartFailed:
        tail = self._read_log_tail().decode("utf-8", "replace").strip()
        return PostgresStartFailed(program, status, self.log_path, tail)

    def _read_log_tail(self, *, from_octet: int = 0) -> bytes:
        with self.log_path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(from_octet, end - _LOG_TAIL_OCTETS))
            return log.read()


def _progress_seconds() -> Iterator[float | None]:
    """Seconds since the first step whenever there is something to say again, else None; endless."""
    loop = asyncio.get_running_loop()
    started = said = loop.time()
    while True:
        now = loop.time()
        if now - said >= _PROGRESS_SECONDS:
            said = now
            yield now - started
        else:
            yield None


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

"""The servers of `bench chaos`: gateways and their Postgres, killed, paused and started again.

A supervisor per process does what systemd would: whatever ends is started again after a moment. With one
node, Postgres is the bundled one and the gateway's to restart; with several it is the bench's. When a blow
falls is decided elsewhere.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from bench.errors import BenchError
from bench.postgres import PostgresProbe
from bench.server import Carrier, free_ports, make_configuration
from bench.smsc import Smsc
from gateway.commands.admin_client import AdminClient
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings

RESTART_SECONDS: Final = 0.5
"""What a supervisor waits before it starts a process again; our systemd unit says 2."""
_STOP_SECONDS: Final = 60.0
_QUERY_SECONDS: Final = 30.0
_LOG_TAIL_OCTETS: Final = 3_000
_SHARDS: Final = 16
"""Shards of a connector, `store.leases`."""

_STANDING: Final = """
SELECT EXISTS (SELECT FROM node_lease WHERE pid = $1 AND expires_at > clock_timestamp()) AS is_alive,
       (SELECT count(*) FROM bind_lease AS b JOIN node_lease AS n USING (node_no, epoch)
        WHERE n.pid = $1 AND b.is_up)::int4 AS binds,
       (SELECT count(*) FROM dispatch_lease AS d JOIN node_lease AS n USING (node_no, epoch)
        WHERE n.pid = $1)::int4 AS shards
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a node's lease holds; and what it holds: binds that the SMSC accepted, and shards of queues."""

    is_alive: bool
    binds: int
    shards: int


_NOTHING: Final = Standing(is_alive=False, binds=0, shards=0)


class ChaosNode:
    """One `estafette serve`, started again whenever it ends."""

    def __init__(self, name: str, folder: Path, configuration: dict[str, object], http_port: int) -> None:
        self.name = name
        self.http_port = http_port
        self.admin = AdminClient(folder / "admin.sock", timeout_seconds=120)
        self.ended_by_itself = 0
        """Ends that nobody here asked for."""
        self._log_path = folder.parent / f"{name}.log"
        self._config_path = folder / "config.yaml"
        self._config_path.write_text(json.dumps(configuration))
        self._process: asyncio.subprocess.Process | None = None
        self._may_run = asyncio.Event()
        self._may_run.set()
        self._is_expected_to_end = False

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def supervise(self) -> None:
        """Run it for as long as this is awaited, whatever becomes of it."""
        while True:
            await self._may_run.wait()
            with self._log_path.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "gateway.cli", "serve", "--config", str(self._config_path)),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
            status = await self._process.wait()
            if not self._is_expected_to_end:
                self.ended_by_itself += 1
                print(f"{self.name} ended by itself with status {status}", file=sys.stderr)
            self._is_expected_to_end = False
            await asyncio.sleep(RESTART_SECONDS)

    async def kill(self, *, stays_down: bool = False) -> None:
        """End it as a crash does; it is gone on return. `stays_down`: it comes back only after `let_run`."""
        if stays_down:
            self._may_run.clear()
        self._is_expected_to_end = True
        process = self._signal(signal.SIGKILL)
        await process.wait()

    def pause(self) -> None:
        self._is_expected_to_end = True
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Go on after a pause. A node whose lease ran out meanwhile may end itself for it."""
        self._signal(signal.SIGCONT)

    def let_run(self) -> None:
        self._may_run.set()

    def _signal(self, number: signal.Signals) -> asyncio.subprocess.Process:
        if self._process is None or self.pid is None:
            raise BenchError(f"{self.name} is not running: {self.log_tail()}")
        self._process.send_signal(number)
        return self._process

    def forgive(self) -> None:
        """What was done to it is over: from now on it has no reason to end."""
        self._is_expected_to_end = False

    async def stop(self) -> None:
        """Stop it in order. Raises `BenchError` when it does not."""
        self._is_expected_to_end = True
        self._may_run.clear()
        process = self._process
        if process is None or self.pid is None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                status = await process.wait()
        except TimeoutError:
            raise BenchError(f"{self.name} did not stop within {_STOP_SECONDS:.0f} s") from None
        if status != 0:
            raise BenchError(f"{self.name} stopped with status {status}: {self.log_tail()}")

    async def end(self) -> None:
        """See that it is gone, however the measurement went."""
        self._may_run.clear()
        if self._process is not None and self.pid is not None:
            self._process.kill()
            await self._process.wait()

    def log_tail(self) -> str:
        if not self._log_path.exists():
            return ""
        return self._log_path.read_bytes()[-_LOG_TAIL_OCTETS:].decode(errors="replace")


class Cluster:
    """All nodes and the database that they share."""

    def __init__(self, nodes: Sequence[ChaosNode], database: PostgresProbe, carrier: Carrier) -> None:
        self.nodes = nodes
        self.database = database
        self.all_binds = carrier.connectors * carrier.binds
        self.all_shards = carrier.connectors * _SHARDS

    def kill_postgres(self) -> None:
        """SIGKILL the postmaster; its processes see it and end, some after a last commit."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # just now between two lives
            os.kill(self.database.pid, signal.SIGKILL)

    async def has_postgres_since(self, unix_seconds: float) -> bool:
        """Whether a Postgres that was started after that moment answers."""
        rows = await self.try_fetch("SELECT extract(epoch FROM pg_postmaster_start_time())::float8")
        return bool(rows) and rows[0][0] >= unix_seconds

    async def standing_of(self, node: ChaosNode) -> Standing:
        """What `node` holds now; nothing while it is down or the database cannot be asked."""
        pid = node.pid
        if pid is None:
            return _NOTHING
        rows = await self.try_fetch(_STANDING, pid)
        return Standing(**rows[0]) if rows else _NOTHING

    async def fetch(self, sql: str, *arguments: object) -> "list[asyncpg.Record]":
        """The rows of a statement of the bench's own. Raises `BenchError`."""
        try:
            async with asyncio.timeout(_QUERY_SECONDS):
                connection = await self.database.connect()
                try:
                    return await connection.fetch(sql, *arguments)
                finally:
                    connection.terminate()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, IndexError, TimeoutError) as exc:
            raise BenchError(f"the database cannot be read: {exc or type(exc).__name__}") from exc

    async def try_fetch(self, sql: str, *arguments: object) -> "list[asyncpg.Record]":
        """The same; nothing while the database is away."""
        try:
            return await self.fetch(sql, *arguments)
        except BenchError:
            return []


@contextlib.asynccontextmanager
async def start_cluster(folder: Path, smsc: Smsc, carrier: Carrier, nodes: int) -> AsyncIterator[Cluster]:
    """So many nodes bound to `smsc`, each with state and ports of its own, on one empty database.

    They run until the context is left, which stops them in order; a supervisor that fails fails the caller.
    Must run on the main thread, as every Postgres of ours.
    """
    shared = _make_postgres(folder / "shared") if nodes > 1 else None
    servers = []
    try:
        if shared is not None:
            await shared.start()
        servers = [_make_node(folder, number, smsc, carrier, shared) for number in range(nodes)]
        database = PostgresProbe(folder / ("shared" if shared else "node-0"))
        async with asyncio.TaskGroup() as group:
            supervisors = [group.create_task(server.supervise()) for server in servers]
            if shared is not None:
                supervisors.append(group.create_task(_keep_postgres(shared)))
            yield Cluster(servers, database, carrier)
            for server in servers:
                await server.stop()
            for supervisor in supervisors:
                supervisor.cancel()
    finally:
        for server in servers:
            await server.end()
        if shared is not None:
            await shared.stop()


def _make_node(
    folder: Path, number: int, smsc: Smsc, carrier: Carrier, shared: EmbeddedPostgres | None
) -> ChaosNode:
    name = f"node-{number}"
    state = folder / name
    state.mkdir()
    state.chmod(0o711)  # root's Postgres runs as another user and must pass through
    http_port, public_port = free_ports(2)
    content = make_configuration(state, smsc, carrier, http_port, public_port)
    content["logging"] = {"level": "info", "format": "text"}
    if shared is not None:
        content["database"] = {"dsn": shared.dsn}
    return ChaosNode(name, state, content, http_port)


def _make_postgres(folder: Path) -> EmbeddedPostgres:
    folder.mkdir()
    folder.chmod(0o711)
    binaries = find_postgres()
    settings = choose_settings(binaries, shared_buffers_mb=256, max_wal_size_mb=4096)
    # The bundled server's 60 are for one node; a server of one's own has Postgres's default.
    return EmbeddedPostgres(folder / "postgres", binaries, settings | {"max_connections": "100"})


async def _keep_postgres(postgres: EmbeddedPostgres) -> None:
    while True:
        await postgres.wait_exit()
        await asyncio.sleep(RESTART_SECONDS)
        await postgres.start()

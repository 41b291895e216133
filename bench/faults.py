"""`bench faults`: every way in which the lines of a gateway can break, to its SMSC and to its Postgres.

One gateway for all of them, as a process of its own, with a proxy on each line; Postgres, simulator and
proxies run here, past any fault. What the carrier took by its log is compared with what the rows say.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp

from bench.errors import BenchError
from bench.fault_connection import Upstream
from bench.fault_proxy import FaultProxy
from bench.fault_trial import Outcome, Site, reckon_now, suffer
from bench.line_faults import Line, carrier_faults, postgres_faults
from bench.recipients import COUNTRIES
from bench.server import Carrier, Server, start_server
from bench.smsc import Smsc
from gateway.commands.errors import CommandError
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings
from gateway.simulator.profile import Profile, Range
from gateway.simulator.profile_receipts import ReceiptRules
from gateway.simulator.profile_submits import SubmitRules
from gateway.simulator.smsc import Simulator

CARRIER_PROFILE: Final = Profile(
    submit=SubmitRules(latency_ms=Range(least=50, most=250)),
    receipts=ReceiptRules(response_seconds=2, retry_seconds=0.5),
)
"""Slow enough that every blow meets submits that have no answer yet; a receipt without an answer comes again
after 2 s."""

WINDOW: Final = 50
CONNECTOR: Final[dict[str, object]] = {
    "binds": 2,
    "window": WINDOW,
    "parts_per_second": 1_000,
    "unanswered": "hold",
    "enquire_link_seconds": 1,
    "enquire_link_timeout_seconds": 1,
    "response_timeout_seconds": 3,
    "bind_timeout_seconds": 2,
}
"""Quick to notice a dead line, so that a run takes minutes and not hours."""

_RESOLVE_SECONDS: Final = 150.0
"""How long the end of a run waits for receipts to tell what became of unknown messages."""
_RESOLVE_POLL_SECONDS: Final = 2.0

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class FaultsOptions:
    """`messages` flow under each fault; `seed` chooses moments, octets and connections."""

    messages: int
    seed: int = 1


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """One line of the table."""

    line: str
    fault: str
    accepted: int
    lost: int
    doubled: int
    unknown: int
    unexplained: int
    unknown_taken: int
    """Of the unknown, those that the carrier did take, by its log."""
    resolved: int
    """Of the unknown, those that came to an end later, by what the carrier said."""
    recovery_seconds: float
    ledger_balanced: bool
    refused_requests: int
    unanswered_requests: int

    @property
    def is_good(self) -> bool:
        return self.ledger_balanced and not (self.lost or self.doubled or self.unexplained)


@dataclass(frozen=True, slots=True)
class FaultsFigures:
    """The table, and the ledger's word at the very end."""

    seconds: float
    faults: list[FaultFigures] = field(default_factory=list)
    ledger_balanced: bool = True
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return self.ledger_balanced and all(fault.is_good for fault in self.faults)


def run_faults(options: FaultsOptions, report: Callable[[str], None]) -> FaultsFigures:
    """One run on a fresh database; `report` is told of each fault when it is over.

    Raises `BenchError` when the gateway does not recover from one.
    """
    return asyncio.run(_run(options, report))


async def _run(options: FaultsOptions, report: Callable[[str], None]) -> FaultsFigures:
    random = Random(options.seed)
    started = time.monotonic()
    async with _open_site(random) as (site, proxies):
        outcomes: list[Outcome] = []
        for number, fault in enumerate((*carrier_faults(), *postgres_faults())):
            serials = range(number * options.messages, (number + 1) * options.messages)
            outcomes.append(await suffer(site, proxies[fault.line], fault, serials, random))
            report(outcomes[-1].summary)
        await _wait_resolved(site, outcomes)
        return FaultsFigures(
            seconds=time.monotonic() - started,
            faults=[await _conclude(site, outcome) for outcome in outcomes],
            ledger_balanced=await site.is_balanced(),
            parameters={"messages": options.messages, "seed": options.seed, **CONNECTOR},
        )


async def _conclude(site: Site, outcome: Outcome) -> FaultFigures:
    """What is so at the end of the run, also for serials that were judged when their fault was over."""
    at_end = await reckon_now(site, outcome.accepted)
    return FaultFigures(
        line=outcome.fault.line.value,
        fault=outcome.fault.name,
        accepted=len(outcome.accepted),
        lost=len({*outcome.reckoning.lost, *at_end.lost}),
        doubled=len({*outcome.reckoning.doubled, *at_end.doubled}),
        unknown=len(outcome.reckoning.unknown),
        unknown_taken=len(outcome.reckoning.unknown_taken),
        unexplained=outcome.unexplained,
        resolved=len(set(outcome.reckoning.unknown) - set(at_end.unknown)),
        recovery_seconds=round(outcome.recovery_seconds, 2),
        ledger_balanced=outcome.is_balanced,
        refused_requests=outcome.refused_requests,
        unanswered_requests=outcome.unanswered_requests,
    )


async def _wait_resolved(site: Site, outcomes: list[Outcome]) -> None:
    """Give receipts of messages without an answer the time to be matched by address and time."""
    accepted = [serial for outcome in outcomes for serial in outcome.accepted]
    deadline = time.monotonic() + _RESOLVE_SECONDS
    while (await reckon_now(site, accepted)).unknown_taken and time.monotonic() < deadline:  # noqa: ASYNC110 - rows
        await asyncio.sleep(_RESOLVE_POLL_SECONDS)


@asynccontextmanager
async def _open_site(random: Random) -> AsyncIterator[tuple[Site, dict[Line, FaultProxy]]]:
    """Everything that a run needs, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="estafette-faults-") as name:
        folder = Path(name)
        os.chmod(folder, 0o711)  # root's Postgres runs as another user and must pass through
        log = folder / "carrier.log"
        async with (
            _run_postgres(folder) as postgres,
            Simulator(CARRIER_PROFILE, log_path=log, random=random) as simulator,
            FaultProxy(("127.0.0.1", simulator.port), random) as carrier,
            FaultProxy(upstream_of(postgres.dsn), random) as database,
            aiohttp.ClientSession() as session,
            _in_thread(start_server(*_describe_server(postgres, carrier, database))) as server,
        ):
            site = Site(
                session=session,
                url=f"http://127.0.0.1:{server.http_port}",
                key=server.key,
                dsn=postgres.dsn,
                log=log,
                window=WINDOW,
                is_bound=lambda: asyncio.to_thread(_is_bound, server),
                is_balanced=lambda: asyncio.to_thread(_is_balanced, server),
            )
            yield site, {Line.CARRIER: carrier, Line.POSTGRES: database}


def _describe_server(
    postgres: EmbeddedPostgres, carrier: FaultProxy, database: FaultProxy
) -> tuple[Smsc, Carrier, dict[str, object]]:
    prices = [{"country": country, "price": "0.0450"} for country in COUNTRIES]
    connector = {
        "name": "line",
        "hosts": [f"127.0.0.1:{carrier.port}"],
        "system_id": "line",
        "password": "bench",
        "prices": prices,
        **CONNECTOR,
    }
    settings: dict[str, object] = {
        "database": {"dsn": dsn_through(postgres.dsn, database.port)},
        "connectors": [connector],
        "routes": [{"name": "all", "connectors": [{"name": "line"}]}],
    }
    return (
        Smsc("simulator", "127.0.0.1", carrier.port),
        Carrier(connectors=1, binds=2, window=WINDOW, parts_per_second=1_000),
        settings,
    )


def _is_bound(server: Server) -> bool:
    try:
        connectors = server.admin.get("/admin/connectors")["connectors"]
    except CommandError as exc:
        if not server.is_running:
            raise BenchError(f"the gateway ended: {exc}") from exc
        return False
    binds = [bind for each in connectors if each["name"] == "line" for bind in each["binds"]]
    return bool(binds) and all(bind["state"] == "bound" for bind in binds)


def _is_balanced(server: Server) -> bool:
    return bool(server.ledger()["balanced"])


@asynccontextmanager
async def _run_postgres(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    binaries = find_postgres()
    settings = choose_settings(binaries, shared_buffers_mb=64, max_wal_size_mb=1_024)
    postgres = EmbeddedPostgres(folder / "postgres", binaries, settings)
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop(timeout_seconds=20)


@asynccontextmanager
async def _in_thread(context: AbstractContextManager[Given]) -> AsyncIterator[Given]:
    """Enter and leave a context that blocks, while the proxies go on."""
    given = await asyncio.to_thread(context.__enter__)
    try:
        yield given
    except BaseException as exc:
        await asyncio.to_thread(context.__exit__, type(exc), exc, exc.__traceback__)
        raise
    await asyncio.to_thread(context.__exit__, None, None, None)


def dsn_through(dsn: str, port: int) -> str:
    """The address of the same database by way of a proxy on `port`."""
    parts = urlsplit(dsn)
    password = f":{quote(parts.password)}" if parts.password else ""
    return (
        f"postgresql://{quote(parts.username or '')}{password}@127.0.0.1:{port}{parts.path}?sslmode=disable"
    )


def upstream_of(dsn: str) -> Upstream:
    """Where that proxy must lead: the server's unix socket, where it has one."""
    parts = urlsplit(dsn)
    wanted = parse_qs(parts.query)
    port = parts.port or int(wanted.get("port", ["5432"])[0])
    if "host" in wanted:
        return f"{wanted['host'][0]}/.s.PGSQL.{port}"
    return parts.hostname or "127.0.0.1", port

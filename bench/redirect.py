"""`bench redirect`: how many short links a second are followed, each click durable before its redirect.

Links, targets and the messages they came with are filled by SQL; then a load generator opens them over
keep-alive connections, nine in ten from a set that is opened again and again. Every visit has an address and
an agent of its own, as visitors behind a proxy have, so that none is taken for a burst.
"""

import json
import random
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.cycle import DEFAULT_CARRIER
from bench.errors import BenchError
from bench.server import Server, free_ports, start_server
from bench.smsc import start_smsc
from bench.tools import build_tool
from gateway.domain.identifiers import first_id_at
from gateway.domain.link_codes import LinkCodes
from gateway.domain.message import MessageState

_FLOOD_SECONDS = 300.0
_HOT_SHARE = 0.9
_CAMPAIGN = 1
_TARGET = 1
_SENT_AGO = timedelta(hours=2)
_AGENTS = tuple(
    f"Mozilla/5.0 (Linux; Android {android}; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
    for android in (10, 11, 12, 13, 14)
    for chrome in range(110, 130)
)

_FILL_TARGET = (
    "INSERT INTO link_target (shop_id, id, campaign_id, created_at, name, url) "
    "VALUES ($1, $2, $3, now(), 'link', 'https://shop.example/spring?utm_source=sms')"
)
_FILL_LINKS = (
    "INSERT INTO link (seq, shop_id, slot, message_id, target_id, campaign_id, contact_id, country) "
    "SELECT seq, $1, seq & 255, $2 + seq, $3, $4, seq, 'FR' FROM generate_series(1::int8, $5) AS seq"
)
_FILL_STATES = (
    "INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt, node_no, entered,"
    " epoch, changed_at, sent_at, part_states) "
    "SELECT $1, $2 + seq, seq & 255, $3, 0, 0, 1, 0, 0, 1, $4, $4, ''"
    " FROM generate_series(1::int8, $5) AS seq"
)


@dataclass(frozen=True, slots=True)
class RedirectOptions:
    """`links` are there in all; `requests` are opened, nine in ten of them hot."""

    requests: int
    links: int = 1_000_000
    connections: int = 64


@dataclass(frozen=True, slots=True)
class RedirectFigures:
    """What a run found. CPU and WAL are those of one redirect; memory is of the gateway without Postgres."""

    requests: int
    seconds: float
    rate_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    gateway_cpu_us: float
    postgres_cpu_us: float
    wal_bytes: float
    rss_peak_mb: float
    late: int
    """Led on before the click was stored."""
    lost: int
    """Led on without a click."""
    clicks_expected: int
    clicks_stored: int
    people: int
    parameters: dict[str, object] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return self.clicks_stored == self.clicks_expected and self.lost == 0

    def as_document(self) -> dict[str, object]:
        return {
            "name": "redirect",
            **{k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()},
        }


def run_redirect(options: RedirectOptions) -> RedirectFigures:
    """One run on a fresh database. Raises `BenchError` when a link is not followed."""
    program = build_tool("http_flood")
    if program is None:
        raise BenchError("bench redirect needs a C compiler for its load generator; install gcc")
    hot = min(max(1_000, options.requests // 2), options.links // 2)
    (port,) = free_ports(1)
    settings = {"public": {"port": port, "trusted_proxies": ["127.0.0.1"]}}
    with (
        start_smsc(None, ["--quiet"]) as smsc,
        start_server(smsc, DEFAULT_CARRIER, settings) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        codes = LinkCodes(_fill(server, options.links))
        warm_up, lines = Path(folder) / "warm-up", Path(folder) / "lines"
        _write_lines(warm_up, codes, list(range(1, hot + 1)))
        _write_lines(lines, codes, _choose_seqs(options, hot))
        _flood(program, server, options, warm_up, port=port, requests=hot)
        late_before = _read_clicks(server)["late"]
        before = server.usage()
        answers = _flood(program, server, options, lines, port=port, requests=options.requests)
        after = server.usage()
        clicks = _read_clicks(server)
        ((stored, people),) = server.postgres.fetch(
            "SELECT sum(clicks)::int8, sum(people)::int8 FROM stat_click"
        )
        ((rows,),) = server.postgres.fetch("SELECT count(*) FROM click")
        if rows != stored:
            raise BenchError(f"{rows:,} clicks are stored and {stored:,} counted")
        return RedirectFigures(
            requests=options.requests,
            seconds=answers["seconds"],
            rate_per_second=answers["rate_per_second"],
            p50_ms=answers["p50_ms"],
            p99_ms=answers["p99_ms"],
            max_ms=answers["max_ms"],
            gateway_cpu_us=(after.gateway_cpu_seconds - before.gateway_cpu_seconds) * 1e6 / options.requests,
            postgres_cpu_us=(after.postgres_cpu_seconds - before.postgres_cpu_seconds)
            * 1e6
            / options.requests,
            wal_bytes=(after.wal_octets - before.wal_octets) / options.requests,
            rss_peak_mb=server.peak_resident_mb(),
            late=clicks["late"] - late_before,
            lost=clicks["lost"],
            clicks_expected=options.requests + hot,
            clicks_stored=rows,
            people=people,
            parameters={
                "links": options.links,
                "hot_links": hot,
                "hot_share": _HOT_SHARE,
                "connections": options.connections,
                "client_cpu_seconds": answers["cpu_seconds"],
                "postgres": server.postgres.settings(),
            },
        )


def _fill(server: Server, links: int) -> bytes:
    """Links of one campaign whose messages were delivered two hours ago; gives the instance's secret."""
    sent_at = datetime.now(UTC) - _SENT_AGO
    first_id = first_id_at(sent_at)

    async def fill(connection: "asyncpg.Connection[asyncpg.Record]") -> bytes:
        shop_id = await connection.fetchval("SELECT id FROM shop")
        await connection.execute(_FILL_TARGET, shop_id, _TARGET, _CAMPAIGN)
        await connection.execute(_FILL_LINKS, shop_id, first_id, _TARGET, _CAMPAIGN, links, timeout=600)
        state = int(MessageState.DELIVERED)
        await connection.execute(_FILL_STATES, shop_id, first_id, state, sent_at, links, timeout=600)
        await connection.execute("UPDATE link_counter SET next_seq = $1", links + 1)
        await connection.execute("VACUUM ANALYZE link")
        await connection.execute("VACUUM ANALYZE message_state")
        await connection.execute("CHECKPOINT")
        secret: bytes = await connection.fetchval("SELECT instance_secret FROM instance")
        return secret

    return server.postgres.fill(fill)


def _choose_seqs(options: RedirectOptions, hot: int) -> list[int]:
    """Nine in ten from the hot ones, the rest each once."""
    chance = random.Random(1)
    cold = iter(range(hot + 1, options.links + 1))
    return [
        chance.randint(1, hot) if chance.random() < _HOT_SHARE else next(cold, hot)
        for _ in range(options.requests)
    ]


def _write_lines(path: Path, codes: LinkCodes, seqs: list[int]) -> None:
    """For each request its path, and the address and agent of its visitor."""
    with path.open("w") as file:
        for number, code in enumerate(codes.encode_many(seqs)):
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            agent = _AGENTS[number % len(_AGENTS)]
            file.write(f"/{code}\tX-Forwarded-For: {address}\tUser-Agent: {agent}\n")


def _read_clicks(server: Server) -> dict[str, int]:
    """The gateway's own counts, once nothing waits any more."""
    deadline = time.monotonic() + 30
    while True:
        clicks: dict[str, int] = server.admin.get("/admin/status")["clicks"]
        if not clicks["waiting"] or time.monotonic() > deadline:
            return clicks
        time.sleep(0.05)


def _flood(
    program: Path, server: Server, options: RedirectOptions, lines: Path, *, port: int, requests: int
) -> dict[str, Any]:
    command = [
        str(program),
        f"--port={port}",
        f"--requests={requests}",
        f"--connections={options.connections}",
        f"--lines={lines}",
    ]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=_FLOOD_SECONDS, check=False)
    if completed.returncode != 0:
        raise BenchError(f"the load generator ended with {completed.returncode}: {completed.stderr.strip()}")
    answers: dict[str, Any] = json.loads(completed.stdout)
    if answers["accepted"] != requests:
        raise BenchError(
            f"{answers['refused']} links not followed, {answers['lost']} lost: {completed.stderr.strip()}"
        )
    server.sample_memory()
    return answers

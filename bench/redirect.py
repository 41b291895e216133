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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.cycle import DEFAULT_CARRIER
from bench.errors import BenchError
from bench.figures import Figures
from bench.parameters import describe
from bench.server import Server, free_ports, start_server
from bench.smsc import start_smsc
from bench.tools import build_tool
from gateway.domain.identifiers import first_id_at
from gateway.domain.link_codes import LinkCodes
from gateway.domain.message import MessageState

_FLOOD_SECONDS = 300.0
_HOT_SHARE = 0.9
_SEED = 1
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
_FILL_MESSAGES = (
    "INSERT INTO message (shop_id, id, slot, connector_id, category, lane, alphabet, parts, is_test,"
    " is_sensitive, wants_events, cost_micros, expires_at, country, currency, to_address, from_address,"
    " text) "
    "SELECT $1, $2 + seq, seq & 255, 1, 3, 3, 0, 1, false, false, false, 0, $3, 'FR', 'EUR', '336' || seq,"
    " 'ESTAFETTE', 'Bonjour' FROM generate_series(1::int8, $4) AS seq"
)
_FILL_STATES = (
    "INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt, node_no, entered,"
    " epoch, changed_at, sent_at, part_states) "
    "SELECT $1, $2 + seq, seq & 255, $5::int2, 0, 0, 1, 0, 1 | (1 << $5::int4), 1, $3, $3,"
    " decode(lpad(to_hex($5::int4), 2, '0'), 'hex') FROM generate_series(1::int8, $4) AS seq"
)
_FILL_PARTS = (
    "INSERT INTO part (shop_id, id, slot, part, attempt, connector_id, bind_no, state, submitted_at,"
    " answered_at) "
    "SELECT $1, $2 + seq, seq & 255, 0, 1, 1, 1, $5, $3, $3 FROM generate_series(1::int8, $4) AS seq"
)
_COUNT_MESSAGES = (
    "INSERT INTO stat_hour (hour, shop_id, connector_id, country, lane, currency, state, failure_class,"
    " messages, parts, cost_micros) "
    "SELECT date_trunc('hour', $2::timestamptz, 'UTC'), $1, 1, 'FR', 3, 'EUR', state, 0, $3, $3, 0"
    " FROM unnest(ARRAY[0, $4::int2]) AS state"
)
_COUNT_SHOP = (
    "INSERT INTO stat_shop (day, shop_id, category, lane, currency, state, messages, parts, cost_micros) "
    "SELECT ($2::timestamptz AT TIME ZONE 'UTC')::date, $1, 3, 3, 'EUR', state, $3, $3, 0"
    " FROM unnest(ARRAY[0, $4::int2]) AS state"
)
_COUNT_SUBMISSIONS = (
    "INSERT INTO stat_submission (hour, connector_id, state, command_status, submissions) "
    "VALUES (date_trunc('hour', $1::timestamptz, 'UTC'), 1, $3, 0, $2)"
)


@dataclass(frozen=True, slots=True)
class RedirectOptions:
    """`links` are there in all; `requests` are opened, nine in ten of them hot."""

    requests: int
    links: int = 1_000_000
    connections: int = 64
    workers: int = 1


def run_redirect(options: RedirectOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when a link is not followed."""
    program = build_tool("http_flood")
    if program is None:
        raise BenchError("bench redirect needs a C compiler for its load generator; install gcc")
    hot = min(max(1_000, options.requests // 2), options.links // 2)
    (port,) = free_ports(1)
    settings = {"public": {"port": port, "trusted_proxies": ["127.0.0.1"]}}
    with (
        start_smsc(None, ["--quiet"]) as smsc,
        start_server(smsc, DEFAULT_CARRIER, settings, workers=options.workers) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        codes = LinkCodes(_fill(server, options.links))
        warm_up, lines = Path(folder) / "warm-up", Path(folder) / "lines"
        _write_lines(warm_up, codes, list(range(1, hot + 1)))
        _write_lines(lines, codes, _choose_seqs(options, hot))
        _flood(program, server, options, warm_up, port=port, requests=hot)
        late_before = _read_clicks(server)["late"]
        before = server.costs.read()
        answers = _flood(program, server, options, lines, port=port, requests=options.requests)
        cost = server.costs.since(before, options.requests)
        clicks = _read_clicks(server)
        ((stored, people),) = server.postgres.fetch(
            "SELECT sum(clicks)::int8, sum(people)::int8 FROM stat_click"
        )
        ((rows,),) = server.postgres.fetch("SELECT count(*) FROM click")
        if rows != stored:
            raise BenchError(f"{rows:,} clicks are stored and {stored:,} counted")
        expected = options.requests + hot
        parameters = describe(server, smsc, DEFAULT_CARRIER, recipients=options.links, seed=_SEED)
        parameters |= {
            "links": options.links,
            "hot_links": hot,
            "hot_share": _HOT_SHARE,
            "connections": options.connections,
            "client_cpu_seconds": answers["cpu_seconds"],
            "latency": "request sent to answer read, at the load generator",
        }
        own = {
            "requests": options.requests,
            "max_ms": answers["max_ms"],
            "late": clicks["late"] - late_before,
            "lost": clicks["lost"],
            "clicks_expected": expected,
            "clicks_stored": rows,
            "people": people,
        }
        is_whole = rows == expected and not clicks["lost"]
        return Figures(
            name="redirect",
            messages=options.requests,
            seconds=answers["seconds"],
            rate_per_second=answers["rate_per_second"],
            parts_per_second=answers["rate_per_second"],
            p50_ms=answers["p50_ms"],
            p99_ms=answers["p99_ms"],
            cost=cost,
            ledger_balanced=server.is_balanced(),
            own=own,
            parameters=parameters,
            wrong=() if is_whole else (f"{rows:,} of {expected:,} clicks stored, {clicks['lost']:,} lost",),
        )


def _fill(server: Server, links: int) -> bytes:
    """Links of one campaign whose messages left two hours ago, without a receipt; the instance's secret."""
    sent_at = datetime.now(UTC) - _SENT_AGO
    first_id = first_id_at(sent_at)

    async def fill(connection: "asyncpg.Connection[asyncpg.Record]") -> bytes:
        shop_id = await connection.fetchval("SELECT id FROM shop")
        await connection.execute(_FILL_TARGET, shop_id, _TARGET, _CAMPAIGN)
        await connection.execute(_FILL_LINKS, shop_id, first_id, _TARGET, _CAMPAIGN, links, timeout=600)
        state = int(MessageState.SENT)
        await connection.execute(_FILL_MESSAGES, shop_id, first_id, sent_at, links, timeout=600)
        await connection.execute(_FILL_STATES, shop_id, first_id, sent_at, links, state, timeout=600)
        await connection.execute(_FILL_PARTS, shop_id, first_id, sent_at, links, state, timeout=600)
        await connection.execute(_COUNT_MESSAGES, shop_id, sent_at, links, state)
        await connection.execute(_COUNT_SHOP, shop_id, sent_at, links, state)
        await connection.execute(_COUNT_SUBMISSIONS, sent_at, links, state)
        await connection.execute("UPDATE link_counter SET next_seq = $1", links + 1)
        await connection.execute("VACUUM ANALYZE link")
        await connection.execute("VACUUM ANALYZE message_state")
        await connection.execute("CHECKPOINT")
        secret: bytes = await connection.fetchval("SELECT instance_secret FROM instance")
        return secret

    return server.postgres.fill(fill)


def _choose_seqs(options: RedirectOptions, hot: int) -> list[int]:
    """Nine in ten from the hot ones, the rest each once."""
    chance = random.Random(_SEED)
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
    server.costs.look()
    return answers

"""`bench growth`: the same cycle, and one-time passwords, on top of as many stored messages as one likes.

Messages go through the product first; then their rows, in every table that has them, are copied by SQL under
ids of other nodes and the rollups multiplied, so that the ledger balances over all of them. The rate on an
empty database and that on the grown one come from the same run.
"""

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import asyncpg

from bench.campaign import EVERY_HOUR
from bench.cycle import DEFAULT_CARRIER, CycleOptions, measure_cycle
from bench.errors import BenchError
from bench.figures import Figures
from bench.otp import OtpOptions, log_options, measure_otp
from bench.server import start_server
from bench.smsc import start_smsc
from gateway.domain.identifiers import NODE_COUNT, SEQUENCE_BITS

_TABLES: Final = ("message", "message_state", "part", "receipt", "receipt_map")
_ROLLUPS: Final = {
    "stat_hour": ("messages", "parts", "cost_micros"),
    "stat_shop": ("messages", "parts", "cost_micros"),
    "stat_submission": ("submissions",),
    "stat_receipt": ("receipts",),
    "stat_delay": ("messages",),
}
_COLUMNS = (
    "SELECT attname FROM pg_attribute "
    "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
_FILL_SECONDS = 3600.0
_PASSWORDS_PER_SECOND = 40.0


@dataclass(frozen=True, slots=True)
class GrowthOptions:
    """`messages` are stored when the `cycle` is measured again; passwords go while a campaign does."""

    messages: int = 1_000_000
    cycle: int = 100_000
    recipients: int = 200_000
    passwords: int = 400


def run_growth(options: GrowthOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    first, copies = plan_copies(options.messages, options.cycle)
    with tempfile.TemporaryDirectory(prefix="estafette-bench-otp-") as folder:
        log = Path(folder) / "passwords.log"
        with (
            start_smsc(None, log_options(log)) as smsc,
            start_server(smsc, DEFAULT_CARRIER, EVERY_HOUR) as server,
        ):
            if not smsc.keeps_clock:
                raise BenchError("`bench growth` needs a C compiler for its sink")
            empty = measure_cycle(CycleOptions(first), smsc, server)
            started = time.monotonic()
            server.postgres.fill(lambda connection: _copy(connection, copies))
            fill_seconds = time.monotonic() - started
            ((stored,),) = server.postgres.fetch("SELECT count(*) FROM message")
            ((octets,),) = server.postgres.fetch("SELECT pg_database_size(current_database())")
            grown = measure_cycle(CycleOptions(options.cycle), smsc, server)
            smsc.begin()
            otp = measure_otp(
                OtpOptions(options.recipients, options.passwords, _PASSWORDS_PER_SECOND), smsc, server, log
            )
    own = {
        "stored": stored,
        "database_mb": octets / 1024 / 1024,
        "empty_rate_per_second": empty.rate_per_second,
        "share_of_empty": grown.rate_per_second / empty.rate_per_second,
        "otp_p50_ms": otp.p50_ms,
        "otp_p99_ms": otp.p99_ms,
    }
    return replace(
        grown,
        name="growth",
        own={**grown.own, **own},
        ledger_balanced=empty.ledger_balanced and grown.ledger_balanced and otp.ledger_balanced,
        parameters={**grown.parameters, "fill_seconds": round(fill_seconds, 1), "copies": copies},
    )


def plan_copies(messages: int, cycle: int) -> tuple[int, int]:
    """How many messages go through the product, and how many copies of each make it `messages` or more."""
    first = max(cycle, math.ceil(messages / NODE_COUNT))
    return first, max(0, math.ceil(messages / first) - 1)


async def _copy(connection: "asyncpg.Connection[asyncpg.Record]", copies: int) -> None:
    """Each id once more for each of `copies`, as other nodes would have made it in the same millisecond."""
    highest = NODE_COUNT - 1
    node = f"(((%s >> {SEQUENCE_BITS}) + copy) & {highest})"
    moved = f"(%s & ~{highest << SEQUENCE_BITS}::int8) | ({node} << {SEQUENCE_BITS})"
    others = {"id": moved, "receipt_id": moved, "carrier_id": "%s || '.' || copy"}
    for table in _TABLES:
        columns = [row[0] for row in await connection.fetch(_COLUMNS, table)]
        chosen = [others.get(name, "%s").replace("%s", f"own.{name}") for name in columns]
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)} "
            f"FROM {table} AS own, generate_series(1::int8, {copies}) AS copy",
            timeout=_FILL_SECONDS,
        )
    for rollup, counters in _ROLLUPS.items():
        grown = ", ".join(f"{counter} = {counter} * {copies + 1}" for counter in counters)
        await connection.execute(f"UPDATE {rollup} SET {grown}")
    # As autovacuum and the checkpointer would have done while so many came.
    for table in _TABLES:
        await connection.execute(f"VACUUM ANALYZE {table}", timeout=_FILL_SECONDS)
    await connection.execute("CHECKPOINT", timeout=_FILL_SECONDS)

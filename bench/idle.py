"""`bench idle`: what a server with nothing to do costs: two connectors bound, and its own housekeeping."""

import time

from bench.cycle import DEFAULT_CARRIER
from bench.figures import Figures
from bench.parameters import describe
from bench.server import start_server
from bench.smsc import start_smsc

_SETTLE_SECONDS = 10.0
"""After its start, until what only a start does is done."""


def run_idle(seconds: float) -> Figures:
    """One run on a fresh database; CPU and log are those of all the seconds together."""
    with start_smsc(None, ["--quiet"]) as smsc, start_server(smsc, DEFAULT_CARRIER) as server:
        time.sleep(_SETTLE_SECONDS)
        before = server.costs.read()
        started = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - started
        cost = server.costs.since(before, 0)
        parameters = describe(server, smsc, DEFAULT_CARRIER, recipients=0)
        return Figures(
            name="idle",
            messages=0,
            seconds=took,
            rate_per_second=0.0,
            parts_per_second=0.0,
            p50_ms=0.0,
            p99_ms=0.0,
            cost=cost,
            ledger_balanced=server.is_balanced(),
            own={
                "gateway_cpu_percent": cost.gateway_cpu_us / 1e6 / took * 100,
                "postgres_cpu_percent": cost.postgres_cpu_us / 1e6 / took * 100,
            },
            parameters={**parameters, "latency": "nothing is sent"},
        )

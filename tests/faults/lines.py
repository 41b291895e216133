"""A gateway in this process with a `FaultProxy` on each of its two lines, as the fault benches have it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from e2e.running import Running, connector, run_gateway

from bench.fault_proxy import FaultProxy
from bench.fault_trial import Outcome, Site, suffer
from bench.faults import CARRIER_PROFILE, CONNECTOR, WINDOW, dsn_through, upstream_of
from bench.line_faults import Line, LineFault
from gateway.simulator.smsc import Simulator

PATIENT: Final = {"enquire_link_timeout_seconds": 20, "response_timeout_seconds": 30}
"""Settings of a connector that takes no pause of a busy machine for a dead line."""


@dataclass(slots=True)
class Lines:
    """A running gateway between its two proxies."""

    running: Running
    proxies: dict[Line, FaultProxy]
    site: Site
    random: Random
    serials: "count[int]" = field(default_factory=count)

    async def suffer(self, fault: LineFault, *, messages: int) -> Outcome:
        """Play this fault while so many messages flow."""
        serials = [next(self.serials) for _ in range(messages)]
        return await suffer(self.site, self.proxies[fault.line], fault, serials, self.random)


@asynccontextmanager
async def open_lines(
    dsn: str,
    *,
    seed: int = 1,
    before_smsc: Callable[[int], AbstractAsyncContextManager[int]] = nullcontext,
    **settings: object,
) -> AsyncIterator[Lines]:
    """A gateway whose binds are up, with `settings` of its connector.

    `before_smsc` is given the SMSC's port and gives the port to which the proxy leads in its place.
    """
    random = Random(seed)
    with tempfile.TemporaryDirectory(prefix="lines-") as name:
        log = Path(name) / "carrier.log"
        async with (
            Simulator(CARRIER_PROFILE, log_path=log, random=random) as simulator,
            before_smsc(simulator.port) as smsc_port,
            FaultProxy(("127.0.0.1", smsc_port), random) as carrier,
            FaultProxy(upstream_of(dsn), random) as database,
            run_gateway(
                dsn_through(dsn, database.port),
                [connector("line", carrier.port, **{**CONNECTOR, **settings})],
                logging={"level": "warning", "format": "text"},
            ) as running,
        ):
            proxies = {Line.CARRIER: carrier, Line.POSTGRES: database}
            yield Lines(running, proxies, _site_of(running, dsn, log), random)


def _site_of(running: Running, dsn: str, log: Path) -> Site:
    async def is_bound() -> bool:
        return all(each["is_up"] for each in running.gateway.rooms.status.list_connectors())

    async def is_balanced() -> bool:
        return (await running.gateway.read_ledger()).is_balanced

    shop = running.shop
    return Site(shop.session, shop.url, shop.live, dsn, log, WINDOW, is_bound, is_balanced)


def assert_nothing_amiss(outcomes: Sequence[Outcome]) -> None:
    """Lost 0, doubled 0, unknown only where a fault explains it, and the ledger balances."""
    for outcome in outcomes:
        assert outcome.is_good, (outcome.fault.name, outcome.reckoning, outcome.is_balanced)

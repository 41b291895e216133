"""The primary dies under load and its standby takes over: nothing answered 202 is lost or doubled."""

import signal
from pathlib import Path

import pytest
from e2e.running import connector, run_gateway

from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

from .own_postgres import own_postgres
from .standby import PRIMARY_SETTINGS, standby_of
from .test_outages import Load

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def test_a_failover_to_a_synchronous_standby_loses_nothing(open_folder: Path) -> None:
    async with (
        own_postgres(open_folder, "primary", PRIMARY_SETTINGS) as primary,
        standby_of(primary, open_folder) as standby,
        Simulator(load_profile("default")) as carrier,
        run_gateway(
            standby.dsn_of_both(),
            [connector("one", carrier.port, parts_per_second=1000)],
            logging={"level": "error", "format": "text"},
        ) as running,
    ):
        load = Load(running)
        epoch = running.gateway.ground.node.epoch
        async with load.flowing():
            await load.until_answered("accepted")
            await primary.kill(signal.SIGKILL)
            await load.until_answered("store_unavailable")
            await standby.promote()
            await load.until_answered("accepted")
        await load.assert_whole(carrier)
        assert running.gateway.ground.node.epoch == epoch

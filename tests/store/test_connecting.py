"""To which server a connection is made, and that a dead host costs its share of the time only."""

import socket

import asyncpg
import pytest

from gateway.store.connecting import Dialler, split_hosts
from tests.store.rig import CutProxy, Rig


@pytest.mark.parametrize(
    ("dsn", "hosts"),
    [
        ("postgresql://u:p@one:1/db", ["postgresql://u:p@one:1/db"]),
        (
            "postgresql://u:p@one:1,two/db?x=y",
            ["postgresql://u:p@one:1/db?x=y", "postgresql://u:p@two/db?x=y"],
        ),
        ("postgresql:///db?host=/run/pg", ["postgresql:///db?host=/run/pg"]),
        (
            "postgresql:///db?host=a,b&port=1,2",
            ["postgresql:///db?host=a&port=1", "postgresql:///db?host=b&port=2"],
        ),
        (
            "postgresql:///db?host=a,b",
            ["postgresql:///db?host=a&port=5432", "postgresql:///db?host=b&port=5432"],
        ),
    ],
)
def test_an_address_is_taken_apart_by_its_hosts(dsn: str, hosts: list[str]) -> None:
    assert list(split_hosts(dsn)) == hosts


@pytest.mark.integration
async def test_a_host_that_says_nothing_leaves_time_for_the_next(rig: Rig) -> None:
    """A listener that accepts and stays silent is what a machine without power looks like to us."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with CutProxy(rig.dsn) as proxy:
            here = proxy.dsn.replace("127.0.0.1:", f"127.0.0.1:{silent.getsockname()[1]},127.0.0.1:")
            dialler = Dialler(here)
            for _ in range(2):  # the second time the one that answered is asked first
                raw = await dialler.dial(name="test", timeout_seconds=4, statement_seconds=None)
                assert await raw.fetchval("SELECT 1") == 1
                await raw.close()
            assert proxy.connections == 2


@pytest.mark.integration
async def test_a_server_that_takes_no_writes_is_not_the_one(rig: Rig) -> None:
    name = await rig.value("SELECT current_database()")
    await rig.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await Dialler(rig.dsn).dial(name="test", timeout_seconds=4, statement_seconds=None)

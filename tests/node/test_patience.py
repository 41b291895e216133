"""How long a stop waits."""

import asyncio

from structlog.testing import capture_logs

from gateway.node.patience import Patience


async def test_a_store_that_is_away_is_waited_for_once_and_not_by_each_step_anew() -> None:
    patience = Patience(lambda: True, store_seconds=0.2, least_seconds=0.1)
    away = asyncio.Event()
    with capture_logs() as lines:
        await patience.wait("intake", _wait_for(away))
        await patience.wait("outcomes", _wait_for(away))
        await patience.wait("clicks", _wait_for(away))
    assert [(line["step"], line["waited_seconds"]) for line in lines] == [
        ("intake", 0.2),
        ("outcomes", 0.1),
        ("clicks", 0.1),
    ]


async def test_a_step_that_needs_no_store_is_done_after_its_time_is_over() -> None:
    patience = Patience(lambda: True, store_seconds=0.0, least_seconds=0.1)
    told: list[str] = []

    async def unbind() -> None:
        await asyncio.sleep(0)
        told.append("unbound")

    await patience.wait("intake", _wait_for(asyncio.Event()))
    await patience.wait("connectors", unbind())
    assert told == ["unbound"]


async def test_what_carriers_may_take_is_not_the_stores() -> None:
    patience = Patience(lambda: False, store_seconds=0.2, least_seconds=0.0)
    away = asyncio.Event()
    with capture_logs() as lines:
        await patience.wait("connectors", asyncio.sleep(0.1), others_seconds=0.1)
        await patience.wait("outcomes", _wait_for(away))
    assert [line["waited_seconds"] for line in lines] == [0.2]


async def test_what_carriers_take_while_the_database_is_away_is_the_stores_time_too() -> None:
    patience = Patience(lambda: True, store_seconds=0.2, least_seconds=0.1)
    away = asyncio.Event()
    with capture_logs() as lines:
        await patience.wait("connectors", _wait_for(away), others_seconds=0.1)
        await patience.wait("outcomes", _wait_for(away))
    assert [line["waited_seconds"] for line in lines] == [0.3, 0.1]


async def test_what_carriers_took_in_time_counts_too_while_the_database_is_away() -> None:
    patience = Patience(lambda: True, store_seconds=0.3, least_seconds=0.0)
    with capture_logs() as lines:
        await patience.wait("connectors", asyncio.sleep(0.1), others_seconds=0.1)
        await patience.wait("outcomes", _wait_for(asyncio.Event()))
    assert [line["waited_seconds"] for line in lines] == [0.2]


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()

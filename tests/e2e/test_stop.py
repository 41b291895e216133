"""A STOP in the middle of marketing, over SMPP: nothing leaves after it, and it is confirmed exactly once."""

import asyncio
import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

import asyncpg
import pytest

from e2e.running import Running, ServerProcess, configuration, connector, run_gateway, until
from gateway.domain.identifiers import slot_of_address
from gateway.domain.lanes import Category, Lane
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from gateway.store.intake import NewMessage
from gateway.store.shops import find_shop_by_name

pytestmark = pytest.mark.integration

STOP_NUMBER = "36180"
SPEED, WINDOW = 200, 20
LEAVES_STILL_SECONDS = 0.6
"""What was intended before the STOP's commit: a window of 20 and 0.2 s of prefetch at 200 parts a second,
with room for a slow machine."""

LEAVING, STAYING = 4, 20
TEXTS_EACH = 40


def carrier_account(port: int, shop: str) -> dict[str, Any]:
    return connector(
        "one",
        port,
        parts_per_second=SPEED,
        window=WINDOW,
        inbound_addresses=[{"address": STOP_NUMBER, "shop": shop}],
    )


def submits(carrier: Simulator) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return [line for line in lines if line["event"] == "submit"]


def marketing_by_person(carrier: Simulator) -> Counter[str]:
    return Counter(line["destination"] for line in submits(carrier) if line["source"] == "BOUTIQUE")


def confirmations(carrier: Simulator) -> Counter[str]:
    """Confirmations by person, as the carrier took them."""
    return Counter(line["destination"] for line in submits(carrier) if line["source"] == STOP_NUMBER)


async def stop(carrier: Simulator, person: str) -> None:
    """The person texts STOP; returns once the gateway has acknowledged, which is after its commit."""
    outcome = await carrier.deliver_mo(MoRequest(sender=person, recipient=STOP_NUMBER, text="Stop"))
    assert outcome.is_acknowledged


async def put_campaign(running: Running, people: list[str], shop_id: int) -> list[NewMessage]:
    """A load as a campaign's expansion leaves it: every person a contact with texts that wait, in turns."""
    ids, database = running.gateway.ground.node.ids, running.gateway.ground.database
    now = datetime.now(UTC)
    contacts = {person: ids.next_id(slot_of_address(person)) for person in people}
    async with database.connection() as connection:
        await connection.raw.executemany(
            "INSERT INTO contact (shop_id, id, slot, address, country, language, attributes, source, tags,"
            " marketing_consent, suppressed, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, 'FR', 'en', '{}', 'test', '{}', 1, 0, now(), now())",
            [(shop_id, contacts[person], slot_of_address(person), person) for person in people],
        )
        connector_id = await connection.raw.fetchval("SELECT id FROM connector WHERE name = 'one'")
    messages = []
    for number in range(TEXTS_EACH):
        await asyncio.sleep(0.002)  # ids of one millisecond are in the order of slots: everybody takes turns
        messages += [
            NewMessage(
                shop_id=shop_id,
                id=ids.next_id(slot_of_address(person)),
                slot=slot_of_address(person),
                connector_id=connector_id,
                category=Category.MARKETING,
                lane=Lane.BULK,
                alphabet=1,
                parts=1,
                is_test=False,
                is_sensitive=False,
                wants_events=False,
                campaign_id=77,
                contact_id=contacts[person],
                cost_micros=50_000,
                send_at=None,
                expires_at=now + timedelta(days=1),
                country="FR",
                currency="EUR",
                to_address=person,
                from_address="BOUTIQUE",
                text=f"Sale {number}",
                body=None,
                client_reference=None,
                webhook_url=None,
                metadata=None,
            )
            for person in people
        ]
    return messages


async def test_nothing_leaves_after_a_stop_and_everyone_else_gets_everything(database: str) -> None:
    people = [f"3361234{n:04}" for n in range(LEAVING + STAYING)]
    leaving, staying = people[:LEAVING], people[LEAVING:]
    async with (
        Simulator(load_profile("default")) as carrier,
        run_gateway(database, [carrier_account(carrier.port, "demo")], stop={"drain_seconds": 1}) as running,
    ):
        ground = running.gateway.ground
        # The shop is younger than the node, which learns whose the address is when it is configured anew.
        await running.reconfigure([carrier_account(carrier.port, "demo")])
        shop = await find_shop_by_name(ground.database, "demo")
        assert shop is not None
        messages = await put_campaign(running, people, shop.id)
        await running.gateway.rooms.traffic.store.store(messages)
        await until(lambda: marketing_by_person(carrier).total() > 100)
        await asyncio.gather(*(stop(carrier, person) for person in leaving))
        assert marketing_by_person(carrier).total() < len(messages) // 2, "in the middle of it"
        await asyncio.sleep(LEAVES_STILL_SECONDS)
        had = marketing_by_person(carrier)
        assert all(0 < had[person] < TEXTS_EACH for person in leaving)
        await until(
            lambda: (
                marketing_by_person(carrier).total()
                >= sum(had[person] for person in leaving) + STAYING * TEXTS_EACH
            )
        )
        await until(lambda: confirmations(carrier).total() >= LEAVING)
        await asyncio.sleep(0.2)
        now_have = marketing_by_person(carrier)
        assert {person: now_have[person] for person in leaving} == {person: had[person] for person in leaving}
        assert {now_have[person] for person in staying} == {TEXTS_EACH}
        assert confirmations(carrier) == Counter(leaving)
        await running.assert_balanced()
        async with ground.database.connection() as connection:
            blocked = await connection.raw.fetch(
                "SELECT to_address, count(*)::int FROM message_state JOIN message USING (id, slot, shop_id)"
                " WHERE state = 9 AND reason = 11 GROUP BY 1"
            )
        assert dict(blocked) == {person: TEXTS_EACH - had[person] for person in leaving}


async def test_a_stop_is_confirmed_once_though_the_process_dies_in_between(database: str) -> None:
    """The process is killed as soon as the STOP is acknowledged, and later: before, while and after the
    confirmation becomes a message."""
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        async with Simulator(load_profile("default")) as carrier:
            config = configuration(database, Path(name), [carrier_account(carrier.port, "boutique")])
            server = ServerProcess(Path(name), config)
            try:
                await server.start()
                status, _, fault = await server.run_command("shop", "create", "boutique", "--country", "FR")
                assert status == 0, fault
                server.signal(SIGKILL)
                await server.wait()
                await server.start()  # the address's shop is known from the start
                for number, lives_on_seconds in enumerate((0.0, 1.0)):
                    person = f"336123400{number:02}"
                    await until(lambda: carrier_is_bound(carrier))
                    await stop(carrier, person)
                    await asyncio.sleep(lives_on_seconds)
                    server.signal(SIGKILL)
                    await server.wait()
                    await server.start()
                    await until(lambda person=person: confirmations(carrier)[person] >= 1)  # type: ignore[misc]
                await asyncio.sleep(2.0)  # two more looks at what is owed
                assert set(confirmations(carrier).values()) == {1}
            finally:
                await server.aclose()
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("SELECT to_address, text FROM message")
        owed = await connection.fetchval("SELECT count(*) FROM reply_due")
        outs = await connection.fetchval("SELECT sum(people)::int FROM stat_optout")
    finally:
        await connection.close()
    assert sorted(row["to_address"] for row in rows) == [f"336123400{n:02}" for n in range(2)]
    assert all("SMS publicitaires" in row["text"] for row in rows)
    assert (owed, outs) == (0, 2)


def carrier_is_bound(carrier: Simulator) -> bool:
    return bool(carrier.stats.sessions)

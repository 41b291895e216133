"""Opting out and back in on a real Postgres: what agrees afterwards, and what a second time changes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, Reason
from gateway.domain.people import MarketingConsent, OptoutWay, SuppressionScope
from gateway.store.optouts import (
    UNSURE,
    Restoration,
    Withdrawal,
    Withdrawn,
    find_waiting_of_people,
    restore_people,
    withdraw_people,
)
from gateway.store.rollups import Tallies
from gateway.store.suppressions import find_suppressions
from tests.store.desk import Desk
from tests.store.people import suppress
from tests.store.rig import Rig

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = b"0123456789abcdef"
ANNA, BELA = "33612345671", "40712345672"
IN, OUT, UNKNOWN = MarketingConsent.OPTED_IN, MarketingConsent.OPTED_OUT, MarketingConsent.UNKNOWN
MARKETING, ALL = SuppressionScope.MARKETING, SuppressionScope.ALL


async def put(rig: Rig, address: str, *, shop_id: int = 1, consent: MarketingConsent = IN) -> int:
    return await rig.put_contact(address, shop_id=shop_id, marketing_consent=consent)


def stop(address: str = ANNA, *, shop_id: int = 1, detail: str = "STOP", campaign_id: int = 0) -> Withdrawal:
    return Withdrawal(
        shop_id, address, OptoutWay.TEXT, detail, NOW, campaign_id=campaign_id, evidence='{"a": 1}'
    )


def start(address: str = ANNA, **changes: object) -> Restoration:
    given = Restoration(1, address, OptoutWay.TEXT, "START", NOW, consent=IN, is_own=True)
    return given._replace(**changes)  # type: ignore[arg-type]  # the fields of the tests


async def withdraw(rig: Rig, people: Sequence[Withdrawal], *, at: datetime = NOW) -> list[Withdrawn]:
    tallies = Tallies()
    async with rig.database.transaction() as connection:
        withdrawn = await withdraw_people(
            connection, people, ids=rig.node.ids, now=at, instance_secret=SECRET, tallies=tallies
        )
        await tallies.write(connection)
    return withdrawn


async def restore(rig: Rig, *people: Restoration) -> int:
    async with rig.database.transaction() as connection:
        return len(
            await restore_people(connection, people, ids=rig.node.ids, now=NOW, instance_secret=SECRET)
        )


async def standing(rig: Rig, address: str, shop_id: int = 1) -> tuple[int, int]:
    [row] = await rig.fetch(
        "SELECT marketing_consent, suppressed FROM contact WHERE address = $1 AND shop_id = $2",
        address,
        shop_id,
    )
    return row[0], row[1]


async def consents(rig: Rig) -> list[tuple[object, ...]]:
    return await rig.fetch("SELECT shop_id, contact_id, state, source FROM consent ORDER BY id")


async def opted_out(rig: Rig) -> list[tuple[object, ...]]:
    return await rig.fetch("SELECT shop_id, campaign_id, country, way, people FROM stat_optout ORDER BY 1, 2")


async def test_a_stop_is_told_the_same_way_by_every_table(rig: Rig) -> None:
    contact_id = await put(rig, ANNA)
    await put(rig, ANNA, shop_id=2)
    [withdrawn] = await withdraw(rig, [stop(campaign_id=77)])
    assert (withdrawn.contact_id, withdrawn.language, withdrawn.is_first) == (contact_id, "fr", True)
    assert await standing(rig, ANNA) == (OUT, MARKETING)
    assert await standing(rig, ANNA, shop_id=2) == (IN, SuppressionScope.NONE)
    assert await find_suppressions(rig.database, 1, [ANNA], instance_secret=SECRET) == {ANNA: MARKETING}
    assert await consents(rig) == [(1, contact_id, OUT, "text:STOP")]
    assert await opted_out(rig) == [(1, 77, "FR", OptoutWay.TEXT, 1)]


async def test_a_second_stop_adds_no_row_and_counts_nothing(rig: Rig) -> None:
    await put(rig, ANNA)
    assert len(await withdraw(rig, [stop(), stop(detail="ARRET")])) == 1
    assert await withdraw(rig, [stop()], at=NOW + timedelta(minutes=1)) == []
    assert len(await consents(rig)) == 1
    assert await opted_out(rig) == [(1, 0, "FR", OptoutWay.TEXT, 1)]


async def test_people_who_are_no_contacts_are_kept_away_too(rig: Rig) -> None:
    [withdrawn] = await withdraw(rig, [stop(BELA)._replace(country="RO")])
    assert withdrawn.contact_id is None
    assert await consents(rig) == [(1, None, OUT, "text:STOP")]
    assert await opted_out(rig) == [(1, 0, "RO", OptoutWay.TEXT, 1)]


async def test_many_people_of_several_shops_go_in_one_transaction(rig: Rig) -> None:
    people = [f"336100000{n:02}" for n in range(50)]
    for address in people[:5]:
        await put(rig, address)
    withdrawn = await withdraw(rig, [stop(address, shop_id=shop) for address in people for shop in (1, 2)])
    assert len(withdrawn) == 100
    assert sum(each.contact_id is not None for each in withdrawn) == 5
    assert sorted(row[4] for row in await opted_out(rig)) == [5, 45, 50]


async def test_a_clear_stop_takes_the_place_of_one_that_was_perhaps_meant(rig: Rig) -> None:
    await put(rig, ANNA)
    [perhaps] = await withdraw(rig, [stop(detail=UNSURE.partition(":")[2])])
    [clear] = await withdraw(rig, [stop()], at=NOW + timedelta(minutes=1))
    assert (perhaps.is_first, clear.is_first) == (True, False)
    assert await rig.value("SELECT source FROM suppression") == "text:STOP"
    assert [row[3] for row in await consents(rig)] == [UNSURE, "text:STOP"]
    assert [row[4] for row in await opted_out(rig)] == [1]


async def test_an_operators_all_is_no_word_of_the_person(rig: Rig) -> None:
    await put(rig, ANNA)
    ban = stop()._replace(way=OptoutWay.SHOP, detail="uid 0", scope=ALL)
    assert len(await withdraw(rig, [ban])) == 1
    assert await standing(rig, ANNA) == (IN, ALL)
    assert await consents(rig) == await opted_out(rig) == []
    assert len(await withdraw(rig, [stop()])) == 1, "her STOP is kept beside it"
    assert await standing(rig, ANNA) == (OUT, ALL)


async def test_start_undoes_a_stop_and_nothing_that_others_decided(rig: Rig) -> None:
    await put(rig, ANNA)
    await withdraw(rig, [stop(), stop()._replace(way=OptoutWay.SHOP, detail="uid 0", scope=ALL)])
    assert await standing(rig, ANNA) == (OUT, ALL)
    assert await restore(rig, start()) == 1
    assert await standing(rig, ANNA) == (IN, ALL)
    assert await restore(rig, start()) == 0, "a second START finds nothing to undo"
    assert await restore(rig, start(scope=ALL)) == 0, "what an operator decided is not hers to undo"
    assert await restore(rig, start(scope=ALL, is_own=False)) == 1
    assert await standing(rig, ANNA) == (IN, SuppressionScope.NONE)
    assert [(row[2], row[3]) for row in await consents(rig)] == [(OUT, "text:STOP"), (IN, "text:START")]


async def test_an_undo_brings_back_what_the_person_had_said_before(rig: Rig) -> None:
    await put(rig, ANNA, consent=UNKNOWN)
    page = stop()._replace(way=OptoutWay.PAGE, detail="link")
    await withdraw(rig, [page])
    assert await restore(rig, start(consent=None)) == 1
    assert await standing(rig, ANNA) == (UNKNOWN, SuppressionScope.NONE)
    await restore(rig, start())
    await withdraw(rig, [stop()])
    await restore(rig, start())
    await withdraw(rig, [page])
    assert await restore(rig, start(consent=None)) == 1
    assert await standing(rig, ANNA) == (IN, SuppressionScope.NONE)


async def test_start_of_a_person_whom_the_shop_took_out_changes_nothing(rig: Rig) -> None:
    await put(rig, ANNA)
    await withdraw(rig, [stop()._replace(way=OptoutWay.SHOP, detail="anna")])
    await suppress(rig.database, 1, BELA, MARKETING, source="carrier", now=NOW, instance_secret=SECRET)
    assert await restore(rig, start(), start(BELA)) == 0
    assert await standing(rig, ANNA) == (OUT, MARKETING)


async def test_only_what_waits_for_the_person_and_only_marketing_is_to_be_ended(desk: Desk) -> None:
    rig = desk.rig
    waiting = rig.new_message(to_address=ANNA, category=Category.MARKETING)
    scheduled = rig.new_message(to_address=ANNA, category=Category.MARKETING, due_in=timedelta(hours=1))
    code = rig.new_message(to_address=ANNA, category=Category.OTP)
    others = rig.new_message(to_address=ANNA, category=Category.MARKETING, shop_id=2)
    gone = rig.new_message(to_address=ANNA, category=Category.MARKETING)
    await desk.begin(gone)
    await desk.accept(waiting, scheduled, code, others)
    now = datetime.now(UTC)
    endings = await find_waiting_of_people(rig.database, [(1, ANNA, MARKETING)], now)
    assert {ending.id for ending in endings} == {waiting.id, scheduled.id}
    assert {(e.state, e.reason) for e in endings} == {(MessageState.BLOCKED, Reason.OPTED_OUT)}
    await desk.tell(list(endings))
    assert await find_waiting_of_people(rig.database, [(1, ANNA, MARKETING)], now) == []
    [ending] = await find_waiting_of_people(rig.database, [(1, ANNA, ALL)], now)
    assert (ending.id, ending.reason) == (code.id, Reason.SUPPRESSED)

"""Texts from handsets on a real Postgres: whose they are, what they answer, and what a keyword does."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.identifiers import slot_of_address
from gateway.domain.keywords import Keyword
from gateway.domain.lanes import Category
from gateway.domain.message import Reason
from gateway.domain.people import MarketingConsent, OptoutWay, SuppressionScope
from gateway.store.evidence import InboundSeen
from gateway.store.intake import NewMessage
from tests.store.desk import Desk, S
from tests.store.rig import CONNECTOR

pytestmark = pytest.mark.integration

ANNA, BELA, STRANGER = "33639981111", "40722000111", "33639989999"
OURS, SHARED = "36111", "38080"
IN, OUT = MarketingConsent.OPTED_IN, MarketingConsent.OPTED_OUT


def text(words: str, *, person: str = ANNA, to: str = OURS, shop_id: int = 1) -> InboundSeen:
    return InboundSeen(
        shop_id=shop_id,
        slot=slot_of_address(person),
        connector_id=CONNECTOR,
        data_coding=0,
        esm_class=0,
        reference=None,
        part=1,
        parts=1,
        from_address=person,
        to_address=to,
        text=words,
        body=words.encode(),
        at=datetime.now(UTC),
        acknowledge="seat",
    )


def marketing(desk: Desk, person: str = ANNA, **changes: Any) -> NewMessage:
    given = {
        "category": Category.MARKETING,
        "to_address": person,
        "campaign_id": 9,
        "from_address": "BOUTIQUE",
    }
    return desk.rig.new_message(**{**given, **changes})


async def inbound(desk: Desk) -> list[tuple[Any, ...]]:
    return await desk.rig.fetch("SELECT shop_id, keyword, campaign_id FROM inbound ORDER BY id")


async def standing(desk: Desk, person: str = ANNA, shop_id: int = 1) -> tuple[int, int]:
    [row] = await desk.rig.fetch(
        "SELECT marketing_consent, suppressed FROM contact WHERE address = $1 AND shop_id = $2",
        person,
        shop_id,
    )
    return row[0], row[1]


async def suppressed(desk: Desk) -> list[tuple[int, str]]:
    return await desk.rig.fetch("SELECT shop_id, source FROM suppression ORDER BY 1, 2")  # type: ignore[return-value]


async def replies(desk: Desk) -> list[tuple[Any, ...]]:
    return await desk.rig.fetch(
        "SELECT shop_id, to_address, from_address, language FROM reply_due ORDER BY shop_id"
    )


async def test_a_stop_takes_effect_in_the_transaction_that_stores_it(desk: Desk) -> None:
    contact_id = await desk.rig.put_contact(ANNA)
    await desk.begin(marketing(desk))
    waiting, scheduled = marketing(desk), marketing(desk, due_in=timedelta(hours=2))
    order_news = desk.rig.new_message(to_address=ANNA)
    await desk.accept(waiting, scheduled, order_news)
    await desk.tell(text(" Stop ! "))
    assert desk.ear.acknowledged == ["seat"]
    assert await inbound(desk) == [(1, Keyword.STOP, 9)]
    assert await standing(desk) == (OUT, SuppressionScope.MARKETING)
    ended = await desk.rig.fetch("SELECT id, state, reason FROM message_state WHERE state = $1", S.BLOCKED)
    assert sorted(ended) == sorted(
        (message.id, S.BLOCKED, Reason.OPTED_OUT) for message in (waiting, scheduled)
    )
    [queued] = await desk.rig.fetch("SELECT id FROM queue")
    assert queued == (order_news.id,), "a STOP never holds up what she ordered"
    assert await replies(desk) == [(1, ANNA, OURS, "fr")]
    assert await desk.rig.fetch("SELECT campaign_id, country, way, people FROM stat_optout") == [
        (9, "FR", OptoutWay.TEXT, 1)
    ]
    [proof] = await desk.rig.fetch("SELECT contact_id, state, source, evidence FROM consent")
    assert proof[:3] == (contact_id, OUT, "text:STOP")
    evidence = json.loads(proof[3])
    assert (evidence["text"], evidence["to"], evidence["connector_id"]) == (" Stop ! ", OURS, CONNECTOR)
    assert evidence["inbound_id"].startswith("mo_")
    await desk.assert_balanced()


async def test_a_second_stop_is_stored_and_changes_nothing_more(desk: Desk) -> None:
    await desk.rig.put_contact(ANNA)
    await desk.tell(text("STOP"))
    await desk.rig.execute("DELETE FROM reply_due")
    await desk.tell(text("STOP"), [text("arret"), text("STOP")])
    assert len(await inbound(desk)) == 4
    assert await replies(desk) == []
    assert await desk.count("consent") == 1
    assert await desk.rig.value("SELECT sum(people)::int FROM stat_optout") == 1


async def test_start_brings_her_back_and_a_stop_after_it_counts_again(desk: Desk) -> None:
    await desk.rig.put_contact(ANNA)
    await desk.tell(text("STOP"), text("START"))
    assert await standing(desk) == (IN, SuppressionScope.NONE)
    await desk.tell([text("STOP"), text("START"), text("Stop")])
    assert await standing(desk) == (OUT, SuppressionScope.MARKETING)
    states = await desk.rig.fetch("SELECT state FROM consent ORDER BY id")
    assert states == [(OUT,), (IN,), (OUT,)], "of several keywords at once the last counts"


async def test_stops_to_two_shops_at_once_both_count(desk: Desk) -> None:
    await desk.rig.put_contact(ANNA)
    await desk.rig.put_contact(ANNA, shop_id=2)
    await desk.tell([text("STOP"), text("STOP", to="36222", shop_id=2), text("merci")])
    assert await suppressed(desk) == [(1, "text:STOP"), (2, "text:STOP")]
    assert [row[0] for row in await replies(desk)] == [1, 2]
    await desk.tell([text("START"), text("STOP", to="36222", shop_id=2)])
    assert await suppressed(desk) == [(2, "text:STOP")]


async def test_start_undoes_nothing_that_an_operator_decided(desk: Desk) -> None:
    await desk.rig.put_contact(ANNA, suppressed=SuppressionScope.ALL)
    await desk.rig.execute(
        "INSERT INTO suppression SELECT 1, $1, '\\x00', 2, 'shop:uid 0', now()", slot_of_address(ANNA)
    )
    await desk.tell(text("START"))
    assert await standing(desk) == (IN, SuppressionScope.ALL)
    assert await desk.count("consent") == 0


async def test_perhaps_a_stop_pauses_marketing_without_an_answer_until_a_clear_one(desk: Desk) -> None:
    await desk.rig.put_contact(ANNA)
    await desk.accept(waiting := marketing(desk))
    await desk.tell(text("non mais stop avec ces messages"))
    assert await desk.state(waiting.id) is S.BLOCKED
    assert await suppressed(desk) == [(1, "text:perhaps")]
    assert await replies(desk) == []
    await desk.tell(text("STOP"))
    assert await suppressed(desk) == [(1, "text:STOP")]
    assert len(await replies(desk)) == 1


async def test_a_stop_to_a_shared_sender_concerns_every_shop_that_used_it_with_that_person(
    desk: Desk,
) -> None:
    for shop_id in (1, 2, 3):
        await desk.rig.put_contact(ANNA, shop_id=shop_id)
    await desk.begin(
        marketing(desk, shop_id=1, from_address=SHARED, campaign_id=4),
        marketing(desk, shop_id=2, from_address=SHARED, campaign_id=5),
        marketing(desk, shop_id=3, from_address="OTHER"),
        marketing(desk, BELA, shop_id=3, from_address=SHARED),
    )
    await desk.tell(text("STOP", to=SHARED, shop_id=0))
    assert await inbound(desk) == [(0, Keyword.STOP, 5)], "of several shops' none is the text's home"
    assert await suppressed(desk) == [(1, "text:STOP"), (2, "text:STOP")]
    assert await standing(desk, shop_id=3) == (IN, SuppressionScope.NONE)
    assert await desk.rig.fetch("SELECT shop_id, campaign_id FROM stat_optout ORDER BY 1") == [(1, 4), (2, 5)]
    assert await replies(desk) == [(2, ANNA, SHARED, "fr")], "one confirmation, from who wrote last"


async def test_a_number_that_only_takes_stops_stands_for_all_who_sent_marketing(desk: Desk) -> None:
    await desk.begin(
        marketing(desk, shop_id=1, from_address="BOUTIQUE"),
        marketing(desk, shop_id=2, from_address="ORDERS", category=Category.TRANSACTIONAL, campaign_id=None),
    )
    await desk.tell(text("STOP", to=OURS, shop_id=0))
    assert await suppressed(desk) == [(1, "text:STOP")]


async def test_a_text_to_a_shared_sender_belongs_to_the_only_shop_that_wrote_from_it(desk: Desk) -> None:
    await desk.begin(
        marketing(desk, shop_id=2, from_address=SHARED), marketing(desk, shop_id=1, from_address="OTHER")
    )
    await desk.tell([text("bonjour", to=SHARED, shop_id=0), text("?", person=STRANGER, to=SHARED, shop_id=0)])
    assert sorted(await inbound(desk)) == [(0, Keyword.NONE, None), (2, Keyword.NONE, 9)]
    assert await suppressed(desk) == []


async def test_a_stop_of_somebody_unknown_is_kept_for_the_shop_of_the_number(desk: Desk) -> None:
    await desk.tell(text("STOP", person=BELA))
    assert await suppressed(desk) == [(1, "text:STOP")]
    assert await replies(desk) == [(1, BELA, OURS, "ro")], "her country says which language"
    assert await desk.count("contact") == 0


async def test_whoever_has_no_number_gets_no_standing(desk: Desk) -> None:
    await desk.tell([text("STOP", person="INFO"), text("STOP", person="")])
    assert [row[1] for row in await inbound(desk)] == [Keyword.STOP] * 2
    assert await suppressed(desk) == await replies(desk) == []


async def test_the_shop_hears_of_the_text_and_of_what_it_did(desk: Desk) -> None:
    contact_id = await desk.rig.put_contact(ANNA)
    await desk.tell(text("STOP"), text("START"))
    events = await desk.rig.fetch("SELECT kind, subject_id, data FROM outbox ORDER BY id")
    assert [row[0] for row in events] == [
        "inbound.received",
        "contact.opted_out",
        "inbound.received",
        "contact.opted_in",
    ]
    assert (events[1][1], events[3][1]) == (contact_id, contact_id)
    told = json.loads(events[1][2])
    assert (told["number"], told["marketing_consent"], told["source"]) == (
        f"+{ANNA}",
        "opted_out",
        "text:STOP",
    )
    assert json.loads(events[3][2])["marketing_consent"] == "opted_in"
    assert desk.ear.events == 2


async def test_many_texts_at_once_are_each_heard(desk: Desk) -> None:
    people = [f"336399{n:05}" for n in range(300)]
    await desk.accept(*(marketing(desk, person) for person in people))
    await desk.tell([text("STOP", person=person) for person in people])
    assert await desk.count("reply_due") == len(people)
    assert await desk.count("queue") == 0
    await desk.assert_balanced()

"""Orders, reports and messages for people over HTTP: shapes, refusals, and who sees what."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.config import AdminRole
from gateway.domain.public_ids import encode_public_id
from gateway.store.campaigns import CampaignContent, add_campaign
from gateway.web.admin_access import Caller
from tests.web.analytics import make_analytics_routes, now
from tests.web.harness import Account, Gateway, run_gateway
from tests.web.people import run_people_door
from tests.web.test_contract import check

pytestmark = pytest.mark.integration


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database, make_routes=make_analytics_routes) as running:
        yield running


async def make_campaign(gateway: Gateway, shop: Account) -> str:
    campaign = await add_campaign(
        gateway.database,
        shop.shop.id,
        gateway.node.ids.next_id(0),
        CampaignContent(name="Soldes", text="Bonjour"),
        now=now(),
        actor="test",
    )
    return encode_public_id("cmp", campaign.id)


async def test_an_order_is_told_read_and_listed(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    told = {"id": "A-1", "amount": "59.9", "currency": "EUR", "number": "+33612345678"}
    status, order, _ = await gateway.call("POST", "/v1/orders", shop.live, json=told)
    assert (status, order["amount"], order["attributed"]) == (
        201,
        {"amount": "59.90", "currency": "EUR"},
        "none",
    )
    check("Order", order)
    later = {**told, "state": "refunded", "refunded": "10"}
    status, order, _ = await gateway.call("POST", "/v1/orders", shop.live, json=later)
    assert (status, order["state"], order["refunded"]["amount"]) == (200, "refunded", "10.00")
    for name in ("A-1", order["order_id"]):
        assert (await gateway.call("GET", f"/v1/orders/{name}", shop.live))[1] == order
    _, page, _ = await gateway.call("GET", "/v1/orders?limit=1", shop.live)
    assert page == {"orders": [order], "next_cursor": None}
    other = await gateway.add_shop("other")
    assert (await gateway.call("GET", "/v1/orders/A-1", other.live))[0] == 404
    assert (await gateway.call("GET", "/v1/orders", other.live))[1]["orders"] == []


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"number": "12"}, "invalid_number", "$.number"),
    ({"refunded": "60"}, "invalid_field", "$.refunded"),
    ({"amount": 59.9}, "invalid_field", "$.amount"),
    ({"ordered_at": "2001-01-01T00:00:00Z"}, "invalid_field", "$.ordered_at"),
    ({"ordered_at": (now() + timedelta(days=2)).isoformat()}, "invalid_field", "$.ordered_at"),
    ({"id": "A\u0000"}, "invalid_field", "$.id"),
    ({"total": "5"}, "unknown_field", "$.total"),
]


async def test_what_is_no_order_is_refused_in_its_place(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    for change, code, path in WRONG:
        body = {"id": "A-1", "amount": "59.90", "currency": "EUR", **change}
        _, problem, _ = await gateway.call("POST", "/v1/orders", shop.live, json=body)
        assert (problem["code"], problem["path"]) == (code, path)
        _, answer, _ = await gateway.call("POST", "/v1/orders/batch", shop.live, json={"orders": [body]})
        check("OrderBatchAnswer", answer)
        (item,) = answer["orders"]
        assert (item["problem"]["code"], item["problem"]["path"]) == (code, path.replace("$", "$.orders[0]"))
    assert await gateway.count("shop_order") == 0


async def test_a_batch_answers_each_and_a_rehearsal_keeps_nothing(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    good, bad = {"id": "A-1", "amount": "5", "currency": "EUR"}, {"id": "A-2"}
    rehearsal = {"orders": [good, bad], "dry_run": True}
    for body, kept in ((rehearsal, 0), ({"orders": [good, bad]}, 1)):
        _, answer, _ = await gateway.call("POST", "/v1/orders/batch", shop.live, json=body)
        assert (answer["created"], answer["refused"]) == (1, 1)
        assert await gateway.count("shop_order") == kept
    await gateway.call("POST", "/v1/orders", shop.live, json=good)
    changed = {**good, "currency": "RON"}
    status, problem, _ = await gateway.call("POST", "/v1/orders", shop.live, json=changed)
    assert (status, problem["code"]) == (409, "order_conflict")
    too_many = {"orders": [good] * 1001}
    assert (await gateway.call("POST", "/v1/orders/batch", shop.live, json=too_many))[0] == 413


async def test_a_report_and_its_rows_have_their_shapes(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    campaign = await make_campaign(gateway, shop)
    status, report, _ = await gateway.call("GET", f"/v1/campaigns/{campaign}/report", shop.live)
    assert (status, report["messages"], report["roi_note"]) == (200, 0, "no order came of it yet")
    check("CampaignReport", report)
    for rows, schema in (
        ("clicks?verdict=bot", "ClickPage"),
        ("opt-outs", "CampaignOptOutPage"),
        ("orders", "OrderPage"),
    ):
        status, page, _ = await gateway.call("GET", f"/v1/campaigns/{campaign}/{rows}", shop.live)
        assert status == 200
        check(schema, page)
    other = await gateway.add_shop("other")
    assert (await gateway.call("GET", f"/v1/campaigns/{campaign}/report", other.live))[0] == 404


async def test_a_preview_shows_the_shops_own_contact_only(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    body = {"text": "Bonjour {{ first_name }}", "sender": "SHOP"}
    _, shown, _ = await gateway.call("POST", "/v1/text-preview", shop.live, json=body)
    check("TextPreview", shown)
    assert shown["text"].startswith("Bonjour Camille Stop pub: https://l.example.com/")
    assert shown["price"] == {"amount": "0.045", "currency": "EUR"}
    unknown = {**body, "contact": encode_public_id("ctc", 5)}
    assert (await gateway.call("POST", "/v1/text-preview", shop.live, json=unknown))[0] == 422


async def test_people_find_messages_by_what_they_remember(gateway: Gateway) -> None:
    shop = await gateway.add_shop(allowed_countries=frozenset({"*"}))
    first = await gateway.send(shop.live, to="+33612345678", text="Votre commande 4711 est prête")
    second = await gateway.send(shop.live, to="+393331234567", text="100% pronto")
    secret = await gateway.send(shop.live, to="+33612345679", text="code 4711", sensitive=True)
    agent = Caller(0, AdminRole.AGENT, None)
    async with run_people_door(gateway, agent, make_analytics_routes(gateway)) as call:

        async def find(query: str) -> list[str]:
            status, answer = await call("GET", f"/admin/shops/boutique/messages?{query}")
            assert status == 200, answer
            return [message["id"] for message in answer["messages"]]

        assert await find("") == [secret["id"], second["id"], first["id"]]
        assert await find("q=4711") == [first["id"]]  # never what is sensitive
        assert await find("q=100%25") == [second["id"]]
        assert await find("q=%2B33612345678") == await find("q=0612345678") == [first["id"]]
        assert await find(f"q={second['id']}") == await find(f"id={second['id']}") == [second["id"]]
        assert await find("country=IT&state=queued") == [second["id"]]
        assert await find("state=failed") == await find("failure_class=absent") == []
        assert await find("to_time=2026-01-01T00:00:00Z") == []
        _, page = await call("GET", "/admin/shops/boutique/messages?limit=2")
        assert await find(f"limit=2&cursor={page['next_cursor']}") == [first["id"]]
        _, shown = await call("GET", f"/admin/shops/boutique/messages/{first['id']}")
        assert (shown["text"], shown["clicks"]) == ("Votre commande 4711 est prête", [])
        _, overview = await call("GET", "/admin/shops/boutique/overview?hours=2")
        assert (overview["taken_in"], overview["series"]["taken_in"][-1]) == (3, 3)
        assert len(overview["series"]["clicks"]) == 2


async def test_operators_do_not_search_texts(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    sent = await gateway.send(shop.live, to="+33612345678", text="Votre commande 4711")
    operator = Caller(0, AdminRole.OPERATOR, None)
    async with run_people_door(gateway, operator, make_analytics_routes(gateway)) as call:
        status, problem = await call("GET", "/admin/shops/boutique/messages?q=4711")
        assert (status, problem["code"]) == (403, "forbidden")
        _, page = await call("GET", "/admin/shops/boutique/messages?q=%2B33612345678")
        assert [(each["id"], each["text"]) for each in page["messages"]] == [(sent["id"], None)]

"""Webhook endpoints and deliveries over HTTP."""

from collections.abc import AsyncIterator

import pytest

from gateway.domain.public_ids import decode_public_id
from gateway.store.webhook_endpoints import ENDPOINTS_PER_SHOP, find_webhook_endpoint, valid_secrets
from tests.web.harness import Account, Gateway, run_gateway

pytestmark = pytest.mark.integration
URL = "https://shop.example.com/sms"


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


@pytest.fixture
async def shop(gateway: Gateway) -> Account:
    return await gateway.add_shop()


async def create(gateway: Gateway, shop: Account, **fields: object) -> dict[str, object]:
    status, answer, _ = await gateway.call(
        "POST", "/v1/webhook-endpoints", shop.live, json={"url": URL, **fields}
    )
    assert status == 201, answer
    return dict(answer)


async def test_the_secret_is_shown_once(gateway: Gateway, shop: Account) -> None:
    made = await create(gateway, shop)
    assert str(made["secret"]).startswith("whsec_")
    assert made["events"] == ["*"]
    for path in ("/v1/webhook-endpoints", f"/v1/webhook-endpoints/{made['id']}"):
        status, answer, _ = await gateway.call("GET", path, shop.live)
        assert status == 200
        assert "whsec_" not in str(answer)


async def test_a_rotation_gives_a_new_secret_and_keeps_the_old_one_for_a_while(
    gateway: Gateway, shop: Account
) -> None:
    made = await create(gateway, shop)
    path = f"/v1/webhook-endpoints/{made['id']}/rotate-secret"
    status, rotated, _ = await gateway.call("POST", path, shop.live)
    assert (status, rotated["secret"] == made["secret"]) == (200, False)
    endpoint_id = decode_public_id("whk", str(made["id"]))
    stored = await find_webhook_endpoint(gateway.database, shop.shop.id, endpoint_id)
    assert stored is not None
    assert valid_secrets(stored.stored_secret, stored.updated_at) == [rotated["secret"], made["secret"]]
    status, answer, _ = await gateway.call("POST", path, shop.live, json={"overlap_seconds": -1})
    assert (status, answer["path"]) == (422, "$.overlap_seconds")


async def test_a_change_touches_only_what_it_names(gateway: Gateway, shop: Account) -> None:
    made = await create(gateway, shop, events=["message.delivered"])
    path = f"/v1/webhook-endpoints/{made['id']}"
    _, changed, _ = await gateway.call("PATCH", path, shop.live, json={"is_enabled": False})
    assert (changed["is_enabled"], changed["events"], changed["url"]) == (False, ["message.delivered"], URL)


async def test_a_deleted_endpoint_is_gone(gateway: Gateway, shop: Account) -> None:
    made = await create(gateway, shop)
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert [(await gateway.call("DELETE", path, shop.live))[0] for _ in range(2)] == [204, 404]
    assert (await gateway.call("GET", path, shop.live))[0] == 404


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"url": "http://10.0.0.1/"}, "invalid_webhook_url", "$.url"),
        ({"url": "http://localhost/"}, "invalid_webhook_url", "$.url"),
        ({"url": "ftp://example.com/"}, "invalid_webhook_url", "$.url"),
        ({"url": "https://user:pw@example.com/"}, "invalid_webhook_url", "$.url"),
        ({"url": "x" * 2049}, "invalid_field", "$.url"),
        ({"url": 5}, "invalid_field", "$.url"),
        ({"events": []}, "invalid_field", "$.events"),
        ({"events": ["message.lost"]}, "invalid_field", "$.events"),
        ({"secret": "mine"}, "unknown_field", "$.secret"),
    ],
)
async def test_a_bad_endpoint_is_refused_with_its_place(
    gateway: Gateway, shop: Account, fields: dict[str, object], code: str, path: str
) -> None:
    status, answer, _ = await gateway.call(
        "POST", "/v1/webhook-endpoints", shop.live, json={"url": URL, **fields}
    )
    assert (status, answer["code"], answer["path"]) == (422, code, path)


async def test_a_shop_has_a_bounded_number_of_endpoints(gateway: Gateway, shop: Account) -> None:
    for _ in range(ENDPOINTS_PER_SHOP):
        await create(gateway, shop)
    status, answer, _ = await gateway.call("POST", "/v1/webhook-endpoints", shop.live, json={"url": URL})
    assert (status, answer["code"]) == (409, "endpoint_limit")


async def test_a_test_event_is_listed_filtered_and_redelivered(gateway: Gateway, shop: Account) -> None:
    made = await create(gateway, shop)
    status, event, _ = await gateway.call("POST", f"/v1/webhook-endpoints/{made['id']}/test", shop.live)
    assert status == 202
    for query, found in (
        ("", 1),
        (f"?endpoint_id={made['id']}", 1),
        ("?state=waiting", 1),
        ("?state=delivered", 0),
        ("?type=webhook.test", 1),
        ("?type=message.sent", 0),
        ("?message_id=msg_00000000001", 0),
        ("?limit=1", 1),
    ):
        _, listed, _ = await gateway.call("GET", f"/v1/webhook-deliveries{query}", shop.live)
        assert len(listed["webhook_deliveries"]) == found, query
    path = f"/v1/webhook-deliveries/{event['event_id']}/redeliver"
    status, delivery, _ = await gateway.call("POST", path, shop.live)
    assert (status, delivery["state"], delivery["type"]) == (202, "waiting", "webhook.test")
    assert await gateway.count("audit") == 1


@pytest.mark.parametrize(
    "query", ["state=lost", "type=x", "endpoint_id=msg_00000000001", "message_id=5", "x=1"]
)
async def test_a_bad_delivery_filter_is_refused(gateway: Gateway, shop: Account, query: str) -> None:
    status, answer, _ = await gateway.call("GET", f"/v1/webhook-deliveries?{query}", shop.live)
    assert (status, answer["code"]) == (400, "invalid_parameter")


async def test_a_message_of_a_shop_with_an_endpoint_wants_events(gateway: Gateway, shop: Account) -> None:
    async def last_wants() -> bool:
        async with gateway.database.connection() as connection:
            return bool(
                await connection.raw.fetchval("SELECT wants_events FROM message ORDER BY id DESC LIMIT 1")
            )

    await gateway.send(shop.live, to="+33612345678", text="x")
    assert not await last_wants()
    await gateway.send(shop.live, to="+33612345678", text="x", webhook_url="https://example.com/")
    assert await last_wants()
    made = await create(gateway, shop, events=["message.failed"])
    await gateway.send(shop.live, to="+33612345678", text="x")
    assert await last_wants()
    await gateway.call("DELETE", f"/v1/webhook-endpoints/{made['id']}", shop.live)
    await gateway.send(shop.live, to="+33612345678", text="x")
    assert not await last_wants()

"""Two shops never see each other: every endpoint that takes an id, asked by the wrong shop."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.resources import files

import pytest
import yaml

from gateway.domain.public_ids import encode_public_id
from gateway.store.campaigns import CampaignContent, add_campaign
from tests.web.endpoints import make_shop_routes
from tests.web.harness import Account, Gateway, run_gateway

pytestmark = pytest.mark.integration


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database, make_routes=make_shop_routes) as running:
        yield running


KINDS = ("message", "endpoint", "delivery", "contact", "list", "campaign", "order")


async def fill(gateway: Gateway, shop: Account) -> dict[str, str]:
    """One of everything; the ids by kind."""
    sent = await gateway.send(
        shop.live, to="+33612345678", text=f"secret of {shop.shop.name}", client_reference="r"
    )
    _, endpoint, _ = await gateway.call(
        "POST", "/v1/webhook-endpoints", shop.live, json={"url": f"https://{shop.shop.name}.example.com/"}
    )
    path = f"/v1/webhook-endpoints/{endpoint['id']}/test"
    _, event, _ = await gateway.call("POST", path, shop.live)
    person = {"number": "+33612345678", "first_name": f"secret of {shop.shop.name}"}
    _, contact, _ = await gateway.call("POST", "/v1/contacts", shop.live, json=person)
    _, members, _ = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "secret of all"})
    return {
        "message": sent["id"],
        "endpoint": endpoint["id"],
        "delivery": event["event_id"],
        "contact": contact["id"],
        "list": members["id"],
        "campaign": await make_campaign(gateway, shop),
        "order": await make_order(gateway, shop),
    }


async def make_campaign(gateway: Gateway, shop: Account) -> str:
    campaign = await add_campaign(
        gateway.database,
        shop.shop.id,
        gateway.node.ids.next_id(0),
        CampaignContent(name=f"secret of {shop.shop.name}", text="Bonjour"),
        now=datetime.now(UTC),
        actor="test",
    )
    return encode_public_id("cmp", campaign.id)


async def make_order(gateway: Gateway, shop: Account) -> str:
    told = {"id": f"secret of {shop.shop.name}", "amount": "5", "currency": "EUR"}
    _, order, _ = await gateway.call("POST", "/v1/orders", shop.live, json=told)
    return str(order["order_id"])


def walk(ids: dict[str, str]) -> list[tuple[str, str]]:
    """Every endpoint that names one thing of a shop."""
    message = f"/v1/messages/{ids['message']}"
    endpoint = f"/v1/webhook-endpoints/{ids['endpoint']}"
    return [
        ("GET", message),
        ("POST", f"{message}/cancel"),
        ("POST", f"{message}/resend"),
        ("GET", endpoint),
        ("PATCH", endpoint),
        ("POST", f"{endpoint}/rotate-secret"),
        ("POST", f"{endpoint}/test"),
        ("DELETE", endpoint),
        ("POST", f"/v1/webhook-deliveries/{ids['delivery']}/redeliver"),
        ("GET", f"/v1/contacts/{ids['contact']}"),
        ("PATCH", f"/v1/contacts/{ids['contact']}"),
        ("GET", f"/v1/contacts/{ids['contact']}/consents"),
        ("GET", f"/v1/lists/{ids['list']}"),
        ("PATCH", f"/v1/lists/{ids['list']}"),
        ("POST", f"/v1/lists/{ids['list']}/members"),
        ("DELETE", f"/v1/lists/{ids['list']}/members"),
        ("DELETE", f"/v1/lists/{ids['list']}"),
        ("DELETE", f"/v1/contacts/{ids['contact']}"),
        ("GET", f"/v1/orders/{ids['order']}"),
        *(
            ("GET", f"/v1/campaigns/{ids['campaign']}/{rows}")
            for rows in ("report", "clicks", "orders", "opt-outs", "recipients")
        ),
        ("GET", f"/v1/campaigns/{ids['campaign']}"),
        ("PATCH", f"/v1/campaigns/{ids['campaign']}"),
        *(
            ("POST", f"/v1/campaigns/{ids['campaign']}/{word}")
            for word in ("estimate", "test", "start", "pause", "resume", "unplan", "cancel", "duplicate")
        ),
        ("DELETE", f"/v1/campaigns/{ids['campaign']}"),
    ]


_CAMPAIGN_BODIES: dict[str, dict[str, object]] = {
    "start": {"recipients": 1, "version": 1},
    "cancel": {"confirm": 0},
    "test": {"to": ["+33612345678"]},
    **{word: {} for word in ("estimate", "pause", "resume", "unplan", "duplicate")},
}


def body_of(method: str, path: str, *, own: bool = False) -> dict[str, object]:
    """What a request must say to be judged by the id in its path."""
    body: dict[str, object] = {}
    if path.endswith("/members"):
        body = {"contacts": ["ctc_00000000001"]}
    elif path.startswith("/v1/campaigns"):
        body = _CAMPAIGN_BODIES.get(path.rpartition("/")[2], {"version": 1, "name": "another"})
        return {"json": body} if method != "GET" and body else {}
    elif method == "PATCH" and path.startswith("/v1/lists"):
        body = {"name": "another"}
    elif method == "PATCH" and own and path.startswith("/v1/webhook-endpoints"):
        body = {"is_enabled": True}
    return {"json": body} if method == "PATCH" or body else {}


async def test_another_shops_ids_answer_exactly_like_ids_that_do_not_exist(gateway: Gateway) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    ids = await fill(gateway, one)
    nothing = {
        "message": "msg_00000000001",
        "endpoint": "whk_00000000001",
        "delivery": "evt_00000000001",
        "contact": "ctc_00000000001",
        "list": "lst_00000000001",
        "campaign": "cmp_00000000001",
        "order": "ord_00000000001",
    }
    for (method, path), (_, missing) in zip(walk(ids), walk(nothing), strict=True):
        options = body_of(method, path)
        theirs = await gateway.call(method, path, other.live, **options)
        unknown = await gateway.call(method, missing, other.live, **options)
        assert (theirs[0], theirs[1]) == (unknown[0], unknown[1]), path
        assert theirs[0] == 404
    for method, path in walk(ids):
        options = body_of(method, path, own=True)
        status, _, _ = await gateway.call(method, path, one.live, **options)
        # The campaign is for nobody, so that it can be looked at and not be started.
        assert status in (
            200,
            201,
            202,
            204,
            409,
            *([422] if "/campaigns/" in path else []),
        ) or path.endswith("redeliver"), path


async def test_lists_hold_only_the_shops_own(gateway: Gateway) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    await fill(gateway, one)
    for path in (
        "/v1/messages",
        "/v1/messages?client_reference=r",
        "/v1/messages?to=%2B33612345678",
        "/v1/messages?state=queued",
        "/v1/webhook-endpoints",
        "/v1/webhook-deliveries",
        "/v1/contacts",
        "/v1/contacts?q=0612345678",
        "/v1/lists",
        "/v1/orders",
        "/v1/campaigns",
    ):
        _, listed, _ = await gateway.call("GET", path, other.live)
        assert "secret of" not in str(listed)
        assert next(iter(listed.values())) == []
        _, own, _ = await gateway.call("GET", path, one.live)
        assert len(next(iter(own.values()))) == 1


async def test_the_walk_takes_every_path_that_holds_an_id() -> None:
    paths = yaml.safe_load(files("gateway.web").joinpath("openapi.yaml").read_text("utf-8"))["paths"]
    described = {
        (method.upper(), path)
        for path, item in paths.items()
        if "{id}" in path
        for method in item
        if method in ("get", "post", "patch", "delete", "put")
    }
    walked = {(method, path.replace("IDM", "{id}")) for method, path in walk(dict.fromkeys(KINDS, "IDM"))}
    assert walked == described

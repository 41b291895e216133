"""A shop with one of everything, and a request for every operation of the API's document.

Two such shops have the same people, numbers, names, references and keys of idempotency; only what is secret
says whose it is. Requests are made from the document, so an operation that nobody wrote a body for is missed
by name.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gateway.domain.public_ids import decode_public_id
from gateway.store.links import put_targets
from tests.web.harness import Account, Gateway
from tests.web.openapi_document import DOCUMENT

NUMBER = "+33612345678"
OPTED_OUT = "+33612345679"
METHODS = ("get", "post", "patch", "put", "delete")
_NO_FILTERS = ("limit", "cursor", "from_time", "to_time")
NOTHING = {
    "message": "msg_00000000001",
    "endpoint": "whk_00000000001",
    "delivery": "evt_00000000001",
    "contact": "ctc_00000000001",
    "list": "lst_00000000001",
    "campaign": "cmp_00000000001",
    "order": "ord_00000000001",
    "import": "imp_00000000001",
}
"""Ids of the right form that no shop has."""

_KINDS = {
    "messages": "message",
    "webhook-endpoints": "endpoint",
    "webhook-deliveries": "delivery",
    "contacts": "contact",
    "lists": "list",
    "campaigns": "campaign",
    "orders": "order",
    "imports": "import",
}
_SETTINGS: dict[str, object] = {"columns": ["number", "first_name"], "default_country": "FR"}
_PERSON: dict[str, object] = {"number": NUMBER, "last_name": "Dupont"}


class Operation(NamedTuple):
    """One method of one path, as the document spells them."""

    method: str
    path: str

    def url(self, ids: Mapping[str, str]) -> str:
        """The path with the id of its kind put in."""
        kind = _KINDS.get(self.path.split("/")[2], "") if self.path.startswith("/v1/") else ""
        return self.path.replace("{id}", ids.get(kind, "")).replace("{number}", OPTED_OUT)


def list_operations() -> list[Operation]:
    """Every operation of the document; what keeps people from messages, and what deletes, comes last."""
    found = [
        Operation(method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method in METHODS
    ]
    deleting = [each for each in reversed(found) if each.method == "DELETE"]
    changing = [each for each in found if each.method != "DELETE"]
    return sorted(changing, key=lambda each: each.path == "/v1/opt-outs") + deleting


def list_filters() -> list[tuple[str, str]]:
    """Every parameter of a query by which a listing can be narrowed, with its path."""
    return [
        (path, parameter["name"])
        for path, item in DOCUMENT["paths"].items()
        for parameter in item.get("get", {}).get("parameters", [])
        if parameter.get("in") == "query" and parameter["name"] not in _NO_FILTERS
    ]


def make_body(operation: Operation, ids: Mapping[str, str]) -> dict[str, Any]:
    """What a request must say to be judged by the ids in it. Raises `KeyError` for one that is not known."""
    if operation.method == "GET" or operation == ("DELETE", "/v1/opt-outs/{number}"):
        return {}
    if operation.path == "/v1/imports":
        return {"data": b"Number;First name\n+33612345678;Anna\n12;secret of nobody\n"}
    make = _BODIES.get(operation, lambda _: {}) if operation.method == "DELETE" else _BODIES[operation]
    body = make(ids)
    return {"json": body} if body is not None else {}


_MESSAGE = {"to": NUMBER, "text": "Bonjour", "category": "marketing"}
_ORDER = {"id": "A-1001", "number": NUMBER, "amount": "5", "currency": "EUR"}
_BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/messages"): lambda ids: _MESSAGE,
    ("POST", "/v1/messages/batch"): lambda ids: {"messages": [_MESSAGE]},
    ("POST", "/v1/messages/{id}/cancel"): lambda ids: None,
    ("POST", "/v1/messages/{id}/resend"): lambda ids: None,
    ("POST", "/v1/estimate"): lambda ids: _MESSAGE,
    ("POST", "/v1/webhook-endpoints"): lambda ids: {"url": "https://shop.example.com/"},
    ("PATCH", "/v1/webhook-endpoints/{id}"): lambda ids: {"is_enabled": True},
    ("POST", "/v1/webhook-endpoints/{id}/rotate-secret"): lambda ids: None,
    ("POST", "/v1/webhook-endpoints/{id}/test"): lambda ids: None,
    ("POST", "/v1/webhook-deliveries/{id}/redeliver"): lambda ids: None,
    ("POST", "/v1/contacts"): lambda ids: {**_PERSON, "lists": [ids["list"]]},
    ("POST", "/v1/contacts/batch"): lambda ids: {"contacts": [{**_PERSON, "lists": [ids["list"]]}]},
    ("PATCH", "/v1/contacts/{id}"): lambda ids: {"last_name": "Martin"},
    ("POST", "/v1/contact-fields"): lambda ids: {"fields": [{"name": "points", "kind": "number"}]},
    ("POST", "/v1/lists"): lambda ids: {"name": "Others"},
    ("PATCH", "/v1/lists/{id}"): lambda ids: {"name": "Customers, renamed"},
    ("POST", "/v1/lists/{id}/members"): lambda ids: {"contacts": [ids["contact"]]},
    ("DELETE", "/v1/lists/{id}/members"): lambda ids: {"contacts": [ids["contact"]]},
    ("POST", "/v1/opt-outs"): lambda ids: {"number": NUMBER, "scope": "all"},
    ("POST", "/v1/campaigns"): lambda ids: {"name": "Soldes", "audience": {"lists": [ids["list"]]}},
    ("PATCH", "/v1/campaigns/{id}"): lambda ids: {"version": 1, "name": "Soldes, again"},
    ("POST", "/v1/campaigns/{id}/duplicate"): lambda ids: {},
    ("POST", "/v1/campaigns/{id}/estimate"): lambda ids: {},
    ("POST", "/v1/campaigns/{id}/test"): lambda ids: {"to": [NUMBER], "contact": ids["contact"]},
    ("POST", "/v1/campaigns/{id}/start"): lambda ids: {"recipients": 1, "version": 2},
    ("POST", "/v1/campaigns/{id}/pause"): lambda ids: {},
    ("POST", "/v1/campaigns/{id}/resume"): lambda ids: {},
    ("POST", "/v1/campaigns/{id}/unplan"): lambda ids: {},
    ("POST", "/v1/campaigns/{id}/cancel"): lambda ids: {"confirm": 0},
    ("POST", "/v1/text-preview"): lambda ids: {"text": "{{ first_name }}", "contact": ids["contact"]},
    ("POST", "/v1/orders"): lambda ids: _ORDER,
    ("POST", "/v1/orders/batch"): lambda ids: {"orders": [{**_ORDER, "refunded": "1"}]},
    ("POST", "/v1/imports/{id}/check"): lambda ids: {**_SETTINGS, "list": ids["list"]},
    ("POST", "/v1/imports/{id}/start"): lambda ids: {**_SETTINGS, "list": ids["list"]},
    ("POST", "/v1/imports/{id}/cancel"): lambda ids: None,
    ("POST", "/v1/upload-tickets"): lambda ids: None,
}


def make_filter(name: str, ids: Mapping[str, str]) -> str:
    """A value of this parameter that finds what `fill` made. Raises `KeyError` for one that is not known."""
    return {
        "q": "612345678",
        "list": ids["list"],
        "consent": "opted_in",
        "suppressed": "none",
        "tag": "vip",
        "number": OPTED_OUT,
        "client_reference": "r-1",
        "to": NUMBER,
        "state": "",
        "campaign_id": ids["campaign"],
        "endpoint_id": ids["endpoint"],
        "message_id": ids["message"],
        "type": "webhook.test",
        "exclusion": "opted_out",
        "verdict": "person",
    }[name].replace("+", "%2B")


async def fill(gateway: Gateway, shop: Account) -> dict[str, str]:
    """One of everything, as any shop would have it; the ids by kind."""
    secret = f"secret of {shop.shop.name}"

    async def post(path: str, **options: Any) -> Any:
        status, answer, _ = await gateway.call("POST", f"/v1/{path}", shop.live, **options)
        assert status in (200, 201, 202), (path, answer)
        return answer

    members = await post("lists", json={"name": "Customers"})
    await post("contact-fields", json={"fields": [{"name": f"field_of_{shop.shop.name}", "kind": "text"}]})
    agreed = {"state": "opted_in", "source": secret, "wording": secret}
    person = {"number": NUMBER, "first_name": secret, "tags": ["vip"], "lists": [members["id"]]}
    contact = await post("contacts", json={**person, "consent": agreed})
    await post("opt-outs", json={"number": OPTED_OUT, "reason": secret})
    sent = {"to": NUMBER, "text": secret, "client_reference": "r-1", "category": "marketing"}
    message = await post("messages", json=sent, headers={"Idempotency-Key": "fill"})
    endpoint = await post("webhook-endpoints", json={"url": f"https://{shop.shop.name}.example.com/"})
    event = await post(f"webhook-endpoints/{endpoint['id']}/test")
    audience = {"lists": [members["id"]]}
    text = {"name": secret, "text": "Boutique : bonjour {{ first_name }}, STOP 36111", "audience": audience}
    campaign = await post("campaigns", json=text)
    order = await post("orders", json={**_ORDER, "id": "A-1000"})
    upload = await post("imports?file_name=list.csv", data=f"Number\n{secret}\n".encode())
    ids = {
        "message": message["id"],
        "endpoint": endpoint["id"],
        "delivery": event["event_id"],
        "contact": contact["id"],
        "list": members["id"],
        "campaign": campaign["id"],
        "order": order["order_id"],
        "import": upload["id"],
    }
    await _add_rows(gateway, shop, ids, secret)
    return ids


async def _add_rows(gateway: Gateway, shop: Account, ids: Mapping[str, str], secret: str) -> None:
    """What no request makes by itself: a link, a refused row of the import, a text from the person."""
    campaign_id = decode_public_id("cmp", ids["campaign"])
    async with gateway.database.transaction() as connection:
        await put_targets(
            connection,
            shop_id=shop.shop.id,
            campaign_id=campaign_id,
            links=[("link", f"https://{shop.shop.name}.example.com/")],
            ids=gateway.node.ids,
            now=datetime.now(UTC),
        )
        await connection.raw.execute(
            "INSERT INTO import_fault (shop_id, import_id, row_no, reason, detail) VALUES ($1, $2, 2, 1, $3)",
            shop.shop.id,
            decode_public_id("imp", ids["import"]),
            secret,
        )
        await connection.raw.execute(
            "INSERT INTO inbound (shop_id, id, slot, connector_id, data_coding, esm_class, parts_came, parts,"
            " received_at, from_address, to_address, text, body, keyword)"
            " SELECT shop_id, $2, slot, 1, 0, 0, 1, 1, now(), address, '36111', $3, '', 0"
            " FROM contact WHERE shop_id = $1",
            shop.shop.id,
            gateway.node.ids.next_id(0),
            secret,
        )


async def read_inbound(gateway: Gateway, shop: Account) -> list[str | None]:
    """The texts that people wrote to the shop, which no endpoint lists."""
    async with gateway.database.connection() as connection:
        rows = await connection.raw.fetch("SELECT text FROM inbound WHERE shop_id = $1", shop.shop.id)
    return [row["text"] for row in rows]


async def look(gateway: Gateway, shop: Account, ids: Mapping[str, str]) -> dict[str, str]:
    """What the shop sees of itself: the answer of every GET, as text, by its address."""
    urls = [operation.url(ids) for operation in list_operations() if operation.method == "GET"]
    seen = {}
    for url in [*urls, *list_filtered(list_filters(), ids)]:
        status, answer, _ = await gateway.call("GET", url, shop.live)
        assert status == 200 or url == "/v1/links", (url, answer)
        seen[url] = write(answer)
    return seen


def list_filtered(filters: Iterable[tuple[str, str]], ids: Mapping[str, str]) -> list[str]:
    """The listings, narrowed by one parameter each."""
    return [
        f"{Operation('GET', path).url(ids)}?{name}={value}"
        for path, name in filters
        if (value := make_filter(name, ids))
    ]


def write(answer: Any) -> str:
    """An answer as text to be searched and compared."""
    return answer.decode() if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False)

"""Two shops with the same people never see each other: every operation of the document, asked by both."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.web.endpoints import make_shop_routes
from tests.web.harness import Account, Gateway, run_gateway
from tests.web.tenants import (
    DOCUMENT,
    NOTHING,
    Operation,
    fill,
    list_filtered,
    list_filters,
    list_operations,
    look,
    make_body,
    read_inbound,
    write,
)

pytestmark = pytest.mark.integration

WITHOUT_SHOP = {"/v1/openapi.yaml", "/healthz", "/readyz"}
NOT_ITS_MOMENT = {
    *(("POST", f"/v1/campaigns/{{id}}/{word}") for word in ("pause", "resume", "unplan")),
    ("DELETE", "/v1/campaigns/{id}"),
    ("POST", "/v1/imports/{id}/start"),
}
"""What the walk cannot do to a shop's own in the order of the document: the state does not allow it."""


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database, make_routes=make_shop_routes) as running:
        yield running


async def test_what_one_shop_does_shows_and_changes_nothing_of_another_with_the_same_people(
    gateway: Gateway,
) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    theirs, own = await fill(gateway, one), await fill(gateway, other)
    before = await look(gateway, one, theirs)
    assert sum("secret of one" in text for text in before.values()) > 20
    marks = ("secret of one", "field_of_one", "one.example.com", *theirs.values())
    for url, text in (await look(gateway, other, own)).items():
        assert not [mark for mark in marks if mark in text], url
    for operation in list_operations():
        options = make_body(operation, own)
        status, answer, _ = await gateway.call(operation.method, operation.url(own), other.live, **options)
        assert not [mark for mark in marks if mark in write(answer)], operation
        if operation.path not in WITHOUT_SHOP and operation.path != "/v1/links":
            expected = (409,) if operation in NOT_ITS_MOMENT else (200, 201, 202, 204)
            assert status in expected, (operation, answer)
    assert await look(gateway, one, theirs) == before
    assert await read_inbound(gateway, other) == [None], "erased with the contact"
    assert await read_inbound(gateway, one) == ["secret of one"]


async def test_another_shops_ids_in_paths_answer_exactly_like_ids_that_do_not_exist(
    gateway: Gateway,
) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    theirs, own = await fill(gateway, one), await fill(gateway, other)
    before = await look(gateway, one, theirs)
    for operation in list_operations():
        if "{id}" not in operation.path:
            continue
        options = make_body(operation, own)
        answers = [
            (await gateway.call(operation.method, operation.url(ids), other.live, **options))[:2]
            for ids in (theirs, NOTHING)
        ]
        assert answers[0] == answers[1], operation
        assert answers[0][0] == 404, operation
    assert await look(gateway, one, theirs) == before


NAMED_INSIDE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/v1/contacts", {"number": "+33612345699", "lists": ["list"]}),
    ("POST", "/v1/contacts/batch", {"contacts": [{"number": "+33612345699", "lists": ["list"]}]}),
    ("POST", "/v1/lists/{id}/members", {"contacts": ["contact"]}),
    ("DELETE", "/v1/lists/{id}/members", {"contacts": ["contact"]}),
    ("POST", "/v1/campaigns", {"name": "x", "audience": {"lists": ["list"]}}),
    ("POST", "/v1/campaigns", {"name": "x", "audience": {"exclude_lists": ["list"]}}),
    ("PATCH", "/v1/campaigns/{id}", {"version": 1, "audience": {"lists": ["list"]}}),
    ("POST", "/v1/campaigns/{id}/test", {"to": ["+33612345678"], "contact": "contact"}),
    ("POST", "/v1/text-preview", {"text": "{{ first_name }}", "contact": "contact"}),
    ("POST", "/v1/text-preview", {"text": "{{ first_name }}", "list": "list"}),
    ("POST", "/v1/imports/{id}/check", {"columns": ["number"], "list": "list"}),
    ("POST", "/v1/imports/{id}/start", {"columns": ["number"], "list": "list"}),
)
"""Requests that name things in their body, by kind."""


def name_inside(body: Any, ids: Mapping[str, str]) -> Any:
    """The body with each kind replaced by its id."""
    if isinstance(body, dict):
        return {key: name_inside(value, ids) for key, value in body.items()}
    if isinstance(body, list):
        return [name_inside(value, ids) for value in body]
    return ids.get(body, body) if isinstance(body, str) else body


async def test_another_shops_ids_in_bodies_and_filters_find_what_ids_that_do_not_exist_find(
    gateway: Gateway,
) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    theirs, own = await fill(gateway, one), await fill(gateway, other)
    before = await look(gateway, one, theirs)
    for method, path, body in NAMED_INSIDE:
        url = Operation(method, path).url(own)
        answers = [
            (await gateway.call(method, url, other.live, json=name_inside(body, ids)))[:2]
            for ids in (theirs, NOTHING)
        ]
        assert answers[0] == answers[1], (method, path)
    filters = [each for each in list_filters() if "{id}" not in each[0]]
    for url, empty in zip(list_filtered(filters, theirs), list_filtered(filters, NOTHING), strict=True):
        found = await gateway.call("GET", url, other.live)
        assert found[:2] == (await gateway.call("GET", empty, other.live))[:2], url
    assert await look(gateway, one, theirs) == before


def test_the_requests_name_every_kind_of_thing_that_bodies_can_name() -> None:
    """A schema of a request that takes an id is walked with a foreign one."""
    walked = {(method, path) for method, path, _ in NAMED_INSIDE}
    found = {
        (operation.method, operation.path)
        for operation in list_operations()
        if operation.method != "GET" and takes_an_id(operation)
    }
    assert found <= walked


def takes_an_id(operation: Operation) -> bool:
    body = DOCUMENT["paths"][operation.path][operation.method.lower()].get("requestBody", {})
    return any(names_a_thing(content.get("schema", {})) for content in body.get("content", {}).values())


def names_a_thing(schema: Any, name: str = "") -> bool:
    """Whether a property called after a kind of thing holds text, here or below."""
    if isinstance(schema, list):
        return any(names_a_thing(each, name) for each in schema)
    if not isinstance(schema, dict):
        return False
    if "$ref" in schema:
        return names_a_thing(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name)
    if name in ("list", "lists", "exclude_lists", "contact") and "string" in str(schema.get("type", "")):
        return True
    below = [names_a_thing(value, key) for key, value in schema.get("properties", {}).items()]
    return any(below) or any(
        names_a_thing(schema.get(key), name) for key in ("items", "allOf", "anyOf", "oneOf")
    )


async def test_what_people_said_to_one_shop_counts_nowhere_else(gateway: Gateway) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    willing, unwilling = "+33612345670", "+33612345671"
    agreed = {"state": "opted_in", "source": "till", "wording": "I agree"}

    async def post(shop: Account, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return (await gateway.call("POST", f"/v1/{path}", shop.live, json=body))[:2]

    assert (await post(one, "lists", {"name": "Customers"}))[0] == 201
    assert (await post(one, "contacts", {"number": willing, "consent": agreed}))[0] == 201
    for scope in ("marketing", "all"):
        assert (await post(one, "opt-outs", {"number": unwilling, "scope": scope}))[0] == 201
    status, members = await post(other, "lists", {"name": "Customers"})
    assert status == 201
    text = {"text": "Soldes", "category": "marketing"}
    _, problem = await post(other, "messages", {"to": willing, **text})
    assert problem["code"] == "consent_missing"
    _, contact = await post(other, "contacts", {"number": unwilling})
    assert contact["suppressed"] == "none"
    person = {"number": unwilling, "consent": agreed, "lists": [members["id"]]}
    _, contact = await post(other, "contacts", person)
    assert contact["marketing_consent"] == "opted_in"
    _, proof, _ = await gateway.call("GET", f"/v1/contacts/{contact['id']}/consents", other.live)
    assert [each["wording"] for each in proof["consents"]] == ["I agree"]
    assert (await post(other, "messages", {"to": unwilling, **text}))[0] == 202
    assert (await post(one, "messages", {"to": unwilling, **text}))[1]["code"] == "recipient_opted_out"
    audience = {"lists": [members["id"]]}
    _, draft = await post(other, "campaigns", {"name": "Soldes", "text": "Soldes", "audience": audience})
    _, estimate = await post(other, f"campaigns/{draft['id']}/estimate", {})
    assert (estimate["recipients"], estimate["excluded"]) == (1, {})
    later = {"state": "opted_in", "source": "till", "wording": "Said to each in turn"}
    for shop, number in ((other, unwilling), (one, willing), (other, willing)):
        _, contact = await post(shop, "contacts", {"number": number, "consent": later})
    _, proof, _ = await gateway.call("GET", f"/v1/contacts/{contact['id']}/consents", other.live)
    assert [each["wording"] for each in proof["consents"]] == [later["wording"]]
    await gateway.call("DELETE", f"/v1/contacts/{contact['id']}", other.live)
    for shop, currency in ((one, "EUR"), (other, "RON")):
        order = {"id": "A-1", "number": willing, "amount": "5", "currency": currency}
        status, told = await post(shop, "orders", order)
        assert (status, told["amount"]["currency"], told["contact_id"] is None) == (
            201,
            currency,
            shop is other,
        )

"""openapi.yaml against the running application: generated requests, and the names on both sides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.domain.failures import FailureClass
from gateway.domain.message import MessageState
from gateway.intake.requests import SendRequest
from gateway.store.outbox import EVENT_KINDS
from gateway.web.answers import AcceptedAnswer, EstimateAnswer
from gateway.web.problems import KINDS
from gateway.webhooks.events import EVENT_PATTERNS
from tests.web.endpoints import make_shop_routes
from tests.web.harness import Account, Gateway, run_gateway, soon
from tests.web.openapi_document import DOCUMENT

EXAMPLES_PER_OPERATION = 8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database, make_routes=make_shop_routes) as running:
        yield running


@pytest.mark.integration
async def test_generated_requests_are_answered_as_the_document_says(gateway: Gateway) -> None:
    shop: Account = await gateway.add_shop(
        allowed_countries=frozenset({"*"}), otp_per_number_hour=0, otp_per_prefix_hour=0
    )
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    headers = {"Authorization": f"Bearer {shop.live}"}

    def probe(operation: Any, mode: GenerationMode) -> None:
        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def call(case: Any) -> None:
            case.call_and_validate(base_url=gateway.url, headers=headers, checks=CHECKS)

        call()

    for result in schema.get_all_operations():
        for mode in GenerationMode:
            with contextlib.suppress(Unsatisfiable):  # an operation without parameters has no wrong ones
                await asyncio.to_thread(probe, result.ok(), mode)
    assert (await gateway.call("GET", "/v1/messages", shop.live))[0] == 200


def test_every_code_is_described_and_no_other() -> None:
    assert set(SCHEMAS["Problem"]["properties"]["code"]["enum"]) == set(KINDS)


def test_the_request_has_the_fields_that_are_described() -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(SendRequest)}
    assert set(SCHEMAS["SendRequest"]["properties"]) == fields


@pytest.mark.parametrize(
    ("name", "struct"), [("AcceptedMessage", AcceptedAnswer), ("Estimate", EstimateAnswer)]
)
def test_answers_have_the_fields_that_are_described(name: str, struct: type[msgspec.Struct]) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(struct)}
    assert set(SCHEMAS[name]["properties"]) == set(SCHEMAS[name]["required"]) == fields


def test_closed_sets_are_those_of_the_program() -> None:
    assert SCHEMAS["State"]["enum"] == [state.word for state in MessageState]
    assert SCHEMAS["Failure"]["properties"]["class"]["enum"] == [
        *(kind.word for kind in FailureClass if kind), None,
    ]  # fmt: skip
    assert set(SCHEMAS["EventType"]["enum"]) == set(EVENT_KINDS)
    assert set(SCHEMAS["EventPatterns"]["items"]["enum"]) == set(EVENT_PATTERNS)


def test_every_described_path_is_routed_and_no_other(gateway_routes: set[tuple[str, str]]) -> None:
    described = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method in ("get", "post", "patch", "delete", "put")
    }
    assert described == gateway_routes


@pytest.fixture
async def gateway_routes(gateway: Gateway) -> set[tuple[str, str]]:
    return {(route.method, route.resource.canonical) for route in gateway.routes if route.method != "HEAD"}


@pytest.mark.integration
async def test_real_answers_hold_to_their_schemas(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    sent = await gateway.send(
        shop.live, to="+33612345678", text="x", metadata={"a": 1.5}, send_at=soon(hours=1)
    )
    check("AcceptedMessage", sent)
    _, found, _ = await gateway.call("GET", f"/v1/messages/{sent['id']}", shop.live)
    check("MessageInFull", found)
    _, cancelled, _ = await gateway.call("POST", f"/v1/messages/{sent['id']}/cancel", shop.live)
    check("MessageInFull", cancelled)
    _, listed, _ = await gateway.call("GET", "/v1/messages", shop.live)
    check("Message", listed["messages"][0])
    body = {"to": "+33612345678", "text": "“x”"}
    check("Estimate", (await gateway.call("POST", "/v1/estimate", shop.live, json=body))[1])
    check("Problem", (await gateway.call("POST", "/v1/estimate", shop.live, json={}))[1])
    new = {"url": "https://example.com/"}
    _, endpoint, _ = await gateway.call("POST", "/v1/webhook-endpoints", shop.live, json=new)
    check("WebhookEndpointWithSecret", endpoint)
    _, found, _ = await gateway.call("GET", f"/v1/webhook-endpoints/{endpoint['id']}", shop.live)
    check("WebhookEndpoint", found)
    await gateway.call("POST", f"/v1/webhook-endpoints/{endpoint['id']}/test", shop.live)
    _, deliveries, _ = await gateway.call("GET", "/v1/webhook-deliveries", shop.live)
    check("WebhookDelivery", deliveries["webhook_deliveries"][0])
    number = {"number": "+33612345678", "consent": {"state": "opted_in", "source": "till"}}
    _, contact, _ = await gateway.call("POST", "/v1/contacts", shop.live, json=number)
    check("Contact", contact)
    _, proof, _ = await gateway.call("GET", f"/v1/contacts/{contact['id']}/consents", shop.live)
    check("ConsentProof", proof)
    batch = {"contacts": [number, {"number": "1"}]}
    _, answer, _ = await gateway.call("POST", "/v1/contacts/batch", shop.live, json=batch)
    check("ContactBatchAnswer", answer)
    _, contact_list, _ = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "All"})
    check("ContactList", contact_list)
    _, contact_list, _ = await gateway.call("GET", f"/v1/lists/{contact_list['id']}", shop.live)
    check("ContactListInFull", contact_list)
    _, opt_out, _ = await gateway.call("POST", "/v1/opt-outs", shop.live, json={"number": "+33612345678"})
    check("OptOut", opt_out)
    _, erased, _ = await gateway.call("DELETE", f"/v1/contacts/{contact['id']}", shop.live)
    check("Erased", erased)


def check(name: str, answer: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(schema).validate(answer)

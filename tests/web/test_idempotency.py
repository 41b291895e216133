"""One idempotency key, used again, in parallel, with another body, and while the database is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.web.harness import Account, Gateway, run_gateway

pytestmark = pytest.mark.integration
BODY = {"to": "+33612345678", "text": "Bonjour"}


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


@pytest.fixture
async def shop(gateway: Gateway) -> Account:
    return await gateway.add_shop()


async def post(
    gateway: Gateway, key: str, name: str, body: object, path: str = "/v1/messages"
) -> tuple[int, bytes, str]:
    headers = {"Idempotency-Key": name, "Authorization": f"Bearer {key}"}
    async with gateway.session.post(gateway.url + path, json=body, headers=headers) as answer:
        return answer.status, await answer.read(), answer.headers.get("Idempotent-Replayed", "")


async def test_a_repeat_gets_the_same_octets_and_sends_nothing(gateway: Gateway, shop: Account) -> None:
    first = await post(gateway, shop.live, "a", BODY)
    second = await post(gateway, shop.live, "a", BODY)
    assert first[0] == second[0] == 202
    assert first[1] == second[1]
    assert (first[2], second[2]) == ("", "true")
    assert await gateway.count("message") == 1


async def test_twenty_at_once_make_one_message_and_each_is_answered(gateway: Gateway, shop: Account) -> None:
    answers = await asyncio.gather(*(post(gateway, shop.live, "a", BODY) for _ in range(20)))
    statuses = sorted({status for status, _, _ in answers})
    assert statuses in ([202], [202, 409])
    assert len({body for status, body, _ in answers if status == 202}) == 1
    assert all(b"idempotency_key_in_use" in body for status, body, _ in answers if status == 409)
    assert await gateway.count("message") == 1
    assert (await post(gateway, shop.live, "a", BODY))[0] == 202


async def test_two_processes_with_one_key_make_one_message(
    gateway: Gateway, shop: Account, database: str
) -> None:
    async with run_gateway(database, connector_ids=gateway.connector_ids, node_key="other") as second:
        answers = await asyncio.gather(
            *(post(one, shop.live, f"k{n}", BODY) for n in range(10) for one in (gateway, second))
        )
    assert {status for status, _, _ in answers} == {202}
    assert len({body for _, body, _ in answers}) == 10
    assert await gateway.count("message") == 10


async def test_another_body_under_a_used_key_is_refused(gateway: Gateway, shop: Account) -> None:
    await post(gateway, shop.live, "a", BODY)
    for body, path in (
        ({**BODY, "text": "other"}, "/v1/messages"),
        ({"messages": [BODY]}, "/v1/messages/batch"),
    ):
        status, answer, _ = await post(gateway, shop.live, "a", body, path)
        assert (status, b"idempotency_key_reused" in answer) == (422, True)
    assert await gateway.count("message") == 1


async def test_a_refused_request_leaves_its_key_free_for_the_corrected_one(
    gateway: Gateway, shop: Account
) -> None:
    assert (await post(gateway, shop.live, "a", {**BODY, "to": "nobody"}))[0] == 422
    assert (await post(gateway, shop.live, "a", BODY))[0] == 202


async def test_a_repeat_is_answered_as_before_even_if_the_rules_changed(gateway: Gateway) -> None:
    shop = await gateway.add_shop("small", spend_day_micros=45_000)
    first = await post(gateway, shop.live, "a", BODY)
    assert (await post(gateway, shop.live, "b", BODY))[0] == 429
    assert (await post(gateway, shop.live, "a", BODY))[1] == first[1]


async def test_keys_of_two_shops_and_of_two_modes_are_apart(gateway: Gateway, shop: Account) -> None:
    other = await gateway.add_shop("other")
    bodies = {(await post(gateway, key, "a", BODY))[1] for key in (shop.live, shop.test, other.live)}
    assert len(bodies) == 3
    assert await gateway.count("message") == 3


async def test_a_batch_is_replayed_item_by_item(gateway: Gateway, shop: Account) -> None:
    body = {"messages": [BODY, {"to": "nobody", "text": "x"}]}
    first = await post(gateway, shop.live, "a", body, "/v1/messages/batch")
    second = await post(gateway, shop.live, "a", body, "/v1/messages/batch")
    assert first[1] == second[1]
    assert await gateway.count("message") == 1


async def test_a_batch_without_any_accepted_item_keeps_its_key_too(gateway: Gateway, shop: Account) -> None:
    body = {"messages": [{"to": "nobody", "text": "x"}]}
    await post(gateway, shop.live, "a", body, "/v1/messages/batch")
    assert (await post(gateway, shop.live, "a", body, "/v1/messages/batch"))[2] == "true"


async def test_a_day_later_the_key_is_free_again(gateway: Gateway, shop: Account) -> None:
    await post(gateway, shop.live, "a", BODY)
    async with gateway.database.connection() as connection:
        await connection.raw.execute(
            "UPDATE idempotency_key SET created_at = created_at - interval '25 hours'"
        )
    status, _, replayed = await post(gateway, shop.live, "a", {**BODY, "text": "new"})
    assert (status, replayed) == (202, "")


@pytest.mark.parametrize("name", ["x" * 256, "a b", "é"])
async def test_a_malformed_key_is_refused(gateway: Gateway, shop: Account, name: str) -> None:
    status, answer, _ = await post(gateway, shop.live, name, BODY)
    assert status == 400
    assert b"invalid_idempotency_key" in answer

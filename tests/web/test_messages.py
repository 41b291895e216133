"""The message endpoints on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.domain.public_ids import decode_public_id
from gateway.store.contacts import Contact
from tests.store.people import put_contact, suppress
from tests.web.harness import SECRET, Account, Gateway, run_gateway, soon

pytestmark = pytest.mark.integration
TO = "+33612345678"


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


@pytest.fixture
async def shop(gateway: Gateway) -> Account:
    return await gateway.add_shop()


async def set_state(gateway: Gateway, message: dict[str, Any], shop: Account, state: int) -> None:
    """Move a message to a state as dispatch would have, without a carrier."""
    message_id = decode_public_id("msg", message["id"])
    async with gateway.database.connection() as connection:
        await connection.raw.execute("DELETE FROM queue WHERE id = $1", message_id)
        await connection.raw.execute(
            "INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt, node_no, "
            "entered, epoch, changed_at, part_states) SELECT shop_id, id, slot, $3, 0, 0, 1, 0, 0, 0, now(), "
            "'\\x05' "
            "FROM message WHERE shop_id = $1 AND id = $2",
            shop.shop.id, message_id, state,
        )  # fmt: skip


async def test_an_accepted_message_is_stored_queued_and_readable(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(
        shop.live, to="06 12 34 56 78", text="Bonjour", client_reference="o-1", metadata={"order": 12}
    )
    assert sent["state"] == "queued"
    assert sent["price"] == {"amount": "0.045", "currency": "EUR"}
    status, read, _ = await gateway.call("GET", f"/v1/messages/{sent['id']}", shop.live)
    assert status == 200
    fields = ("to", "from", "text", "client_reference", "metadata", "part_count")
    assert {name: read[name] for name in fields} == {
        "to": TO,
        "from": "GATEWAY",
        "text": "Bonjour",
        "client_reference": "o-1",
        "metadata": {"order": 12},
        "part_count": 1,
    }
    assert [entry["what"] for entry in read["timeline"]] == ["accepted"]
    assert (await gateway.count("queue"), await gateway.count("schedule")) == (1, 0)


async def test_a_later_send_at_schedules(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(shop.live, to=TO, text="x", send_at=soon(hours=2))
    assert sent["state"] == "scheduled"
    _, read, _ = await gateway.call("GET", f"/v1/messages/{sent['id']}", shop.live)
    assert read["state"] == "scheduled"
    assert [entry["what"] for entry in read["timeline"]] == ["accepted", "scheduled"]
    assert (await gateway.count("queue"), await gateway.count("schedule")) == (0, 1)


async def test_binary_comes_back_as_it_was_sent(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(shop.live, to=TO, binary="AAECAwT/")
    _, read, _ = await gateway.call("GET", f"/v1/messages/{sent['id']}", shop.live)
    assert (read["binary"], read["text"], read["alphabet"]) == ("AAECAwT/", None, "binary")


async def test_a_sensitive_text_is_shown_nowhere(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(shop.live, to=TO, text="code 4711", sensitive=True, category="otp")
    _, read, _ = await gateway.call("GET", f"/v1/messages/{sent['id']}", shop.live)
    _, listed, _ = await gateway.call("GET", "/v1/messages", shop.live)
    assert read["text"] is None
    assert "4711" not in str(read) + str(listed)


async def test_a_cancelled_message_leaves_the_queue_and_says_so_twice(
    gateway: Gateway, shop: Account
) -> None:
    sent = await gateway.send(shop.live, to=TO, text="x")
    for _ in range(2):
        status, answer, _ = await gateway.call("POST", f"/v1/messages/{sent['id']}/cancel", shop.live)
        assert (status, answer["state"], answer["reason"]) == (200, "cancelled", "cancelled_by_shop")
    assert await gateway.count("queue") == 0


async def test_a_message_that_left_can_not_be_cancelled(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(shop.live, to=TO, text="x")
    await set_state(gateway, sent, shop, 5)
    status, answer, _ = await gateway.call("POST", f"/v1/messages/{sent['id']}/cancel", shop.live)
    assert (status, answer["code"]) == (409, "not_cancellable")


async def test_a_resend_is_a_new_message_that_names_the_old_one(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(
        shop.live, to=TO, text="x", **{"from": "+33612345670"}, metadata={"a": 1}, client_reference="r"
    )
    path = f"/v1/messages/{sent['id']}/resend"
    status, answer, _ = await gateway.call("POST", path, shop.live)
    assert (status, answer["code"]) == (409, "not_resendable")
    await set_state(gateway, sent, shop, 10)
    status, answer, _ = await gateway.call("POST", path, shop.live)
    assert status == 202
    assert answer["id"] != sent["id"]
    _, again, _ = await gateway.call("GET", f"/v1/messages/{answer['id']}", shop.live)
    assert again["metadata"] == {"a": 1, "resent_from": sent["id"]}
    assert (again["from"], again["client_reference"], again["text"]) == ("33612345670", "r", "x")
    assert await gateway.count("audit") == 1


async def test_a_resend_under_one_key_happens_once(gateway: Gateway, shop: Account) -> None:
    sent = await gateway.send(shop.live, to=TO, text="x")
    await set_state(gateway, sent, shop, 6)
    path, headers = f"/v1/messages/{sent['id']}/resend", {"Idempotency-Key": "k"}
    first = await gateway.call("POST", path, shop.live, headers=headers)
    second = await gateway.call("POST", path, shop.live, headers=headers)
    assert first[1] == second[1]
    assert second[2]["Idempotent-Replayed"] == "true"
    assert await gateway.count("message") == 2


async def test_a_batch_answers_for_each_item_in_order(gateway: Gateway, shop: Account) -> None:
    items = [
        {"to": TO, "text": "a"},
        {"to": "nobody", "text": "b"},
        {"to": TO},
        {"to": 5},
        {"to": TO, "text": "e"},
    ]
    status, answer, _ = await gateway.call("POST", "/v1/messages/batch", shop.live, json={"messages": items})
    assert (status, answer["accepted"], answer["refused"]) == (202, 2, 3)
    assert [item["status"] for item in answer["messages"]] == [202, 422, 422, 422, 202]
    assert [item["problem"] and item["problem"]["path"] for item in answer["messages"]] == [
        None, "$.messages[1].to", "$.messages[2].text", "$.messages[3].to", None,
    ]  # fmt: skip
    assert await gateway.count("message") == 2


async def test_a_batch_of_ten_thousand_is_stored_whole(gateway: Gateway, shop: Account) -> None:
    items = [{"to": f"+336{n:08d}", "text": "x"} for n in range(10_000)]
    status, answer, _ = await gateway.call("POST", "/v1/messages/batch", shop.live, json={"messages": items})
    assert (status, answer["accepted"]) == (202, 10_000)
    assert await gateway.count("message") == 10_000
    items.append(items[0])
    status, answer, _ = await gateway.call("POST", "/v1/messages/batch", shop.live, json={"messages": items})
    assert (status, answer["code"]) == (413, "batch_too_large")


async def test_a_batch_of_refusals_stores_nothing(gateway: Gateway, shop: Account) -> None:
    status, answer, _ = await gateway.call(
        "POST", "/v1/messages/batch", shop.live, json={"messages": [{"to": "x", "text": "y"}]}
    )
    assert (status, answer["accepted"], await gateway.count("message")) == (202, 0, 0)


async def test_an_estimate_tells_what_a_send_would_and_sends_nothing(gateway: Gateway, shop: Account) -> None:
    body = {"to": TO, "text": "“" + "x" * 80}
    status, answer, _ = await gateway.call("POST", "/v1/estimate", shop.live, json=body)
    assert status == 200
    assert (answer["alphabet"], answer["part_count"], answer["forcing_characters"]) == ("ucs2", 2, ["“"])
    assert (answer["connector"], answer["price"]["amount"]) == ("smsc-a", "0.09")
    assert await gateway.count("message") == 0


async def test_a_suppression_of_everything_blocks_and_one_of_marketing_does_not(
    gateway: Gateway, shop: Account
) -> None:
    for address, scope in (
        ("33612345678", SuppressionScope.ALL),
        ("33612345679", SuppressionScope.MARKETING),
    ):
        await suppress(
            gateway.database,
            shop.shop.id,
            address,
            scope,
            source="test",
            now=shop.shop.created_at,
            instance_secret=SECRET,
        )
    status, answer, _ = await gateway.call("POST", "/v1/messages", shop.live, json={"to": TO, "text": "x"})
    assert (status, answer["code"]) == (422, "recipient_opted_out")
    await gateway.send(shop.live, to="+33612345679", text="x")
    _, batch, _ = await gateway.call(
        "POST", "/v1/messages/batch", shop.live,
        json={"messages": [{"to": TO, "text": "x"}, {"to": "+33612345679", "text": "x"}]},
    )  # fmt: skip
    assert [item["status"] for item in batch["messages"]] == [422, 202]


async def test_the_first_suppression_of_a_shop_is_honoured_within_a_second(
    gateway: Gateway, shop: Account
) -> None:
    await gateway.send(shop.live, to=TO, text="x")
    await suppress(
        gateway.database,
        shop.shop.id,
        "33612345678",
        SuppressionScope.ALL,
        source="test",
        now=shop.shop.created_at,
        instance_secret=SECRET,
    )
    await asyncio.sleep(1.05)
    status, _, _ = await gateway.call("POST", "/v1/messages", shop.live, json={"to": TO, "text": "x"})
    assert status == 422


async def test_marketing_goes_only_to_a_contact_who_opted_in(gateway: Gateway, shop: Account) -> None:
    body = {"to": TO, "text": "x", "category": "marketing"}
    status, answer, _ = await gateway.call("POST", "/v1/messages", shop.live, json=body)
    assert (status, answer["code"]) == (422, "consent_missing")
    contact = Contact(
        shop.shop.id,
        gateway.node.ids.next_id(0),
        "33612345678",
        "FR",
        marketing_consent=MarketingConsent.OPTED_IN,
    )
    await put_contact(gateway.database, contact, shop.shop.created_at)
    sent = await gateway.send(shop.live, **body)
    _, read, _ = await gateway.call("GET", f"/v1/messages/{sent['id']}", shop.live)
    assert read["contact_id"].startswith("ctc_")
    assert read["lane"] == "bulk"


async def test_the_number_that_plays_an_opt_out_does_so_for_test_keys_only(
    gateway: Gateway, shop: Account
) -> None:
    body = {"to": "+33639980007", "text": "x"}
    status, answer, _ = await gateway.call("POST", "/v1/messages", shop.test, json=body)
    assert (status, answer["code"]) == (422, "recipient_opted_out")
    await gateway.send(shop.live, **body)


async def test_test_and_live_keys_see_their_own_messages_only(gateway: Gateway, shop: Account) -> None:
    live = await gateway.send(shop.live, to=TO, text="x")
    test = await gateway.send(shop.test, to=TO, text="x")
    assert test["is_test"]
    assert test["connector"] == "simulator"
    for key, own, other in ((shop.live, live, test), (shop.test, test, live)):
        assert (await gateway.call("GET", f"/v1/messages/{own['id']}", key))[0] == 200
        assert (await gateway.call("GET", f"/v1/messages/{other['id']}", key))[0] == 404
        _, listed, _ = await gateway.call("GET", "/v1/messages", key)
        assert [message["id"] for message in listed["messages"]] == [own["id"]]


async def test_caps_answer_429_and_say_which(gateway: Gateway) -> None:
    shop = await gateway.add_shop("small", otp_per_number_hour=1, spend_day_micros=90_000)
    await gateway.send(shop.live, to=TO, text="1", category="otp")
    body = {"to": TO, "text": "1", "category": "otp"}
    status, answer, headers = await gateway.call("POST", "/v1/messages", shop.live, json=body)
    assert (status, answer["code"], headers["Retry-After"]) == (429, "otp_cap_recipient", "600")
    await gateway.send(shop.live, to=TO, text="1")
    status, answer, _ = await gateway.call("POST", "/v1/messages", shop.live, json={"to": TO, "text": "1"})
    assert (status, answer["code"]) == (429, "spend_cap_day")


async def test_caps_outlive_a_restart(database: str) -> None:
    async with run_gateway(database) as gateway:
        shop = await gateway.add_shop("small", otp_per_number_hour=1, spend_day_micros=45_000)
        await gateway.send(shop.live, to=TO, text="1", category="otp")
        other = await gateway.add_shop("other", otp_per_number_hour=1)
        await gateway.send(other.live, to=TO, text="1", category="otp")
        config_ids = gateway.connector_ids
    async with run_gateway(database, connector_ids=config_ids) as gateway:
        for key, code in ((shop.live, "otp_cap_recipient"), (other.live, "otp_cap_recipient")):
            _, answer, _ = await gateway.call(
                "POST", "/v1/messages", key, json={"to": TO, "text": "1", "category": "otp"}
            )
            assert answer["code"] == code
        _, answer, _ = await gateway.call("POST", "/v1/messages", shop.live, json={"to": TO, "text": "1"})
        assert answer["code"] == "spend_cap_day"


async def test_listing_filters_and_pages_through_everything_once(gateway: Gateway, shop: Account) -> None:
    sent = [
        await gateway.send(shop.live, to=f"+3361234567{n % 3}", text="x", client_reference=f"r{n % 2}")
        for n in range(9)
    ]
    await gateway.call("POST", f"/v1/messages/{sent[0]['id']}/cancel", shop.live)

    async def collect(query: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            status, page, _ = await gateway.call("GET", f"/v1/messages?limit=2{query}{cursor}", shop.live)
            assert status == 200, page
            found.extend(message["id"] for message in page["messages"])
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def newest(*places: int) -> list[str]:
        """Public ids sort as the ids they spell; those of one millisecond by slot, not by who came first."""
        return sorted((sent[place]["id"] for place in places), reverse=True)

    assert await collect("") == newest(*range(9))
    assert await collect("&client_reference=r1") == newest(1, 3, 5, 7)
    assert await collect("&to=%2B33612345671") == newest(1, 4, 7)
    assert await collect("&to=+33612345671&client_reference=r1") == newest(1, 7)
    assert await collect("&state=cancelled") == newest(0)
    assert await collect("&state=queued,scheduled") == newest(*range(1, 9))
    assert await collect(f"&from_time={soon(hours=1).replace('+', '%2B')}") == []
    assert await collect(f"&to_time={soon(hours=1)}") == newest(*range(9))
    assert await collect("&campaign_id=cmp_00000000001") == []


BAD_QUERIES = (
    "limit=0", "limit=201", "limit=x", "limit=-1", "state=lost", "to=nobody", "cursor=msg_x", "cursor=1",
    "from_time=yesterday", "to_time=2026-01-01T00:00:00", "client_reference=%00", "page=2", "%ff=1",
    "campaign_id=msg_00000000001", f"client_reference={'x' * 201}",
)  # fmt: skip
ODD_QUERIES = (
    "state=", "client_reference=%ED%A0%80", "to_time=9999-12-31T23:59:59Z", "from_time=0001-01-01T00:00:00Z",
    "from_time=9999-12-31T23:59:59Z", "cursor=msg_00000000000",
)  # fmt: skip


async def test_a_bad_parameter_is_refused_and_an_odd_one_only_finds_nothing(
    gateway: Gateway, shop: Account
) -> None:
    for query in BAD_QUERIES:
        status, answer, _ = await gateway.call("GET", URL(f"/v1/messages?{query}", encoded=True), shop.live)
        assert (status, answer.get("code")) == (400, "invalid_parameter"), query
    for query in ODD_QUERIES:
        status, answer, _ = await gateway.call("GET", URL(f"/v1/messages?{query}", encoded=True), shop.live)
        assert (status, answer["messages"]) == (200, []), query

"""What shops do, over HTTP, with a carrier behind it: the API's promises as a stranger would try them."""

import asyncio
import json
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from e2e.running import Running, connector, run_gateway, until
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration


@asynccontextmanager
async def gateway_and_carrier(database: str) -> AsyncIterator[tuple[Running, Simulator]]:
    async with (
        Simulator(load_profile("default")) as carrier,
        run_gateway(database, [connector("one", carrier.port)], stop={"drain_seconds": 1}) as running,
    ):
        yield running, carrier


def submits(carrier: Simulator) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return [line for line in lines if line["event"] == "submit"]


async def test_a_message_is_delivered_within_a_second(database: str) -> None:
    async with gateway_and_carrier(database) as (running, _):
        await running.shop.until(await running.shop.send("the first opens connections"), "delivered")
        async with asyncio.timeout(1):
            await running.shop.until(await running.shop.send("Votre commande est prête"), "delivered")
        await running.assert_balanced()


async def test_the_ten_magic_numbers_do_what_the_documents_say(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        shop, key = running.shop, running.shop.test
        ids: dict[int, str] = {}
        for number in (0, 1, 2, 3, 4, 5, 6, 8, 9):
            ids[number] = await shop.send(key=key, to=f"06 39 98 00 {number:02}")
        refused = {"to": "06 39 98 00 07", "text": "x"}
        status, problem = await shop.call("POST", "/v1/messages", refused, key=key)
        assert (status, problem["code"]) == (422, "recipient_opted_out")
        expected = {0: "delivered", 1: "failed", 2: "expired", 3: "failed", 4: "delivered", 6: "sent"}
        expected |= {
            8: "sent",
            9: "delivered",
        }  # 8 only after 10 s, too long to wait
        for number, state in expected.items():
            await shop.until(ids[number], state, key=key)
        assert (await shop.show(ids[5], key=key))["state"] == "sending"
        throttled = await shop.show(ids[4], key=key)
        assert [part["command_status"] for part in throttled["parts"]] == ["0x00000058"] * 2 + ["0x00000000"]
        assert (await shop.call("GET", f"/v1/messages/{ids[0]}"))[
            0
        ] == 404  # a live key sees no test messages
        assert not submits(carrier)
        await running.assert_balanced()


async def test_one_idempotency_key_used_in_parallel_sends_once(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        body = {"to": "+33639981234", "text": "once", "client_reference": "order-1"}

        def post() -> Any:
            return running.shop.call("POST", "/v1/messages", body, Idempotency_Key="k1")

        answers = await asyncio.gather(*(post() for _ in range(40)))
        counted = Counter((status, answer.get("code")) for status, answer in answers)
        assert counted[202, None] >= 1
        assert counted.keys() <= {(202, None), (409, "idempotency_key_in_use")}
        status, answer = await post()
        assert (status, {answer["id"] for s, answer in answers if s == 202}) == (202, {answer["id"]})
        status, problem = await running.shop.call(
            "POST", "/v1/messages", {**body, "text": "other"}, Idempotency_Key="k1"
        )
        assert (status, problem["code"]) == (422, "idempotency_key_reused")
        await running.shop.until(answer["id"], "delivered")
        assert len(submits(carrier)) == 1
        await running.assert_balanced()


async def test_a_batch_takes_the_good_and_names_the_bad(database: str) -> None:
    bad: list[Any] = [
        {"to": "0612", "text": "x"},
        {"to": "+33612345678", "txt": "x"},
        {"to": "+33612345678", "text": "a\0"},
        {"to": "+33612345678", "text": "x" * 30_000},
        [],
        {"to": "+33612345678"},
    ]
    codes = ["invalid_number", "unknown_field", "invalid_field", "too_many_parts"]
    codes += ["invalid_field", "missing_field"]
    good = [{"to": f"+33612{n:06}", "text": f"n {n}", "client_reference": "b"} for n in range(994)]
    async with gateway_and_carrier(database) as (running, carrier):
        path, body = "/v1/messages/batch", {"messages": bad + good}
        status, answer = await running.shop.call("POST", path, body, Idempotency_Key="b1")
        assert (status, answer["accepted"], answer["refused"]) == (202, 994, 6)
        assert [item["problem"]["code"] for item in answer["messages"][:6]] == codes
        assert answer["messages"][1]["problem"]["path"] == "$.messages[1].txt"
        assert await running.shop.call("POST", path, body, Idempotency_Key="b1") == (status, answer)
        await until(lambda: len(submits(carrier)) == 994)
        seen, query = [], "client_reference=b&limit=200"
        cursor = ""
        while cursor is not None:
            _, page = await running.shop.call("GET", f"/v1/messages?{query}&cursor={cursor}")
            seen += [message["id"] for message in page["messages"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 994
        assert seen == sorted(seen, reverse=True)
        await asyncio.gather(*(running.shop.until(message_id, "delivered") for message_id in seen))
        assert len(submits(carrier)) == 994
        await running.assert_balanced()


async def test_a_scheduled_message_waits_for_its_time_and_one_can_be_taken_back(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        soon = datetime.now(UTC) + timedelta(seconds=1.5)
        waits = await running.shop.send(send_at=soon.isoformat())
        taken_back = await running.shop.send(send_at=(soon + timedelta(hours=1)).isoformat())
        assert (await running.shop.show(waits))["state"] == "scheduled"
        status, cancelled = await running.shop.call("POST", f"/v1/messages/{taken_back}/cancel")
        assert (status, cancelled["state"]) == (200, "cancelled")
        message = await running.shop.until(waits, "delivered")
        assert datetime.fromisoformat(message["sent_at"]) >= soon
        status, again = await running.shop.call("POST", f"/v1/messages/{taken_back}/resend")
        assert status == 202
        await running.shop.until(again["id"], "delivered")
        assert len(submits(carrier)) == 2
        await running.assert_balanced()


async def test_a_sensitive_text_is_nowhere_once_it_has_arrived(database: str) -> None:
    async with gateway_and_carrier(database) as (running, carrier):
        message_id = await running.shop.send("code 4711", sensitive=True, category="otp")
        assert "4711" not in json.dumps(await running.shop.until(message_id, "delivered"))
        assert bytes.fromhex(submits(carrier)[0]["short_message"]) == b"code 4711"
        count = "SELECT count(*) FROM message WHERE text LIKE '%4711%'"
        async with running.gateway.ground.database.connection() as connection:
            assert await connection.raw.fetchval(count) == 0
        status, problem = await running.shop.call("POST", f"/v1/messages/{message_id}/resend")
        assert (status, problem["code"]) == (409, "content_erased")


async def test_octets_arrive_as_they_are(database: str) -> None:
    octets = bytes(range(256))
    async with gateway_and_carrier(database) as (running, carrier):
        body = {"to": "+33639981234", "binary": b64encode(octets).decode()}
        status, answer = await running.shop.call("POST", "/v1/messages", body)
        assert (status, answer["part_count"]) == (202, 2)
        await running.shop.until(answer["id"], "delivered")
        sent = submits(carrier)
        assert bytes.fromhex("".join(each["short_message"] for each in sent)) == octets
        assert {each["data_coding"] for each in sent} == {4}


async def test_smart_encoding_keeps_a_text_in_one_part(database: str) -> None:
    text = "L’été… « fini » – c’est l’heure" + " ok" * 30
    async with gateway_and_carrier(database) as (running, carrier):
        plain = {"to": "+33639981234", "text": text}
        _, costly = await running.shop.call("POST", "/v1/estimate", plain)
        _, cheap = await running.shop.call("POST", "/v1/estimate", {**plain, "smart_encoding": True})
        assert (costly["alphabet"], cheap["alphabet"]) == ("ucs2", "gsm7")
        assert (costly["part_count"], cheap["part_count"]) == (2, 1)
        assert "’" in costly["forcing_characters"]
        await running.shop.until(await running.shop.send(text, smart_encoding=True), "delivered")
        (submit,) = submits(carrier)
        assert submit["data_coding"] == 0


async def test_a_person_gets_only_so_many_codes_an_hour(database: str) -> None:
    async with gateway_and_carrier(database) as (running, _):
        answers = [
            await running.shop.call(
                "POST", "/v1/messages", {"to": "+33639981234", "text": f"code {n}", "category": "otp"}
            )
            for n in range(11)
        ]
        assert [status for status, _ in answers] == [202] * 10 + [429]
        assert answers[-1][1]["code"] == "otp_cap_recipient"
        await running.assert_balanced()

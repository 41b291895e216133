"""The whole gateway, HTTP to webhook, against an SMSC that we did not write."""

import json
from typing import Any

import pytest
from aiohttp import web
from e2e.running import connector, free_port, run_gateway, until
from standardwebhooks import Webhook

from .conftest import NpmSmsc
from .spoken_peers import run_npm_smsc

pytestmark = pytest.mark.peers

EMOJI_AT_EACH_BORDER = "".join("x" * 66 + "👍" for _ in range(5)) + "fin"
"""67 UTF-16 units fit into a part beside its header: the pair straddles each border and must not be cut."""


async def test_a_text_goes_out_and_its_receipt_comes_back(database: str, npm_smsc: NpmSmsc) -> None:
    async with run_gateway(database, [connector("npm", npm_smsc.port)]) as running:
        message_id = await running.shop.send("Prix: 10 € [Ça @ été]", to="06 39 98 12 34")
        message = await running.shop.until(message_id, "delivered")
        heard = await npm_smsc.peer.hear("submit")
        assert heard["text"] == "Prix: 10 € [Ça @ été]"
        assert (heard["source"], heard["source_ton"]) == ("BOUTIQUE", 5)
        assert (heard["destination"], heard["dest_ton"]) == ("33639981234", 1)
        assert message["parts"][0]["carrier_id"] == heard["id"]
        happened = [entry["what"] for entry in message["timeline"]]
        assert happened == ["accepted", "submitted", "answered", "receipt", "delivered"]
        assert (await npm_smsc.peer.hear("receipt_answer"))["command_status"] == 0
        await running.assert_balanced()


@pytest.mark.parametrize("concatenation", ["udh8", "udh16"])
async def test_a_long_text_with_an_emoji_at_each_border_joins_to_the_same(
    database: str, npm_smsc: NpmSmsc, concatenation: str
) -> None:
    smsc = connector("npm", npm_smsc.port, concatenation=concatenation)
    async with run_gateway(database, [smsc]) as running:
        message = await running.shop.until(await running.shop.send(EMOJI_AT_EACH_BORDER), "delivered")
        heard = await npm_smsc.peer.hear_count("submit", message["part_count"])
        assert len(heard) >= 5
        assert "".join(each["text"] for each in heard) == EMOJI_AT_EACH_BORDER
        assert len({each["udh"][4:-4] for each in heard}) == 1
        assert [each["udh"][-2:] for each in heard] == [f"{n:02x}" for n in range(1, len(heard) + 1)]
        assert {part["state"] for part in message["parts"]} == {"delivered"}
        assert [entry["what"] for entry in message["timeline"]].count("receipt") == len(heard)
        await running.assert_balanced()


@pytest.mark.parametrize(
    ("ways", "settings"),
    [
        ({"receipts": "early"}, {}),
        ({"copies": 2}, {}),
        ({"form": "tlv"}, {}),
        ({"form": "text"}, {}),
        ({"hex_ids": True, "form": "text"}, {"id_form": {"response": "hex_to_dec"}}),
        ({"hex_ids": True, "form": "tlv"}, {"id_form": {"receipt": "dec_to_hex"}}),
        (
            {"hex_ids": True, "form": "text", "receipts": "early", "copies": 3},
            {"id_form": {"response": "hex_to_dec"}},
        ),
    ],
    ids=lambda value: "-".join(f"{name}={setting}" for name, setting in value.items()) or "plain",
)
async def test_receipts_find_their_messages_in_every_form(
    database: str, ways: dict[str, object], settings: dict[str, object]
) -> None:
    async with (
        run_npm_smsc(**ways) as (peer, port),
        run_gateway(database, [connector("npm", port, **settings)]) as running,
    ):
        ids = await running.shop.send_many([f"text {n}" for n in range(20)])
        for message_id in ids:
            await running.shop.until(message_id, "delivered")
        copies = int(str(ways.get("copies", 1)))
        answers = await peer.hear_count("receipt_answer", 20 * copies)
        assert {answer["command_status"] for answer in answers} == {0}
        await running.assert_balanced()


async def test_a_throttled_message_is_sent_again_and_the_order_is_kept(
    database: str, npm_smsc: NpmSmsc
) -> None:
    npm_smsc.peer.tell("set", throttle=3)
    await npm_smsc.peer.hear("set")
    async with run_gateway(database, [connector("npm", npm_smsc.port, window=1)]) as running:
        texts = [f"text {n:02}" for n in range(10)]
        ids = [await running.shop.send(text, to="+33639981234") for text in texts]
        for message_id in ids:
            await running.shop.until(message_id, "delivered")
        submits = npm_smsc.peer.said("submit")
        assert [each["text"] for each in submits if each["command_status"] == 0] == texts
        assert sum(each["command_status"] == 0x58 for each in submits) == 3
        await running.assert_balanced()


async def test_responses_in_reverse_order_belong_to_their_own_messages(
    database: str, npm_smsc: NpmSmsc
) -> None:
    npm_smsc.peer.tell("set", reverse=5)
    await npm_smsc.peer.hear("set")
    async with run_gateway(database, [connector("npm", npm_smsc.port)]) as running:
        ids = await running.shop.send_many([f"text {n}" for n in range(10)])
        for message_id in ids:
            await running.shop.until(message_id, "delivered")
        await running.until_answered()  # a receipt may come before the response that it overtook
        heard = {each["destination"]: each["id"] for each in npm_smsc.peer.said("submit")}
        for message in [await running.shop.show(message_id) for message_id in ids]:
            assert message["parts"][0]["carrier_id"] == heard[message["to"].removeprefix("+")]
        await running.assert_balanced()


async def test_what_was_unanswered_at_a_drop_is_unknown_and_never_sent_again(
    database: str, npm_smsc: NpmSmsc
) -> None:
    npm_smsc.peer.tell("set", silent=5, receipts="none")
    await npm_smsc.peer.hear("set")
    async with run_gateway(database, [connector("npm", npm_smsc.port, window=5)]) as running:
        ids = await running.shop.send_many([f"text {n}" for n in range(12)])
        await npm_smsc.peer.hear_count("submit", 5)
        npm_smsc.peer.tell("set", receipts="after")
        npm_smsc.peer.tell("drop")
        for message_id in ids:
            await running.shop.until(message_id, "delivered", "unknown")
        assert await running.shop.count_states(ids) == {"unknown": 5, "delivered": 7}
        texts = [each["text"] for each in npm_smsc.peer.said("submit")]
        assert sorted(texts) == sorted(f"text {n}" for n in range(12))
        unknown = next(m for m in [await running.shop.show(i) for i in ids] if m["state"] == "unknown")
        assert unknown["reason"] == "no_response"
        await running.assert_balanced()


async def test_an_unbind_by_the_smsc_is_answered_and_the_bind_comes_back(
    database: str, npm_smsc: NpmSmsc
) -> None:
    async with run_gateway(database, [connector("npm", npm_smsc.port)]) as running:
        await running.shop.until(await running.shop.send("before"), "delivered")
        npm_smsc.peer.tell("unbind")
        assert (await npm_smsc.peer.hear("unbind_answer"))["command_status"] == 0
        await npm_smsc.peer.hear("bound")
        await running.shop.until(await running.shop.send("after"), "delivered")
        await running.assert_balanced()


async def test_a_stop_unbinds_in_order(database: str, npm_smsc: NpmSmsc) -> None:
    async with run_gateway(database, [connector("npm", npm_smsc.port)]) as running:
        await running.shop.until(await running.shop.send(), "delivered")
    await npm_smsc.peer.hear("unbind")


async def test_both_sides_ask_whether_the_other_is_there(database: str, npm_smsc: NpmSmsc) -> None:
    smsc = connector("npm", npm_smsc.port, enquire_link_seconds=1)
    async with run_gateway(database, [smsc]) as running:
        npm_smsc.peer.tell("enquire_link")
        assert (await npm_smsc.peer.hear("enquire_link_answer"))["command_status"] == 0
        await npm_smsc.peer.hear("enquire_link")
        await running.shop.until(await running.shop.send(), "delivered")


async def test_a_refused_password_is_said_in_words(database: str, npm_smsc: NpmSmsc) -> None:
    npm_smsc.peer.tell("set", password="another")
    await npm_smsc.peer.hear("set")
    async with run_gateway(database, [connector("npm", npm_smsc.port)], waits=False) as running:
        await npm_smsc.peer.hear("refused")
        message_id = await running.shop.send()

        def last_error() -> str:
            (shown,) = [c for c in running.gateway.rooms.status.list_connectors() if c["name"] == "npm"]
            binds: Any = shown["binds"]
            return str(binds[0]["last_error"])

        await until(lambda: "password" in last_error().lower())
        assert (await running.shop.show(message_id))["state"] == "queued"
        await running.assert_balanced()


async def test_an_mo_is_stored_and_posted_to_the_shop(database: str, npm_smsc: NpmSmsc) -> None:
    smsc = connector("npm", npm_smsc.port, inbound_addresses=[{"address": "36105", "shop": "demo"}])
    async with run_gateway(database, [smsc]) as running, _Receiver() as receiver:
        hook = {"url": receiver.url, "events": ["inbound.*", "message.delivered"]}
        status, endpoint = await running.shop.call("POST", "/v1/webhook-endpoints", hook)
        assert status == 201
        # The shop came after the start; its address is known from the next reading of the configuration.
        await running.reconfigure([smsc])
        mo = {"from": "33639981234", "to": "36105", "text": "Réponse 🙂", "data_coding": 8}
        npm_smsc.peer.tell("mo", **mo)
        assert (await npm_smsc.peer.hear("mo_answer"))["command_status"] == 0
        inbound = (await receiver.hear("inbound.received", endpoint["secret"]))["data"]["inbound"]
        assert (inbound["from"], inbound["to"], inbound["text"]) == ("+33639981234", "36105", "Réponse 🙂")
        message_id = await running.shop.send()
        event = await receiver.hear("message.delivered", endpoint["secret"])
        assert event["data"]["message"]["id"] == message_id
        await running.assert_balanced()


async def test_an_mo_from_a_person_goes_to_the_shop_that_wrote_to_them(
    database: str, npm_smsc: NpmSmsc
) -> None:
    async with (
        run_gateway(database, [connector("npm", npm_smsc.port)]) as running,
        _Receiver() as receiver,
    ):
        hook = {"url": receiver.url, "events": ["inbound.received"]}
        _, endpoint = await running.shop.call("POST", "/v1/webhook-endpoints", hook)
        npm_smsc.peer.tell("mo", **{"from": "33639980001", "to": "36105", "text": "to nobody"})
        assert (await npm_smsc.peer.hear("mo_answer"))["command_status"] == 0
        outbound = {"to": "+33639981234", "from": "36105"}
        await running.shop.until(await running.shop.send("Votre avis ?", **outbound), "delivered")
        npm_smsc.peer.tell("mo", **{"from": "33639981234", "to": "36105", "text": "Parfait"})
        assert (await npm_smsc.peer.hear("mo_answer"))["command_status"] == 0
        event = await receiver.hear("inbound.received", endpoint["secret"])
        assert event["data"]["inbound"]["text"] == "Parfait"
        assert len(receiver.events) == 1
        await running.assert_balanced()


class _Receiver:
    """A shop's server: verifies what it gets with the library of Standard Webhooks."""

    def __init__(self) -> None:
        self.events: list[tuple[dict[str, str], bytes]] = []
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/events"

    async def __aenter__(self) -> "_Receiver":
        app = web.Application()
        app.router.add_post("/events", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.events.append((headers, await request.read()))
        return web.Response(status=204)

    async def hear(self, kind: str, secret: str) -> dict[str, Any]:
        """The first event of this type; its signature must be good."""

        def find() -> tuple[dict[str, str], bytes] | None:
            return next((e for e in self.events if json.loads(e[1])["type"] == kind), None)

        await until(find)
        found = find()
        assert found is not None
        headers, body = found
        event = Webhook(secret).verify(body, headers)
        assert isinstance(event, dict)
        return event

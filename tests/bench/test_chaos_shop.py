"""The shop of `bench chaos`: every message asked for under one key until it is answered, and noted then."""

import json
from collections.abc import AsyncIterator
from random import Random

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.chaos_shop import ChaosShop
from bench.errors import BenchError
from gateway.domain.public_ids import encode_public_id

MESSAGES = 120


class MoodyServer:
    """Takes messages like the API, and answers each request only after it has failed in several ways."""

    def __init__(self) -> None:
        self.bodies: dict[str, set[bytes]] = {}
        self.tries: dict[str, int] = {}
        self.last_status = 202

    async def answer(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["Idempotency-Key"]
        body = await request.read()
        self.bodies.setdefault(key, set()).add(body)
        self.tries[key] = tries = self.tries.get(key, 0) + 1
        if tries == 1 and key.endswith("7"):
            assert request.transport is not None
            request.transport.abort()
        if tries == 2 and int(key[-1]) % 2:
            return web.Response(status=503, headers={"Retry-After": "0"})
        if tries == 1:
            return web.Response(status=409)
        if self.last_status != 202:
            return web.Response(status=self.last_status)
        return web.json_response(
            self.accept(json.loads(body)), status=202, headers={"Idempotent-Replayed": "true"}
        )

    def accept(self, document: dict[str, object]) -> dict[str, object]:
        items = document.get("messages", [document])
        assert isinstance(items, list)
        accepted = [{"id": encode_public_id("msg", 1_000 + int(item["text"][-6:]))} for item in items]
        if "messages" not in document:
            return accepted[0]
        return {"messages": [{"status": 202, "message": message} for message in accepted]}


@pytest.fixture
async def moody() -> AsyncIterator[tuple[MoodyServer, int]]:
    server = MoodyServer()
    application = web.Application()
    application.router.add_post("/v1/messages", server.answer)
    application.router.add_post("/v1/messages/batch", server.answer)
    async with TestServer(application) as started:
        assert started.port is not None
        yield server, started.port


def make_shop(port: int) -> ChaosShop:
    return ChaosShop([port], "est_live_x", MESSAGES, pace=lambda left: 100_000.0, random=Random(3))


async def test_each_message_is_asked_for_until_it_is_answered_always_in_the_same_words(
    moody: tuple[MoodyServer, int],
) -> None:
    server, port = moody
    shop = make_shop(port)
    await shop.run()
    assert shop.accepted == {serial: 1_000 + serial for serial in range(MESSAGES)}
    assert shop.begun_at.keys() == shop.accepted.keys()
    assert all(len(bodies) == 1 for bodies in server.bodies.values())
    assert min(server.tries.values()) >= 2
    assert shop.replayed == shop.answers["202"] == len(server.tries)
    assert shop.answers["409"] + shop.answers["503"] + shop.answers["none"] == (
        sum(server.tries.values()) - len(server.tries)
    )


async def test_a_refusal_ends_the_measurement(moody: tuple[MoodyServer, int]) -> None:
    server, port = moody
    server.last_status = 422
    with pytest.raises(ExceptionGroup) as raised:
        await make_shop(port).run()
    assert raised.group_contains(BenchError, match="422")

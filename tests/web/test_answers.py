"""Answers to batches: spelled from pieces, and the same as if each message had been answered alone."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from gateway.intake.refusals import Refusal
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending
from gateway.intake.service import Accepted
from gateway.web.answers import render_accepted, render_batch
from tests.intake.test_service import NOT_TEST, MemoryStore, make_intake
from tests.intake.values import NOW, make_shop

REQUESTS = (
    SendRequest(to="+33612345678", text="x"),
    SendRequest(to="nobody", text="x"),
    SendRequest(to="+33612345679", text="x", client_reference='"é\\/\u2028\x7f'),
    SendRequest(to="+33612345670", text="ș" * 100, category="otp"),
    SendRequest(to="+33612345671", text="x", sender='A"B\\', send_at=NOW + timedelta(hours=1)),
    SendRequest(to="+33612345672", text="x", ttl_seconds=60),
    SendRequest(to="+39347123456", text="x"),
)


async def answer(sending: Sending, requests: Sequence[SendRequest]) -> tuple[list[Accepted | Refusal], bytes]:
    """What a batch comes to, and how that is spelled."""
    seen: list[Accepted | Refusal] = []

    async def render(results: Sequence[Accepted | Refusal]) -> bytes:
        seen.extend(results)
        return await render_batch(results)

    reply = await make_intake(MemoryStore(), render_batch=render).send_batch(sending, requests)
    assert not isinstance(reply, Refusal)
    return seen, reply.body


async def test_each_message_of_a_batch_is_shown_as_alone() -> None:
    results, octets = await answer(Sending(make_shop(), **NOT_TEST), REQUESTS)
    shown = msgspec.json.decode(octets)
    for result, item in zip(results, shown["messages"], strict=True):
        if isinstance(result, Refusal):
            assert (item["status"], item["message"]) == (422, None)
            assert item["problem"]["code"] == result.code.value
        else:
            assert (item["status"], item["problem"]) == (202, None)
            assert item["message"] == msgspec.json.decode(render_accepted(result))
    assert (shown["accepted"], shown["refused"]) == (4, 3)
    assert msgspec.json.encode(shown) == octets


async def test_a_test_key_is_told_that_these_are_tests() -> None:
    _, octets = await answer(Sending(make_shop(), is_test=True, looks_up_people=False), REQUESTS[:1])
    assert msgspec.json.decode(octets)["messages"][0]["message"]["is_test"] is True


async def test_an_empty_result_is_an_empty_list() -> None:
    assert await render_batch([]) == b'{"accepted":0,"refused":0,"messages":[]}'

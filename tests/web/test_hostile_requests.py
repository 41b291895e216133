"""Requests that nobody should send: each is answered clearly, with a 4xx, and nothing is stored."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.web.problems import KINDS
from tests.web.harness import Account, Gateway, run_gateway

pytestmark = pytest.mark.integration
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


@pytest.fixture
async def shop(gateway: Gateway) -> Account:
    return await gateway.add_shop()


def check_problem(status: int, answer: object) -> str:
    """That an answer is a problem as documented; its code."""
    assert isinstance(answer, dict), answer
    assert answer["status"] == status
    assert KINDS[answer["code"]].status == status
    assert answer["title"]
    assert answer["detail"]
    assert answer["action"]
    assert "Traceback" not in json.dumps(answer)
    return str(answer["code"])


BAD_BODIES = {
    b"": "invalid_json",
    b"{": "invalid_json",
    b"\xff\xfe": "invalid_json",
    b'{"to":"\xff"}': "invalid_json",
    b'{"to":"+33612345678","text":"\\ud800"}': "invalid_json",
    b'{"to":"+33612345678","text":"a\\u0000b"}': "invalid_field",
    b'{"to":"+33612345678","text":"x","ttl_seconds":1e999}': "invalid_field",
    b'{"to":"+33612345678","text":"x","txt":1}': "unknown_field",
    b'{"text":"x"}': "missing_field",
    b"[" * 50_000: "invalid_field",
    b"null": "invalid_field",
    b'"x"': "invalid_field",
    b"x" * 2_000_000: "body_too_large",
    b'{"to":"+33612345678","text":"' + b"x" * 2_000_000 + b'"}': "body_too_large",
}


async def test_bad_bodies_are_answered_with_their_code(gateway: Gateway, shop: Account) -> None:
    for path in ("/v1/messages", "/v1/estimate"):
        for body, code in BAD_BODIES.items():
            status, answer, _ = await gateway.call("POST", path, shop.live, data=body, headers=JSON)
            assert check_problem(status, answer) == code, body[:40]
    assert await gateway.count("message") == 0


async def test_a_large_body_without_a_length_is_cut_off(gateway: Gateway, shop: Account) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    status, answer, _ = await gateway.call("POST", "/v1/messages", shop.live, data=pieces(), headers=JSON)
    assert check_problem(status, answer) == "body_too_large"


async def test_a_batch_beyond_its_limit_is_refused(gateway: Gateway, shop: Account) -> None:
    status, answer, _ = await gateway.call(
        "POST", "/v1/messages/batch", shop.live, data=b"x" * 8_400_000, headers=JSON
    )
    assert check_problem(status, answer) == "body_too_large"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; nonsense", "Content-Encoding": "gzip"},
        {"Content-Type": "a/b/c"},
    ],
)
async def test_another_content_type_is_refused(
    gateway: Gateway, shop: Account, headers: dict[str, str]
) -> None:
    body = gzip.compress(b"{}")
    status, answer, _ = await gateway.call("POST", "/v1/messages", shop.live, data=body, headers=headers)
    assert check_problem(status, answer) == "unsupported_media_type"


async def test_a_charset_beside_the_content_type_is_no_harm(gateway: Gateway, shop: Account) -> None:
    status, _, _ = await gateway.call(
        "POST", "/v1/messages", shop.live, data=b'{"to":"+33612345678","text":"x"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )  # fmt: skip
    assert status == 202


async def test_unknown_paths_and_methods_are_problems_too(gateway: Gateway, shop: Account) -> None:
    for method, path, code in (
        ("GET", "/", "no_such_path"),
        ("GET", "/v1/messages/%00/x", "no_such_path"),
        ("DELETE", "/v1/messages", "method_not_allowed"),
        ("GET", "/v1/messages/%ff", "not_found"),
        ("GET", "/v1/messages/msg_zzzzzzzzzzz", "not_found"),
        ("GET", "/v1/messages/" + "x" * 3000, "not_found"),
    ):
        status, answer, _ = await gateway.call(method, path, shop.live)
        assert check_problem(status, answer) == code, path


async def test_wrong_keys_are_all_answered_alike(gateway: Gateway, shop: Account) -> None:
    wrong = shop.live[:-1] + ("a" if shop.live[-1] != "a" else "b")
    for value in (
        None,
        "Bearer",
        "Bearer ",
        f"Bearer {wrong}",
        "Basic eDp4",
        f"Bearer {'x' * 5000}",
        "Bearer é",
    ):
        headers = {} if value is None else {"Authorization": value}
        status, answer, sent = await gateway.call("GET", "/v1/messages", headers=headers)
        assert (status, answer["code"]) == (401, "unauthorized"), value
        assert sent["WWW-Authenticate"].startswith("Bearer")


async def test_a_key_does_only_what_its_scopes_say(gateway: Gateway, shop: Account) -> None:
    reader, _ = await gateway.add_key(shop.shop, is_test=False, scopes=["messages:read"])
    assert (await gateway.call("GET", "/v1/messages", reader))[0] == 200
    for path in ("/v1/messages", "/v1/webhook-endpoints"):
        status, answer, _ = await gateway.call("POST", path, reader, json={})
        assert (status, answer["code"]) == (403, "forbidden")


async def test_what_is_no_http_leaves_no_traceback(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(gateway.url.rpartition(":")[2])
    with caplog.at_level(logging.DEBUG):
        for octets in (
            b"\x00\x01\x02\r\n\r\n",
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"POST / HTTP/9.9\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(octets)
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 5)
            assert not answer or answer.startswith(b"HTTP/1.")
            writer.close()
    assert "Traceback" not in caplog.text


async def test_a_caller_who_hangs_up_halfway_leaves_no_error(
    gateway: Gateway, shop: Account, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    port = int(gateway.url.rpartition(":")[2])
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.live}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + b'{"to":')
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert (await gateway.call("GET", "/healthz"))[0] == 200
    assert "request.failed" not in caplog.text + capsys.readouterr().out


async def test_any_octets_as_body_are_answered_below_500(gateway: Gateway, shop: Account) -> None:
    loop = asyncio.get_running_loop()

    def post(path: str, body: bytes) -> list[int]:
        """The status; of a batch that was read, those of its items, for it is refused item by item."""
        call = gateway.call("POST", path, shop.live, data=body, headers=JSON)
        status, answer, _ = asyncio.run_coroutine_threadsafe(call, loop).result(10)
        return [item["status"] for item in answer["messages"]] if status == 202 else [status]

    odd_json = st.dictionaries(
        st.sampled_from(["to", "text", "from", "metadata", "messages", "url", "events", "send_at", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
        ),
    ).map(lambda value: json.dumps(value).encode())

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from(["/v1/messages", "/v1/messages/batch", "/v1/estimate", "/v1/webhook-endpoints"]),
        st.binary(max_size=300) | odd_json,
    )
    def check(path: str, body: bytes) -> None:
        assert all(400 <= status < 500 for status in post(path, body))

    await asyncio.to_thread(check)
    assert await asyncio.to_thread(post, "/v1/messages/batch", b'{"messages":[null]}') == [422]

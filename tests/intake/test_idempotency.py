"""The gate before requests that carry a key."""

import asyncio

import pytest

from gateway.intake.idempotency import KeyGate, Reply, RequestKey, read_request_key
from gateway.intake.refusals import Refusal
from gateway.store.keyed_answers import KeyedAnswer


def make_key(body: bytes = b"{}", *, is_test: bool = False, target: str = "POST /v1/messages") -> RequestKey:
    key = read_request_key("k-1", shop_id=7, is_test=is_test, target=target, body=body)
    assert isinstance(key, RequestKey)
    return key


def test_body_and_target_make_the_request_and_mode_makes_the_key_space() -> None:
    assert make_key() == make_key()
    assert make_key(b"{ }").body_sha256 != make_key().body_sha256
    assert make_key(target="POST /v1/messages/batch").body_sha256 != make_key().body_sha256
    assert make_key(is_test=True).key != make_key().key


@pytest.mark.parametrize("header", ["", " ", "a b", "é", "x" * 256, "a\n", "\x7f"])
def test_a_key_is_visible_ascii_of_bounded_length(header: str) -> None:
    refusal = read_request_key(header, shop_id=7, is_test=False, target="", body=b"")
    assert isinstance(refusal, Refusal)
    assert refusal.code.value == "invalid_idempotency_key"


async def test_a_key_is_held_by_one_request_and_free_again_after_it() -> None:
    gate = KeyGate(lambda key: asyncio.sleep(0))
    with gate.hold(make_key()) as first, gate.hold(make_key()) as second:
        assert (first, second) == (True, False)
    with gate.hold(make_key()) as third:
        assert third


async def test_a_failure_frees_the_key() -> None:
    gate = KeyGate(lambda key: asyncio.sleep(0))
    with pytest.raises(OSError, match="away"), gate.hold(make_key()):
        raise OSError("away")
    with gate.hold(make_key()) as again:
        assert again


async def test_a_repeat_gets_the_stored_octets_and_another_body_is_told() -> None:
    kept = make_key().answer(Reply(202, b'{"id":1}'))

    async def read(key: RequestKey) -> KeyedAnswer | None:
        return kept if key.key == kept.key else None

    gate = KeyGate(read)
    assert await gate.find_answer(make_key()) == Reply(202, b'{"id":1}', is_replay=True)
    other = await gate.find_answer(make_key(b"{ }"))
    assert isinstance(other, Refusal)
    assert other.code.value == "idempotency_key_reused"
    assert await gate.find_answer(make_key(is_test=True)) is None

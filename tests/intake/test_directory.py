"""Finding the holder of a key: how fresh, how often asked."""

import asyncio

from gateway.intake.directory import REMEMBERED_SECONDS, KeyDirectory
from gateway.intake.keys import RANDOM_OCTETS, hash_key, make_key
from gateway.store.shops import KeyHolder
from tests.intake.values import SHOP

KEY = make_key(b"\x01" * RANDOM_OCTETS, is_test=False)
HOLDER = KeyHolder(1, KEY.hint, KEY.hash, False, frozenset(), False, SHOP)


class Store:
    def __init__(self) -> None:
        self.holders = {KEY.hash: HOLDER}
        self.asked: list[bytes] = []

    async def find(self, digest: bytes) -> KeyHolder | None:
        self.asked.append(digest)
        await asyncio.sleep(0)
        return self.holders.get(digest)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_key_is_read_once_a_second_however_many_ask() -> None:
    store, clock = Store(), Clock()
    directory = KeyDirectory(store.find, monotonic=clock)
    found = await asyncio.gather(*(directory.find(KEY.text) for _ in range(50)))
    assert found == [HOLDER] * 50
    assert len(store.asked) == 1
    clock.now += REMEMBERED_SECONDS
    await asyncio.gather(*(directory.find(KEY.text) for _ in range(50)))
    assert len(store.asked) == 2


async def test_a_revoked_key_stops_working_within_a_second() -> None:
    store, clock = Store(), Clock()
    directory = KeyDirectory(store.find, monotonic=clock)
    assert await directory.find(KEY.text) is HOLDER
    store.holders.clear()
    clock.now += 0.99
    assert await directory.find(KEY.text) is HOLDER
    clock.now += 0.01
    assert await directory.find(KEY.text) is None


async def test_what_cannot_be_a_key_is_never_asked_about() -> None:
    store = Store()
    directory = KeyDirectory(store.find, monotonic=Clock())
    for text in ("", "est_live_x", KEY.text[:-1] + "!", "x" * 10_000):
        assert await directory.find(text) is None
    assert store.asked == []


async def test_an_unknown_key_is_none_and_not_asked_again_at_once() -> None:
    store = Store()
    directory = KeyDirectory(store.find, monotonic=Clock())
    other = make_key(b"\x02" * RANDOM_OCTETS, is_test=False)
    assert await directory.find(other.text) is None
    assert await directory.find(other.text) is None
    assert store.asked == [hash_key(other.text)]


async def test_guesses_hold_up_nobody_who_has_a_key() -> None:
    strangers_may_pass = asyncio.Event()

    async def find(digest: bytes) -> KeyHolder | None:
        if digest == KEY.hash:
            return HOLDER
        await strangers_may_pass.wait()
        return None

    clock = Clock()
    directory = KeyDirectory(find, monotonic=clock)
    assert await directory.find(KEY.text) is HOLDER
    guesses = [make_key(bytes([n]) * RANDOM_OCTETS, is_test=False).text for n in range(2, 40)]
    tasks = [asyncio.create_task(directory.find(guess)) for guess in guesses]
    await asyncio.sleep(0)
    clock.now += REMEMBERED_SECONDS
    assert await asyncio.wait_for(directory.find(KEY.text), 1) is HOLDER
    strangers_may_pass.set()
    assert await asyncio.gather(*tasks) == [None] * len(guesses)

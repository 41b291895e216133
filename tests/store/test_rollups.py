"""Counts of a batch: what is counted together comes to the same as each entry counted by itself."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.message import ACCEPTED_BIT, COUNTED, entered_bit
from gateway.store.database import Connection
from gateway.store.evidence import ReceiptOutcome
from gateway.store.rollups import MessageKind, Tallies
from tests.store.flight_values import MESSAGE_ID, S
from tests.store.rig import SHOP, Rig, eventually

HOUR_OF_IDS = 3_600_000 << 22
BITS = (ACCEPTED_BIT, *map(entered_bit, COUNTED))

KINDS = st.tuples(
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from(["FR", "BE"]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["EUR", "CHF"]),
    st.integers(1, 3),
    st.sampled_from([0, 45_000, 90_000]),
    st.sampled_from([None, 7]),
    st.booleans(),
)
ENTRIES = st.tuples(st.integers(0, 2), KINDS, st.sets(st.sampled_from(BITS), min_size=1), st.integers(0, 5))


class Recorder:
    """Keeps what it is told to execute."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    async def execute(self, name: str, *arguments: object) -> str:
        self.told.append((name, *arguments))
        return ""


async def written(tallies: Tallies) -> list[tuple[object, ...]]:
    recorder = Recorder()
    await tallies.write(cast(Connection, recorder))
    return recorder.told


@given(st.lists(ENTRIES, max_size=12))
async def test_states_entered_at_once_count_as_each_by_itself(
    entries: Sequence[tuple[int, MessageKind, set[int], int]],
) -> None:
    at_once, one_by_one = Tallies(), Tallies()
    for hours, kind, bits, failure_class in entries:
        message_id = MESSAGE_ID + hours * HOUR_OF_IDS
        at_once.add_message(message_id, kind, sum(bits), failure_class=failure_class)
        for bit in bits:
            of_class = failure_class if bit == entered_bit(S.FAILED) else 0
            one_by_one.add_message(message_id, kind, bit, failure_class=of_class)
    assert await written(at_once) == await written(one_by_one)


@given(st.lists(ENTRIES, min_size=1, max_size=12))
async def test_many_messages_count_as_each_by_itself(
    entries: Sequence[tuple[int, MessageKind, set[int], int]],
) -> None:
    together, one_by_one = Tallies(), Tallies()
    ids = [MESSAGE_ID + hours * HOUR_OF_IDS for hours, *_ in entries]
    kinds = [kind for _, kind, *_ in entries]
    together.add_messages(ids, kinds, ACCEPTED_BIT)
    for message_id, kind in zip(ids, kinds, strict=True):
        one_by_one.add_message(message_id, kind, ACCEPTED_BIT)
    assert await written(together) == await written(one_by_one)


@given(st.lists(ENTRIES, min_size=1, max_size=12))
async def test_no_message_part_or_amount_is_lost(
    entries: Sequence[tuple[int, MessageKind, set[int], int]],
) -> None:
    tallies = Tallies()
    expected: Counter[str] = Counter()
    for hours, kind, bits, failure_class in entries:
        tallies.add_message(MESSAGE_ID + hours * HOUR_OF_IDS, kind, sum(bits), failure_class=failure_class)
        expected["messages"] += len(bits)
        expected["parts"] += len(bits) * kind[6]
        expected["cost"] += len(bits) * kind[7]
    [(_, *columns)] = await written(tallies)
    hourly = cast(list[Any], columns)[8:11]
    assert [sum(column) for column in hourly] == [expected["messages"], expected["parts"], expected["cost"]]


ROLLUPS = ("stat_hour", "stat_campaign", "stat_shop", "stat_submission", "stat_receipt")


async def write_one_of_each(rig: Rig) -> None:
    tallies = Tallies()
    tallies.add_message(MESSAGE_ID, (SHOP, 1, "FR", 1, 1, "EUR", 1, 45_000, 7, False), ACCEPTED_BIT)
    tallies.add_submission(MESSAGE_ID, 1, S.SENT, 0)
    tallies.add_receipt(MESSAGE_ID, 1, ReceiptOutcome.APPLIED)
    async with rig.database.transaction() as connection:
        await tallies.write(connection)


@pytest.mark.parametrize("place", range(len(ROLLUPS)))
async def test_all_who_count_take_the_tables_in_one_order(rig: Rig, place: int) -> None:
    """Whoever waits for a row of one table has those of the tables before it, and none of those behind:
    two such writers can never wait for each other."""
    await write_one_of_each(rig)
    async with rig.database.transaction() as blocker:
        await blocker.raw.execute(f"SELECT FROM {ROLLUPS[place]} FOR UPDATE")
        writing = asyncio.create_task(write_one_of_each(rig))
        await eventually(lambda: is_somebody_waiting(rig))
        for behind in ROLLUPS[place + 1 :]:
            await rig.execute(f"SELECT FROM {behind} FOR UPDATE NOWAIT")
        for before in ROLLUPS[:place]:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await rig.execute(f"SELECT FROM {before} FOR UPDATE NOWAIT")
    await writing


async def is_somebody_waiting(rig: Rig) -> bool:
    return bool(await rig.value("SELECT count(*) FROM pg_locks WHERE NOT granted"))

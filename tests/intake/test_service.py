"""Intake with rows kept in memory: what happens when the durable write does not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.domain.identifiers import IdSource, slot_of_address, slot_of_id
from gateway.intake.idempotency import Reply, RequestKey
from gateway.intake.refusals import Refusal
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending
from gateway.intake.service import Intake, IntakeDeps
from gateway.store.errors import OutcomeUnknown, RowRefused, StoreUnavailable
from gateway.store.intake import NewMessage, Stored
from gateway.store.keyed_answers import KeyedAnswer
from tests.intake.values import NOW, make_acceptance, make_shop

REQUEST = SendRequest(to="+33612345678", text="x", category="otp")
NOT_TEST = {"is_test": False, "looks_up_people": False}


@dataclass
class MemoryStore:
    """Keeps rows, or fails as it is told."""

    fault: Exception | None = None
    never: bool = False
    rows: list[NewMessage] = field(default_factory=list)
    answers: dict[str, KeyedAnswer] = field(default_factory=dict)

    async def store(
        self, messages: Sequence[NewMessage], *, keyed: KeyedAnswer | None = None, within_seconds: float
    ) -> Stored:
        if self.never:
            async with asyncio.timeout(within_seconds):
                await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault
        if keyed is not None and self.answers.setdefault(keyed.key, keyed) is not keyed:
            return Stored.KEY_EXISTS
        self.rows.extend(messages)
        return Stored.COMMITTED


class NothingStored:
    """A database in which nothing was ever stored."""

    async def fetch(self, name: str, *arguments: object) -> list[Any]:
        return []

    async def fetch_row(self, name: str, *arguments: object) -> None:
        return None


def make_intake(store: MemoryStore, *, store_seconds: float = 10, **changes: Any) -> Intake:
    async def wants_events(shop_id: int) -> bool:
        return False

    async def count_results(results: Sequence[object]) -> bytes:
        return b"%d" % len(results)

    deps = IntakeDeps(
        database=NothingStored(),  # type: ignore[arg-type]  # only its reads are called
        store=store,
        ids=IdSource(0, lambda: 1_772_355_600_000),
        instance_secret=b"x",
        clock=lambda: NOW,
        random=lambda: 0.5,
        wants_events=wants_events,
        render_accepted=lambda accepted: b"%d" % accepted.message.id,
        render_batch=count_results,
        store_seconds=store_seconds,
    )
    return Intake(replace(deps, **changes), make_acceptance())


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), RowRefused("bad")])
async def test_a_failed_write_is_told_and_gives_the_allowance_back(fault: Exception) -> None:
    store = MemoryStore(fault=fault)
    intake = make_intake(store)
    sending = Sending(make_shop(otp_per_number_hour=1), **NOT_TEST)
    with pytest.raises(type(fault)):
        await intake.send(sending, REQUEST)
    store.fault = None
    assert isinstance(await intake.send(sending, REQUEST), Reply)
    assert isinstance(await intake.send(sending, REQUEST), Refusal)
    assert len(store.rows) == 1


async def test_a_write_without_an_answer_is_open_and_its_key_free_to_ask_again() -> None:
    store = MemoryStore(never=True)
    intake = make_intake(store, store_seconds=0.01)
    sending = Sending(make_shop(otp_per_number_hour=1), **NOT_TEST)
    key = RequestKey(7, "live:a", b"hash")
    with pytest.raises(OutcomeUnknown):
        await intake.send(sending, REQUEST, key=key)
    store.never = False
    # The first may yet be stored, so its allowance is spent.
    refusal = await intake.send(sending, REQUEST, key=key)
    assert isinstance(refusal, Refusal)
    assert refusal.code.value == "otp_cap_recipient"


async def test_a_key_stored_by_someone_else_and_gone_again_asks_for_a_repeat() -> None:
    store = MemoryStore()
    intake = make_intake(store)
    key = RequestKey(7, "live:a", b"hash")
    sending = Sending(make_shop(), **NOT_TEST)
    assert isinstance(await intake.send(sending, REQUEST, key=key), Reply)
    again = await intake.send(sending, REQUEST, key=key)
    assert isinstance(again, Refusal)
    assert again.code.value == "idempotency_key_in_use"


async def test_a_long_batch_lets_others_run() -> None:
    intake = make_intake(MemoryStore())
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    await intake.send_batch(Sending(make_shop(), **NOT_TEST), [REQUEST] * 2_000)
    counting.cancel()
    assert turns >= 18


async def test_batches_work_in_turn_and_none_waits_for_the_whole_of_another() -> None:
    """Pieces of both at one moment would make a turn of the loop twice as long for everybody else."""
    ended: list[str] = []

    async def take_in(intake: Intake, name: str, items: int) -> None:
        await intake.send_batch(Sending(make_shop(), **NOT_TEST), [REQUEST] * items)
        ended.append(name)

    store = MemoryStore()
    intake = make_intake(store)
    await asyncio.gather(take_in(intake, "large", 2_000), take_in(intake, "small", 100))
    assert (ended, len(store.rows)) == (["small", "large"], 2_100)


async def test_a_fault_in_one_batch_does_not_hold_up_the_next() -> None:
    async def fail(results: Sequence[object]) -> bytes:
        raise RuntimeError("cannot be spelled")

    intake = make_intake(MemoryStore(), render_batch=fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="spelled"):
            await intake.send_batch(Sending(make_shop(), **NOT_TEST), [REQUEST])


async def test_a_row_carries_what_was_planned() -> None:
    store = MemoryStore()
    await make_intake(store).send(Sending(make_shop(), is_test=True, looks_up_people=False), REQUEST)
    (row,) = store.rows
    assert (row.is_test, row.connector_id, row.cost_micros, row.currency, row.lane) == (True, 1, 0, "EUR", 1)
    assert row.slot == slot_of_id(row.id) == slot_of_address(row.to_address)

"""The outbox and the endpoints in a real Postgres: what moves, what is left alone, who sees what."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.identifiers import IdSource, slot_of_id
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.outbox import (
    OUTBOX_COLUMNS,
    OWN_URL,
    Delivery,
    DeliveryFilter,
    DeliveryState,
    DueDelivery,
    OutboxChange,
    Postponement,
    Settlement,
    apply_changes,
    count_waiting_deliveries,
    find_delivery,
    list_deliveries,
    list_due_deliveries,
    outbox_record,
    redeliver,
)
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries
from gateway.store.webhook_endpoints import (
    ENDPOINTS_PER_SHOP,
    create_webhook_endpoint,
    delete_webhook_endpoint,
    disable_gone_endpoint,
    find_webhook_endpoint,
    list_shop_webhooks,
    list_webhook_endpoints,
    rotate_webhook_secret,
    update_webhook_endpoint,
    valid_secrets,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP, OTHER_SHOP = 7, 8
ALL_SLOTS = range(256)

integration = pytest.mark.integration


class Outbox:
    """An outbox to fill and look into."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids = IdSource(1, lambda: int(NOW.timestamp() * 1000))

    async def add(
        self,
        *,
        shop_id: int = SHOP,
        endpoint_id: int = 5,
        slot: int = 42,
        kind: str = "message.sent",
        at: datetime = NOW,
    ) -> int:
        event_id = self.ids.next_id(slot)
        record = outbox_record(
            shop_id=shop_id,
            event_id=event_id,
            subject_id=event_id - 1,
            sequence=1,
            endpoint_id=endpoint_id,
            kind=kind,
            occurred_at=at,
            data='{"state":"sent"}',
        )
        async with self.database.connection() as connection:
            await connection.copy("outbox", OUTBOX_COLUMNS, [record])
        return event_id

    async def due(
        self,
        *,
        at: datetime = NOW,
        slots: Sequence[int] = ALL_SLOTS,
        held: Sequence[int] = (),
        limit: int = 100,
    ) -> list[DueDelivery]:
        return await list_due_deliveries(self.database, now=at, slots=slots, held_ids=held, limit=limit)

    async def apply(self, *changes: OutboxChange) -> None:
        async with self.database.transaction() as connection:
            await apply_changes(connection, changes)

    async def list(
        self, *, shop_id: int = SHOP, below_id: int | None = None, limit: int = 100, **wanted: object
    ) -> list[Delivery]:
        chosen = replace(DeliveryFilter(), **wanted)  # type: ignore[arg-type]  # checked by each test's result
        return await list_deliveries(self.database, shop_id, wanted=chosen, below_id=below_id, limit=limit)

    async def find(self, event_id: int) -> Delivery:
        found = await find_delivery(self.database, SHOP, event_id)
        assert found is not None
        return found


def settled(row: DueDelivery, state: DeliveryState = DeliveryState.DELIVERED) -> Settlement:
    is_end = state is not DeliveryState.WAITING
    return Settlement(
        row=row,
        endpoint_id=row.endpoint_id,
        state=state,
        attempt=row.attempt + 1,
        http_status=200 if state is DeliveryState.DELIVERED else 500,
        next_at=NOW + timedelta(seconds=5),
        finished_at=NOW if is_end else None,
        last_error=None if state is DeliveryState.DELIVERED else "answered 500",
    )


@pytest.fixture
async def outbox(database: str) -> AsyncIterator[Outbox]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"), pool_size=2)
    await make_partitions_ahead(opened, NOW.date())
    yield Outbox(opened)
    await opened.aclose()


@integration
async def test_due_rows_come_earliest_first_within_the_limit(outbox: Outbox) -> None:
    third = await outbox.add(at=NOW - timedelta(seconds=1))
    first = await outbox.add(at=NOW - timedelta(seconds=9))
    second = await outbox.add(at=NOW - timedelta(seconds=5))
    await outbox.add(at=NOW + timedelta(seconds=1))
    assert [row.id for row in await outbox.due()] == [first, second, third]
    assert [row.id for row in await outbox.due(limit=2)] == [first, second]


@integration
async def test_rows_of_other_slots_and_rows_already_held_are_not_due(outbox: Outbox) -> None:
    ours, theirs = await outbox.add(slot=3), await outbox.add(slot=4)
    assert [row.id for row in await outbox.due(slots=[3])] == [ours]
    assert [row.id for row in await outbox.due(held=[ours])] == [theirs]
    assert await outbox.due(slots=[]) == []


@integration
async def test_one_batch_notes_every_sort_of_change(outbox: Outbox) -> None:
    delivered, retried, given_up, postponed = [await outbox.add() for _ in range(4)]
    rows = {row.id: row for row in await outbox.due()}
    later = NOW + timedelta(minutes=1)
    await outbox.apply(
        settled(rows[delivered]),
        settled(rows[retried], DeliveryState.WAITING),
        settled(rows[given_up], DeliveryState.GIVEN_UP),
        Postponement(rows[postponed], 5, later),
    )
    found = {row.id: row for row in await outbox.list()}
    assert (found[delivered].state, found[delivered].attempt) == (DeliveryState.DELIVERED, 1)
    assert (found[delivered].http_status, found[delivered].finished_at) == (200, NOW)
    assert (found[retried].state, found[retried].attempt) == (DeliveryState.WAITING, 1)
    assert (found[retried].last_error, found[retried].finished_at) == ("answered 500", None)
    assert found[given_up].state is DeliveryState.GIVEN_UP
    assert (found[postponed].attempt, found[postponed].next_at) == (0, later)


@integration
async def test_a_note_about_a_row_that_has_moved_meanwhile_changes_nothing(outbox: Outbox) -> None:
    event_id = await outbox.add()
    (row,) = await outbox.due()
    await outbox.apply(settled(row, DeliveryState.WAITING))
    before = await outbox.find(event_id)
    await outbox.apply(settled(row), Postponement(row, 5, NOW))
    assert await outbox.find(event_id) == before
    await outbox.apply(settled(replace(row, attempt=1)))
    ended = await outbox.find(event_id)
    await outbox.apply(settled(replace(row, attempt=2), DeliveryState.WAITING))
    assert await outbox.find(event_id) == ended
    assert ended.state is DeliveryState.DELIVERED


@integration
async def test_deliveries_are_listed_newest_first_page_by_page(outbox: Outbox) -> None:
    ids = [await outbox.add() for _ in range(5)]
    first = await outbox.list(limit=2)
    second = await outbox.list(limit=2, below_id=first[-1].id)
    third = await outbox.list(limit=2, below_id=second[-1].id)
    assert [row.id for row in first + second + third] == ids[::-1]


@integration
async def test_filters_choose_deliveries(outbox: Outbox) -> None:
    plain = await outbox.add()
    failed = await outbox.add(kind="message.failed")
    elsewhere = await outbox.add(endpoint_id=6)
    (row,) = [row for row in await outbox.due() if row.id == elsewhere]
    await outbox.apply(settled(row))

    async def ids(**wanted: object) -> list[int]:
        return [row.id for row in await outbox.list(**wanted)]  # type: ignore[arg-type]  # as in Outbox.list

    assert await ids(kind="message.failed") == [failed]
    assert await ids(endpoint_id=6) == [elsewhere]
    assert await ids(state=DeliveryState.WAITING) == [failed, plain]
    assert await ids(subject_id=plain - 1) == [plain]
    assert await ids(from_at=NOW, until_at=NOW + timedelta(minutes=1)) == [elsewhere, failed, plain]
    assert await ids(from_at=NOW + timedelta(minutes=1)) == []
    assert await ids(until_at=NOW) == []


@integration
async def test_a_shop_sees_and_redelivers_only_its_own(outbox: Outbox) -> None:
    event_id = await outbox.add()
    assert await outbox.list(shop_id=OTHER_SHOP) == []
    assert await find_delivery(outbox.database, OTHER_SHOP, event_id) is None
    assert await redeliver(outbox.database, OTHER_SHOP, event_id, now=NOW) is None


@integration
async def test_a_redelivery_begins_anew_and_is_known_as_one(outbox: Outbox) -> None:
    event_id = await outbox.add()
    (row,) = await outbox.due()
    assert not row.is_redelivery
    await outbox.apply(settled(row, DeliveryState.GIVEN_UP))
    later = NOW + timedelta(days=9)
    asked = await redeliver(outbox.database, SHOP, event_id, now=later)
    assert asked is not None
    assert (asked.state, asked.attempt, asked.next_at) == (DeliveryState.WAITING, 0, later)
    (again,) = await outbox.due(at=later)
    assert again.is_redelivery
    await outbox.apply(settled(again, DeliveryState.WAITING))
    (still,) = await outbox.due(at=later)
    assert still.is_redelivery


@integration
async def test_redelivering_what_waits_brings_it_forward_and_keeps_its_attempts(outbox: Outbox) -> None:
    event_id = await outbox.add()
    (row,) = await outbox.due()
    await outbox.apply(settled(row, DeliveryState.WAITING))
    assert await outbox.due() == []
    await redeliver(outbox.database, SHOP, event_id, now=NOW)
    (waiting,) = await outbox.due()
    assert (waiting.attempt, waiting.is_redelivery) == (1, False)


@integration
async def test_waiting_deliveries_are_counted(outbox: Outbox) -> None:
    assert (await count_waiting_deliveries(outbox.database, now=NOW)).earliest_at is None
    early = NOW - timedelta(seconds=9)
    for at in (early, NOW, NOW + timedelta(seconds=9)):
        await outbox.add(at=at)
    done = await outbox.due(at=NOW - timedelta(seconds=1))
    counted = await count_waiting_deliveries(outbox.database, now=NOW)
    assert (counted.waiting, counted.due, counted.earliest_at) == (3, 2, early)
    await outbox.apply(settled(done[0]))
    assert (await count_waiting_deliveries(outbox.database, now=NOW)).waiting == 2


@integration
async def test_endpoints_belong_to_their_shop(outbox: Outbox) -> None:
    async def add(shop_id: int, endpoint_id: int) -> bool:
        made = await create_webhook_endpoint(
            outbox.database,
            shop_id=shop_id,
            endpoint_id=endpoint_id,
            url="https://shop.example/",
            secret="whsec_a",
            events=["*"],
            is_enabled=True,
            now=NOW,
        )
        return made is not None

    assert await add(SHOP, 1)
    database = outbox.database
    assert await find_webhook_endpoint(database, OTHER_SHOP, 1) is None
    assert await update_webhook_endpoint(database, OTHER_SHOP, 1, url="https://b.example/", now=NOW) is None
    assert await rotate_webhook_secret(
        database, OTHER_SHOP, 1, secret="whsec_b", previous_until=NOW, now=NOW
    ) is None  # fmt: skip
    assert not await delete_webhook_endpoint(database, OTHER_SHOP, 1)
    found = await find_webhook_endpoint(database, SHOP, 1)
    assert found is not None
    assert (found.url, found.secret) == ("https://shop.example/", "whsec_a")
    for number in range(2, ENDPOINTS_PER_SHOP + 1):
        assert await add(SHOP, number)
    assert not await add(SHOP, 99)
    assert await add(OTHER_SHOP, 99)
    assert len(await list_webhook_endpoints(database, SHOP)) == ENDPOINTS_PER_SHOP
    assert await delete_webhook_endpoint(database, SHOP, 1)
    assert await add(SHOP, 99)


@integration
async def test_an_update_changes_only_what_is_given(outbox: Outbox) -> None:
    database = outbox.database
    made = await create_webhook_endpoint(
        database,
        shop_id=SHOP,
        endpoint_id=1,
        url="https://shop.example/",
        secret="whsec_a",
        events=["*"],
        is_enabled=True,
        now=NOW,
    )
    assert made is not None
    later = NOW + timedelta(hours=1)
    changed = await update_webhook_endpoint(database, SHOP, 1, events=["message.sent"], now=later)
    assert changed == replace(made, events=("message.sent",), updated_at=later)
    switched = await update_webhook_endpoint(database, SHOP, 1, is_enabled=False, now=later)
    assert switched == replace(made, events=("message.sent",), is_enabled=False, updated_at=later)


@integration
async def test_rotating_twice_keeps_only_the_secret_before(outbox: Outbox) -> None:
    database = outbox.database
    await create_webhook_endpoint(
        database,
        shop_id=SHOP,
        endpoint_id=1,
        url="https://shop.example/",
        secret="whsec_a",
        events=["*"],
        is_enabled=True,
        now=NOW,
    )
    until = NOW + timedelta(hours=24)
    for secret in ("whsec_b", "whsec_c"):
        rotated = await rotate_webhook_secret(database, SHOP, 1, secret=secret, previous_until=until, now=NOW)
    assert rotated is not None
    assert rotated.secret == "whsec_c"
    assert valid_secrets(rotated.stored_secret, NOW) == ["whsec_c", "whsec_b"]
    assert valid_secrets(rotated.stored_secret, until) == ["whsec_c"]


@integration
async def test_a_gone_endpoint_is_switched_off_and_told_of_once(outbox: Outbox) -> None:
    database = outbox.database
    await create_webhook_endpoint(
        database,
        shop_id=SHOP,
        endpoint_id=1,
        url="https://shop.example/",
        secret="whsec_a",
        events=["*"],
        is_enabled=True,
        now=NOW,
    )
    told = [
        await disable_gone_endpoint(
            database, SHOP, 1, now=NOW, event_id=outbox.ids.next_id(0), subject="whk_1", data="{}"
        )
        for _ in range(2)
    ]
    assert told == [True, False]
    found = await find_webhook_endpoint(database, SHOP, 1)
    assert found is not None
    assert not found.is_enabled


@integration
async def test_shops_that_do_not_exist_have_no_webhooks(outbox: Outbox) -> None:
    assert await list_shop_webhooks(outbox.database, [SHOP]) == {}


def test_one_stored_secret_is_the_only_one() -> None:
    assert valid_secrets("whsec_a", NOW) == ["whsec_a"]


def test_a_record_carries_the_slot_of_its_id() -> None:
    event_id = IdSource(1, lambda: int(NOW.timestamp() * 1000)).next_id(200)
    record = outbox_record(
        shop_id=SHOP,
        event_id=event_id,
        subject_id=1,
        sequence=1,
        endpoint_id=OWN_URL,
        kind="message.sent",
        occurred_at=NOW,
        data="{}",
    )
    assert dict(zip(OUTBOX_COLUMNS, record, strict=True))["slot"] == slot_of_id(event_id) == 200

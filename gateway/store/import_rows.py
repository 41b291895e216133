"""Rows of a file on their way: staged by the process that reads it, merged by the node, slot by slot.

Owns the order of statements of a merge and its cursor, which moves in the same transaction; so a merge that
is cut off anywhere goes on where it was. What a row means is settled before it comes here.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final

import asyncpg

from gateway.domain.attributes import AttributeKind
from gateway.domain.identifiers import SLOT_COUNT, IdSource
from gateway.store.contact_fields import add_contact_fields
from gateway.store.database import UNREACHABLE, Connection
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.imports import (
    FaultRow,
    ImportCounts,
    ImportJob,
    ImportProgress,
    ImportState,
    find_list_for_import,
    lock_import,
    save_import,
)
from gateway.store.queries import Query
from gateway.store.writer import Fence, GroupWriter

STAGING_COLUMNS: Final = (
    "shop_id", "import_id", "slot", "row_no", "consent", "said_at", "address_key", "address", "country",
    "first_name", "last_name", "language", "time_zone", "tags", "attributes",
)  # fmt: skip
_FAULT_COLUMNS: Final = ("shop_id", "import_id", "row_no", "reason", "detail")
_ROWS_OF_A_STEP: Final = 10_000
"""About a third of a second: a cancel takes hold, and locks on contacts are let go, within it."""
_SLOTS_CLEARED_AT_ONCE: Final = 16


class Staging:
    """The reading process's own connection: every transaction is fenced by the node's lease, and ends when
    the import is no longer running. Raises `StoreUnavailable`, `LeaseLost`."""

    def __init__(self, connection: Connection, fence: Fence, *, shop_id: int, import_id: int) -> None:
        self._connection = connection
        self._fence = fence
        self._shop_id = shop_id
        self._import_id = import_id

    @classmethod
    async def open(
        cls, dsn: str, queries: dict[str, Query], fence: Fence, *, shop_id: int, import_id: int
    ) -> "Staging":
        try:
            raw = await asyncpg.connect(
                dsn, timeout=5.0, server_settings={"application_name": "estafette-import", "jit": "off"}
            )
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        return cls(Connection(raw, queries), fence, shop_id=shop_id, import_id=import_id)

    async def aclose(self) -> None:
        await self._connection.raw.close(timeout=2.0)

    async def begin(self, progress: ImportProgress, now: datetime) -> bool:
        """Clear what an earlier reading left, and note that this one began. False: no longer running."""
        for first in range(0, SLOT_COUNT, _SLOTS_CLEARED_AT_ONCE):
            last = first + _SLOTS_CLEARED_AT_ONCE - 1
            async with _Step(self) as job:
                if job is None:
                    return False
                await self._connection.execute(
                    "clear_import_rows", self._shop_id, self._import_id, first, last
                )
        async with _Step(self) as job:
            if job is None:
                return False
            await self._connection.execute("forget_import_faults", self._shop_id, self._import_id)
            await self._save(job, now, progress=progress, counts=ImportCounts())
        return True

    async def put(
        self,
        rows: Sequence[tuple[object, ...]],
        faults: Sequence[FaultRow],
        progress: ImportProgress,
        now: datetime,
        *,
        counts: ImportCounts | None = None,
    ) -> bool:
        """Store rows and faults, and how far the reading came; `counts` with the last of them. False: the
        import is no longer running."""
        async with _Step(self) as job:
            if job is None:
                return False
            await self._connection.copy("import_row", STAGING_COLUMNS, rows)
            if faults:
                records = [(self._shop_id, self._import_id, *fault) for fault in faults]
                await self._connection.copy("import_fault", _FAULT_COLUMNS, records)
            await self._save(job, now, progress=progress, counts=counts)
        return True

    async def fail(self, fault: str, now: datetime, *, counts: ImportCounts | None = None) -> None:
        """The file cannot be read: nothing of it was or will be merged."""
        async with _Step(self) as job:
            if job is not None:
                failed = replace(job, state=ImportState.FAILED, fault=fault, finished_at=now)
                progress = ImportProgress(phase="done", is_staged=True)
                await save_import(
                    self._connection, replace(failed, progress=progress, counts=counts or job.counts), now
                )

    async def _save(
        self, job: ImportJob, now: datetime, *, progress: ImportProgress, counts: ImportCounts | None
    ) -> None:
        await save_import(self._connection, replace(job, progress=progress, counts=counts or job.counts), now)


class _Step:
    """One fenced transaction of a reading; gives the import, or None when it is no longer running."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._transaction: Any = None

    async def __aenter__(self) -> ImportJob | None:
        staging = self._staging
        connection, fence = staging._connection, staging._fence
        try:
            self._transaction = connection.raw.transaction()
            await self._transaction.start()
            row = await connection.fetch_row("check_fence", fence.node_no, fence.epoch)
            if row is None or not row["is_live"]:
                raise LeaseLost(fence.node_no, fence.epoch)
            job = await lock_import(connection, staging._shop_id, staging._import_id)
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        return job if job is not None and job.state is ImportState.RUNNING else None

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                await self._transaction.commit()
            else:
                await self._transaction.rollback()
        except UNREACHABLE as exc:
            raise StoreUnavailable(str(exc) or type(exc).__name__) from exc
        if kind is not None and issubclass(kind, UNREACHABLE):
            raise StoreUnavailable(str(error) or kind.__name__)


class MergeOutcome(Enum):
    """What became of a step."""

    WENT_ON = "went_on"
    NOT_RUNNING = "not_running"
    """Cancelled, or moved on by another hand."""
    LIST_GONE = "list_gone"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeOrder:
    """The next step of an import whose file was read. Without `source` of a consent nobody agrees."""

    shop_id: int
    import_id: int
    public_id: str
    from_slot: int
    is_updating: bool
    tags: Sequence[str]
    consent_source: str | None
    said_at: datetime | None
    now: datetime

    @property
    def is_agreed(self) -> bool:
        return self.consent_source is not None


class _Item:
    __slots__ = ("done", "order")

    def __init__(self, order: MergeOrder, done: asyncio.Future[MergeOutcome]) -> None:
        self.order = order
        self.done = done


class ImportWriter:
    """Counts and merges staged rows, one step a transaction, in the batches' discipline."""

    def __init__(self, dsn: str, queries: dict[str, Query], fence: Fence, ids: IdSource) -> None:
        self._writer = GroupWriter(dsn, queries, fence, _MergeWork(ids), name="import-merge", batch_rows=1)

    async def step(self, order: MergeOrder) -> MergeOutcome:
        """Do the next slots of an import's phase; returns after the commit."""
        done: asyncio.Future[MergeOutcome] = asyncio.get_running_loop().create_future()
        self._writer.put(_Item(order, done))
        return await done

    async def run(self) -> None:
        await self._writer.run()

    async def drained(self) -> None:
        await self._writer.drained()


class _MergeWork:
    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    async def write(self, connection: Connection, items: Sequence[_Item]) -> MergeOutcome:
        order = items[0].order
        job = await lock_import(connection, order.shop_id, order.import_id)
        if job is None or job.state is not ImportState.RUNNING or job.progress.next_slot != order.from_slot:
            return MergeOutcome.NOT_RUNNING
        if job.list_id is not None and not await find_list_for_import(connection, job.shop_id, job.list_id):
            return MergeOutcome.LIST_GONE
        last = min(SLOT_COUNT, order.from_slot + _slots_of_a_step(job.counts)) - 1
        step = _Slots(connection, order, job, self._ids, order.from_slot, last)
        await step.take()
        progress = step.job.progress
        progress.next_slot = last + 1
        if progress.next_slot == SLOT_COUNT:
            _enter_next_phase(progress, order.now)
        await save_import(connection, _finish(step.job, order.now), order.now)
        return MergeOutcome.WENT_ON

    def committed(self, items: Sequence[_Item], result: MergeOutcome) -> None:
        _answer(items[0], result)

    def refused(self, item: _Item, error: Exception) -> None:
        _answer(item, MergeOutcome.REFUSED)


def _answer(item: _Item, outcome: MergeOutcome) -> None:
    if not item.done.done():
        item.done.set_result(outcome)


def _slots_of_a_step(counts: ImportCounts) -> int:
    staged = max(1, counts.rows - counts.refused)
    return max(1, min(SLOT_COUNT, _ROWS_OF_A_STEP * SLOT_COUNT // staged))


def _enter_next_phase(progress: ImportProgress, now: datetime) -> None:
    progress.phase = "settling" if progress.phase == "merging" else "done"
    progress.next_slot = 0
    progress.phase_started_at = now


def _finish(job: ImportJob, now: datetime) -> ImportJob:
    if job.progress.phase != "done":
        return job
    if job.progress.is_dry_run:
        return replace(job, state=ImportState.CHECKED, fault=None)
    return replace(job, state=ImportState.FINISHED, fault=None, finished_at=now)


class _Slots:
    """The statements of one step over a range of slots, in the order in which locks are taken."""

    def __init__(
        self,
        connection: Connection,
        order: MergeOrder,
        job: ImportJob,
        ids: IdSource,
        first_slot: int,
        last_slot: int,
    ) -> None:
        self._connection = connection
        self._order = order
        self.job = job
        self._ids = ids
        self._range = (order.shop_id, order.import_id, first_slot, last_slot)
        self._first_slot = first_slot
        self._last_slot = last_slot

    async def take(self) -> None:
        phase = self.job.progress.phase
        if phase == "settling":
            await self._connection.execute("settle_import_contacts", *self._range, self._order.now)
            return
        tag = await self._connection.execute("drop_superseded_rows", *self._range)
        self.job.counts.duplicates += _rows_of(tag)
        if phase == "counting":
            await self._count()
        else:
            await self._merge()

    async def _survey(self) -> asyncpg.Record:
        order = self._order
        row = await self._connection.fetch_row(
            "survey_import", *self._range, order.is_updating, order.tags, order.is_agreed
        )
        assert row is not None  # an aggregate without GROUP BY
        return row

    async def _count(self) -> None:
        survey, counts = await self._survey(), self.job.counts
        counts.new += survey["fresh"]
        counts.updated += survey["changed"]
        counts.unchanged += survey["people"] - survey["fresh"] - survey["changed"]
        counts.opted_out += survey["opted_out"]
        counts.consents += survey["agreeing"]
        self.job.progress.rows_done += survey["people"]

    async def _merge(self) -> None:
        connection, job, counts = self._connection, self.job, self.job.counts
        if self._first_slot == 0 and counts.new_fields:
            kinds = {name: AttributeKind[word.upper()] for name, word in counts.new_fields.items()}
            await add_contact_fields(connection, job.shop_id, kinds, self._order.now)
        people = await self._count_people()
        total = sum(people.values())
        if not total:
            return
        fresh = await self._add(people)
        listed = fresh["added"]
        opted_out, changed = fresh["opted_out"], 0
        counts.consents += fresh["agreed"]
        if fresh["added"] < total:
            survey = await self._survey()
            opted_out = survey["opted_out"]
            changed = await self._renew() if survey["changed"] else 0
            counts.consents += await self._agree() if survey["agreeing"] else 0
            listed += await self._list()
        if job.list_id is not None:
            await connection.execute(
                "count_imported_members", job.shop_id, job.list_id, listed, self._order.now
            )
        counts.new += fresh["added"]
        counts.updated += changed
        counts.unchanged += total - fresh["added"] - changed
        counts.opted_out += opted_out
        job.progress.rows_done += total

    async def _count_people(self) -> dict[int, int]:
        rows = await self._connection.fetch("count_import_rows", *self._range)
        return {row["slot"]: row["people"] for row in rows}

    async def _add(self, people: dict[int, int]) -> asyncpg.Record:
        """Bring in who is new. An id for each person of the range is made, for who is new is known only
        inside the statement."""
        order, next_id = self._order, self._ids.next_id
        offsets, contact_ids, consent_ids = [], list[int](), list[int]()
        for slot in range(self._first_slot, self._last_slot + 1):
            offsets.append(len(contact_ids))
            contact_ids.extend(next_id(slot) for _ in range(people.get(slot, 0)))
            if order.is_agreed:
                consent_ids.extend(next_id(slot) for _ in range(people.get(slot, 0)))
        while True:
            await self._connection.raw.execute("SAVEPOINT before_people")
            try:
                row = await self._connection.fetch_row(
                    "add_import_contacts",
                    *self._range,
                    offsets,
                    contact_ids,
                    consent_ids,
                    f"import:{order.public_id}",
                    order.tags,
                    order.is_agreed,
                    order.consent_source or "",
                    self.job.progress.wording_id,
                    order.said_at or order.now,
                    self.job.list_id,
                    order.now,
                )
            except asyncpg.UniqueViolationError:
                # Another hand added one of them since the statement began; now the person is known.
                await self._connection.raw.execute("ROLLBACK TO SAVEPOINT before_people")
                continue
            assert row is not None  # an aggregate without GROUP BY
            return row

    async def _renew(self) -> int:
        order = self._order
        return _rows_of(
            await self._connection.execute("renew_import_contacts", *self._range, order.tags, order.now)
        )

    async def _agree(self) -> int:
        order = self._order
        rows = await self._connection.fetch("agree_import_contacts", *self._range, order.now)
        await self._connection.execute(
            "add_import_consents",
            order.shop_id,
            [self._ids.next_id(row["slot"]) for row in rows],
            [row["slot"] for row in rows],
            [row["id"] for row in rows],
            [row["said_at"] or order.said_at or order.now for row in rows],
            [row["address_key"] for row in rows],
            [row["row_no"] for row in rows],
            order.public_id,
            order.consent_source,
            self.job.progress.wording_id,
            order.now,
        )
        return len(rows)

    async def _list(self) -> int:
        if self.job.list_id is None:
            return 0
        return _rows_of(
            await self._connection.execute(
                "list_import_contacts", *self._range, self.job.list_id, self._order.now
            )
        )


def _rows_of(tag: str) -> int:
    """The number at the end of a command tag, `UPDATE 3` or `INSERT 0 3`."""
    return int(tag.rpartition(" ")[2])


async def clear_staging(connection: Connection, job: ImportJob, *, first_slot: int) -> int:
    """Drop some staged rows of an import at rest; the slot to go on from comes back, `SLOT_COUNT` at the
    end."""
    last = min(SLOT_COUNT, first_slot + _SLOTS_CLEARED_AT_ONCE) - 1
    await connection.execute("clear_import_rows", job.shop_id, job.id, first_slot, last)
    return last + 1

"""People of a file on their way into contacts, consents and a list: merged by the node, some slots at a time.

Owns the order of statements of a merge and its cursor, which moves in the same transaction; so a merge that
is cut off anywhere goes on where it was. What a row means is settled before it comes here. People come as
arrays: no row stands in the database before it is somebody's contact, and who is unchanged costs no write.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, NamedTuple

import asyncpg
from msgspec import Struct

from gateway.domain.attributes import AttributeKind
from gateway.domain.identifiers import SLOT_COUNT, IdSource
from gateway.store.contact_fields import add_contact_fields
from gateway.store.database import Connection
from gateway.store.fence import Fence
from gateway.store.imports import (
    ImportJob,
    ImportState,
    find_list_for_import,
    lock_import,
    save_import,
)
from gateway.store.queries import Query
from gateway.store.writer import GroupWriter

TAG_MARK: Final = "\x1f"
"""Between the tags of one person: arrays of arrays cannot be ragged."""
_STOPS_AHEAD: Final = timedelta(minutes=10)
"""How much older than a merge an opt-out may say it is that was committed after it began: clocks of nodes
differ, and transactions take their time."""


class PersonRow(NamedTuple):
    """One row of a file as one person. Sorted, people stand by slot and address.

    `consent` is 1 for an agreement; `tags` stand between `TAG_MARK`s; `attributes` is JSON as text.
    """

    slot: int
    address: str
    row_no: int
    consent: int
    said_at: datetime | None
    address_key: bytes
    country: str
    first_name: str | None
    last_name: str | None
    language: str | None
    time_zone: str | None
    tags: str | None
    attributes: str


class PeopleColumns(Struct, array_like=True, gc=False):
    """The people of some slots as columns, each as long as the others: a person stands at one place."""

    slots: list[int]
    addresses: list[str]
    row_nos: list[int]
    consents: list[int]
    said_ats: list[datetime | None]
    address_keys: list[bytes]
    countries: list[str]
    first_names: list[str | None]
    last_names: list[str | None]
    languages: list[str | None]
    time_zones: list[str | None]
    tags: list[str | None]
    attributes: list[str]

    @classmethod
    def of(cls, people: Sequence[tuple[Any, ...]]) -> "PeopleColumns":
        """The columns of `PersonRow`s, or of tuples like them."""
        return cls(*map(list, zip(*people, strict=True))) if people else cls.nobody()

    @classmethod
    def nobody(cls) -> "PeopleColumns":
        return cls([], [], [], [], [], [], [], [], [], [], [], [], [])

    def at(self, places: Sequence[int]) -> "PeopleColumns":
        """The people at some of the places, counted from 0."""
        columns = (getattr(self, name) for name in self.__struct_fields__)
        return PeopleColumns(*([column[place] for place in places] for column in columns))

    def __len__(self) -> int:
        return len(self.slots)


class MergeOutcome(Enum):
    """What became of a step."""

    WENT_ON = "went_on"
    NOT_RUNNING = "not_running"
    """Cancelled, or moved on by another hand."""
    LIST_GONE = "list_gone"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeOrder:
    """The next step of an import whose file was read: the people from `from_slot` to `last_slot`. Without
    `source` of a consent nobody agrees."""

    shop_id: int
    import_id: int
    public_id: str
    phase: str
    from_slot: int
    last_slot: int
    people: PeopleColumns
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
    """Counts and merges people, one step a transaction, in the batches' discipline."""

    def __init__(self, dsn: str, queries: dict[str, Query], fence: Fence, ids: IdSource) -> None:
        self._writer = GroupWriter(dsn, queries, fence, _MergeWork(ids), name="import-merge", batch_rows=1)

    async def step(self, order: MergeOrder) -> MergeOutcome:
        """Do the next slots of an import's phase; returns after the commit, which is on disk when it was the
        last step of its phase."""
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
        if job is None or job.state is not ImportState.RUNNING:
            return MergeOutcome.NOT_RUNNING
        progress = job.progress
        if (progress.phase, progress.next_slot) != (order.phase, order.from_slot):
            return MergeOutcome.NOT_RUNNING
        if job.list_id is not None and not await find_list_for_import(connection, job.shop_id, job.list_id):
            return MergeOutcome.LIST_GONE
        await _Step(connection, order, job, self._ids).take()
        progress.next_slot = order.last_slot + 1
        if progress.next_slot < SLOT_COUNT:
            await connection.execute("commit_import_step_later")
        else:
            progress.next_slot = 0
            progress.phase = "settling" if progress.phase == "merging" else "done"
        await save_import(connection, _finish(job, order.now), order.now)
        return MergeOutcome.WENT_ON

    def committed(self, items: Sequence[_Item], result: MergeOutcome) -> None:
        _answer(items[0], result)

    def refused(self, item: _Item, error: Exception) -> None:
        _answer(item, MergeOutcome.REFUSED)


def _answer(item: _Item, outcome: MergeOutcome) -> None:
    if not item.done.done():
        item.done.set_result(outcome)


def _finish(job: ImportJob, now: datetime) -> ImportJob:
    if job.progress.phase != "done":
        return job
    if job.progress.is_dry_run:
        return replace(job, state=ImportState.CHECKED, fault=None)
    return replace(job, state=ImportState.FINISHED, fault=None, finished_at=now)


class _Step:
    """The statements of one step, in the order in which locks are taken."""

    def __init__(self, connection: Connection, order: MergeOrder, job: ImportJob, ids: IdSource) -> None:
        self._connection = connection
        self._order = order
        self._job = job
        self._ids = ids

    async def take(self) -> None:
        phase = self._job.progress.phase
        if phase == "settling":
            await self._settle()
        elif phase == "counting":
            await self._count()
        else:
            await self._merge()

    async def _survey(self, people: PeopleColumns) -> asyncpg.Record:
        """What merging these people would do."""
        order = self._order
        row = await self._connection.fetch_row(
            "survey_import",
            order.shop_id,
            people.slots,
            people.addresses,
            people.address_keys,
            people.consents,
            people.first_names,
            people.last_names,
            people.languages,
            people.tags,
            people.attributes,
            order.is_updating,
            order.tags,
            order.is_agreed,
            self._job.list_id,
        )
        assert row is not None  # an aggregate without GROUP BY
        return row

    async def _count(self) -> None:
        people, counts = self._order.people, self._job.counts
        survey = await self._survey(people)
        counts.new += survey["fresh"]
        counts.updated += survey["changed"]
        counts.unchanged += len(people) - survey["fresh"] - survey["changed"]
        counts.opted_out += survey["opted_out"]
        counts.consents += survey["agreeing"]
        self._job.progress.rows_done += len(people)

    async def _merge(self) -> None:
        order, job, counts = self._order, self._job, self._job.counts
        if order.from_slot == 0 and counts.new_fields:
            kinds = {name: AttributeKind[word.upper()] for name, word in counts.new_fields.items()}
            await add_contact_fields(self._connection, job.shop_id, kinds, order.now)
        if not len(order.people):
            return
        survey: asyncpg.Record | None = None
        if counts.unchanged + counts.updated > counts.new:
            # Most were known so far, so that nobody may be new here: 3 µs a person saved where that is so.
            survey = await self._survey(order.people)
        if survey is not None and not survey["fresh"]:
            listed = await self._merge_known(order.people, survey)
        else:
            known, listed = await self._add_new(order.people)
            if len(known):
                listed += await self._merge_known(known, await self._survey(known))
        if listed and job.list_id is not None:
            await self._connection.execute(
                "count_imported_members", job.shop_id, job.list_id, listed, order.now
            )
        job.progress.rows_done += len(order.people)

    async def _add_new(self, people: PeopleColumns) -> tuple[PeopleColumns, int]:
        """Bring in whom the shop does not know; those whom it knows come back, and how many are new."""
        counts = self._job.counts
        while True:
            places = await self._connection.fetch_value(
                "find_people_known_to_import", self._order.shop_id, people.slots, people.addresses
            )
            if len(places) == len(people):
                return people, 0
            fresh, known = people, PeopleColumns.nobody()
            if places:
                is_known = set(places)
                fresh = people.at([place for place in range(len(people)) if place not in is_known])
                known = people.at(places)
            await self._connection.raw.execute("SAVEPOINT before_people")
            try:
                row = await self._add(fresh)
            except asyncpg.UniqueViolationError:
                # Another hand added one of them since they were looked for; now the person is known.
                await self._connection.raw.execute("ROLLBACK TO SAVEPOINT before_people")
                continue
            counts.new += len(fresh)
            counts.consents += row["agreed"]
            counts.opted_out += row["opted_out"]
            return known, len(fresh)

    async def _add(self, fresh: PeopleColumns) -> asyncpg.Record:
        order, next_id = self._order, self._ids.next_id
        row = await self._connection.fetch_row(
            "add_import_contacts",
            order.shop_id,
            [next_id(slot) for slot in fresh.slots],
            [next_id(slot) for slot in fresh.slots] if order.is_agreed else [],
            fresh.slots,
            fresh.addresses,
            fresh.row_nos,
            fresh.consents,
            fresh.said_ats,
            fresh.address_keys,
            fresh.countries,
            fresh.first_names,
            fresh.last_names,
            fresh.languages,
            fresh.time_zones,
            fresh.tags,
            fresh.attributes,
            order.public_id,
            order.tags,
            order.is_agreed,
            order.consent_source or "",
            self._job.progress.wording_id,
            order.said_at or order.now,
            self._job.list_id,
            order.now,
        )
        assert row is not None  # an aggregate without GROUP BY
        return row

    async def _merge_known(self, known: PeopleColumns, survey: asyncpg.Record) -> int:
        """Write what is news of people whom the shop knows; returns how many were put on the list."""
        counts = self._job.counts
        changed = await self._renew(known) if survey["changed"] else 0
        counts.updated += changed
        counts.unchanged += len(known) - changed
        counts.opted_out += survey["opted_out"]
        counts.consents += await self._agree(known) if survey["agreeing"] else 0
        return await self._list(known) if survey["unlisted"] else 0

    async def _renew(self, known: PeopleColumns) -> int:
        order = self._order
        tag = await self._connection.execute(
            "renew_import_contacts",
            order.shop_id,
            known.slots,
            known.addresses,
            known.first_names,
            known.last_names,
            known.languages,
            known.tags,
            known.attributes,
            order.tags,
            order.now,
        )
        return _rows_of(tag)

    async def _agree(self, known: PeopleColumns) -> int:
        order = self._order
        rows = await self._connection.fetch(
            "agree_import_contacts",
            order.shop_id,
            known.slots,
            known.addresses,
            known.consents,
            known.row_nos,
            known.said_ats,
            known.address_keys,
            order.now,
        )
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
            self._job.progress.wording_id,
            order.now,
        )
        return len(rows)

    async def _list(self, known: PeopleColumns) -> int:
        return _rows_of(
            await self._connection.execute(
                "list_import_contacts",
                self._order.shop_id,
                known.slots,
                known.addresses,
                self._job.list_id,
                self._order.now,
            )
        )

    async def _settle(self) -> None:
        """Who opted out while people were merged, and was no contact yet, is out."""
        order, people = self._order, self._order.people
        began_at = self._job.progress.phase_started_at or self._job.created_at
        keys = await self._connection.fetch_value(
            "find_optouts_during_import",
            order.shop_id,
            order.from_slot,
            order.last_slot,
            began_at - _STOPS_AHEAD,
        )
        out = set(keys)
        touched = people.at([place for place, key in enumerate(people.address_keys) if key in out])
        if len(touched):
            await self._connection.execute(
                "settle_import_contacts",
                order.shop_id,
                touched.slots,
                touched.addresses,
                touched.address_keys,
                order.now,
            )


def _rows_of(tag: str) -> int:
    """The number at the end of a command tag, `UPDATE 3` or `INSERT 0 3`."""
    return int(tag.rpartition(" ")[2])

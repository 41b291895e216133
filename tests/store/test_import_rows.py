"""Steps of a merge, one by one: where it stands, and who opts out in its very moment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gateway.domain.identifiers import SLOT_COUNT, slot_of_address
from gateway.domain.people import OptoutWay, address_key
from gateway.store.import_rows import ImportWriter, MergeOrder, MergeOutcome, PeopleColumns, PersonRow
from gateway.store.imports import (
    ImportJob,
    ImportProgress,
    ImportState,
    add_import,
    get_import,
    save_import,
)
from gateway.store.optouts import Withdrawal, withdraw_people
from gateway.store.rollups import Tallies
from tests.store.rig import SHOP, Rig, open_rig, running

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
SECRET = b"0123456789abcdef"
ANNA, BELA = "33610000001", "33610000002"


def person(address: str, row_no: int) -> PersonRow:
    key = address_key(SECRET, address)
    slot = slot_of_address(address)
    return PersonRow(
        slot, address, row_no, 1, None, key, "FR", "Name", None, None, "Europe/Paris", None, "{}"
    )


def order(job: ImportJob, phase: str, *, from_slot: int = 0, last_slot: int = SLOT_COUNT - 1) -> MergeOrder:
    people = sorted([person(ANNA, 2), person(BELA, 3)])
    return MergeOrder(
        shop_id=job.shop_id,
        import_id=job.id,
        public_id="imp_1",
        phase=phase,
        from_slot=from_slot,
        last_slot=last_slot,
        people=PeopleColumns.of([each for each in people if from_slot <= each.slot <= last_slot]),
        is_updating=True,
        tags=["new"],
        consent_source="till",
        said_at=None,
        now=NOW,
    )


async def start_job(rig: Rig) -> ImportJob:
    """An import whose file was read."""
    job = ImportJob(
        shop_id=SHOP,
        id=rig.node.ids.next_id(0),
        list_id=None,
        state=ImportState.RUNNING,
        size_octets=1,
        created_at=NOW,
        updated_at=NOW,
        finished_at=None,
        created_by="uid 0",
        file_name="a.csv",
        progress=ImportProgress(phase="merging", phase_started_at=NOW),
    )
    await add_import(rig.database, job)
    async with rig.database.transaction() as connection:
        await save_import(connection, job, NOW)
    return job


@pytest.fixture
async def rig(database: str) -> AsyncIterator[Rig]:
    async with open_rig(database) as opened:
        yield opened


async def test_who_opts_out_in_the_moment_of_the_merge_is_out_at_its_end(rig: Rig) -> None:
    """The STOP finds no contact to mark, and the merge finds no STOP: neither has committed."""
    writer = ImportWriter(rig.dsn, rig.queries, rig.node.fence, rig.node.ids)
    job = await start_job(rig)
    async with running(writer.run):
        async with rig.database.transaction() as connection:
            stop = Withdrawal(SHOP, ANNA, OptoutWay.TEXT, "STOP", NOW)
            await withdraw_people(
                connection,
                [stop],
                ids=rig.node.ids,
                now=NOW,
                instance_secret=SECRET,
                tallies=Tallies(),
            )
            assert await writer.step(order(job, "merging")) is MergeOutcome.WENT_ON
        standing = "SELECT address, marketing_consent, suppressed FROM contact ORDER BY address"
        assert await rig.fetch(standing) == [(ANNA, 1, 0), (BELA, 1, 0)]
        assert await writer.step(order(job, "settling")) is MergeOutcome.WENT_ON
        assert await rig.fetch(standing) == [(ANNA, 2, 1), (BELA, 1, 0)]
    done = await get_import(rig.database, SHOP, job.id)
    assert done is not None
    assert done.state is ImportState.FINISHED


async def test_a_step_that_is_not_the_next_one_does_nothing(rig: Rig) -> None:
    writer = ImportWriter(rig.dsn, rig.queries, rig.node.fence, rig.node.ids)
    job = await start_job(rig)
    first = order(job, "merging", last_slot=slot_of_address(ANNA))
    async with running(writer.run):
        assert await writer.step(first) is MergeOutcome.WENT_ON
        before = await get_import(rig.database, SHOP, job.id)
        for stale in (first, order(job, "settling"), order(job, "merging", from_slot=200)):
            assert await writer.step(stale) is MergeOutcome.NOT_RUNNING
        assert await get_import(rig.database, SHOP, job.id) == before


async def test_two_imports_of_one_person_at_once_make_one_contact(rig: Rig) -> None:
    writers = [ImportWriter(rig.dsn, rig.queries, rig.node.fence, rig.node.ids) for _ in range(2)]
    jobs = [await start_job(rig) for _ in writers]
    async with running(*(writer.run for writer in writers)):
        steps = [writer.step(order(job, "merging")) for writer, job in zip(writers, jobs, strict=True)]
        assert await asyncio.gather(*steps) == [MergeOutcome.WENT_ON] * 2
    found = [await get_import(rig.database, SHOP, job.id) for job in jobs]
    counts = [job.counts for job in found if job is not None]
    assert sorted((each.new, each.unchanged, each.consents) for each in counts) == [(0, 2, 0), (2, 0, 2)]
    for table in ("contact", "consent"):
        assert await rig.value(f"SELECT count(*) FROM {table}") == 2

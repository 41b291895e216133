"""One import taken further: its file read, its people counted or merged, its end noted.

Owns what a step is and what its outcome means. Every step begins from the import as stored and ends in one
transaction under the node's fence, so that whoever goes on after a crash needs to know nothing else.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.process import read_apart
from gateway.audience.importing.reading import ReadingOrder, ReadingProgress, ReadingReport
from gateway.audience.importing.settings import ImportSettings
from gateway.audience.importing.sniffing import Look
from gateway.audience.importing.staged_file import StagedFileGone, read_block
from gateway.domain.identifiers import IdSource
from gateway.domain.public_ids import encode_public_id
from gateway.store.contact_fields import list_contact_fields
from gateway.store.database import Connection, Database
from gateway.store.errors import LeaseLost, StoreUnavailable
from gateway.store.fence import Fence
from gateway.store.import_rows import ImportWriter, MergeOrder, MergeOutcome
from gateway.store.imports import (
    ImportCounts,
    ImportJob,
    ImportProgress,
    ImportState,
    lock_import,
    replace_import_faults,
    save_import,
)

_MOST_TRIES: Final = 3
_READ_PHASES: Final = frozenset(("waiting", "reading"))


@dataclass(frozen=True, slots=True)
class EngineDeps:
    """What imports are worked on with."""

    database: Database
    fence: Fence
    ids: IdSource
    files: ImportFiles
    instance_secret: bytes
    clock: Callable[[], datetime]


class ImportSteps:
    """Takes imports of this node further, step by step."""

    def __init__(self, deps: EngineDeps) -> None:
        self._deps = deps
        self._database = deps.database
        self._clock = deps.clock
        self._writer = ImportWriter(deps.database.dsn, deps.database.queries, deps.fence, deps.ids)

    async def run(self) -> None:
        """Write what the steps merge, until cancelled. Raises `LeaseLost`."""
        await self._writer.run()

    async def take(self, job: ImportJob) -> None:
        """Read the file, or merge the next people. Raises `StoreUnavailable`: try it again then."""
        if job.progress.phase in _READ_PHASES:
            await self._read(job)
        else:
            await self._merge(job)

    async def fail(self, job: ImportJob, fault: str, *, counts: ImportCounts | None = None) -> None:
        """End an import that cannot go on; whom it brought in stays."""
        async with self._hold(job) as (connection, held):
            if held is not None:
                now = self._clock()
                failed = replace(
                    held,
                    state=ImportState.FAILED,
                    fault=fault,
                    finished_at=now,
                    progress=ImportProgress(phase="done", is_staged=held.progress.is_staged),
                    counts=counts or held.counts,
                )
                await save_import(connection, failed, now)

    @asynccontextmanager
    async def _hold(self, job: ImportJob) -> AsyncIterator[tuple[Connection, ImportJob | None]]:
        """The import as it stands, held until the context ends; None when it is no longer running."""
        fence = self._deps.fence
        async with self._database.transaction() as connection:
            lease = await connection.fetch_row("check_fence", fence.node_no, fence.epoch)
            if lease is None:
                raise LeaseLost(fence.node_no, fence.epoch)
            if not lease["is_live"]:
                raise StoreUnavailable("the lease of this node is not renewed")
            held = await lock_import(connection, job.shop_id, job.id)
            yield connection, held if held is not None and held.state is ImportState.RUNNING else None

    # Reading.

    async def _read(self, job: ImportJob) -> None:
        files = self._deps.files
        if not files.holds(job.id):
            await self.fail(job, "The uploaded file is gone; upload it again.")
            return
        look = msgspec.json.decode(job.detected, type=Look)
        settings = msgspec.json.decode(job.settings, type=ImportSettings)
        known = await list_contact_fields(self._database, job.shop_id)
        order = ReadingOrder(
            instance_secret=self._deps.instance_secret,
            path=str(files.path_of(job.id)),
            staged_path=str(files.staged_path_of(job.id)),
            settings=settings,
            detected=look.detected,
            known_fields={field.name: int(field.kind) for field in known},
        )
        began_at = self._clock()

        async def note(word: ReadingProgress) -> None:
            with contextlib.suppress(StoreUnavailable):  # the report is what must arrive
                await self._note_progress(job, word, began_at)

        report = await read_apart(order, note)
        if report is None:
            await self._note_crash(job)
        else:
            await self._note_report(job, report, settings.reading_part())

    async def _note_progress(self, job: ImportJob, word: ReadingProgress, began_at: datetime) -> None:
        async with self._hold(job) as (connection, held):
            if held is None or held.progress.phase not in _READ_PHASES:
                return
            progress = held.progress
            progress.phase, progress.is_staged, progress.phase_started_at = "reading", True, began_at
            progress.rows_done, progress.rows_total = word.rows_done, word.rows_total
            await save_import(connection, held, self._clock())

    async def _note_report(self, job: ImportJob, report: ReadingReport, read_with: str) -> None:
        """Keep the faults and go on to people, or end here."""
        counts = ImportCounts(
            rows=report.rows,
            refused=report.refused,
            duplicates=report.duplicates,
            by_reason=report.by_reason,
            new_fields=report.new_fields,
        )
        async with self._hold(job) as (connection, held):
            if held is None or held.progress.phase not in _READ_PHASES:
                return
            await replace_import_faults(connection, job.shop_id, job.id, report.faults)
            if report.fault is None:
                progress = held.progress
                progress.phase = "counting" if progress.is_dry_run else "merging"
                progress.is_staged, progress.read_with = True, read_with
                progress.rows_done = 0
                progress.rows_total = counts.rows - counts.refused - counts.duplicates
                progress.phase_started_at = self._clock()
                await save_import(connection, replace(held, counts=counts), self._clock())
        if report.fault is not None:
            await self.fail(job, report.fault, counts=counts)

    async def _note_crash(self, job: ImportJob) -> None:
        """A reader that ended without a word is tried again, for it may have been killed by hand; a file that
        ends each one is refused."""
        async with self._hold(job) as (connection, held):
            if held is None or held.progress.phase not in _READ_PHASES:
                return
            held.progress.tries += 1
            await save_import(connection, held, self._clock())
        if held.progress.tries >= _MOST_TRIES:
            await self.fail(
                job, "The file could not be read within the memory that it may take; save it as CSV."
            )

    # Merging.

    async def _merge(self, job: ImportJob) -> None:
        from_slot = job.progress.next_slot
        try:
            path = self._deps.files.staged_path_of(job.id)
            people, last_slot = await asyncio.to_thread(read_block, path, from_slot)
        except StagedFileGone:
            await self.fail(job, "What was read of the file is gone; start the import again.")
            return
        settings = msgspec.json.decode(job.settings, type=ImportSettings)
        consent = settings.consent if settings.is_opting_in else None
        outcome = await self._writer.step(
            MergeOrder(
                shop_id=job.shop_id,
                import_id=job.id,
                public_id=encode_public_id("imp", job.id),
                phase=job.progress.phase,
                from_slot=from_slot,
                last_slot=last_slot,
                people=people,
                is_updating=settings.on_known == "update",
                tags=settings.tags,
                consent_source=None if consent is None else consent.source,
                said_at=None if consent is None else consent.said_at,
                now=self._clock(),
            )
        )
        if outcome is MergeOutcome.LIST_GONE:
            await self.fail(job, "The list was deleted while people were put on it; the rest was left out.")
        elif outcome is MergeOutcome.REFUSED:
            await self.fail(job, "The database refused a value of the file, which the log names.")

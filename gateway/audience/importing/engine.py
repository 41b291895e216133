"""Imports at work on this node: which may run, reading and merging them, and clearing up after them.

Owns the order of work; everything it knows stands in the database, so that a restart goes on where the last
process was. A node works on the imports whose file it was given: their number tells (`node_of_id`).
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.process import EXIT_STORE_AWAY, read_apart
from gateway.audience.importing.reading import ReadingOrder
from gateway.audience.importing.settings import ImportSettings
from gateway.audience.importing.sniffing import Look
from gateway.config import ImportsConfig
from gateway.domain.identifiers import SLOT_COUNT, IdSource, node_of_id
from gateway.domain.public_ids import encode_public_id
from gateway.store.contact_fields import list_contact_fields
from gateway.store.database import Database
from gateway.store.errors import LeaseLost, StoreError, StoreUnavailable
from gateway.store.import_rows import ImportWriter, MergeOrder, MergeOutcome, clear_staging
from gateway.store.imports import (
    AT_REST,
    ImportJob,
    ImportProgress,
    ImportState,
    forget_import_faults,
    forget_upload_tickets,
    get_import,
    list_imports_at_work,
    list_imports_to_forget,
    list_imports_with_leftovers,
    lock_import,
    save_import,
)
from gateway.store.writer import Fence

log = structlog.get_logger("audience")

_LOOK_SECONDS: Final = 1.0
_AT_ONCE: Final = 2
"""Reading takes a core; the other one is for messages."""
_MOST_TRIES: Final = 3
_AWAY_PAUSE_SECONDS: Final = 1.0
_TIDY_SECONDS: Final = 600.0
_READ_PHASES: Final = frozenset(("waiting", "reading"))


@dataclass(frozen=True, slots=True)
class EngineDeps:
    """What the engine works with."""

    database: Database
    fence: Fence
    ids: IdSource
    files: ImportFiles
    instance_secret: bytes
    clock: Callable[[], datetime]


class ImportEngine:
    """Runs the imports of one node until cancelled. `config` may be swapped."""

    def __init__(self, deps: EngineDeps, config: ImportsConfig) -> None:
        self.config = config
        self._deps = deps
        self._database = deps.database
        self._clock = deps.clock
        self._writer = ImportWriter(deps.database.dsn, deps.database.queries, deps.fence, deps.ids)
        self._at_work: dict[int, tuple[int, asyncio.Task[None]]] = {}
        """By import: its shop, and who works on it."""
        self._woken = asyncio.Event()
        self._untidy = asyncio.Event()

    def wake(self) -> None:
        """An import was started or cancelled: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled. Raises `LeaseLost`: then the process must stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._writer.run())
            tasks.create_task(self._tidy_now_and_then())
            while True:
                await self._look(tasks)
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._woken.wait()
                except TimeoutError:
                    continue
                self._woken.clear()

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Begin what may begin, end what was cancelled."""
        try:
            jobs = await list_imports_at_work(self._database)
        except StoreUnavailable:
            return
        running = {job.id for job in jobs}
        for import_id, (_, task) in list(self._at_work.items()):
            if task.done():
                del self._at_work[import_id]
            elif import_id not in running:
                task.cancel()
        for job in jobs:
            if len(self._at_work) >= _AT_ONCE:
                return
            is_ours = node_of_id(job.id) == self._deps.fence.node_no
            shops = {shop_id for shop_id, _ in self._at_work.values()}
            if is_ours and job.id not in self._at_work and job.shop_id not in shops:
                self._at_work[job.id] = (job.shop_id, tasks.create_task(self._see_through(job)))

    async def _see_through(self, job: ImportJob) -> None:
        """Take one import to its end. A fault of ours ends the import and not the node."""
        public_id = encode_public_id("imp", job.id)
        log.info("import.began", import_id=public_id, shop=job.shop_id, phase=job.progress.phase)
        current: ImportJob | None = job
        try:
            while current is not None and current.state is ImportState.RUNNING:
                try:
                    await self._take_step(current)
                except StoreUnavailable as exc:
                    log.warning("import.waiting", import_id=public_id, fault=str(exc))
                    await asyncio.sleep(_AWAY_PAUSE_SECONDS)
                current = await self._reread(job)
        except (LeaseLost, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("import.failed_unforeseen", import_id=public_id)
            await self._fail(job, "The server made a mistake, which it has logged; tell the operator.")
        finally:
            self._untidy.set()
        self.wake()
        log.info("import.ended", import_id=public_id, state=current.state.word if current else "gone")

    async def _reread(self, job: ImportJob) -> ImportJob | None:
        while True:
            try:
                return await get_import(self._database, job.shop_id, job.id)
            except StoreUnavailable:
                await asyncio.sleep(_AWAY_PAUSE_SECONDS)

    async def _take_step(self, job: ImportJob) -> None:
        if job.progress.phase in _READ_PHASES:
            await self._read(job)
            return
        settings = msgspec.json.decode(job.settings, type=ImportSettings)
        consent = settings.consent if settings.is_opting_in else None
        outcome = await self._writer.step(
            MergeOrder(
                shop_id=job.shop_id,
                import_id=job.id,
                public_id=encode_public_id("imp", job.id),
                from_slot=job.progress.next_slot,
                is_updating=settings.on_known == "update",
                tags=settings.tags,
                consent_source=None if consent is None else consent.source,
                said_at=None if consent is None else consent.said_at,
                now=self._clock(),
            )
        )
        if outcome is MergeOutcome.LIST_GONE:
            await self._fail(job, "The list was deleted while people were put on it; the rest was left out.")
        elif outcome is MergeOutcome.REFUSED:
            await self._fail(job, "The database refused a value of the file, which the log names.")

    async def _read(self, job: ImportJob) -> None:
        if not self._deps.files.holds(job.id):
            await self._fail(job, "The uploaded file is gone; upload it again.")
            return
        look = msgspec.json.decode(job.detected, type=Look)
        known = await list_contact_fields(self._database, job.shop_id)
        order = ReadingOrder(
            dsn=self._database.dsn,
            instance_secret=self._deps.instance_secret,
            node_no=self._deps.fence.node_no,
            epoch=self._deps.fence.epoch,
            shop_id=job.shop_id,
            import_id=job.id,
            path=str(self._deps.files.path_of(job.id)),
            settings=msgspec.json.decode(job.settings, type=ImportSettings),
            detected=look.detected,
            known_fields={field.name: int(field.kind) for field in known},
            is_dry_run=job.progress.is_dry_run,
            wording_id=job.progress.wording_id,
        )
        status = await read_apart(order)
        if status == EXIT_STORE_AWAY:
            raise StoreUnavailable("the reading process lost it")
        if status != 0:
            await self._note_crash(job)

    async def _note_crash(self, job: ImportJob) -> None:
        """A reader that ended without a word is tried again, for it may have been killed by hand; a file that
        ends each one is refused."""
        async with self._database.transaction() as connection:
            held = await lock_import(connection, job.shop_id, job.id)
            if (
                held is None
                or held.state is not ImportState.RUNNING
                or held.progress.phase not in _READ_PHASES
            ):
                return
            held.progress.tries = job.progress.tries + 1
            await save_import(connection, held, self._clock())
        if held.progress.tries >= _MOST_TRIES:
            await self._fail(
                job, "The file could not be read within the memory that it may take; save it as CSV."
            )

    async def _fail(self, job: ImportJob, fault: str) -> None:
        async with self._database.transaction() as connection:
            held = await lock_import(connection, job.shop_id, job.id)
            if held is not None and held.state is ImportState.RUNNING:
                progress = ImportProgress(phase="done", is_staged=held.progress.is_staged)
                now = self._clock()
                failed = replace(
                    held, state=ImportState.FAILED, fault=fault, finished_at=now, progress=progress
                )
                await save_import(connection, failed, now)

    # Clearing up.

    async def _tidy_now_and_then(self) -> None:
        while True:
            try:
                await self._clear_leftovers()
                await self._forget()
            except StoreError as exc:
                if isinstance(exc, LeaseLost):
                    raise
                log.warning("import.not_tidied", fault=str(exc))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIDY_SECONDS):
                    await self._untidy.wait()
            self._untidy.clear()

    async def _clear_leftovers(self) -> None:
        """Drop staged rows that no import needs any more."""
        left_alone_before = self._clock() - timedelta(hours=self.config.kept_hours)
        for job in await list_imports_with_leftovers(self._database, left_alone_before):
            slot = 0
            while slot < SLOT_COUNT:
                async with self._database.transaction() as connection:
                    held = await lock_import(connection, job.shop_id, job.id)
                    if held is None or held.state not in AT_REST or not held.progress.is_staged:
                        break
                    slot = await clear_staging(connection, held, first_slot=slot)
                    if slot == SLOT_COUNT:
                        held.progress.is_staged = False
                        held.progress.read_with = ""
                        await save_import(connection, held, held.updated_at)

    async def _forget(self) -> None:
        """Files, first rows and faults hold what people wrote: they go when their time is over."""
        now = self._clock()
        before = now - timedelta(hours=self.config.kept_hours)
        await forget_upload_tickets(self._database, before)
        for job in await list_imports_to_forget(self._database, before):
            self._deps.files.remove(job.id)
            async with self._database.transaction() as connection:
                held = await lock_import(connection, job.shop_id, job.id)
                if held is None or held.state not in AT_REST:
                    continue
                await forget_import_faults(connection, job.shop_id, job.id)
                await save_import(connection, _forgotten(held, now), now)
        await asyncio.to_thread(self._deps.files.remove_older_than, 2 * 3600.0 * self.config.kept_hours)


def _forgotten(job: ImportJob, now: datetime) -> ImportJob:
    look = msgspec.json.decode(job.detected, type=Look)
    job.progress.is_forgotten = True
    job = replace(job, detected=msgspec.json.encode(Look(look.detected, [])).decode())
    if job.state in (ImportState.UPLOADED, ImportState.CHECKED):
        fault = "It was not started in time, and the file was removed; upload it again."
        job = replace(job, state=ImportState.CANCELLED, fault=fault, finished_at=now)
    return job

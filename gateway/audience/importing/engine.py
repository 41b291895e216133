"""Imports at work on this node: which may run, seeing them through, and clearing up after them.

Owns the order of work; everything it knows stands in the database, so that a restart goes on where the last
process was. A node works on the imports whose file it was given: their number tells (`node_of_id`).
"""

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from gateway.audience.importing.sniffing import Look
from gateway.audience.importing.steps import EngineDeps, ImportSteps
from gateway.config import ImportsConfig
from gateway.domain.identifiers import node_of_id
from gateway.domain.public_ids import encode_public_id
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.errors import LeaseLost, StoreError, StoreUnavailable
from gateway.store.imports import (
    AT_REST,
    ImportJob,
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

log = structlog.get_logger("audience")

_LOOK_SECONDS: Final = 1.0
_AT_ONCE: Final = 2
"""Reading takes a core; the other one is for messages."""
_AWAY_PAUSE_SECONDS: Final = 1.0
_TIDY_SECONDS: Final = 600.0


class ImportEngine:
    """Runs the imports of one node until cancelled. `config` may be swapped."""

    def __init__(
        self, deps: EngineDeps, config: ImportsConfig, *, has_imports: HasWork = has_perhaps
    ) -> None:
        self.config = config
        self._deps = deps
        self._database = deps.database
        self._clock = deps.clock
        self._has_imports = has_imports
        self._steps = ImportSteps(deps)
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
            tasks.create_task(self._steps.run())
            tasks.create_task(self._tidy_now_and_then())
            while True:
                await self._look(tasks)
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._woken.wait()
                except TimeoutError:
                    pass

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Begin what may begin, end what was cancelled."""
        is_woken = self._woken.is_set()
        self._woken.clear()
        try:
            if not (is_woken or self._at_work or await self._has_imports()):
                return
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
                    await self._steps.take(current)
                except StoreUnavailable as exc:
                    log.warning("import.waiting", import_id=public_id, fault=str(exc))
                    await asyncio.sleep(_AWAY_PAUSE_SECONDS)
                current = await self._reread(job)
        except (LeaseLost, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("import.failed_unforeseen", import_id=public_id)
            await self._end_by_mistake(job)
        finally:
            self._untidy.set()
        self.wake()
        log.info("import.ended", import_id=public_id, state=current.state.word if current else "gone")

    async def _end_by_mistake(self, job: ImportJob) -> None:
        while True:
            try:
                await self._steps.fail(
                    job, "The server made a mistake, which it has logged; tell the operator."
                )
            except StoreUnavailable:
                await asyncio.sleep(_AWAY_PAUSE_SECONDS)
            else:
                return

    async def _reread(self, job: ImportJob) -> ImportJob | None:
        while True:
            try:
                return await get_import(self._database, job.shop_id, job.id)
            except StoreUnavailable:
                await asyncio.sleep(_AWAY_PAUSE_SECONDS)

    # Clearing up.

    async def _tidy_now_and_then(self) -> None:
        while True:
            try:
                await self._clear_leftovers()
                await self._forget()
            except LeaseLost:
                raise
            except (StoreError, OSError) as exc:
                log.warning("import.not_tidied", fault=str(exc))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TIDY_SECONDS):
                    await self._untidy.wait()
            self._untidy.clear()

    async def _clear_leftovers(self) -> None:
        """Remove what was read of files and no import needs any more."""
        left_alone_before = self._clock() - timedelta(hours=self.config.kept_hours)
        for job in await list_imports_with_leftovers(self._database, left_alone_before):
            if node_of_id(job.id) != self._deps.fence.node_no:
                continue
            async with self._database.transaction() as connection:
                held = await lock_import(connection, job.shop_id, job.id)
                if held is None or held.state not in AT_REST or not held.progress.is_staged:
                    continue
                self._deps.files.remove_staged(job.id)
                held.progress.is_staged = False
                held.progress.read_with = ""
                await save_import(connection, held, held.updated_at)

    async def _forget(self) -> None:
        """Files, first rows and faults hold what people wrote: they go when their time is over."""
        now = self._clock()
        before = now - timedelta(hours=self.config.kept_hours)
        await forget_upload_tickets(self._database, before)
        for job in await list_imports_to_forget(self._database, before):
            async with self._database.transaction() as connection:
                held = await lock_import(connection, job.shop_id, job.id)
                if held is None or held.state not in AT_REST:
                    continue  # started in the last instant
                self._deps.files.remove(job.id)
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

"""Imports on a real Postgres, wired as the node wires them, and files to feed them."""

import asyncio
import csv
import io
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.audience.importing.engine import ImportEngine
from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.service import Imports
from gateway.audience.importing.settings import ImportSettings
from gateway.audience.importing.steps import EngineDeps
from gateway.config import ImportsConfig
from gateway.store.imports import ImportJob, ImportState
from gateway.store.shops import NewShop, Shop, create_shop, find_shop_by_name
from tests.store.rig import Rig, open_rig

SECRET = b"0123456789abcdef"


def clock() -> datetime:
    return datetime.now(UTC)


def write_csv(rows: Iterable[Sequence[str]], *, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def number_of(place: int) -> str:
    """A French mobile number, each place its own."""
    return f"+336{10_000_000 + place:08}"


@dataclass(slots=True)
class Importer:
    """A running engine, the verbs, and a shop whose lists are brought in."""

    rig: Rig
    engine: ImportEngine
    imports: Imports
    files: ImportFiles
    shop: Shop
    work: asyncio.Task[None]

    async def upload(self, octets: bytes, name: str = "people.csv") -> ImportJob:
        return await self.imports.upload(self.shop, "uid 0", name, _chunks(octets))

    async def end_of(self, import_id: int, *, seconds: float = 30.0) -> ImportJob:
        """The import once it is at rest."""
        async with asyncio.timeout(seconds):
            while True:
                job = await self.imports.get(self.shop, import_id)
                if job.state is not ImportState.RUNNING:
                    return job
                if self.work.done():
                    self.work.result()
                await asyncio.sleep(0.02)

    async def bring_in(self, octets: bytes, **settings: Any) -> ImportJob:
        """Upload, start, and wait for the end."""
        job = await self.upload(octets)
        await self.imports.start(self.shop, "uid 0", job.id, ImportSettings(**settings))
        return await self.end_of(job.id)

    async def check(self, octets: bytes, **settings: Any) -> ImportJob:
        job = await self.upload(octets)
        await self.imports.check(self.shop, "uid 0", job.id, ImportSettings(**settings))
        return await self.end_of(job.id)


async def _chunks(octets: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), 65_536):
        yield octets[start : start + 65_536]


@asynccontextmanager
async def open_importer(dsn: str, folder: Path, *, shop_name: str = "boutique") -> AsyncIterator[Importer]:
    """The engine runs while the context is entered; opened anew on the same database it is a restart."""
    async with open_rig(dsn) as rig, importer_on(rig, folder, shop_name=shop_name) as importer:
        yield importer


@asynccontextmanager
async def importer_on(rig: Rig, folder: Path, *, shop_name: str = "boutique") -> AsyncIterator[Importer]:
    files = ImportFiles(folder / "imports")
    config = ImportsConfig()
    engine = ImportEngine(
        EngineDeps(rig.database, rig.node.fence, rig.node.ids, files, SECRET, clock), config
    )
    imports = Imports(
        rig.database,
        files,
        config,
        ids=rig.node.ids,
        clock=clock,
        random_octets=os.urandom,
        wake_engine=engine.wake,
    )
    new = NewShop(shop_name, "FR", "EUR", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    shop = await create_shop(rig.database, new, clock())
    if shop is None:
        shop = await find_shop_by_name(rig.database, shop_name)
    assert shop is not None
    work = asyncio.create_task(engine.run())
    keep = asyncio.create_task(rig.node.keep())
    try:
        yield Importer(rig, engine, imports, files, shop, work)
        if work.done():
            work.result()
    finally:
        for task in (work, keep):
            task.cancel()
        await asyncio.gather(work, keep, return_exceptions=True)

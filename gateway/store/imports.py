"""Imports of a shop: the rows of `import_job`, their faults, and the tickets of upload pages.

Owns the states, and what an import counts and how far it came, as stored. What the settings say is the
importing room's; here they are JSON text. How people are merged is in `import_rows`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

import asyncpg
import msgspec

from gateway.domain.identifiers import HIGHEST_ID
from gateway.store.database import Connection, Database


class ImportState(IntEnum):
    """Stored; never renumber."""

    UPLOADED = 1
    CHECKED = 2
    RUNNING = 3
    FINISHED = 4
    CANCELLED = 5
    FAILED = 6

    @property
    def word(self) -> str:
        return self.name.lower()


AT_REST = frozenset(ImportState) - {ImportState.RUNNING}
_FAULT_COLUMNS = ("shop_id", "import_id", "row_no", "reason", "detail")


class ImportCounts(msgspec.Struct, kw_only=True):
    """What an import found. `rows` are the rows of the file without its heading and empty lines."""

    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    """Earlier rows for a person whose last row counts."""
    refused: int = 0
    opted_out: int = 0
    """Brought in, or known, and kept from marketing all the same."""
    consents: int = 0
    """People of whom an agreement was recorded."""
    by_reason: dict[str, int] = msgspec.field(default_factory=dict)
    new_fields: dict[str, str] = msgspec.field(default_factory=dict)
    """Fields that the file brings, with their kind in a word."""


class ImportProgress(msgspec.Struct, kw_only=True):
    """How far an import came; what a restart goes on from.

    `phase`: idle, waiting, reading, counting, merging, settling, done. Slots below `next_slot` are done in
    this phase. `read_with` is the part of the settings that its people were read with.
    """

    phase: str = "idle"
    is_dry_run: bool = False
    is_staged: bool = False
    """What was read of its file may lie in the state folder."""
    is_forgotten: bool = False
    next_slot: int = 0
    rows_done: int = 0
    rows_total: int | None = None
    phase_started_at: datetime | None = None
    read_with: str = ""
    wording_id: int | None = None
    tries: int = 0
    """Readings that ended without a word."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One import; `settings` and `detected` are JSON as text."""

    shop_id: int
    id: int
    list_id: int | None
    state: ImportState
    size_octets: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    created_by: str
    file_name: str
    fault: str | None = None
    settings: str = "{}"
    detected: str = "{}"
    counts: ImportCounts = field(default_factory=ImportCounts)
    progress: ImportProgress = field(default_factory=ImportProgress)


class FaultRow(NamedTuple):
    """A row of the file that was refused, and why."""

    row_no: int
    reason: str
    detail: str


class Ticket(NamedTuple):
    """An upload page that may be used once."""

    shop_id: int
    expires_at: datetime
    created_by: str


_read_counts = msgspec.json.Decoder(ImportCounts).decode
_read_progress = msgspec.json.Decoder(ImportProgress).decode


def _job(row: asyncpg.Record) -> ImportJob:
    values = dict(row)
    values["state"] = ImportState(values["state"])
    values["counts"] = _read_counts(values["counts"])
    values["progress"] = _read_progress(values["progress"])
    return ImportJob(**values)


async def add_import(database: Database, job: ImportJob) -> None:
    """A new file of a shop, in state uploaded."""
    await database.execute(
        "add_import",
        job.shop_id,
        job.id,
        job.size_octets,
        job.created_at,
        job.created_by,
        job.file_name,
        job.detected,
    )


async def list_imports(
    database: Database, shop_id: int, *, before_id: int | None, most: int
) -> list[ImportJob]:
    """The newest first."""
    rows = await database.fetch("list_imports", shop_id, before_id or HIGHEST_ID, most)
    return [_job(row) for row in rows]


async def get_import(database: Database | Connection, shop_id: int, import_id: int) -> ImportJob | None:
    row = await database.fetch_row("get_import", shop_id, import_id)
    return None if row is None else _job(row)


async def lock_import(connection: Connection, shop_id: int, import_id: int) -> ImportJob | None:
    """The import, held until the transaction ends."""
    row = await connection.fetch_row("lock_import", shop_id, import_id)
    return None if row is None else _job(row)


async def save_import(connection: Connection, job: ImportJob, now: datetime) -> ImportJob:
    """Store what may change of an import that the caller holds."""
    await connection.execute(
        "save_import",
        job.shop_id,
        job.id,
        job.state,
        job.list_id,
        job.settings,
        job.detected,
        msgspec.json.encode(job.counts).decode(),
        msgspec.json.encode(job.progress).decode(),
        job.fault,
        job.finished_at,
        now,
    )
    return replace(job, updated_at=now)


async def list_imports_at_work(database: Database) -> list[ImportJob]:
    return [_job(row) for row in await database.fetch("list_imports_at_work")]


async def list_imports_with_leftovers(database: Database, left_alone_before: datetime) -> list[ImportJob]:
    """Imports at rest whose staged rows can go."""
    return [_job(row) for row in await database.fetch("list_imports_with_leftovers", left_alone_before)]


async def list_imports_to_forget(database: Database, before: datetime) -> list[ImportJob]:
    """Imports at rest since before a moment that still hold what people wrote."""
    forgotten = '{"is_forgotten": true}'
    return [_job(row) for row in await database.fetch("list_imports_to_forget", before, forgotten)]


async def list_import_faults(
    database: Database, shop_id: int, import_id: int, *, after_row: int, most: int
) -> list[FaultRow]:
    rows = await database.fetch("list_import_faults", shop_id, import_id, after_row, most)
    return [FaultRow(row["row_no"], row["reason"], row["detail"]) for row in rows]


async def replace_import_faults(
    connection: Connection, shop_id: int, import_id: int, faults: Sequence[FaultRow]
) -> None:
    await forget_import_faults(connection, shop_id, import_id)
    await connection.copy("import_fault", _FAULT_COLUMNS, [(shop_id, import_id, *fault) for fault in faults])


async def forget_import_faults(connection: Connection, shop_id: int, import_id: int) -> None:
    await connection.execute("forget_import_faults", shop_id, import_id)


async def find_list_for_import(connection: Connection, shop_id: int, list_id: int) -> bool:
    """Whether the shop has this list; it is not deleted before the transaction ends."""
    return await connection.fetch_row("find_list_for_import", shop_id, list_id) is not None


async def add_list_for_import(
    connection: Connection, shop_id: int, list_id: int, name: str, now: datetime
) -> bool:
    """False when the shop has a list of this name."""
    return await connection.fetch_row("add_list_for_import", shop_id, list_id, name, now) is not None


async def keep_wording(
    connection: Connection, shop_id: int, *, fresh_id: int, wording: str, now: datetime
) -> int:
    """The id under which the words are kept: `fresh_id`, or an older one."""
    digest = sha256(wording.encode()).digest()
    await connection.execute("add_wordings", shop_id, [fresh_id], [digest], [wording], now)
    rows = await connection.fetch("find_wordings", shop_id, [digest])
    kept_id: int = rows[0]["id"]
    return kept_id


async def add_upload_ticket(
    database: Database, token_sha256: bytes, ticket: Ticket, *, now: datetime
) -> None:
    await database.execute(
        "add_upload_ticket", token_sha256, ticket.shop_id, now, ticket.expires_at, ticket.created_by
    )


async def find_upload_ticket(database: Database, token_sha256: bytes, now: datetime) -> Ticket | None:
    """None for a ticket that is unknown, used or expired."""
    row = await database.fetch_row("find_upload_ticket", token_sha256, now)
    return None if row is None else Ticket(row["shop_id"], row["expires_at"], row["created_by"])


async def use_upload_ticket(database: Database, token_sha256: bytes, now: datetime) -> bool:
    """Spend a ticket; False when it cannot be."""
    return await database.fetch_row("use_upload_ticket", token_sha256, now) is not None


async def settle_upload_ticket(database: Database, token_sha256: bytes, import_id: int | None) -> None:
    """Note what came of a spent ticket; None makes it good again."""
    await database.execute("settle_upload_ticket", token_sha256, import_id)


async def forget_upload_tickets(database: Database, before: datetime) -> None:
    await database.execute("forget_upload_tickets", before)

"""What people do with imports: upload, check, start, cancel, look, and hand out an upload page.

Owns what is possible in which state. The work itself is the engine's; it hears of news by `wake`.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.audience.importing.errors import BrokenFile, ImportRefused
from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.process import look_apart
from gateway.audience.importing.settings import ImportSettings, check_settings, complete
from gateway.audience.importing.sniffing import Look
from gateway.config import ImportsConfig
from gateway.domain.identifiers import IdSource, node_of_id
from gateway.domain.public_ids import InvalidPublicId, decode_public_id, encode_public_id
from gateway.store.audit import AuditNote, add_audit
from gateway.store.database import Connection, Database
from gateway.store.imports import (
    ImportCounts,
    ImportJob,
    ImportProgress,
    ImportState,
    Ticket,
    add_import,
    add_list_for_import,
    add_upload_ticket,
    find_list_for_import,
    find_upload_ticket,
    get_import,
    keep_wording,
    lock_import,
    save_import,
    settle_upload_ticket,
    use_upload_ticket,
)
from gateway.store.shops import Shop, find_shop

TICKET_MINUTES: Final = 15
TOKEN_OCTETS: Final = 18
"""144 bits, 24 characters of an address."""
_SHOP_SLOT: Final = 0
"""Imports and lists belong to no one recipient."""
_STARTABLE: Final = frozenset((ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED))
_LONGEST_FILE_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """A token for one upload page; only its hash is kept."""

    token: str
    expires_at: datetime


class Imports:
    """The verbs of imports. `config` may be swapped."""

    def __init__(
        self,
        database: Database,
        files: ImportFiles,
        config: ImportsConfig,
        *,
        ids: IdSource,
        clock: Callable[[], datetime],
        random_octets: Callable[[int], bytes],
        wake_engine: Callable[[], None],
        find_absent_node: Callable[[int], str | None] = lambda node_no: None,
    ) -> None:
        """`find_absent_node` names the node of a number if it is not there now."""
        self.config = config
        self._find_absent_node = find_absent_node
        self._database = database
        self._files = files
        self._ids = ids
        self._clock = clock
        self._random_octets = random_octets
        self._wake_engine = wake_engine

    async def upload(self, shop: Shop, actor: str, file_name: str, chunks: AsyncIterable[bytes]) -> ImportJob:
        """Keep a file and look at it. Raises `ImportRefused` for one that is too large or no table; it leaves
        nothing then."""
        import_id = self._ids.next_id(_SHOP_SLOT)
        size = await self._files.write(import_id, chunks, most_octets=self.config.max_file_octets)
        try:
            look = await look_apart(self._files.path_of(import_id))
            now = self._clock()
            job = ImportJob(
                shop_id=shop.id,
                id=import_id,
                list_id=None,
                state=ImportState.UPLOADED,
                size_octets=size,
                created_at=now,
                updated_at=now,
                finished_at=None,
                created_by=actor,
                file_name=_clean_file_name(file_name),
                detected=msgspec.json.encode(look).decode(),
            )
            await add_import(self._database, job)
        except BrokenFile as exc:
            self._files.remove(import_id)
            sentence = str(exc)
            raise ImportRefused(
                "file_refused", sentence[0].upper() + sentence[1:], "Correct the file and upload it again."
            ) from exc
        except BaseException:
            self._files.remove(import_id)
            raise
        await self._note(shop, actor, "import.upload", job)
        return job

    async def check(self, shop: Shop, actor: str, import_id: int, settings: ImportSettings) -> ImportJob:
        """Read the whole file and count what starting would do; changes no one. Raises `ImportRefused`."""
        return await self._begin(shop, actor, import_id, settings, is_dry_run=True)

    async def start(self, shop: Shop, actor: str, import_id: int, settings: ImportSettings) -> ImportJob:
        """Bring the people in. What a check has read with the same settings is not read again. Raises
        `ImportRefused`."""
        return await self._begin(shop, actor, import_id, settings, is_dry_run=False)

    async def cancel(self, shop: Shop, actor: str, import_id: int) -> ImportJob:
        """End an import before its end: nothing is undone, and what was brought in is told. One at its end
        stays as it is."""
        now = self._clock()
        async with self._database.transaction() as connection:
            job = await self._hold(connection, shop, import_id)
            if job.state in (ImportState.FINISHED, ImportState.CANCELLED, ImportState.FAILED):
                return job
            is_merging = job.state is ImportState.RUNNING and not job.progress.is_dry_run
            brought_in = job.counts.new + job.counts.updated + job.counts.unchanged if is_merging else 0
            fault = (
                f"Cancelled after {brought_in:,} people were brought in; they stay."
                if brought_in
                else "Cancelled before anyone was brought in."
            )
            job.progress.phase = "done"
            job = replace(job, state=ImportState.CANCELLED, fault=fault, finished_at=now)
            job = await save_import(connection, job, now)
        self._wake_engine()
        await self._note(shop, actor, "import.cancel", job)
        return job

    async def _begin(
        self, shop: Shop, actor: str, import_id: int, settings: ImportSettings, *, is_dry_run: bool
    ) -> ImportJob:
        now = self._clock()
        async with self._database.transaction() as connection:
            job = await self._hold(connection, shop, import_id)
            if job.state not in _STARTABLE or job.progress.is_forgotten:
                raise ImportRefused(
                    "import_not_ready",
                    f"This import is {job.state.word}; its file cannot be read now.",
                    "Wait for its end, or upload the file again.",
                )
            if (absent := self._find_absent_node(node_of_id(job.id))) is not None:
                raise ImportRefused(
                    "import_not_ready",
                    f"The file of this import lies on {absent}, which is away.",
                    "Bring that node back, or upload the file again.",
                )
            look = msgspec.json.decode(job.detected, type=Look)
            settings = complete(settings, look.detected, shop_country=shop.country)
            check_settings(settings, now=now)
            list_id = await self._choose_list(connection, shop, job, settings, now, is_dry_run=is_dry_run)
            wording_id = None
            if settings.consent is not None and settings.is_opting_in and not is_dry_run:
                wording_id = await keep_wording(
                    connection,
                    shop.id,
                    fresh_id=self._ids.next_id(_SHOP_SLOT),
                    wording=settings.consent.wording.strip(),
                    now=now,
                )
            job = replace(
                _begun(job, settings, now, is_dry_run=is_dry_run),
                list_id=list_id,
                settings=msgspec.json.encode(settings).decode(),
            )
            job.progress.wording_id = wording_id
            job = await save_import(connection, job, now)
        self._wake_engine()
        if not is_dry_run:
            await self._note(shop, actor, "import.start", job)
        return job

    async def _choose_list(
        self,
        connection: Connection,
        shop: Shop,
        job: ImportJob,
        settings: ImportSettings,
        now: datetime,
        *,
        is_dry_run: bool,
    ) -> int | None:
        """The list to fill; a new one is made when people are really brought in, and once, however often an
        import that failed is started again."""
        if settings.contact_list is not None:
            list_id = _read_list_id(settings.contact_list)
            if list_id is None or not await find_list_for_import(connection, shop.id, list_id):
                raise ImportRefused(
                    "invalid_field", "There is no such list.", "Name one of your lists.", path="$.list"
                )
            return list_id
        if settings.new_list is None or is_dry_run:
            return None
        before = msgspec.json.decode(job.settings, type=ImportSettings)
        is_made = job.list_id is not None and before.new_list == settings.new_list
        if is_made and await find_list_for_import(connection, shop.id, job.list_id or 0):
            return job.list_id
        list_id = self._ids.next_id(_SHOP_SLOT)
        if not await add_list_for_import(connection, shop.id, list_id, settings.new_list.strip(), now):
            raise ImportRefused(
                "name_taken",
                "There is a list of this name.",
                "Choose another name, or give the list's id in list.",
                path="$.new_list",
            )
        return list_id

    def tell_waiting(self, job: ImportJob) -> str | None:
        """Why an import at work does not go on: its file lies with the node that was given it, and that one
        is away. None while nothing of the kind is so."""
        if job.state is not ImportState.RUNNING:
            return None
        absent = self._find_absent_node(node_of_id(job.id))
        if absent is None:
            return None
        return (
            f"Its file lies on {absent}, which is away; it goes on when that node is back. "
            "Or cancel it, and upload the file again."
        )

    async def get(self, shop: Shop, import_id: int) -> ImportJob:
        """Raises `ImportRefused` for an import that is none of the shop's."""
        job = await get_import(self._database, shop.id, import_id)
        if job is None:
            raise _not_found()
        return job

    async def _hold(self, connection: Connection, shop: Shop, import_id: int) -> ImportJob:
        job = await lock_import(connection, shop.id, import_id)
        if job is None:
            raise _not_found()
        return job

    # Upload pages.

    async def make_ticket(self, shop: Shop, actor: str) -> UploadTicket:
        """A page on which one file can be uploaded once, within a quarter of an hour."""
        now = self._clock()
        token = urlsafe_b64encode(self._random_octets(TOKEN_OCTETS)).decode()
        expires_at = now + timedelta(minutes=TICKET_MINUTES)
        ticket = Ticket(shop.id, expires_at, actor)
        await add_upload_ticket(self._database, _hash(token), ticket, now=now)
        return UploadTicket(token, expires_at)

    async def find_ticket(self, token: str) -> tuple[Ticket, Shop] | None:
        """The ticket behind a page's token and its shop; None when it is unknown, used or expired."""
        ticket = await find_upload_ticket(self._database, _hash(token), self._clock())
        shop = None if ticket is None else await find_shop(self._database, ticket.shop_id)
        return None if ticket is None or shop is None else (ticket, shop)

    async def upload_by_ticket(
        self, token: str, file_name: str, chunks: AsyncIterable[bytes]
    ) -> ImportJob | None:
        """Spend the ticket on this file; None when it is not good any more. A file that is refused leaves the
        ticket good. Raises `ImportRefused`."""
        found = await self.find_ticket(token)
        if found is None or not await use_upload_ticket(self._database, _hash(token), self._clock()):
            return None
        ticket, shop = found
        import_id: int | None = None
        try:
            job = await self.upload(shop, f"{ticket.created_by} by upload page", file_name, chunks)
            import_id = job.id
        finally:
            await settle_upload_ticket(self._database, _hash(token), import_id)
        return job

    async def _note(self, shop: Shop, actor: str, action: str, job: ImportJob) -> None:
        data = {"shop": shop.name, "size_octets": job.size_octets}
        await add_audit(
            self._database,
            AuditNote(
                id=self._ids.next_id(_SHOP_SLOT),
                at=self._clock(),
                actor=actor,
                action=action,
                subject=encode_public_id("imp", job.id),
                data=msgspec.json.encode(data).decode(),
            ),
        )


def _begun(job: ImportJob, settings: ImportSettings, now: datetime, *, is_dry_run: bool) -> ImportJob:
    """The import at work: from the beginning of its file, or from what a check has staged."""
    progress = ImportProgress(phase="waiting", is_dry_run=is_dry_run, is_staged=job.progress.is_staged)
    counts = ImportCounts()
    is_read = job.state is ImportState.CHECKED and job.progress.read_with == settings.reading_part()
    if is_read and job.progress.is_staged:
        progress.phase = "counting" if is_dry_run else "merging"
        progress.read_with = job.progress.read_with
        progress.rows_total = job.counts.rows - job.counts.refused - job.counts.duplicates
        progress.phase_started_at = now
        counts = ImportCounts(
            rows=job.counts.rows,
            refused=job.counts.refused,
            duplicates=job.counts.duplicates,
            by_reason=job.counts.by_reason,
            new_fields=job.counts.new_fields,
        )
    return replace(
        job, state=ImportState.RUNNING, progress=progress, counts=counts, fault=None, finished_at=None
    )


def _read_list_id(text: str) -> int | None:
    try:
        return decode_public_id("lst", text)
    except InvalidPublicId:
        return None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _clean_file_name(name: str) -> str:
    """The last part of a path, printable, as people see it in the list of imports."""
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable())
    return printable[:_LONGEST_FILE_NAME] or "list"


def _not_found() -> ImportRefused:
    return ImportRefused("not_found", "There is no such import.", "Check the id.")

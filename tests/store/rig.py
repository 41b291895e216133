"""A store on a real Postgres with a leased node, and what tests need to fill, break and read it.

Nothing here decides anything that the store decides.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.lanes import LANE_OF_CATEGORY, Category
from gateway.store.database import Database
from gateway.store.intake import IntakeWriter, NewMessage, Stream
from gateway.store.leases import Node
from gateway.store.migrations import locate_sql
from gateway.store.optout_events import EndpointsFor, OptoutTeller
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries

QUERIES = load_queries(locate_sql() / "queries")
CONNECTOR = 1
SHOP = 1
_COMMITS = (b"COMMIT\0", b"COMMIT;\0")
"""As the writers say it, and as the driver does for its transactions."""


class Rig:
    """A database with today's partitions, and the lease of one node on it."""

    def __init__(self, dsn: str, database: Database, node: Node) -> None:
        self.dsn = dsn
        self.database = database
        self.node = node
        self.queries = QUERIES
        self.queued: dict[Stream, int] = {}
        self.numbers = 0

    def new_message(
        self,
        *,
        shop_id: int = SHOP,
        connector_id: int = CONNECTOR,
        category: Category = Category.TRANSACTIONAL,
        parts: int = 1,
        to_address: str | None = None,
        expires_in: timedelta = timedelta(days=2),
        due_in: timedelta | None = None,
        **changes: Any,
    ) -> NewMessage:
        """A message to a number of its own, with an id made now."""
        self.numbers += 1
        address = to_address or f"3363998{self.numbers:04}"
        slot = slot_of_address(address)
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "alphabet": 1,
            "is_test": False,
            "is_sensitive": False,
            "wants_events": False,
            "campaign_id": None,
            "contact_id": None,
            "cost_micros": 45_000 * parts,
            "country": "FR",
            "currency": "EUR",
            "from_address": "GATEWAY",
            "text": "bonjour",
            "body": None,
            "client_reference": None,
            "webhook_url": None,
            "metadata": None,
        }
        due_at = None if due_in is None else now + due_in
        return NewMessage(
            shop_id=shop_id,
            id=self.node.ids.next_id(slot),
            slot=slot,
            connector_id=connector_id,
            category=int(category),
            lane=int(LANE_OF_CATEGORY[category]),
            parts=parts,
            send_at=due_at,
            expires_at=now + expires_in,
            to_address=address,
            due_at=due_at,
            **{**values, **changes},
        )

    def intake(
        self, *, dsn: str | None = None, offer: Callable[[Sequence[NewMessage]], list[NewMessage]] = list
    ) -> IntakeWriter:
        return IntakeWriter(
            dsn or self.dsn, self.queries, self.node.fence, on_queued=self.queued.update, offer=offer
        )

    async def accept(self, *messages: NewMessage) -> None:
        """Store messages as acceptance does."""
        writer = self.intake()
        async with running(writer.run):
            await writer.store(messages)

    async def put_contact(
        self, address: str, *, shop_id: int = SHOP, marketing_consent: int = 1, suppressed: int = 0
    ) -> int:
        """A French-speaking person of a shop, who opted in unless told otherwise."""
        slot = slot_of_address(address)
        contact_id = self.node.ids.next_id(slot)
        await self.execute(
            "INSERT INTO contact (shop_id, id, slot, address, country, language, attributes, source, tags,"
            " marketing_consent, suppressed, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, 'FR', 'fr', '{}', 'test', '{}', $5, $6, now(), now())",
            shop_id, contact_id, slot, address, marketing_consent, suppressed,
        )  # fmt: skip
        return contact_id

    async def fetch(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        async with self.database.connection() as connection:
            return [tuple(row) for row in await connection.raw.fetch(sql, *arguments)]

    async def value(self, sql: str, *arguments: object) -> Any:
        rows = await self.fetch(sql, *arguments)
        return rows[0][0]

    async def execute(self, sql: str, *arguments: object) -> str:
        async with self.database.connection() as connection:
            return await connection.raw.execute(sql, *arguments)


def silent_teller(ids: IdSource) -> OptoutTeller:
    """For shops without webhooks."""

    async def look_up(shop_ids: set[int]) -> EndpointsFor:
        return lambda shop_id, kind: ()

    return OptoutTeller(look_up, next_id=ids.next_id)


@asynccontextmanager
async def open_rig(dsn: str, *, node_key: str = "first") -> AsyncIterator[Rig]:
    database = await Database.open(dsn, QUERIES)
    try:
        await make_partitions_ahead(database, datetime.now(UTC).date())
        yield Rig(dsn, database, await take_node(database, node_key))
    finally:
        await database.aclose()


async def take_node(database: Database, node_key: str = "first") -> Node:
    return await Node.take(database, node_key=node_key, host="here", pid=1, version="0")


@asynccontextmanager
async def running(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """These run while the context is entered; what ended one of them badly is raised on leaving."""
    tasks = [asyncio.create_task(work()) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


async def eventually(check: Callable[[], Coroutine[Any, Any, bool]], *, seconds: float = 5.0) -> None:
    """Wait until it is so. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110  # rows of a database have no event
            await asyncio.sleep(0.02)


class CutProxy:
    """A TCP door to the test's Postgres that can be closed, or cut just after the server committed."""

    def __init__(self, dsn: str, *, commits: Sequence[bytes] = _COMMITS) -> None:
        """`commits` are words by which a statement that commits is known."""
        self._target = dsn
        self._commit_words = commits
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._stranded: set[asyncio.StreamWriter] = set()
        self.cut_commits = 0
        """So many COMMITs still reach the server while their answers are lost with the connection."""
        self.swallow_commits = 0
        """So many COMMITs are lost with the connection before they reach the server."""
        self.delay_commits = 0
        """So many COMMITs reach the server only once `late` is set, long after their connection is lost."""
        self.late = asyncio.Event()
        self.came_late = asyncio.Event()
        """Something was delayed and is answered now."""
        self.is_closed = False
        self.connections = 0
        self.dsn = ""

    async def __aenter__(self) -> "CutProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        parts = urlsplit(self._target)
        user = f"{parts.username}@" if parts.username else ""
        self.dsn = f"postgresql://{user}127.0.0.1:{port}{parts.path}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.cut()
        self._server.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def strand(self) -> None:
        """The connections that stand stay open, take everything, and say nothing any more."""
        self._stranded |= self._writers

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._target)
        options = parse_qs(parts.query)
        port = int((options.get("port") or [str(parts.port or 5432)])[0])
        if folder := options.get("host"):
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname, port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.is_closed:
            writer.transport.abort()
            return
        there, back = await self._connect()
        self._writers |= {writer, back}
        answer_is_lost = asyncio.Event()

        async def answers() -> None:
            while octets := await there.read(65536):
                if answer_is_lost.is_set():
                    break
                if writer in self._stranded:
                    continue
                writer.write(octets)
            writer.transport.abort()

        task = asyncio.create_task(answers())
        try:
            while octets := await reader.read(65536):
                is_commit = any(each in octets for each in self._commit_words)
                if is_commit and self.swallow_commits:
                    self.swallow_commits -= 1
                    break
                if is_commit and self.delay_commits:
                    self.delay_commits -= 1
                    answer_is_lost.set()
                    writer.transport.abort()
                    await self.late.wait()
                    back.write(octets)
                    await task
                    self.came_late.set()
                    break
                if is_commit and self.cut_commits:
                    self.cut_commits -= 1
                    answer_is_lost.set()
                    back.write(octets)
                    await task
                    break
                back.write(octets)
        except ConnectionError:
            pass
        finally:
            task.cancel()
            writer.transport.abort()
            back.transport.abort()


async def terminate(dsn: str, application_name: str) -> int:
    """End the backends of an application, as an administrator would; returns how many there were."""
    connection = await asyncpg.connect(dsn)
    try:
        rows: Sequence[Any] = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
            " AND datname = current_database()",
            application_name,
        )
    finally:
        await connection.close()
    return len(rows)

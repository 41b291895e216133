"""A COMMIT that is lost with the server itself: found out afterwards, whatever the server has forgotten."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from e2e.running import until
from store.rig import CutProxy, Rig, open_rig, running

from gateway.store.database import Connection
from gateway.store.migrations import locate_sql, migrate, read_migrations
from gateway.store.writer import GroupWriter

from .own_postgres import own_postgres

pytestmark = pytest.mark.integration


class Notes:
    """Copies numbers to a table without a key, where a repeat would show. `on_written` hears the number of
    each transaction before its COMMIT."""

    def __init__(self, on_written: Callable[[int], None]) -> None:
        self.stored: list[int] = []
        self._on_written = on_written

    async def write(self, connection: Connection, items: Sequence[int]) -> None:
        await connection.copy("note", ("n",), [(item,) for item in items])
        self._on_written(await connection.raw.fetchval("SELECT pg_current_xact_id()::text::int8"))

    def committed(self, items: Sequence[int], result: None) -> None:
        self.stored.extend(items)

    def refused(self, item: int, error: Exception) -> None:
        raise AssertionError(f"{item}: {error}")


async def test_a_batch_lost_in_a_crash_is_not_taken_for_a_stranger_with_its_number(open_folder: Path) -> None:
    """A crash forgets the numbers of transactions that never reached the log, and gives them again: here to
    one that commits before the writer can ask."""
    # Only a commit may flush the log, or the number would be remembered.
    quiet = {"wal_writer_delay": "10s", "autovacuum": "off", "bgwriter_lru_maxpages": "0"}
    async with own_postgres(open_folder, "lost", quiet) as postgres:
        await migrate(postgres.dsn, read_migrations(locate_sql() / "migrations"))
        async with open_rig(postgres.dsn) as rig, CutProxy(postgres.dsn) as proxy:
            await rig.execute("CREATE TABLE note (n int4)")
            numbers: list[int] = []

            def lose_the_second(number: int) -> None:
                numbers.append(number)
                if len(numbers) == 2:
                    proxy.swallow_commits = 1
                    proxy.is_closed = True  # to whoever comes next

            notes = Notes(lose_the_second)
            writer: GroupWriter[int, None] = GroupWriter(
                proxy.dsn, rig.queries, rig.node.fence, notes, name="notes", batch_rows=10
            )
            async with running(writer.run):
                writer.put(1)
                await writer.drained()
                writer.put(2)
                await until(lambda: len(numbers) == 2 and proxy.swallow_commits == 0)
                await postgres.kill(signal.SIGQUIT)
                await postgres.start()
                await _use_up_numbers(rig, numbers[1])
                status = await rig.value("SELECT pg_xact_status($1::text::xid8)", str(numbers[1]))
                assert status == "committed", "by its number the lost batch would be taken for stored"
                proxy.is_closed = False
                await writer.drained()
            assert notes.stored == [1, 2]
            assert [row[0] for row in await rig.fetch("SELECT n FROM note ORDER BY n")] == [1, 2]


async def _use_up_numbers(rig: Rig, lost: int) -> None:
    """Commit transactions until one has had the lost number."""
    while await rig.value("SELECT pg_current_xact_id()::text::int8") < lost:
        pass

"""The migration runner: each file once, in order, under one lock, and never an edited one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from gateway.store.migrations import (
    Applied,
    DatabaseTooNew,
    Migration,
    MigrationBusy,
    MigrationError,
    MigrationFileFault,
    choose_pending,
    locate_sql,
    migrate,
    read_migrations,
)
from tests.conftest import DAYS_OF_A_TEST

Write = Callable[..., list[Migration]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put files into a folder of migrations and read it: `write(**{"0001_a": "CREATE …"})`."""

    def write_files(**files: str) -> list[Migration]:
        for name, sql in files.items():
            (tmp_path / f"{name}.sql").write_text(sql)
        return read_migrations(tmp_path)

    return write_files


def as_applied(migrations: list[Migration]) -> dict[int, Applied]:
    return {each.version: Applied(each.version, each.name, each.sha256) for each in migrations}


# --- files and order, without a database ---


def test_files_are_read_by_number(write: Write) -> None:
    migrations = write(
        **{"0002_b": "SELECT 2", "0001_a": "SELECT 1", "0010_c": "-- no-transaction\nSELECT 3"}
    )
    assert [each.file_name for each in migrations] == ["0001_a.sql", "0002_b.sql", "0010_c.sql"]
    assert [each.in_transaction for each in migrations] == [True, True, False]


def test_line_ends_of_the_checkout_do_not_change_a_migration(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\nSELECT 2;\n")
    unix = read_migrations(tmp_path)[0].sha256
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert read_migrations(tmp_path)[0].sha256 == unix


@pytest.mark.parametrize("name", ["1_a", "0001-a", "0001_A", "first"])
def test_a_file_that_is_not_named_by_the_rule_is_refused(write: Write, name: str) -> None:
    with pytest.raises(MigrationFileFault, match=f"{name}.sql: name it like"):
        write(**{name: "SELECT 1"})


def test_two_files_with_one_number_are_refused(write: Write) -> None:
    with pytest.raises(MigrationFileFault, match=r"0001_b.sql and 0001_a.sql share a number"):
        write(**{"0001_a": "SELECT 1", "0001_b": "SELECT 1"})


def test_an_empty_folder_is_refused_rather_than_taken_for_an_up_to_date_program(tmp_path: Path) -> None:
    with pytest.raises(MigrationFileFault, match="holds no migration"):
        read_migrations(tmp_path)


def test_only_what_was_not_applied_is_pending(write: Write) -> None:
    migrations = write(**{"0001_a": "SELECT 1", "0002_b": "SELECT 2", "0003_c": "SELECT 3"})
    assert choose_pending(migrations, as_applied(migrations[:1])) == migrations[1:]
    assert choose_pending(migrations, as_applied(migrations)) == []


def test_a_database_of_a_later_release_is_refused(write: Write) -> None:
    migrations = write(**{"0001_a": "SELECT 1", "0002_b": "SELECT 2"})
    with pytest.raises(DatabaseTooNew, match="at migration 2, this program knows 1") as caught:
        choose_pending(migrations[:1], as_applied(migrations))
    assert (caught.value.database_version, caught.value.program_version) == (2, 1)


def test_an_edited_file_is_refused(write: Write) -> None:
    applied = as_applied(write(**{"0001_a": "SELECT 1"}))
    with pytest.raises(MigrationFileFault, match=r"0001_a.sql changed after it was applied"):
        choose_pending(write(**{"0001_a": "SELECT 2"}), applied)


def test_a_removed_file_is_refused(write: Write) -> None:
    migrations = write(**{"0001_a": "SELECT 1", "0002_b": "SELECT 2"})
    with pytest.raises(MigrationFileFault, match="0001_a was applied, but its file is gone"):
        choose_pending(migrations[1:], as_applied(migrations))


def test_a_new_file_below_the_newest_applied_is_refused(write: Write) -> None:
    migrations = write(**{"0001_a": "SELECT 1", "0002_b": "SELECT 2", "0003_c": "SELECT 3"})
    with pytest.raises(MigrationFileFault, match=r"0002_b.sql comes after 0003 was applied"):
        choose_pending(migrations, as_applied([migrations[0], migrations[2]]))


def test_the_sql_folder_is_found() -> None:
    assert (locate_sql() / "migrations").is_dir()
    assert read_migrations(locate_sql() / "migrations")[0].version == 1


# --- on a real server ---


@pytest.mark.integration
async def test_migrations_are_applied_once_and_recorded(write: Write, empty_database: str) -> None:
    migrations = write(**{"0001_a": "CREATE TABLE a (t text)", "0002_b": "ALTER TABLE a ADD u int"})
    assert await migrate(empty_database, migrations) == migrations
    assert await migrate(empty_database, migrations) == []
    rows = await fetch(empty_database, "SELECT version, name, sha256 FROM schema_migration ORDER BY version")
    assert [tuple(row) for row in rows] == [(each.version, each.name, each.sha256) for each in migrations]


@pytest.mark.integration
async def test_functions_with_semicolons_pass_whole(write: Write, empty_database: str) -> None:
    function = """
        CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN n := n * 2; RETURN n; -- a comment; with a semicolon
        END $$;
        CREATE TABLE a (t text DEFAULT 'x;y');
    """
    await migrate(empty_database, write(**{"0001_a": function}))
    assert (await fetch(empty_database, "SELECT twice(21)"))[0][0] == 42


@pytest.mark.integration
async def test_starters_at_one_time_apply_each_file_once(write: Write, empty_database: str) -> None:
    """The concurrent index is the hard case: it waits for every snapshot, also one held by a waiting
    starter."""
    files = {
        "0001_a": "CREATE TABLE a (t text)",
        "0002_b": "-- no-transaction\nCREATE INDEX CONCURRENTLY a_t ON a (t)",
        "0003_c": "INSERT INTO a VALUES ('once')",
    }
    migrations = write(**files)
    async with asyncio.timeout(20):
        results = await asyncio.gather(*(migrate(empty_database, migrations) for _ in range(4)))
    assert sorted(len(applied) for applied in results) == [0, 0, 0, 3]
    assert len(await fetch(empty_database, "SELECT t FROM a")) == 1


@pytest.mark.integration
async def test_a_failing_file_leaves_nothing_of_itself_behind(write: Write, empty_database: str) -> None:
    migrations = write(
        **{"0001_a": "CREATE TABLE a (t text)", "0002_b": "CREATE TABLE b (t text); SELECT 1/0"}
    )
    with pytest.raises(MigrationError, match=r"0002_b.sql failed: division by zero"):
        await migrate(empty_database, migrations)
    tables = await fetch(empty_database, "SELECT to_regclass('a') IS NOT NULL, to_regclass('b') IS NOT NULL")
    assert tuple(tables[0]) == (True, False)
    assert len(await fetch(empty_database, "SELECT FROM schema_migration")) == 1


@pytest.mark.integration
async def test_a_locked_table_is_given_up_in_time(write: Write, empty_database: str) -> None:
    await migrate(empty_database, write(**{"0001_a": "CREATE TABLE a (t text)"}))
    holder = await asyncpg.connect(empty_database)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE a IN ACCESS SHARE MODE")
    migrations = write(**{"0002_b": "ALTER TABLE a ADD u int"})
    with pytest.raises(MigrationBusy, match=r"0002_b.sql could not lock a table in time"):
        await migrate(empty_database, migrations, lock_timeout_seconds=0.1)
    await transaction.rollback()
    await holder.close()
    assert await migrate(empty_database, migrations) == migrations[1:]


@pytest.mark.integration
async def test_a_starter_gives_up_on_one_that_never_ends(write: Write, empty_database: str) -> None:
    migrations = write(**{"0001_a": "SELECT pg_sleep(1)"})
    slow = asyncio.create_task(migrate(empty_database, migrations))
    await asyncio.sleep(0.3)
    with pytest.raises(MigrationBusy, match="another process has been migrating"):
        await migrate(empty_database, migrations, wait_seconds=0)
    assert await slow == migrations


async def fetch(dsn: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


# --- schema.sql is the sum of the migrations ---

_CATALOGUE = {
    "relation": """
        SELECT c.relname, c.relkind::text, c.relpersistence::text, pg_get_partkeydef(c.oid),
               pg_get_expr(c.relpartbound, c.oid), c.reloptions::text, pg_get_viewdef(c.oid)
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^schema_migration'""",
    "column": """
        SELECT a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text, a.attstorage::text,
               a.attcollation::regcollation::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname !~ '^schema_migration'
          AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraint": """
        SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'schema_migration'""",
    "index": """
        SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'schema_migration'""",
    "function": """
        SELECT oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')""",
    "trigger": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "enum": "SELECT enumtypid::regtype::text, enumsortorder::text, enumlabel FROM pg_enum",
    "sequence": """
        SELECT sequencename, data_type::text, start_value, increment_by, max_value, cycle
        FROM pg_sequences WHERE schemaname = 'public'""",
    "extension": "SELECT extname FROM pg_extension",
    "comment": """
        SELECT objoid::regclass::text, objsubid, description FROM pg_description
        WHERE classoid = 'pg_class'::regclass AND objoid IN
              (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)""",
}


async def describe_schema(dsn: str) -> set[tuple[object, ...]]:
    """Everything that the catalogue says of the public schema, whatever the order of its columns."""
    facts: set[tuple[object, ...]] = set()
    for kind, sql in _CATALOGUE.items():
        facts |= {(kind, *row) for row in await fetch(dsn, sql)}
    return facts


@pytest.mark.integration
async def test_schema_sql_is_what_the_migrations_produce(database: str, empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    await connection.execute((locate_sql() / "schema.sql").read_text(encoding="utf-8"))
    await connection.execute(DAYS_OF_A_TEST)
    await connection.close()
    migrated, written = await describe_schema(database), await describe_schema(empty_database)
    assert {"only in migrations": migrated - written, "only in schema.sql": written - migrated} == {
        "only in migrations": set(),
        "only in schema.sql": set(),
    }


@pytest.mark.integration
async def test_the_comparison_sees_every_kind_of_difference(empty_database: str) -> None:
    """Each statement changes something a reader of schema.sql would miss; none may go unseen."""
    base = await describe_schema(empty_database)
    for statement in (
        "CREATE TABLE a (id int)",
        "ALTER TABLE a ADD t text",
        "ALTER TABLE a ALTER t SET DEFAULT 'x'",
        "ALTER TABLE a ALTER t SET NOT NULL",
        "ALTER TABLE a ADD PRIMARY KEY (id)",
        "ALTER TABLE a ADD CHECK (id > 0)",
        "ALTER TABLE a SET (fillfactor = 70)",
        "CREATE INDEX a_t ON a (t) WHERE id > 5",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "CREATE TYPE colour AS ENUM ('red')",
        "ALTER TYPE colour ADD VALUE 'blue'",
        "CREATE SEQUENCE s",
        "COMMENT ON TABLE a IS 'x'",
        "CREATE VIEW v AS SELECT id FROM a",
    ):
        connection = await asyncpg.connect(empty_database)
        await connection.execute(statement)
        await connection.close()
        after = await describe_schema(empty_database)
        assert after != base, f"not seen: {statement}"
        base = after

"""Named statements: the file format, and each statement of `sql/queries` prepared on a real server."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.store.errors import BadQueryFile
from gateway.store.queries import Query, load_queries, parse_queries

ROOT = Path(__file__).resolve().parents[2]
QUERIES = load_queries(ROOT / "sql" / "queries")
PER_RECIPIENT = ("message", "queue", "schedule", "message_state", "part", "receipt", "inbound", "outbox")
OVER_ALL_SHOPS = {"count_queued", "count_waiting_deliveries"}
"""Totals for the operator, each bounded by a cap in its statement."""
VERBS = ("fetch", "fetch_row", "fetch_value", "execute")
LOOKUP = ("receipt_map", "link", "idempotency_key", "order_key")

GOOD = """
-- name: count_shops
-- How many shops are open at a moment.
-- $1 now timestamptz
SELECT count(*) FROM shop WHERE created_at <= $1;
"""


def test_a_statement_is_read_with_its_purpose_and_parameters() -> None:
    assert parse_queries(GOOD, source="shops.sql") == [
        Query(
            "count_shops",
            "shops.sql",
            "How many shops are open at a moment.",
            (("now", "timestamptz"),),
            "SELECT count(*) FROM shop WHERE created_at <= $1",
            changes_rows=False,
        )
    ]


@pytest.mark.parametrize(
    ("sql", "changes_rows"),
    [
        ("SELECT n FROM note FOR UPDATE", False),
        ("SELECT n FROM note FOR NO KEY UPDATE OF note SKIP LOCKED", False),
        ("-- UPDATE nothing\nSELECT n FROM note", False),
        ("INSERT INTO note VALUES (1) ON CONFLICT DO NOTHING", True),
        ("WITH gone AS (DELETE FROM note RETURNING n) SELECT n FROM gone", True),
        ("UPDATE note SET n = 1 RETURNING n", True),
    ],
)
def test_statements_that_change_rows_are_told_from_those_that_read(sql: str, changes_rows: bool) -> None:
    [query] = parse_queries(f"-- name: it\n-- What it does.\n{sql};\n", source="notes.sql")
    assert query.changes_rows is changes_rows


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-- name: count_shops", "-- nothing"),
        ("-- How many shops are open at a moment.\n", ""),
        ("-- $1 now timestamptz\n", ""),
        ("-- $1 now timestamptz", "-- $2 now timestamptz"),
        ("<= $1", "<= $1 AND id = $2"),
        ("<= $1", "<= now()"),
        ("SELECT count(*) FROM shop WHERE created_at <= $1;", ""),
    ],
)
def test_a_malformed_statement_is_refused_with_its_file(before: str, after: str) -> None:
    with pytest.raises(BadQueryFile, match=r"shops\.sql"):
        parse_queries(GOOD.replace(before, after), source="shops.sql")


def test_a_name_stands_once(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(GOOD)
    (tmp_path / "b.sql").write_text(GOOD)
    with pytest.raises(BadQueryFile, match=r"b\.sql.*already defined in a\.sql"):
        load_queries(tmp_path)


def test_every_statement_that_the_code_asks_for_exists() -> None:
    asked = set(names_asked_for(ROOT / "gateway"))
    assert len(asked) > 50
    assert asked - QUERIES.keys() == set()


def names_asked_for(folder: Path) -> Iterator[str]:
    """The names given to the verbs of `Connection` and `Database`, wherever they stand as plain text."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(attr=verb), [ast.Constant(str(name)), *_]) if verb in VERBS:
                    if name.islower():  # not BEGIN and the like, which go to asyncpg itself
                        yield name


@pytest.mark.integration
async def test_the_server_agrees_with_the_parameters_written(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        disagreements = [
            fault for query in QUERIES.values() if (fault := await disagreement(connection, query))
        ]
    finally:
        await connection.close()
    assert not disagreements


async def disagreement(connection: "asyncpg.Connection[asyncpg.Record]", query: Query) -> str:
    """What the server says of a statement's parameters, where it is not what the file says."""
    try:
        prepared = await connection.prepare(query.sql)
        expected = await connection.fetchval(
            "SELECT array_agg(to_regtype(kind)::oid ORDER BY place) FROM unnest($1::text[]) WITH ORDINALITY "
            "AS given(kind, place)",
            [kind for _, kind in query.parameters],
        )
    except asyncpg.PostgresError as exc:
        return f"{query.source}: {query.name}: {exc}"
    inferred = [parameter.oid for parameter in prepared.get_parameters()]
    if inferred == (expected or []):
        return ""
    names = [parameter.name for parameter in prepared.get_parameters()]
    return f"{query.source}: {query.name}: the server infers {names}"


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_the_clock_comes_from_the_caller(name: str) -> None:
    """The database's own clock is asked only where it is the judge: of leases."""
    sql = QUERIES[name].sql
    if QUERIES[name].source != "leases.sql" and "node_lease" not in sql:
        clocks = r"\b(now|clock_timestamp|statement_timestamp)\(\)|\bcurrent_(?!setting)"
        assert not re.search(clocks, sql, re.I)


def tables_of(sql: str, tables: tuple[str, ...]) -> list[str]:
    return [table for table in tables if re.search(rf"\b(FROM|JOIN|INTO|UPDATE) {table}\b", sql, re.I)]


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - OVER_ALL_SHOPS))
def test_a_statement_on_recipients_rows_names_slots_or_a_range_of_ids(name: str) -> None:
    sql = QUERIES[name].sql
    if touched := tables_of(sql, PER_RECIPIENT):
        assert re.search(r"\bslots?\b|\bid (BETWEEN|>|<|= ANY)", sql), f"{name} reads {touched} of every slot"


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_lookup_tables_are_not_joined_to_recipients_rows(name: str) -> None:
    sql = QUERIES[name].sql
    joined = re.findall(rf"\bJOIN ({'|'.join(LOOKUP)})\b", sql, re.I)
    assert not (joined and tables_of(sql, PER_RECIPIENT)), f"{name}: look {joined} up by full key first"

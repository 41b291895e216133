"""The data rules, read from the catalogue of a migrated database: keys, lookups, partitions, no triggers.

Every table stands in one of the four sets below; a new table fails the test until someone decides which.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

pytestmark = pytest.mark.integration

PER_MESSAGE = {
    "message",
    "queue",
    "schedule",
    "message_state",
    "part",
    "receipt",
    "inbound",
    "outbox",
    "click",
    "unknown_message",
}
"""Partitioned by the day in their id; rows of one recipient."""

PER_RECIPIENT = PER_MESSAGE | {
    "campaign_recipient",
    "click_person",
    "consent",
    "contact",
    "inbound_part",
    "list_member",
    "reply_due",
    "shop_order",
    "suppression",
}
"""Tables whose every key carries slot and shop_id, so that they can be spread over servers by slot."""

LOOKUP = {"receipt_map", "link", "idempotency_key", "order_key", "upload_ticket"}
"""Read by full key, never joined, answering (slot, id)."""

OF_THE_HOUSE = {
    "instance",
    "node_lease",
    "bind_lease",
    "dispatch_lease",
    "slot_lease",
    "batch_mark",
    "connector",
    "connector_override",
    "alert",
    "shop",
    "api_key",
    "webhook_endpoint",
    "hold",
    "receipt_unmatched",
    "contact_field",
    "contact_list",
    "consent_wording",
    "import_job",
    "import_fault",
    "campaign",
    "campaign_progress",
    "link_counter",
    "link_target",
    "event",
    "audit",
    "stat_hour",
    "stat_campaign",
    "stat_shop",
    "stat_submission",
    "stat_receipt",
    "stat_click",
    "stat_delay",
    "stat_exclusion",
    "stat_failure",
    "stat_optout",
    "stat_order",
    "ledger_day",
    "schema_migration",
}
"""Small tables of the instance, its shops and its totals; no row of them belongs to one recipient."""


@pytest.fixture
async def catalogue(database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def names(connection: "asyncpg.Connection[asyncpg.Record]", sql: str) -> set[str]:
    return {row[0] for row in await connection.fetch(sql)}


async def test_every_table_has_its_kind(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    tables = await names(
        catalogue,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace",
    )
    assert tables == PER_RECIPIENT | LOOKUP | OF_THE_HOUSE


async def test_keys_of_per_recipient_tables_carry_slot_and_shop(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    keys = await catalogue.fetch(
        """SELECT t.relname AS table, i.indexrelid::regclass::text AS key,
                  array_agg(a.attname::text) AS columns
           FROM pg_index i
           JOIN pg_class t ON t.oid = i.indrelid
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
           WHERE i.indisunique AND NOT t.relispartition AND t.relname = ANY ($1::text[])
           GROUP BY 1, 2""",
        sorted(PER_RECIPIENT),
    )
    assert {key["table"] for key in keys} == PER_RECIPIENT, "each has a primary key"
    bare = {key["key"]: key["columns"] for key in keys if not {"slot", "shop_id"} <= set(key["columns"])}
    assert not bare


async def test_per_message_tables_and_the_big_lookups_are_partitioned(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    by_key = {
        row["relname"]: row["columns"]
        for row in await catalogue.fetch(
            """SELECT c.relname, pg_get_partkeydef(c.oid) AS columns FROM pg_class c
               WHERE c.relkind = 'p' AND c.relnamespace = 'public'::regnamespace"""
        )
    }
    assert by_key == dict.fromkeys(PER_MESSAGE, "RANGE (id)") | {
        "receipt_map": "RANGE (day)",
        "link": "RANGE (seq)",
    }


async def test_the_moving_columns_of_a_state_stand_in_no_index(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    indexed = await names(
        catalogue,
        """SELECT a.attname::text FROM pg_index i
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
           WHERE i.indrelid = 'message_state'::regclass""",
    )
    assert indexed == {"shop_id", "id", "slot"}


async def test_there_are_no_triggers_and_no_sequences_behind_ids(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    triggers = await names(catalogue, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    owners = await names(
        catalogue,
        """SELECT d.refobjid::regclass::text FROM pg_class s
           JOIN pg_depend d ON d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
           WHERE d.deptype IN ('a', 'i') AND s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace""",
    )
    assert not triggers
    assert not owners & (PER_RECIPIENT | LOOKUP)


async def test_no_foreign_key_points_at_rows_that_are_dropped_by_day(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    targets = await names(
        catalogue,
        "SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conparentid = 0",
    )
    assert not targets & (PER_RECIPIENT | LOOKUP)


async def test_default_values_are_not_volatile_on_per_recipient_tables(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Ids and times are made by the program, so that a repeat of a batch stores the same row."""
    with_default = await names(
        catalogue,
        """SELECT c.relname || '.' || a.attname FROM pg_attrdef d
           JOIN pg_class c ON c.oid = d.adrelid
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
           WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition""",
    )
    assert not {name for name in with_default if name.split(".")[0] in PER_RECIPIENT | LOOKUP}


async def test_money_is_counted_in_whole_millionths(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    wrong = await names(
        catalogue,
        """SELECT table_name || '.' || column_name FROM information_schema.columns
           WHERE table_schema = 'public' AND column_name LIKE '%micros' AND data_type <> 'bigint'""",
    )
    assert not wrong

"""People in a real Postgres: races with opt-outs, speed of bulk and of erasing, and databases of before."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gateway.audience.backfill import fill_missing_keys
from gateway.audience.erasure import Erasure
from gateway.audience.merging import Change, Put
from gateway.audience.opting_out import OptOuts
from gateway.audience.people import People
from gateway.audience.requests import ConsentEntry, Fault, PersonChange, PersonEntry
from gateway.audience.writing import By
from gateway.domain.identifiers import EPOCH_UNIX_MS, IdSource, slot_of_address
from gateway.domain.people import MarketingConsent, OptoutWay, SuppressionScope, address_key
from gateway.domain.phone import Number
from gateway.store.contacts import Contact, find_contacts_of_addresses
from gateway.store.database import Database
from gateway.store.evidence import Ending
from gateway.store.migrations import locate_sql
from gateway.store.optout_events import OptoutTeller
from gateway.store.optouts import Withdrawal, withdraw_people
from gateway.store.partitions import make_partitions_ahead
from gateway.store.queries import load_queries
from gateway.store.rollups import Tallies
from tests.store.people import put_contact
from tests.store.rig import silent_teller

pytestmark = pytest.mark.integration

SECRET = b"0123456789abcdef"
SHOP = 1
ANNA = "33612345678"
AT_SHOP = By(OptoutWay.SHOP, "uid 1000")
YES = ConsentEntry("opted_in", "till", "I agree")


def now() -> datetime:
    return datetime.now(UTC)


class Room:
    """The audience room on one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids = IdSource(1, lambda: time.time_ns() // 1_000_000)
        self.ended: list[Ending] = []
        self.people = People(
            database,
            ids=self.ids,
            clock=now,
            instance_secret=SECRET,
            put_ending=self.ended.append,
            teller=OptoutTeller(self.look_up_endpoints, next_id=self.ids.next_id),
        )
        self.optouts = OptOuts(
            database,
            ids=self.ids,
            clock=now,
            instance_secret=SECRET,
            put_ending=self.ended.append,
            teller=silent_teller(self.ids),
        )
        self.erasure = Erasure(database, clock=now, instance_secret=SECRET, put_ending=self.ended.append)

    async def look_up_endpoints(self, shop_ids: set[int]) -> Callable[[int, str], Sequence[int]]:
        """One endpoint of the shop that wants everything."""
        return lambda shop_id, kind: [9]

    async def put(self, *entries: PersonEntry | Fault) -> list[Put | Fault]:
        return await self.people.put(SHOP, "FR", entries, by=AT_SHOP, source="console")

    async def find(self, address: str = ANNA) -> Contact:
        return (await find_contacts_of_addresses(self.database, SHOP, [address]))[address]


@pytest.fixture
async def room(database: str) -> AsyncIterator[Room]:
    opened = await Database.open(database, load_queries(locate_sql() / "queries"), pool_size=4)
    yield Room(opened)
    await opened.aclose()


async def test_an_opt_in_that_meets_a_stop_halfway_does_not_outlive_it(room: Room) -> None:
    await room.put(PersonEntry("0612345678"))
    stop = Withdrawal(SHOP, ANNA, OptoutWay.TEXT, "STOP", now())
    async with room.database.transaction() as connection:
        tallies = Tallies()
        await withdraw_people(
            connection, [stop], ids=room.ids, now=now(), instance_secret=SECRET, tallies=tallies
        )
        opt_in = asyncio.create_task(room.put(PersonEntry("0612345678", consent=YES)))
        await asyncio.wait({opt_in}, timeout=0.3)
        assert not opt_in.done(), "it waits for the end of the STOP"
        await tallies.write(connection)
    (outcome,) = await opt_in
    assert isinstance(outcome, Fault)
    contact = await room.find()
    assert (contact.marketing_consent, contact.suppressed) == (
        MarketingConsent.OPTED_OUT,
        SuppressionScope.MARKETING,
    )


async def test_the_same_person_put_by_many_at_once_is_one_contact_with_all_they_said(room: Room) -> None:
    names = [PersonEntry("0612345678", first_name="Anna"), PersonEntry("0612345678", last_name="Rossi")]
    outcomes = await asyncio.gather(*(room.put(entry) for entry in names * 4))
    puts = [outcome for (outcome,) in outcomes if isinstance(outcome, Put)]
    assert len({put.contact_id for put in puts}) == 1
    assert [put.change for put in puts].count(Change.CREATED) == 1
    contact = await room.find()
    assert (contact.first_name, contact.last_name) == ("Anna", "Rossi")


async def test_a_change_of_somebody_who_was_erased_meanwhile_adds_nobody(room: Room) -> None:
    (made,) = await room.put(PersonEntry("0612345678"))
    assert isinstance(made, Put)
    await room.erasure.erase(SHOP, ANNA)
    assert await room.people.change(SHOP, made.contact_id, PersonChange(first_name="x"), by=AT_SHOP) is None
    assert await find_contacts_of_addresses(room.database, SHOP, [ANNA]) == {}


async def test_ten_thousand_people_are_stored_in_seconds_and_once(room: Room) -> None:
    entries = [PersonEntry(f"+3361{n:07}", first_name="Anna", tags=["a"], consent=YES) for n in range(10_000)]
    started = time.monotonic()
    outcomes = await room.put(*entries)
    seconds = time.monotonic() - started
    assert {outcome.change for outcome in outcomes if isinstance(outcome, Put)} == {Change.CREATED}
    again = await room.put(*entries)
    assert {outcome.change for outcome in again if isinstance(outcome, Put)} == {Change.UNCHANGED}
    async with room.database.connection() as connection:
        consents = await connection.raw.fetchval("SELECT count(*) FROM consent")
        people = await connection.raw.fetchval(
            "SELECT count(*) FROM contact WHERE marketing_consent = 1 AND address_key IS NOT NULL"
        )
    assert (consents, people) == (10_000, 10_000)
    assert seconds < 15, "about 2 s on two idle cores"


async def test_erasing_one_person_of_many_days_takes_a_moment(room: Room) -> None:
    today = now().date()
    for days in range(14):
        await make_partitions_ahead(room.database, today - timedelta(days=days))
    await room.put(PersonEntry("0612345678"))
    async with room.database.connection() as connection:
        await connection.raw.execute(
            """INSERT INTO message (shop_id, id, slot, connector_id, category, lane, alphabet, parts, is_test,
                   is_sensitive, wants_events, cost_micros, expires_at, country, currency, to_address,
                   from_address, text)
               SELECT 1, ($3::bigint - (n % 14) * 86400000 << 22) | ($1::bigint << 14) | n, $1, 1, 2, 2, 1, 1,
                      false, false, false, 0, now(), 'FR', '', $2, 'X', 'Secret'
               FROM generate_series(1, 140) AS n""",
            slot_of_address(ANNA),
            ANNA,
            int(time.time() * 1000) - EPOCH_UNIX_MS,
        )
        await connection.raw.execute(
            """INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt, node_no,
                   entered, epoch, changed_at, part_states)
               SELECT shop_id, id, slot, 5, 0, 0, 1, 1, 0, 1, now(), '' FROM message"""
        )
    started = time.monotonic()
    erased = await room.erasure.erase(SHOP, ANNA)
    seconds = time.monotonic() - started
    assert erased is not None
    assert erased.messages == 140
    async with room.database.connection() as connection:
        left = await connection.raw.fetchval(
            "SELECT count(*) FROM message WHERE to_address IS NOT NULL OR text IS NOT NULL"
        )
    assert left == 0
    assert seconds < 2, "about 0.05 s on two idle cores"
    assert await room.erasure.erase(SHOP, "33698765432") is None


async def test_people_of_an_older_database_get_hash_zone_and_what_is_kept_from_them(room: Room) -> None:
    for n in range(3):
        address = f"3361234567{n}"
        await put_contact(
            room.database, Contact(SHOP, room.ids.next_id(slot_of_address(address)), address, "FR"), now()
        )
    await room.optouts.add(SHOP, Number("33612345671", "FR"), SuppressionScope.ALL, by=AT_SHOP, reason="x")
    async with room.database.connection() as connection:
        await connection.raw.execute("UPDATE contact SET suppressed = 0")
    await fill_missing_keys(room.database, instance_secret=SECRET)
    async with room.database.connection() as connection:
        rows = await connection.raw.fetch("SELECT address, address_key, time_zone, suppressed FROM contact")
    assert {row["address"]: row["suppressed"] for row in rows} == {
        "33612345670": 0,
        "33612345671": 2,
        "33612345672": 0,
    }
    assert all(row["address_key"] == address_key(SECRET, row["address"]) for row in rows)
    assert {row["time_zone"] for row in rows} == {"Europe/Paris"}


async def test_the_shop_hears_of_an_opt_out_and_of_the_consent_that_ends_it(room: Room) -> None:
    await make_partitions_ahead(room.database, now().date())
    no = ConsentEntry("opted_out", "telephone")
    since = ConsentEntry("opted_in", "till", said_at=now() + timedelta(seconds=30))
    for consent in (YES, no, no, since):
        (outcome,) = await room.put(PersonEntry("0612345678", consent=consent))
        assert isinstance(outcome, Put)
    async with room.database.connection() as connection:
        rows = await connection.raw.fetch("SELECT kind, data FROM outbox ORDER BY id")
        said = await connection.raw.fetch("SELECT state, source FROM consent ORDER BY id")
        out = await connection.raw.fetch("SELECT way, people FROM stat_optout")
    assert [row["kind"] for row in rows] == ["contact.opted_out", "contact.opted_in"]
    assert json.loads(rows[1]["data"])["marketing_consent"] == "opted_in"
    assert [tuple(row) for row in said] == [
        (MarketingConsent.OPTED_IN, "till"),
        (MarketingConsent.OPTED_OUT, "shop:telephone"),
        (MarketingConsent.OPTED_IN, "shop:till"),
        (MarketingConsent.OPTED_IN, "till"),
    ]
    assert [tuple(row) for row in out] == [(OptoutWay.SHOP, 1)]

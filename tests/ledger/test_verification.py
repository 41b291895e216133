"""The full verification on a real Postgres: silent after any history, and naming every kind of tampering."""

import json
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest

from gateway.domain.identifiers import first_id_at
from gateway.domain.message import Reason
from gateway.domain.public_ids import encode_public_id
from gateway.ledger.verification import Verification, verify_ledger, verify_within
from gateway.store.contact_lists import add_members, create_contact_list
from gateway.store.keyed_answers import KeyedAnswer
from gateway.store.recounts import Span
from tests.analytics.shop import Shopkeeper, now
from tests.analytics.test_recount import Run
from tests.ledger.test_accounts import History, fill, freeze
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import SHOP, Rig, running

pytestmark = pytest.mark.integration

TODAY = datetime.now(UTC).date()
NOBODYS_MESSAGE = encode_public_id("msg", first_id_at(datetime.combine(TODAY, time(), UTC)))


async def verify(rig: Rig, first: date | None = None, last: date | None = None) -> Verification:
    return await verify_ledger(rig.database, now=datetime.now(UTC), lookup_days=11, first=first, last=last)


def differing(found: Verification) -> set[str]:
    """Every total and check of rows that is not in order."""
    return {table.table for table in found.tables if table.differing} | {
        check.name for check in found.rows if check.found
    }


class World:
    """A gateway that has lived: messages in every place, a campaign with all that can come of one."""

    def __init__(self, desk: Desk, run: Run) -> None:
        self.desk = desk
        self.rig = desk.rig
        self.run = run

    @classmethod
    async def live(cls, desk: Desk) -> "World":
        rig = desk.rig
        await rig.execute(
            "INSERT INTO shop (name, country, currency, webhook_secret, allowed_countries,"
            " otp_per_number_hour, otp_per_prefix_hour, created_at)"
            " VALUES ('boutique', 'FR', 'EUR', '', '{*}', 0, 0, now())"
        )
        await rig.execute("INSERT INTO connector (name, created_at) VALUES ('smsc-a', now())")
        await fill(desk)
        await freeze(desk, 9, left_out=2)
        await rig.execute("DELETE FROM campaign_progress")  # it puts everybody into one slot
        await rig.execute(
            "INSERT INTO campaign_progress SELECT shop_id, campaign_id, slot, count(*), count(message_id), 0,"
            " now(), now() FROM campaign_recipient GROUP BY 1, 2, 3"
        )
        run = Run(await Shopkeeper.open(rig))
        await run.live()
        world = cls(desk, run)
        await world._hear_late_answers()
        await world._add_list()
        await world._accept_with_key()
        return world

    async def _hear_late_answers(self) -> None:
        """One of a part that was written off, one of a part that was put back, and a receipt told twice."""
        new = self.rig.new_message
        silent, again, told = await self.desk.begin(new(), new(), new(wants_events=True))
        await self.desk.tell(
            [
                self.desk.answered(silent, wanted=S.UNKNOWN),
                self.desk.to_be_resent(again, retry_in=timedelta(minutes=1)),
                self.desk.answered(told, carrier_id="told"),
            ],
            [self.desk.late(silent, 0, "late"), self.desk.late(again, 0, "again"), receipt("told")],
            [receipt("told"), receipt("late", S.FAILED)],
        )

    async def _add_list(self) -> None:
        created = await create_contact_list(
            self.rig.database, SHOP, self.rig.node.ids.next_id(0), "all", now()
        )
        assert created is not None
        contact_id = await self.rig.put_contact("33639989999")
        async with self.rig.database.transaction() as connection:
            await add_members(connection, SHOP, [(created.id, contact_id)], now=now())

    async def _accept_with_key(self) -> None:
        message = self.rig.new_message()
        answer = f'{{"id": "{encode_public_id("msg", message.id)}"}}'.encode()
        writer = self.rig.intake()
        async with running(writer.run):
            await writer.store([message], keyed=KeyedAnswer(SHOP, "k", b"", 202, answer))


@pytest.fixture
async def world(desk: Desk) -> World:
    return await World.live(desk)


# The recipients of `Run` have no rows of campaign_recipient: only the ledger's own pair may say so.
NO_RECIPIENTS = {"every recipient's message exists once"}

STATES = "states agree with what they entered and when"
PARTS = "parts and receipts belong to a message that was sent"
TAMPERING = [
    ("UPDATE stat_hour SET messages = messages + 1 WHERE state = 4", {"stat_hour"}),
    ("UPDATE stat_hour SET country = 'XX' WHERE state = 0 AND country = 'FR'", {"stat_hour"}),
    ("UPDATE stat_hour SET hour = hour - interval '1 hour' WHERE state = 5", {"stat_hour"}),
    ("UPDATE stat_hour SET failure_class = 7 WHERE state = 6 AND failure_class = 4", {"stat_hour"}),
    ("DELETE FROM stat_hour WHERE state = 10", {"stat_hour"}),
    ("UPDATE stat_shop SET category = 1 WHERE state = 8", {"stat_shop"}),
    ("UPDATE stat_shop SET parts = parts - 1 WHERE state = 0", {"stat_shop"}),
    ("UPDATE stat_campaign SET cost_micros = cost_micros + 1 WHERE state = 4", {"stat_campaign"}),
    ("UPDATE stat_campaign SET campaign_id = campaign_id + 1 WHERE state = 6", {"stat_campaign"}),
    ("UPDATE stat_submission SET submissions = submissions + 1 WHERE state = 10", {"stat_submission"}),
    ("UPDATE stat_submission SET command_status = 8 WHERE state = 6", {"stat_submission"}),
    ("UPDATE stat_receipt SET receipts = receipts - 1 WHERE outcome = 2", {"stat_receipt"}),
    ("UPDATE stat_receipt SET connector_id = 2 WHERE outcome = 5", {"stat_receipt"}),
    ("DELETE FROM receipt WHERE outcome = 2", {"stat_receipt"}),
    ("DELETE FROM receipt_unmatched", {"stat_receipt"}),
    ("UPDATE stat_failure SET messages = messages + 1", {"stat_failure"}),
    ("UPDATE stat_failure SET failure_class = failure_class + 10", {"stat_failure"}),
    ("UPDATE stat_delay SET bucket = bucket + 1 WHERE kind = 1", {"stat_delay"}),
    ("DELETE FROM stat_delay WHERE kind = 2", {"stat_delay"}),
    ("UPDATE stat_click SET people = people - 1 WHERE people > 0", {"stat_click"}),
    ("UPDATE stat_click SET device = 2 WHERE verdict = 5", {"stat_click"}),
    ("DELETE FROM click WHERE verdict = 5", {"stat_click"}),
    ("DELETE FROM click_person", {"click_person"}),
    ("UPDATE stat_optout SET people = people + 1 WHERE campaign_id > 0", {"stat_optout"}),
    ("UPDATE stat_optout SET way = 4 WHERE way = 1", {"stat_optout"}),
    ("DELETE FROM consent WHERE campaign_id > 0", {"stat_optout"}),
    ("UPDATE stat_order SET placed_micros = placed_micros + 1", {"stat_order"}),
    ("UPDATE shop_order SET refunded_micros = 5 WHERE refunded_micros = 0", {"stat_order"}),
    ("DELETE FROM order_key", {"orders and the keys that find them belong together"}),
    ("UPDATE stat_exclusion SET people = people + 1", {"stat_exclusion"}),
    ("UPDATE campaign_recipient SET exclusion = 4 WHERE exclusion = 3", {"stat_exclusion"}),
    ("UPDATE campaign_progress SET expanded = expanded + 1", {"campaign_progress"}),
    ("UPDATE contact_list SET member_count = 2", {"contact_list"}),
    ("DELETE FROM list_member", {"contact_list"}),
    ("UPDATE message_state SET final_at = NULL WHERE state = 8", {STATES}),
    ("UPDATE message_state SET entered = entered - 1 WHERE state = 8", {STATES, "stat_hour", "stat_shop"}),
    ("UPDATE message_state SET failure_class = 3 WHERE state = 8", {STATES}),
    ("UPDATE part SET part = part + 9 WHERE state = 6 AND connector_id = 1", {PARTS}),
    (
        "UPDATE outbox SET subject_id = subject_id + 4096",
        {"webhook events belong to messages"},
    ),
    (
        "INSERT INTO unknown_message (shop_id, id, slot, connector_id, since)"
        " SELECT shop_id, id, slot, 1, now() FROM message_state WHERE state = 8",
        {"the list of unknown outcomes names unknown messages only"},
    ),
    ("UPDATE queue SET category = 1", {"what waits has the lane and category of its message"}),
    (
        f"UPDATE idempotency_key SET answer = convert_to('\"{NOBODYS_MESSAGE}\"', 'UTF8')",
        {"answers kept for idempotency keys name messages that exist"},
    ),
    (
        "INSERT INTO reply_due (shop_id, id, slot, kind, attempt, due_at, to_address, from_address, language)"
        " SELECT shop_id, id, slot, 1, 0, now(), '', '', '' FROM message LIMIT 1",
        {"answers that are owed belong to texts that came"},
    ),
]


async def test_nothing_differs_after_a_life_of_every_kind(world: World) -> None:
    found = await verify(world.rig)
    assert differing(found) == set()
    assert {pair.name for pair in found.ledger.pairs if not pair.agrees} <= NO_RECIPIENTS
    compared = {table.table: table.compared for table in found.tables}
    assert compared.pop("ledger_day") == 0
    assert min(compared.values()) > 0, compared


async def tamper(rig: Rig, statement: str) -> set[str]:
    """What is found after a statement, which is taken back."""
    midnight = datetime.combine(TODAY, time(), UTC)
    span = Span(midnight - timedelta(days=1), midnight + timedelta(days=2))
    async with rig.database.connection() as connection:
        transaction = connection.raw.transaction()
        await transaction.start()
        try:
            tag = await connection.raw.execute(statement)
            assert not tag.endswith(" 0"), f"met no row: {statement}"
            return differing(await verify_within(connection, span, lookups_since=span.first, is_whole=True))
        finally:
            await transaction.rollback()


async def test_every_kind_of_tampering_is_found_and_nothing_else(world: World) -> None:
    found = {statement: await tamper(world.rig, statement) for statement, _ in TAMPERING}
    assert found == dict(TAMPERING)
    assert differing(await verify(world.rig)) == set()


async def test_what_differs_is_told_in_words(world: World) -> None:
    await world.rig.execute("UPDATE stat_hour SET messages = messages + 1 WHERE state = 8")
    found = await verify(world.rig)
    (table,) = [table for table in found.tables if table.differing]
    (sentence,) = table.sentences
    assert "shop boutique, connector smsc-a, country FR, lane transactional, currency EUR" in sentence
    assert sentence.endswith("state cancelled, failure class none: rows say 1 messages, stat_hour says 2")
    document = found.as_json()
    assert (document["verified"], document["differences"]) == (False, found.differences)


async def test_only_the_first_differences_are_named_and_all_are_counted(rig: Rig) -> None:
    await rig.execute(
        "INSERT INTO stat_submission SELECT now(), number, 4, 0, 1 FROM generate_series(1, 50) AS number"
    )
    (table,) = [table for table in (await verify(rig)).tables if table.differing]
    assert (table.table, table.differing, len(table.sentences)) == ("stat_submission", 50, 20)


async def test_days_narrow_what_is_verified(world: World) -> None:
    rig = world.rig
    await rig.execute("UPDATE stat_shop SET parts = parts + 1")
    tomorrow = TODAY + timedelta(days=1)
    assert differing(await verify(rig, TODAY - timedelta(days=1), tomorrow)) == {"stat_shop"}
    assert "stat_shop" not in differing(await verify(rig, tomorrow, tomorrow))


async def test_a_sealed_day_is_held_to_its_seal_and_campaigns_with_dropped_rows_are_left_out(
    world: World,
) -> None:
    """As retention leaves it: rows gone, totals and seal kept."""
    rig = world.rig
    counts = json.dumps((await verify(rig)).ledger.as_json())
    low, high = (first_id_at(datetime.combine(TODAY + timedelta(days=n), time(), UTC)) for n in (0, 1))
    await rig.execute("INSERT INTO ledger_day VALUES ($1, now(), $2)", TODAY, counts)
    await rig.execute("DELETE FROM receipt_unmatched WHERE receipt_id >= $1 AND receipt_id < $2", low, high)
    await rig.execute("SELECT drop_day_partitions($1)", TODAY)
    found = await verify(rig)
    assert differing(found) == set()
    notes = {table.table: table.note for table in found.tables}
    assert "rows of theirs were dropped" in notes["stat_delay"]
    await rig.execute("UPDATE stat_hour SET messages = messages - 1 WHERE state = 5")
    assert differing(await verify(rig)) == {"ledger_day"}


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_differs_after_any_history(desk: Desk, rig: Rig, seed: int) -> None:
    """Evidence of every kind about messages of a campaign, batches cut anywhere, restarts."""
    draw = Random(seed)
    live = await desk.begin(
        *(
            rig.new_message(parts=draw.choice([1, 1, 2, 3]), campaign_id=rig.node.ids.next_id(0))
            for _ in range(12)
        )
    )
    everyone = [flight.id for flight in live]
    history = History(desk, draw, live)
    for _ in range(20):
        steps = (history.step() for _ in range(draw.randrange(1, 20)))
        await desk.tell([step for step in steps if step is not None])
        await desk.tell([desk.ending(message_id, S.EXPIRED) for message_id in draw.sample(everyone, 1)])
        await desk.release(datetime.now(UTC) + timedelta(minutes=5))
        again = {flight.id: flight for flight in await desk.intend(await desk.claim())}
        history.live = [again.get(flight.id, flight) for flight in history.live]
        if draw.random() < 0.1:
            desk.restart()
            await desk.tell([desk.written_off(message_id, Reason.NO_RESPONSE) for message_id in everyone])
    assert differing(await verify(rig)) == set()

"""What a person decides about messages of unknown outcome, on a real Postgres with the writers beside it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, Reason
from gateway.intake.changes import Actor
from gateway.intake.unknown_desk import Decided, Decision, Obstacle, Refused, Request, UnknownDesk
from gateway.store.flights import Flight
from gateway.store.intake import Stream
from gateway.store.unknowns import UnknownFilter, list_unknown
from tests.store.desk import Desk
from tests.store.flight_values import receipt
from tests.store.rig import CONNECTOR, SHOP, open_rig

pytestmark = pytest.mark.integration

S = MessageState
ANNA = Actor("uid 1000", is_operator=True)


class Office:
    """The writers behind a connector, and the desk of the person who looks after what is unknown."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rig = desk.rig
        self.queued: dict[Stream, int] = {}
        self.ahead = timedelta(0)
        self.unknown_desk = UnknownDesk(
            desk.rig.database,
            on_queued=self.queued.update,
            ids=desk.rig.node.ids,
            clock=lambda: datetime.now(UTC) + self.ahead,
        )

    async def fall_silent(self, **message: Any) -> Flight:
        """A message whose submit had no answer, all parts of it."""
        [flight] = await self.desk.begin(self.rig.new_message(**message))
        await self.desk.tell([
            self.desk.answered(flight, part, S.UNKNOWN) for part in range(message.get("parts", 1))
        ])  # fmt: skip
        return flight

    async def decide(self, decision: Decision, *flights: Flight, **wanted: Any) -> Decided:
        return await self.unknown_desk.decide(
            Request(
                decision,
                ANNA,
                UnknownFilter(**wanted),
                [flight.id for flight in flights] or None,
                reason="asked the carrier",
                told=wanted,
            )
        )

    async def resend(self, *flights: Flight, **wanted: Any) -> Decided:
        return await self.decide(Decision.RESEND, *flights, **wanted)

    async def close(self, *flights: Flight, **wanted: Any) -> Decided:
        return await self.decide(Decision.CLOSE, *flights, **wanted)

    async def listed(self) -> set[int]:
        return {each.id for each in await list_unknown(self.rig.database, UnknownFilter(), limit=100)}

    async def audited(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = await self.rig.fetch("SELECT action, subject, data FROM audit ORDER BY id")
        return [(action, subject, json.loads(data)) for action, subject, data in rows]


@pytest.fixture
async def office(database: str) -> AsyncIterator[Office]:
    async with open_rig(database) as rig:
        yield Office(Desk(rig))


def refused(flight: Flight, obstacle: Obstacle) -> list[Refused]:
    return [Refused(flight.id, obstacle)]


async def test_a_message_sent_again_is_an_ordinary_queued_one_and_is_counted_once(office: Office) -> None:
    flight = await office.fall_silent()
    decided = await office.resend(flight)
    assert (decided.changed, decided.refused) == (1, [])
    assert office.queued == {(CONNECTOR, 2, Category.TRANSACTIONAL): flight.id}
    assert await office.listed() == set()
    row = await office.desk.row(flight.id)
    assert (row["state"], row["reason"], row["attempt"]) == (S.QUEUED, Reason.NONE, 1)
    await office.desk.assert_balanced()
    [again] = await office.desk.intend(await office.desk.claim())
    await office.desk.tell(office.desk.answered(again, carrier_id="b"))
    await office.desk.tell(receipt("b"))
    assert await office.desk.state(flight.id) is S.DELIVERED
    await office.desk.assert_balanced()
    assert await office.rig.value("SELECT sum(messages) FROM stat_hour WHERE state = 4") == 1


async def test_only_the_parts_without_an_answer_go_again(office: Office) -> None:
    desk = office.desk
    [flight] = await desk.begin(office.rig.new_message(parts=3))
    silent = [desk.answered(flight, part, S.UNKNOWN) for part in (1, 2)]
    await desk.tell([desk.answered(flight, 0, carrier_id="a"), *silent])
    await office.resend(flight)
    [again] = await desk.intend(await desk.claim())
    assert list(again.progress.part_states) == [S.SENT, S.SENDING, S.SENDING]
    await desk.tell([desk.answered(again, 1, carrier_id="b"), desk.answered(again, 2, carrier_id="c")])
    await desk.tell([receipt("a"), receipt("b"), receipt("c")])
    assert await desk.state(flight.id) is S.DELIVERED
    await desk.assert_balanced()


async def test_a_late_answer_of_the_first_attempt_spares_the_second(office: Office) -> None:
    flight = await office.fall_silent()
    await office.resend(flight)
    await office.desk.tell(office.desk.late(flight, 0, "A"))
    assert (await office.desk.state(flight.id), await office.desk.count("queue")) == (S.SENT, 0)
    await office.desk.tell(receipt("a"))
    assert await office.desk.state(flight.id) is S.DELIVERED
    await office.desk.assert_balanced()


async def test_answer_and_receipt_of_the_first_attempt_during_the_second_leave_one_message(
    office: Office,
) -> None:
    flight = await office.fall_silent()
    await office.resend(flight)
    [again] = await office.desk.intend(await office.desk.claim())
    await office.desk.tell(office.desk.late(flight, 0, "A"))
    await office.desk.tell(receipt("a"))
    await office.desk.tell(office.desk.answered(again, carrier_id="b"))
    await office.desk.tell(receipt("b"))
    assert await office.desk.state(flight.id) is S.DELIVERED
    await office.desk.assert_balanced()


async def test_silence_again_puts_it_on_the_list_again(office: Office) -> None:
    flight = await office.fall_silent()
    await office.resend(flight)
    [again] = await office.desk.intend(await office.desk.claim())
    await office.desk.tell(office.desk.answered(again, 0, S.UNKNOWN))
    assert await office.listed() == {flight.id}
    assert (await office.resend(flight)).changed == 1
    assert (await office.desk.row(flight.id))["attempt"] == 2
    await office.desk.assert_balanced()


async def test_a_closed_message_stays_unknown_and_a_later_receipt_still_counts(office: Office) -> None:
    flight = await office.fall_silent(parts=2)
    assert (await office.close(flight)).changed == 1
    row = await office.desk.row(flight.id)
    assert (row["state"], row["reason"]) == (S.UNKNOWN, Reason.CLOSED_BY_OPERATOR)
    assert await office.listed() == set()
    assert (await office.close(flight)).refused == refused(flight, Obstacle.NOT_UNKNOWN)
    assert (await office.resend(flight)).refused == refused(flight, Obstacle.NOT_UNKNOWN)
    await office.desk.tell(office.desk.late(flight, 0, "A"))
    row = await office.desk.row(flight.id)
    assert (row["state"], row["reason"]) == (S.UNKNOWN, Reason.CLOSED_BY_OPERATOR), (
        "one part tells not enough"
    )
    await office.desk.assert_balanced()
    await office.desk.tell([receipt("a", S.FAILED)])
    row = await office.desk.row(flight.id)
    assert (row["state"], row["reason"]) == (S.FAILED, Reason.RECEIPT_SAID_SO)
    await office.desk.assert_balanced()


async def test_what_must_not_go_again_is_refused_with_its_reason(office: Office) -> None:
    gone = await office.rig.put_contact("33639989003", suppressed=2)
    out = await office.rig.put_contact("33639989004", marketing_consent=2)
    late = await office.fall_silent(expires_in=timedelta(minutes=5))
    erased = await office.fall_silent()
    suppressed = await office.fall_silent(to_address="33639989003")
    opted_out = await office.fall_silent(to_address="33639989004", category=Category.MARKETING)
    cancelled = await office.fall_silent(campaign_id=77)
    free = await office.fall_silent()
    await office.rig.execute("UPDATE message SET text = NULL WHERE id = $1", erased.id)
    # The intent itself would refuse these people, so they become so afterwards.
    await office.rig.execute("UPDATE message SET contact_id = $2 WHERE id = $1", suppressed.id, gone)
    await office.rig.execute("UPDATE message SET contact_id = $2 WHERE id = $1", opted_out.id, out)
    await office.rig.execute(
        "INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, created_at, updated_at,"
        " state_changed_at, created_by, name, text, links, audience)"
        " VALUES ($1, 77, 3, 6, 0, 1, now(), now(), now(), 'x', 'x', 'x', '[]', '{}')",
        SHOP,
    )
    office.ahead = timedelta(minutes=6)
    decided = await office.resend(late, erased, suppressed, opted_out, cancelled, free)
    assert decided.changed == 1
    assert decided.refused == [
        Refused(late.id, Obstacle.VALIDITY_PASSED),
        Refused(erased.id, Obstacle.CONTENT_ERASED),
        Refused(suppressed.id, Obstacle.OPTED_OUT),
        Refused(opted_out.id, Obstacle.OPTED_OUT),
        Refused(cancelled.id, Obstacle.CAMPAIGN_CANCELLED),
    ]
    assert await office.desk.state(free.id) is S.QUEUED
    assert await office.listed() == {each.id for each in (late, erased, suppressed, opted_out, cancelled)}


async def test_a_row_that_moves_just_now_is_left_alone(office: Office) -> None:
    flight = await office.fall_silent()
    async with office.rig.database.transaction() as elsewhere:
        await elsewhere.raw.execute("SELECT FROM message_state WHERE id = $1 FOR UPDATE", flight.id)
        assert (await office.resend(flight)).refused == refused(flight, Obstacle.MOVED_MEANWHILE)
        assert (await office.close(flight)).refused == refused(flight, Obstacle.MOVED_MEANWHILE)
    assert (await office.desk.state(flight.id), await office.desk.count("queue")) == (S.UNKNOWN, 0)
    assert await office.listed() == {flight.id}


async def test_a_filter_names_what_it_says_and_no_message_of_another_shop(office: Office) -> None:
    otp = await office.fall_silent(category=Category.OTP)
    other = await office.fall_silent()
    strange = await office.fall_silent(shop_id=SHOP + 1, category=Category.OTP)
    assert (await office.resend(strange, shop_ids=[SHOP])).refused == refused(strange, Obstacle.NOT_UNKNOWN)
    decided = await office.close(shop_ids=[SHOP], category=Category.OTP)
    assert (decided.changed, decided.refused_count) == (1, 0)
    assert await office.listed() == {other.id, strange.id}
    assert (await office.close(before=datetime.now(UTC) - timedelta(hours=1))).changed == 0
    assert (await office.close(connector_id=CONNECTOR + 1)).changed == 0
    assert (await office.close(connector_id=CONNECTOR)).changed == 2
    assert await office.desk.state(otp.id) is S.UNKNOWN


async def test_every_decision_is_audited_with_what_was_asked_and_done(office: Office) -> None:
    flight, other = await office.fall_silent(), await office.fall_silent()
    await office.resend(flight)
    await office.close(category=Category.TRANSACTIONAL)
    [resent, closed] = await office.audited()
    assert resent[0] == "unknown.resend"
    assert resent[2] == {"reason": "asked the carrier", "messages": [resent[1]], "refused": 0}
    assert closed[0] == "unknown.close"
    assert closed[2]["filter"] == {"category": 2}
    assert len(closed[2]["messages"]) == 1
    assert await office.desk.state(other.id) is S.UNKNOWN

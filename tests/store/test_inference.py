"""Receipts whose id nobody learnt, and the messages that alone they can be of, on a real Postgres."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.dispatch.receipt_inference import ReceiptInference
from gateway.dispatch.receipt_retries import ReceiptRetries
from gateway.domain.inference import CarrierAddresses
from gateway.domain.message import Reason
from gateway.store.evidence import ReceiptOutcome, ReceiptSeen
from gateway.store.flights import Flight
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import running

pytestmark = pytest.mark.integration

NUMBER = "33639981234"
MINUTES = timedelta(minutes=1)
INFERRED, APPLIED, DISOWNED = ReceiptOutcome.INFERRED, ReceiptOutcome.APPLIED, ReceiptOutcome.DISOWNED


def as_written(connector_id: int, written: str) -> str:
    return written.lower()


class Looks:
    """The looks of one node at receipts without a message, a while after they came."""

    def __init__(self, desk: Desk, *, batch: int = 500) -> None:
        self.desk = desk
        database = desk.rig.database
        self._retries = ReceiptRetries(database, desk.outcomes, as_written)
        self._inference = ReceiptInference(
            database, desk.outcomes, as_written, lambda _: CarrierAddresses("FR"), batch=batch
        )

    async def look(self, *, after: timedelta = 2 * MINUTES) -> int:
        """How many receipts were given a message that is inferred; the books balance."""
        async with running(self.desk.outcomes.run), asyncio.timeout(10):
            await self._retries.look()
            found = await self._inference.look(datetime.now(UTC) + after)
        await self.desk.assert_balanced()
        return found


@pytest.fixture
def looks(desk: Desk) -> Looks:
    return Looks(desk)


def stray(
    carrier_id: str = "x", wanted: Any = S.DELIVERED, *, number: str = NUMBER, **changes: Any
) -> ReceiptSeen:
    seen = receipt(carrier_id, wanted, at=datetime.now(UTC))
    return replace(seen, from_address=number, written_id=carrier_id, **changes)


async def unanswered(desk: Desk, *, parts: int = 1, **changes: Any) -> Flight:
    """A message to the number whose submits have no answer."""
    [flight] = await desk.begin(desk.rig.new_message(to_address=NUMBER, parts=parts, **changes))
    await desk.tell([desk.answered(flight, part, S.UNKNOWN) for part in range(parts)])
    return flight


async def unmatched(desk: Desk) -> list[int]:
    return [
        row[0] for row in await desk.rig.fetch("SELECT outcome FROM receipt_unmatched ORDER BY receipt_id")
    ]


async def test_the_only_message_it_can_be_has_it(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    assert await looks.look(after=MINUTES / 2) == 0, "its id is looked for first"
    assert await looks.look() == 1
    assert await desk.state(flight.id) is S.DELIVERED
    assert (await desk.outcomes_of(flight.id), await unmatched(desk)) == ([INFERRED], [INFERRED])
    assert await desk.count("unknown_message") == 0
    assert (await desk.ledger()).receipts_inferred == 1
    assert await looks.look() == 0


@pytest.mark.parametrize("number", ["+33639981234", "0033639981234", "0639981234"])
async def test_the_number_is_the_same_however_it_is_written(desk: Desk, looks: Looks, number: str) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x", number=number))
    assert await looks.look() == 1
    assert await desk.state(flight.id) is S.DELIVERED


async def test_what_a_crash_cut_short_has_it_too(desk: Desk, looks: Looks) -> None:
    [flight] = await desk.begin(desk.rig.new_message(to_address=NUMBER))
    desk.restart()
    looks = Looks(desk)
    await desk.tell(stray("x"), desk.abandoned(flight.id))
    assert await looks.look() == 1
    assert await desk.state(flight.id) is S.DELIVERED


async def test_two_that_it_could_be_leave_it_open(desk: Desk, looks: Looks) -> None:
    flights = [await unanswered(desk), await unanswered(desk, shop_id=2)]
    await desk.tell(stray("x"))
    assert await looks.look() == 0
    assert [await desk.state(flight.id) for flight in flights] == [S.UNKNOWN] * 2
    assert await unmatched(desk) == [ReceiptOutcome.UNMATCHED]


async def test_one_that_is_being_sent_may_be_meant_until_it_is_answered(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    [other] = await desk.begin(desk.rig.new_message(to_address=NUMBER))
    await desk.tell(stray("x"))
    assert await looks.look() == 0
    await desk.tell(desk.answered(other, carrier_id="y"))
    assert await looks.look() == 1
    assert (await desk.state(flight.id), await desk.state(other.id)) == (S.DELIVERED, S.SENT)


async def test_one_whose_first_submit_has_no_id_may_be_meant(desk: Desk, looks: Looks) -> None:
    [other] = await desk.begin(desk.rig.new_message(to_address=NUMBER))
    await desk.tell(desk.to_be_resent(other))
    [again] = await desk.intend(await desk.claim())
    await desk.tell(desk.answered(again, carrier_id="y"), receipt("y"))
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    assert await looks.look() == 0
    assert (await desk.state(flight.id), await desk.state(other.id)) == (S.UNKNOWN, S.DELIVERED)


async def test_one_that_was_taken_without_an_id_may_be_meant(desk: Desk, looks: Looks) -> None:
    await unanswered(desk)
    [other] = await desk.begin(desk.rig.new_message(to_address=NUMBER))
    await desk.tell(desk.answered(other), stray("x"))
    assert await looks.look() == 0


async def test_two_ids_are_more_than_one_part_has(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell([stray("x"), stray("y")])
    assert await looks.look() == 0
    assert await desk.state(flight.id) is S.UNKNOWN


async def test_a_message_of_two_parts_has_two_ids(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk, parts=2)
    await desk.tell([stray("x"), stray("y", S.FAILED)])
    assert await looks.look() == 2
    assert list((await desk.row(flight.id))["part_states"]) == [S.DELIVERED, S.FAILED]
    assert await desk.state(flight.id) is S.FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"to_address": "ANOTHER"},
        {"from_address": "33639989999"},
        {"connector_id": 2},
        {"carrier_at": datetime.now(UTC) - timedelta(hours=2)},
        {"at": datetime.now(UTC) - timedelta(minutes=10)},
        {"wanted": None},
        {"wanted": S.UNKNOWN},
    ],
)
async def test_another_sender_number_connector_or_time_is_another_message(
    desk: Desk, looks: Looks, changes: dict[str, Any]
) -> None:
    flight = await unanswered(desk)
    await desk.tell(replace(stray("x"), **changes))
    assert await looks.look() == 0
    assert await desk.state(flight.id) is S.UNKNOWN


async def test_a_receipt_without_a_sender_goes_by_its_number(desk: Desk, looks: Looks) -> None:
    await unanswered(desk)
    await desk.tell(stray("x", to_address=""))
    assert await looks.look() == 1


async def test_a_message_that_somebody_closed_or_sent_again_is_left_alone(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.rig.execute("UPDATE message_state SET reason = $1", Reason.CLOSED_BY_OPERATOR)
    await desk.rig.execute("DELETE FROM unknown_message")
    await unanswered(desk, from_address="OTHER")
    await desk.tell(stray("x"))
    assert await looks.look() == 0
    assert await desk.state(flight.id) is S.UNKNOWN


async def test_a_repeat_goes_where_the_first_went(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    assert await looks.look() == 1
    later = await unanswered(desk)
    await desk.tell(stray("x"))
    assert await looks.look() == 0
    assert (await desk.outcomes_of(flight.id), await unmatched(desk)) == ([INFERRED], [INFERRED, INFERRED])
    assert await desk.state(later.id) is S.UNKNOWN, "a known id is not taken for another's"


async def test_two_looks_at_one_time_infer_it_once(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    other = Desk(desk.rig)
    [mine], [theirs] = [await find(looks), await find(Looks(other))]
    await desk.tell(mine)
    await other.tell(theirs)
    assert (await desk.outcomes_of(flight.id), await unmatched(desk)) == ([INFERRED], [INFERRED])
    await desk.assert_balanced()


async def find(looks: Looks) -> list[Any]:
    """What a look would tell the writer."""
    told: list[Any] = []

    class Sink:
        put_many = staticmethod(told.extend)

        @staticmethod
        async def drained() -> None:
            pass

    looking = ReceiptInference(
        looks.desk.rig.database,
        Sink(),  # type: ignore[arg-type]
        as_written,
        lambda _: CarrierAddresses(),
    )
    await looking.look(datetime.now(UTC) + 2 * MINUTES)
    return told


async def test_what_was_learnt_since_the_look_wins(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    found = await find(looks)
    await desk.tell(desk.late(flight, 0, "y"), found)
    assert await desk.state(flight.id) is S.SENT
    assert (await desk.outcomes_of(flight.id), await unmatched(desk)) == ([], [ReceiptOutcome.UNMATCHED])
    await desk.assert_balanced()


async def test_a_look_by_id_and_an_inference_in_one_batch_are_one_receipt(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    [found] = await find(looks)
    await desk.tell(desk.late(flight, 0, "x"), [found, found.receipt, found.receipt])
    assert await desk.outcomes_of(flight.id) == [APPLIED]
    assert await unmatched(desk) == [ReceiptOutcome.MATCHED_LATER]
    await desk.assert_balanced()


async def test_its_own_late_answer_settles_it(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    await looks.look()
    await desk.tell(desk.late(flight, 0, "x"))
    await looks.look()
    assert (await desk.outcomes_of(flight.id), await unmatched(desk)) == (
        [APPLIED],
        [ReceiptOutcome.MATCHED_LATER],
    )
    assert await desk.state(flight.id) is S.DELIVERED


async def test_another_messages_id_takes_it_away(desk: Desk, looks: Looks) -> None:
    """The id is learnt only when the form of ids is put right: till then the other message's looked known."""
    flight = await unanswered(desk)
    [other] = await desk.begin(desk.rig.new_message(to_address=NUMBER))
    await desk.tell(desk.answered(other, carrier_id="1f", remember=False), stray("x"))
    assert await looks.look() == 1
    await desk.rig.execute("UPDATE receipt_map SET carrier_id = 'x'")
    await looks.look()
    row = await desk.row(flight.id)
    assert (row["state"], row["reason"], row["final_at"], row["stat"]) == (
        S.UNKNOWN,
        Reason.NO_RESPONSE,
        None,
        None,
    )
    assert (await desk.outcomes_of(flight.id), await desk.outcomes_of(other.id)) == ([DISOWNED], [APPLIED])
    assert await desk.state(other.id) is S.DELIVERED
    assert await unmatched(desk) == [ReceiptOutcome.MATCHED_LATER]
    assert await desk.rig.fetch("SELECT id FROM unknown_message") == [(flight.id,)]
    await desk.tell(stray("z"))
    assert await looks.look() == 1, "its own receipt is still welcome"
    assert await desk.state(flight.id) is S.DELIVERED


@pytest.mark.parametrize("is_refusal", [False, True])
async def test_its_own_answer_with_another_id_takes_it_away(
    desk: Desk, looks: Looks, is_refusal: bool
) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x"))
    await looks.look()
    await desk.tell(desk.late(flight, 0, None if is_refusal else "y"))
    await looks.look()
    assert await desk.state(flight.id) is (S.FAILED if is_refusal else S.SENT)
    assert (await desk.outcomes_of(flight.id), await unmatched(desk)) == (
        [DISOWNED],
        [ReceiptOutcome.UNMATCHED],
    )
    assert await desk.count("unknown_message") == 0


async def test_its_own_receipt_stands_when_the_inferred_one_goes(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk)
    await desk.tell(stray("x", S.FAILED))
    await looks.look()
    assert await desk.state(flight.id) is S.FAILED
    await desk.tell(desk.late(flight, 0, "y"), receipt("y"))
    await looks.look()
    row = await desk.row(flight.id)
    assert (row["state"], row["reason"], row["failure_class"]) == (S.DELIVERED, Reason.NONE, 0)
    assert row["entered"] >> S.SENT & 1, "what was delivered was sent, and counts so"
    assert row["sent_at"] is not None
    assert await desk.outcomes_of(flight.id) == [DISOWNED, ReceiptOutcome.LATE]


async def test_a_part_that_was_mistaken_for_its_neighbour_is_put_right(desk: Desk, looks: Looks) -> None:
    flight = await unanswered(desk, parts=2)
    await desk.tell(stray("b"))
    assert await looks.look() == 1
    await desk.tell(desk.late(flight, 1, "b"))
    await looks.look()
    assert list((await desk.row(flight.id))["part_states"]) == [S.UNKNOWN, S.DELIVERED]
    await desk.tell(desk.late(flight, 0, "a"), receipt("a"))
    await looks.look()
    assert await desk.state(flight.id) is S.DELIVERED


async def test_a_turn_is_bounded_and_none_is_passed_over(desk: Desk) -> None:
    flight = await unanswered(desk)
    await desk.tell([stray(f"hopeless {n}", number="33611111111") for n in range(7)], stray("x"))
    looks = Looks(desk, batch=3)
    assert [await looks.look() for _ in range(3)] == [0, 0, 1]
    assert await desk.state(flight.id) is S.DELIVERED


async def test_a_number_with_very_many_messages_is_left_to_people(
    desk: Desk, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.suspects.MOST_OF_A_NUMBER", 3)
    flight = await unanswered(desk)
    await desk.accept(*(desk.rig.new_message(to_address=NUMBER) for _ in range(2)))
    await desk.tell(stray("x"))
    assert await looks.look() == 0
    assert await desk.state(flight.id) is S.UNKNOWN

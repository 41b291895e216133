"""How a batch of moves is told to Postgres: each kind once, and for every message the number of its own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.message import Reason
from gateway.store.cases import Case, judge_case
from gateway.store.moving import describe_moves
from tests.store.desk import Desk
from tests.store.flight_values import MESSAGE_ID, NOW, S, answer, make_flight, matched, receipt

SENTENCES = st.tuples(
    st.integers(1, 2),  # shop
    st.integers(0, 1),  # attempt
    st.sampled_from([S.SENT, S.FAILED, S.QUEUED, S.UNKNOWN]),
    st.sampled_from([None, S.DELIVERED, S.FAILED]),
    st.integers(0, 2),  # seconds
)


def judged(place: int, told: tuple[int, int, S, S | None, int]) -> Case:
    shop_id, attempt, answered, received, seconds = told
    flight = make_flight(message_id=MESSAGE_ID + place, shop_id=shop_id, attempt=attempt)
    at = NOW + timedelta(seconds=seconds)
    case = Case(flight)
    case.evidence.append(answer(flight, wanted=answered, at=at))
    if received is not None:
        case.evidence.append(matched(wanted=received, at=at, err=f"{seconds:03}"))
    judge_case(case)
    return case


@given(st.lists(SENTENCES, min_size=1, max_size=20))
def test_every_message_has_the_number_of_its_own_move(
    sentences: Sequence[tuple[int, int, S, S | None, int]],
) -> None:
    cases = [judged(place, told) for place, told in enumerate(sentences)]
    ids, slots, numbers, *columns = describe_moves(cases)
    moves = list(zip(*columns, strict=True))
    assert len(moves) == len(set(moves)) <= len(cases)
    assert ids == [case.flight.id for case in cases]
    assert slots == [case.flight.slot for case in cases]
    assert [moves[number - 1] for number in numbers] == [case.describe_move() for case in cases]


def test_messages_that_move_alike_are_told_of_once() -> None:
    cases = [judged(place, (1, 0, S.SENT, None, place % 2)) for place in range(10)]
    _, _, numbers, *columns = describe_moves(cases)
    assert numbers == [1, 2] * 5
    assert {len(column) for column in columns} == {2}


@pytest.mark.integration
async def test_each_message_of_a_batch_gets_its_own_move(desk: Desk) -> None:
    """Of two shops, some refused, some answered and reported, one moved by somebody else meanwhile."""
    flights = await desk.begin(*(desk.rig.new_message(shop_id=1 + place % 2) for place in range(8)))
    taken, refused, reported, foreign = flights[:2], flights[2:4], flights[4:6], flights[6:]
    await desk.rig.execute(
        "UPDATE message_state SET state = $1, part_states = $2 WHERE id = ANY ($3)",
        S.UNKNOWN, bytes([S.UNKNOWN]), [flight.id for flight in foreign],
    )  # fmt: skip
    batch = [desk.answered(flight, carrier_id=f"A{flight.id}") for flight in taken + reported + foreign]
    batch += [desk.answered(flight, wanted=S.FAILED) for flight in refused]
    at = datetime.now(UTC)
    await desk.tell([*batch, *(receipt(f"a{flight.id}", at=at) for flight in reported)])
    rows = {flight.id: await desk.row(flight.id) for flight in flights}
    assert [rows[flight.id]["state"] for flight in flights] == [S.SENT] * 2 + [S.FAILED] * 2 + [
        S.DELIVERED
    ] * 2 + [S.SENT] * 2
    assert [rows[flight.id]["part_states"][0] for flight in flights] == [
        rows[flight.id]["state"] for flight in flights
    ]
    assert {rows[flight.id]["final_at"] for flight in reported} == {at}
    assert {rows[flight.id]["stat"] for flight in reported} == {"DELIVRD"}
    assert {rows[flight.id]["reason"] for flight in refused} == {Reason.REJECTED_BY_CARRIER}
    assert all(rows[flight.id]["final_at"] is None for flight in taken + foreign)

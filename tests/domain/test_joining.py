"""Parts find the text that they belong to, in whatever order and however often they come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.joining import HeldPart, place_part

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

Arrival = tuple[int, bytes, float]
"""A part's number, its digest, and seconds after noon."""


def place_all(arrivals: Sequence[Arrival], total: int = 2) -> list[int | None]:
    """Where each goes; a set whose parts are all there becomes a text at once."""
    held: list[HeldPart] = []
    placed: list[int | None] = []
    for part, digest, seconds in arrivals:
        at = NOON + timedelta(seconds=seconds)
        set_no = place_part(part, digest, at, held)
        placed.append(set_no)
        if set_no is None:
            continue
        held.append(HeldPart(set_no, part, 0, digest, at))
        if sum(each.set_no == set_no for each in held) == total:
            held = [each._replace(inbound_id=9) if each.set_no == set_no else each for each in held]
    return placed


def test_a_first_part_opens_a_set_and_the_second_finds_it() -> None:
    assert place_all([(1, b"a", 0), (2, b"b", 1)]) == [0, 0]
    assert place_all([(2, b"b", 0), (1, b"a", 1)]) == [0, 0]


def test_a_part_repeated_while_its_text_waits_is_known() -> None:
    assert place_all([(1, b"a", 0), (1, b"a", 1), (2, b"b", 2)]) == [0, None, 0]


def test_a_part_repeated_is_not_taken_for_that_of_another_text_under_the_reference() -> None:
    assert place_all([(1, b"a", 0), (1, b"c", 1), (2, b"b", 2), (2, b"b", 3)], total=3) == [0, 1, 0, None]


def test_a_part_repeated_after_its_text_was_complete_is_known() -> None:
    assert place_all([(1, b"a", 0), (2, b"b", 1), (2, b"b", 900), (1, b"a", 901)]) == [0, 0, None, None]


def test_a_reference_used_again_at_once_makes_a_text_of_its_own() -> None:
    assert place_all([(1, b"a", 0), (2, b"b", 1), (1, b"c", 2), (2, b"d", 3)]) == [0, 0, 1, 1]


def test_two_texts_interleaved_under_one_reference_are_served_in_their_order() -> None:
    assert place_all([(1, b"a", 0), (1, b"c", 0.1), (2, b"b", 0.2), (2, b"d", 0.3)]) == [0, 1, 0, 1]


def test_a_text_that_lost_its_part_does_not_swallow_that_of_a_later_one() -> None:
    assert place_all([(1, b"a", 0), (1, b"c", 600), (2, b"d", 601)]) == [0, 1, 1]


def test_of_two_texts_that_wait_for_long_the_newer_one_gets_the_part() -> None:
    assert place_all([(1, b"a", 0), (1, b"c", 600), (2, b"d", 1_200)]) == [0, 1, 1]


def test_a_part_that_comes_late_goes_to_the_text_that_waits_for_it() -> None:
    assert place_all([(1, b"a", 0), (2, b"b", 3000)]) == [0, 0]


def test_the_last_part_is_not_lost_when_its_text_was_stored_without_it() -> None:
    given_up = [HeldPart(0, 1, 9, b"a", NOON)]
    assert place_part(2, b"b", NOON + timedelta(hours=1), given_up) == 1


def test_two_texts_under_one_reference_may_end_alike() -> None:
    assert place_all([(1, b"a", 0), (2, b"z", 1), (1, b"c", 60), (2, b"z", 61)]) == [0, 0, 1, 1]


def test_equal_bodies_under_two_numbers_are_two_parts() -> None:
    assert place_all([(1, b"a", 0), (2, b"a", 1)]) == [0, 0]


@given(
    st.integers(2, 6).flatmap(
        lambda total: st.tuples(
            st.just(total),
            st.permutations(list(range(1, total + 1)) * 2),
            st.lists(st.floats(0, 3000), min_size=2 * total, max_size=2 * total),
        )
    )
)
def test_in_any_order_with_every_part_twice_one_text_comes_of_it(
    given: tuple[int, list[int], list[float]],
) -> None:
    total, order, moments = given
    arrivals = [(part, bytes((part,)), seconds) for part, seconds in zip(order, sorted(moments), strict=True)]
    placed = place_all(arrivals, total)
    assert [each for each in placed if each is not None] == [0] * total
    assert placed.count(None) == total


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.binary(min_size=1, max_size=1), st.floats(0, 3600)), max_size=20
    ).map(lambda arrivals: sorted(arrivals, key=lambda arrival: arrival[2]))
)
def test_whatever_comes_no_octets_are_lost_and_no_set_has_a_number_twice(arrivals: list[Arrival]) -> None:
    placed = place_all(arrivals, total=3)
    seen: set[tuple[int | None, int]] = set()
    told: set[tuple[int, bytes]] = set()
    for (part, digest, _), set_no in zip(arrivals, placed, strict=True):
        if set_no is None:
            assert (part, digest) in told
            continue
        assert (set_no, part) not in seen
        seen.add((set_no, part))
        told.add((part, digest))

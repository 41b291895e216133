"""Categories, lanes and streams: numbers that stand in rows, and the order of sending."""

from itertools import pairwise

from gateway.domain.lanes import LANE_OF_CATEGORY, STREAMS, Category, HoldScope, Lane


def test_stored_numbers_never_change() -> None:
    assert {category.name: int(category) for category in Category} == {
        "OTP": 1,
        "TRANSACTIONAL": 2,
        "MARKETING": 3,
    }
    assert {lane.name: int(lane) for lane in Lane} == {"OTP": 1, "TRANSACTIONAL": 2, "BULK": 3}
    assert {scope.name: int(scope) for scope in HoldScope} == {"MARKETING": 1, "ALL": 2}


def test_every_category_has_a_lane_and_that_pair_is_a_stream() -> None:
    assert set(LANE_OF_CATEGORY) == set(Category)
    assert all((lane, category) in STREAMS for category, lane in LANE_OF_CATEGORY.items())


def test_streams_are_read_from_the_best_lane_down() -> None:
    assert all(before[0] <= after[0] for before, after in pairwise(STREAMS))
    assert STREAMS[0] == (Lane.OTP, Category.OTP)


def test_marketing_waits_in_a_stream_of_its_own() -> None:
    """A campaign may also carry notifications; holding marketing must skip none of them."""
    assert [lane for lane, category in STREAMS if category is Category.MARKETING] == [Lane.BULK]
    assert (Lane.BULK, Category.TRANSACTIONAL) in STREAMS


def test_a_category_is_written_in_lower_case() -> None:
    assert [category.word for category in Category] == ["otp", "transactional", "marketing"]

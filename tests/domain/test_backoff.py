from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.backoff import retry_delay_seconds

DRAWS = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_longest() -> None:
    waits = [retry_delay_seconds(attempt, 0.0) for attempt in range(1, 9)]
    assert waits == [2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 150.0, 150.0]


@given(st.integers(1, 10_000), DRAWS)
def test_a_wait_lies_between_half_and_all_of_the_full_one(attempt: int, draw: float) -> None:
    least = retry_delay_seconds(attempt, 0.0)
    assert least <= retry_delay_seconds(attempt, draw) <= 2 * least <= 300.0


@given(st.integers(-5, 1), DRAWS)
def test_the_first_attempt_is_the_shortest(attempt: int, draw: float) -> None:
    assert retry_delay_seconds(attempt, draw) == retry_delay_seconds(1, draw)


def test_the_caller_sets_both_ends() -> None:
    assert retry_delay_seconds(1, 0.0, first_seconds=1.0, longest_seconds=8.0) == 0.5
    assert retry_delay_seconds(9, 0.0, first_seconds=1.0, longest_seconds=8.0) == 4.0

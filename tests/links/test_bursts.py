"""Bursts: walks over codes from one source, loops over one code, and what stays below."""

from gateway.links.bursts import CODES_A_MINUTE, REPEATS_IN_TEN_SECONDS, BurstWatch


def test_many_codes_from_one_source_within_a_minute_are_a_walk() -> None:
    watch = BurstWatch()
    noted = [watch.note("198.51.100.7", "a", seq, seq * 0.1) for seq in range(CODES_A_MINUTE + 3)]
    assert noted == [False] * CODES_A_MINUTE + [True] * 3
    assert not watch.note("198.51.100.7", "another browser behind it", 900, 6.0)
    assert not watch.note("198.51.100.7", "a", 901, 60.0)  # a minute later it begins anew


def test_one_code_again_and_again_is_a_loop_wherever_it_comes_from() -> None:
    watch = BurstWatch()
    noted = [watch.note(f"198.51.100.{n}", "a", 1, n * 0.5) for n in range(REPEATS_IN_TEN_SECONDS + 2)]
    assert noted == [False] * REPEATS_IN_TEN_SECONDS + [True] * 2
    assert not watch.note("198.51.100.7", "a", 2, 3.5)
    assert not watch.note("198.51.100.7", "a", 1, 10.0)


def test_a_person_who_opens_their_links_is_no_burst() -> None:
    watch = BurstWatch()
    assert not any(watch.note("198.51.100.7", "a", seq % 3, seq * 4.0) for seq in range(100))


def test_the_tables_stay_small() -> None:
    watch = BurstWatch()
    for number in range(60_000):
        assert not watch.note(f"{number}", "a", number, 0.0)
    # The oldest was forgotten, and with it what it had done.
    assert not any(watch.note("0", "a", 0, 1.0) for _ in range(REPEATS_IN_TEN_SECONDS))

"""Which delivery goes next."""

from yarl import URL

from gateway.webhooks.lineup import Job, Lineup, TargetKey

from .rows import NOW, due_row


def job(target: TargetKey, *, subject_id: int | None = None) -> Job:
    return Job(due_row(subject_id=subject_id), target, target[1], URL("https://shop.example/"), "", b"{}")


ONE: TargetKey = (1, 11, "https://one.example")
TWO: TargetKey = (2, 22, "https://two.example")


def test_the_target_with_the_fewest_in_flight_goes_first() -> None:
    lineup = Lineup(target_limit=8)
    for _ in range(4):
        lineup.add(job(ONE))
    first, second = lineup.take_next(), lineup.take_next()
    lineup.add(job(TWO))
    third = lineup.take_next()
    assert [taken and taken.target for taken in (first, second, third)] == [ONE, ONE, TWO]


def test_one_target_is_served_in_order() -> None:
    lineup = Lineup(target_limit=8)
    jobs = [job(ONE) for _ in range(2)]
    for one in jobs:
        lineup.add(one)
    assert [lineup.take_next(), lineup.take_next()] == jobs


def test_two_events_of_one_message_are_never_in_flight_together() -> None:
    lineup = Lineup(target_limit=8)
    sent, delivered, other = job(ONE, subject_id=5), job(ONE, subject_id=5), job(ONE, subject_id=6)
    for one in (sent, delivered, other):
        lineup.add(one)
    assert lineup.take_next() is sent
    assert lineup.take_next() is other
    assert lineup.take_next() is None
    lineup.finish(sent)
    assert lineup.take_next() is delivered


def test_events_of_one_message_go_to_two_targets_at_once() -> None:
    lineup = Lineup(target_limit=8)
    lineup.add(job(ONE, subject_id=5))
    lineup.add(job(TWO, subject_id=5))
    assert lineup.take_next() is not None
    assert lineup.take_next() is not None


def test_a_target_turned_away_keeps_only_what_is_in_flight() -> None:
    lineup = Lineup(target_limit=8)
    jobs = [job(ONE) for _ in range(3)]
    for one in jobs:
        lineup.add(one)
    lineup.take_next()
    assert lineup.turn_away(ONE) == jobs[1:]
    assert lineup.pace(ONE).held == 1
    assert lineup.take_next() is None


def test_a_target_turned_away_in_part_keeps_its_first_rows() -> None:
    lineup = Lineup(target_limit=8)
    jobs = [job(ONE) for _ in range(5)]
    for one in jobs:
        lineup.add(one)
    assert lineup.turn_away(ONE, keep=2) == jobs[2:]
    assert lineup.turn_away(ONE, keep=2) == []
    assert [lineup.take_next(), lineup.take_next()] == jobs[:2]


def test_what_is_held_is_counted_through_every_way_out() -> None:
    lineup = Lineup(target_limit=8)
    for _ in range(4):
        lineup.add(job(ONE))
    lineup.add(job(TWO))
    taken = lineup.take_next()
    assert taken is not None
    assert lineup.held == 5
    lineup.turn_away(ONE, keep=1)
    lineup.finish(taken)
    assert lineup.held == lineup.pace(ONE).held + lineup.pace(TWO).held == 2


def test_memory_of_targets_is_bounded_and_the_oldest_goes() -> None:
    lineup = Lineup(target_limit=8, remembered_targets=3)
    for shop_id in range(5):
        for _ in range(3):
            lineup.pace((shop_id, 1, "https://dead.example")).note_failure(0.1, NOW)
    assert lineup.count_resting() == 3
    assert lineup.pace((4, 1, "https://dead.example")).is_resting
    assert not lineup.pace((0, 1, "https://dead.example")).is_resting

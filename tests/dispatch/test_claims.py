"""Claimed messages: which are read next, and in which order they leave."""

from store.flight_values import make_flight

from gateway.dispatch.claims import ClaimedStream, Claims
from gateway.domain.lanes import Category, Lane
from gateway.store.flights import Flight

PAIR = (Lane.TRANSACTIONAL, Category.TRANSACTIONAL)
STREAM = (1, int(Lane.TRANSACTIONAL), int(Category.TRANSACTIONAL))


def flight(message_id: int) -> Flight:
    return make_flight(message_id=message_id, lane=STREAM[1], category=STREAM[2])


def read(stream: ClaimedStream, *ids: int, asked: int = 10) -> int:
    """One claim that finds these ids; the id it read after."""
    after_id = stream.begin_claim()
    stream.end_claim([flight(message_id) for message_id in ids], asked=asked)
    return after_id


def take(claims: Claims, wanted: int) -> list[int]:
    return [taken.id for taken in claims.take(wanted, is_held=lambda _: False)]


def test_a_message_that_came_back_leaves_before_the_later_ones() -> None:
    claims = Claims(1)
    stream = claims.streams[PAIR]
    read(stream, 10, 11, 12, 13)
    (first,) = claims.take(1, is_held=lambda _: False)
    claims.release(first)  # its intent is committed; the carrier is busy and it is queued again
    claims.hear(STREAM, 10)
    assert read(stream, 10, 11, 12, 13, 14) == 9
    assert take(claims, 9) == [10, 11, 12, 13, 14]


def test_a_message_that_is_claimed_is_not_claimed_twice() -> None:
    claims = Claims(1)
    stream = claims.streams[PAIR]
    read(stream, 10, 11)
    claims.look_again()
    read(stream, 10, 11, 12)
    assert take(claims, 9) == [10, 11, 12]


def test_news_during_a_claim_is_looked_at_after_it() -> None:
    stream = ClaimedStream(STREAM)
    read(stream, 10, 11)
    assert not stream.may_have_more
    after_id = stream.begin_claim()
    stream.hear(5)
    stream.end_claim([], asked=10)
    assert after_id == 11
    assert stream.may_have_more
    assert stream.begin_claim() == 4


def test_one_time_passwords_leave_first() -> None:
    claims = Claims(1)
    read(claims.streams[PAIR], 10)
    otp = claims.streams[Lane.OTP, Category.OTP]
    after_id = otp.begin_claim()
    assert after_id == 0
    otp.end_claim([make_flight(message_id=99, lane=int(Lane.OTP), category=int(Category.OTP))], asked=10)
    assert take(claims, 2) == [99, 10]


def test_a_held_category_stays_and_the_others_leave() -> None:
    claims = Claims(1)
    read(claims.streams[PAIR], 10)
    marketing = claims.streams[Lane.BULK, Category.MARKETING]
    marketing.begin_claim()
    marketing.end_claim(
        [make_flight(message_id=5, lane=int(Lane.BULK), category=int(Category.MARKETING))], asked=10
    )
    taken = claims.take(9, is_held=lambda category: category == Category.MARKETING)
    assert [each.id for each in taken] == [10]
    assert claims.count() == 1

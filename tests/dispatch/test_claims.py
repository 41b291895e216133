"""Claimed messages: which are read next, and in which order they leave."""

from store.flight_values import make_flight

from gateway.dispatch.claims import ClaimedStream, Claims
from gateway.domain.lanes import Category, Lane
from gateway.store.flights import Flight
from gateway.store.queue import Claimed

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


def test_a_row_that_was_read_before_its_intent_took_it_is_not_an_attempt_to_be_made_again() -> None:
    claims = Claims(1)
    stream = claims.streams[PAIR]
    read(stream, 10, 11)
    (first,) = claims.take(1, is_held=lambda _: False)
    claims.look_again()
    assert stream.begin_claim() == 0  # and sees the row of 10 once more
    claims.release(first)  # its intent is committed meanwhile, its carrier is busy, and
    claims.hear(STREAM, 10)  # it is queued again as another attempt
    stream.end_claim([flight(10), flight(11), flight(12)], asked=10)
    assert take(claims, 9) == [11, 12]
    assert read(stream, 10, 11, 12) == 9
    assert take(claims, 9) == [10]


def test_a_stream_is_read_again_once_half_of_what_may_be_claimed_is_free() -> None:
    claims = Claims(1)
    stream = claims.streams[PAIR]
    read(stream, *range(10, 20), asked=10)
    wishes = []
    for _ in range(10):
        claims.take(1, is_held=lambda _: False)
        wishes.append(stream.wants_claim(10))
    assert wishes == [False] * 4 + [True] * 6


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


def pass_over(stream: ClaimedStream, *, rows: int, read_to: int, has_more: bool = False) -> int:
    """One claim that finds everything held; the id it read after."""
    after_id = stream.begin_claim()
    stream.end_claim_around_holds(Claimed([], rows, read_to, has_more))
    return after_id


def test_claims_go_on_behind_the_held_rows_they_have_passed() -> None:
    stream = ClaimedStream(STREAM)
    assert pass_over(stream, rows=5_000, read_to=5_000, has_more=True) == 0
    assert stream.wants_claim(10)
    assert pass_over(stream, rows=100, read_to=5_100) == 5_000
    assert not stream.wants_claim(10)
    after_id = stream.begin_claim()
    stream.end_claim_around_holds(Claimed([flight(5_200)], 1, 5_200, False))
    assert (after_id, [taken.id for taken in stream.flights]) == (5_100, [5_200])


def test_a_long_held_backlog_is_read_from_its_head_the_less_often() -> None:
    stream = ClaimedStream(STREAM)
    pass_over(stream, rows=20_000, read_to=20_000)
    heads = 0
    for _ in range(12):
        stream.look_on()
        assert stream.wants_claim(10), "news behind it is looked for each time"
        if pass_over(stream, rows=0, read_to=20_000) == 0:
            heads += 1
            pass_over(stream, rows=20_000, read_to=20_000)
    assert heads == 3


def test_the_end_of_a_hold_reads_from_the_head_at_once() -> None:
    stream = ClaimedStream(STREAM)
    pass_over(stream, rows=20_000, read_to=20_000)
    stream.look_again()
    assert stream.begin_claim() == 0


def test_a_claim_around_holds_that_failed_is_made_again() -> None:
    stream = ClaimedStream(STREAM)
    stream.begin_claim()
    stream.end_claim_around_holds(None)
    assert stream.wants_claim(10)
    assert stream.begin_claim() == 0


def test_what_is_held_in_one_stream_keeps_no_other_from_the_regular_look() -> None:
    claims = Claims(1)
    read(claims.streams[PAIR], 10, 11)
    otp = claims.streams[Lane.OTP, Category.OTP]
    read(otp)
    assert not otp.may_have_more
    claims.look_on()
    assert otp.may_have_more
    assert not claims.streams[PAIR].may_have_more


def test_a_message_just_stored_is_taken_unread_where_nothing_waits_before_it() -> None:
    claims = Claims(1)
    stream = claims.streams[PAIR]
    read(stream, 10)
    assert stream.offer(flight(12))
    assert not stream.offer(flight(11)), "it would leave behind a later one"
    assert stream.offer(flight(13))
    read(stream, 11, 12, 13, 14)
    assert take(claims, 9) == [10, 11, 12, 13, 14]


def test_a_message_just_stored_waits_behind_those_that_are_still_to_be_read() -> None:
    stream = ClaimedStream(STREAM)
    assert not stream.offer(flight(10)), "nothing was read yet"
    stream.begin_claim()
    assert not stream.offer(flight(10)), "what is read now may be before it"
    stream.end_claim([flight(9)], asked=1)
    assert not stream.offer(flight(10)), "there was more than was asked for"
    stream.begin_claim()
    stream.end_claim([], asked=1)
    stream.hear(5)
    assert not stream.offer(flight(10)), "there is news of an earlier one"
    assert [claimed.id for claimed in stream.flights] == [9]


def test_a_message_taken_unread_is_forgotten_with_the_others() -> None:
    claims = Claims(1)
    stream = claims.streams[PAIR]
    read(stream)
    assert stream.offer(flight(10))
    claims.drop_all()
    assert (claims.count(), stream.may_have_more) == (0, True)
    read(stream, 10)
    assert take(claims, 9) == [10]

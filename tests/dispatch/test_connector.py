"""One connector's flow: lanes, pace, window, order within a message, and what goes back to the queue."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import cast

import pytest

from gateway.config import Concatenation
from gateway.domain.lanes import Category, Lane
from gateway.domain.message import Reason
from gateway.session.session import Session
from gateway.store.flights import Flight
from tests.dispatch.carrier_fakes import Bench, CountingSession, S

OTP, TRANSACTIONAL, MARKETING = Category.OTP, Category.TRANSACTIONAL, Category.MARKETING


def sent_ids(session: CountingSession) -> list[int]:
    return [flight.id for _, flight, _, _ in session.submits]


def most_in_any_second(times: list[float]) -> int:
    return max(sum(begin <= time < begin + 1.0 for time in times) for begin in times)


def test_a_message_is_submitted_only_after_its_intent_is_committed() -> None:
    bench = Bench()
    bench.commits_at_once = False
    session = bench.bind()
    bench.claim(bench.flights(1))
    bench.loop.advance(5)
    assert (len(bench.intents), session.submits) == (1, [])
    bench.commit()
    assert len(session.submits) == 1


@pytest.mark.parametrize("speed", [1, 7, 50, 333, 2_000])
def test_parts_leave_evenly_and_never_faster_than_the_speed(speed: int) -> None:
    bench = Bench(parts_per_second=speed)
    session = bench.bind(window=5_000)
    bench.claim(bench.flights(speed * 3))
    bench.loop.advance(2.5)
    times = [time for time, *_ in session.submits]
    assert len(times) >= speed * 2.4 - 1
    assert most_in_any_second(times) <= speed * 1.02 + 1
    assert max(after - before for before, after in pairwise(times)) <= max(1 / speed, 0.02) * 1.01


def test_parts_count_not_messages() -> None:
    bench = Bench(parts_per_second=9)
    session = bench.bind(window=1_000)
    bench.claim(bench.flights(20, parts=3))
    bench.loop.advance(2.0)
    assert 17 <= len(session.submits) <= 20


def test_the_window_is_never_exceeded_and_an_answer_opens_it() -> None:
    bench = Bench(parts_per_second=1_000)
    session = bench.bind(window=4)
    bench.claim(bench.flights(30, parts=2))
    for answered in (1, 3, 2, 4, 4):
        bench.loop.advance(1)
        assert session.in_flight == 4
        session.answer(answered)
        bench.run.plan_pump()
    bench.loop.advance(1)
    assert len(session.submits) == 4 + 14


def test_parts_of_a_message_go_in_order_on_one_bind_under_one_reference() -> None:
    bench = Bench(parts_per_second=1_000)
    one, two = bench.bind(window=4), bench.bind(window=4)
    bench.claim(bench.flights(8, parts=3))
    for _ in range(30):
        bench.loop.advance(0.05)
        for session in (one, two):
            session.answer(1)
        bench.run.plan_pump()
    by_message: dict[int, list[tuple[int, int, bytes]]] = {}
    for number, session in enumerate((one, two)):
        for _, flight, part, header in session.submits:
            by_message.setdefault(flight.id, []).append((number, part, header))
    assert len(by_message) == 8
    for parts in by_message.values():
        assert [part for _, part, _ in parts] == [0, 1, 2]
        assert len({number for number, _, _ in parts}) == 1
        assert len({header[3] for _, _, header in parts}) == 1
        assert [header[5] for _, _, header in parts] == [1, 2, 3]
    assert one.submits
    assert two.submits


def test_two_long_messages_to_one_person_have_different_references() -> None:
    bench = Bench(parts_per_second=1_000)
    session = bench.bind(window=100)
    bench.claim([bench.flight(parts=2, to_address="33639980001") for _ in range(5)])
    bench.loop.advance(1)
    references = {flight.id: header[3] for _, flight, _, header in session.submits}
    assert len(set(references.values())) == 5


def test_a_one_time_password_overtakes_all_that_has_no_intent() -> None:
    bench = Bench(parts_per_second=10)
    session = bench.bind(window=10)
    bulk = bench.flights(32, category=MARKETING)
    bench.claim(bulk)
    bench.loop.advance(0.35)
    begun = bench.run.waiting + len(session.submits)
    [password] = bench.flights(1, category=OTP)
    bench.claim([password])
    for _ in range(30):
        session.answer()
        bench.run.plan_pump()
        bench.loop.advance(0.1)
    place = sent_ids(session).index(password.id)
    assert place < begun, "it leaves before bulk that had no intent, and even before some that had one"


def test_transactional_messages_overtake_bulk_that_has_no_intent_within_a_round() -> None:
    bench = Bench(parts_per_second=10)
    session = bench.bind(window=10)
    bench.claim(bench.flights(32, category=MARKETING))
    bench.loop.advance(0.35)
    begun = bench.run.waiting + len(session.submits)
    [parcel] = bench.flights(1)
    bench.claim([parcel])
    for _ in range(30):
        session.answer()
        bench.run.go_on()
        bench.loop.advance(0.1)
    assert sent_ids(session).index(parcel.id) < begun


def test_slow_connectors_ask_for_several_intents_at_a_time_and_never_run_dry() -> None:
    bench = Bench(parts_per_second=20)
    session = bench.bind(window=50)
    bench.claim(bench.flights(400))
    bench.loop.advance(1)
    before, asked_before = len(session.submits), len(bench.orders)
    for _ in range(400):
        bench.loop.advance(0.02)
        session.answer()
        bench.run.go_on()
    assert len(session.submits) - before == pytest.approx(160, abs=1)
    assert len(bench.orders) - asked_before < 70
    gaps = [after - before for (before, *_), (after, *_) in pairwise(session.submits)]
    assert max(gaps) <= 0.053


def test_an_answer_that_makes_room_sends_the_next_message_in_the_same_turn() -> None:
    bench = Bench(parts_per_second=1_000)
    session = bench.bind(window=2)
    bench.claim(bench.flights(10))
    bench.loop.advance(1)
    assert session.in_flight == 2
    session.answer(1)
    bench.run.go_on()
    assert session.in_flight == 2


def test_a_speed_that_grows_does_not_wait_for_the_part_that_was_due_at_the_old_one() -> None:
    bench = Bench(parts_per_second=1)
    session = bench.bind(window=100)
    bench.claim(bench.flights(30))
    bench.loop.advance(0.1)
    before = len(session.submits)
    bench.run.allow(100)
    bench.loop.advance(0.2)
    assert len(session.submits) - before >= 15


def test_intents_are_asked_for_no_further_than_window_and_prefetch() -> None:
    bench = Bench(parts_per_second=50)
    bench.bind(window=20)
    bench.claim(bench.flights(32))
    bench.loop.advance(10)
    assert bench.most_waiting <= 20 + 11


@pytest.mark.parametrize(("speed", "most"), [(1, 32), (50, 50), (1_000, 1_000), (20_000, 4_000)])
def test_no_more_is_claimed_than_a_second_of_speed(speed: int, most: int) -> None:
    assert Bench(parts_per_second=speed).run.most_claimed == most


def test_a_message_past_its_validity_is_expired_and_not_sent() -> None:
    bench = Bench()
    session = bench.bind()
    late, good = bench.flight(expires_at=datetime.now(UTC) - timedelta(seconds=1)), bench.flight()
    bench.claim([late, good])
    bench.loop.advance(1)
    assert sent_ids(session) == [good.id]
    assert bench.endings == [(late.id, S.EXPIRED)]


def test_an_erased_message_is_blocked_and_not_sent() -> None:
    bench = Bench()
    session = bench.bind()
    bench.claim([bench.flight(text=None), bench.flight(to_address=None), good := bench.flight()])
    bench.loop.advance(1)
    assert sent_ids(session) == [good.id]
    assert [(state, reason) for _, state, reason in bench.reasons] == [(S.BLOCKED, Reason.CONTENT_ERASED)] * 2


def test_a_sent_flight_keeps_nothing_of_what_it_says_and_a_sensitive_one_its_number() -> None:
    bench = Bench()
    session = bench.bind()
    plain, sensitive = bench.flight(), bench.flight(is_sensitive=True)
    number = sensitive.to_address
    bench.claim([plain, sensitive])
    bench.loop.advance(1)
    assert sent_ids(session) == [plain.id, sensitive.id]
    for flight in (plain, sensitive):
        assert (flight.from_address, flight.text, flight.body) == ("", None, None)
    assert (plain.to_address, sensitive.to_address) == (None, number)


def test_a_text_of_more_parts_than_the_carrier_takes_is_blocked_and_nothing_of_it_is_sent() -> None:
    bench = Bench(max_parts=2)
    session = bench.bind()
    too_long, good = bench.flight(parts=3), bench.flight(parts=2)
    bench.claim([too_long, good])
    bench.loop.advance(1)
    assert sent_ids(session) == [good.id, good.id]
    assert bench.reasons == [(too_long.id, S.BLOCKED, Reason.TOO_MANY_PARTS)]


def test_what_cannot_be_written_for_a_carrier_is_blocked_in_words_and_no_error() -> None:
    bench = Bench()
    session = bench.bind()
    bad = [bench.flight(from_address="A name of 21 letters."), bench.flight(to_address="3" * 21)]
    good = bench.flight()
    bench.claim([*bad, good])
    bench.loop.advance(1)
    assert sent_ids(session) == [good.id]
    assert bench.reasons == [(flight.id, S.BLOCKED, Reason.NOT_SENDABLE) for flight in bad]


@pytest.mark.parametrize("way", [Concatenation.SAR, Concatenation.PAYLOAD])
def test_a_bind_whose_smsc_reads_no_tlvs_gets_none(way: Concatenation) -> None:
    bench = Bench(concatenation=way, parts_per_second=1_000)
    session = bench.bind()
    session.sends_tlvs = False
    bench.claim(bench.flights(1, parts=3))
    bench.loop.advance(1)
    assert [header[:3] for _, _, _, header in session.submits] == [b"\5\0\3"] * 3


def test_a_message_planned_with_tlvs_is_planned_anew_when_a_bind_without_them_comes_up() -> None:
    bench = Bench(concatenation=Concatenation.SAR, parts_per_second=1_000)
    bench.bind(window=1)
    filler, flight = bench.flight(), bench.flight(parts=2)
    bench.claim([filler, flight])
    bench.loop.advance(0.1)
    newcomer = CountingSession(bench.loop)
    newcomer.sends_tlvs = False
    bench.run.sessions.append(cast(Session, newcomer))
    bench.run.pump()
    bench.loop.advance(0.1)
    assert newcomer.submits == []
    assert bench.unsent == [(flight, (0, 1))]
    assert bench.run.waiting == 0


def test_a_hold_of_marketing_stops_marketing_only_and_its_end_lets_it_go() -> None:
    bench = Bench()
    session = bench.bind(window=100)
    bench.holds.categories = {MARKETING}
    held, passed = bench.flights(3, category=MARKETING), bench.flights(3)
    bench.claim([*held, *passed])
    bench.loop.advance(1)
    assert Counter(sent_ids(session)) == Counter(flight.id for flight in passed)
    bench.holds.categories = set()
    bench.run.plan_pump()
    bench.loop.advance(1)
    assert len(session.submits) == 6


def test_a_hold_of_a_shop_stops_no_other() -> None:
    bench = Bench()
    session = bench.bind()
    bench.holds.shops = {2}
    bench.claim([bench.flight(shop_id=2), mine := bench.flight()])
    bench.loop.advance(1)
    assert sent_ids(session) == [mine.id]
    assert bench.intents == []


def test_what_the_last_bind_had_not_begun_goes_back_when_it_ends() -> None:
    bench = Bench(parts_per_second=5)
    session = bench.bind(window=10)
    flights = bench.flights(6)
    bench.claim(flights)
    bench.loop.advance(0.45)
    begun = len(session.submits)
    bench.unbind(session)
    returned = [flight.id for flight, _ in bench.unsent]
    assert len(returned) + begun + bench.run.claims.count() <= 6
    assert not set(returned) & set(sent_ids(session))
    assert bench.run.waiting == 0


def test_an_intent_that_commits_after_the_last_bind_ended_goes_back() -> None:
    bench = Bench()
    bench.commits_at_once = False
    session = bench.bind()
    [flight] = bench.flights(1)
    bench.claim([flight])
    bench.unbind(session)
    bench.commit()
    assert bench.unsent == [(flight, (0,))]
    assert bench.run.waiting == 0


def test_a_message_begun_on_a_lost_bind_is_not_continued_on_another() -> None:
    bench = Bench(parts_per_second=1_000)
    one = bench.bind(window=2)
    [flight] = bench.flights(1, parts=3)
    bench.claim([flight])
    bench.loop.advance(0.1)
    assert len(one.submits) == 2
    two = bench.bind()
    bench.unbind(one)
    bench.loop.advance(1)
    assert bench.unsent == [(flight, (2,))]
    assert two.submits == []


def test_what_a_leaving_bind_had_begun_holds_up_nothing_behind_it() -> None:
    bench = Bench(parts_per_second=1_000)
    one = bench.bind(window=2)
    [long] = bench.flights(1, parts=3)
    bench.claim([long])
    bench.loop.advance(0.1)
    two = bench.bind()
    bench.claim(bench.flights(1))
    bench.loop.advance(1)
    assert two.submits == [], "order within a message is kept"
    bench.run.on_leaving(cast(Session, one))
    bench.loop.advance(1)
    assert bench.unsent == [(long, (2,))]
    assert len(two.submits) == 1


def test_what_no_bind_had_begun_leaves_on_those_that_stay() -> None:
    bench = Bench(parts_per_second=20)
    one, two = bench.bind(window=1), bench.bind(window=10)
    flights = bench.flights(8)
    bench.claim(flights)
    bench.loop.advance(0.1)
    bench.unbind(one)
    bench.loop.advance(2)
    assert len(one.submits) + len(two.submits) == 8


def test_other_parts_of_a_refused_message_are_not_submitted() -> None:
    bench = Bench(parts_per_second=1_000)
    session = bench.bind(window=1)
    [flight] = bench.flights(1, parts=3)
    bench.claim([flight])
    bench.loop.advance(0.1)
    bench.run.stop_message(flight)
    session.answer()
    bench.loop.advance(1)
    assert len(session.submits) == 1
    assert bench.unsent == [(flight, (1, 2))]
    assert bench.run.waiting == 0


def test_a_stop_hands_back_everything_not_written_and_begins_nothing() -> None:
    bench = Bench(parts_per_second=5)
    session = bench.bind(window=10)
    bench.claim(bench.flights(6))
    bench.loop.advance(0.3)
    begun = len(session.submits)
    bench.run.hand_back_all()
    bench.loop.advance(5)
    assert len(session.submits) == begun
    assert bench.run.waiting == 0
    assert len(bench.unsent) >= 1


def test_a_carrier_that_asks_for_a_pause_gets_it_and_half_the_speed() -> None:
    bench = Bench(parts_per_second=100)
    session = bench.bind(window=1_000)
    bench.claim(bench.flights(90))
    bench.loop.advance(0.1)
    begun = len(session.submits)
    bench.run.slow_down(1.0, 0x58)
    bench.loop.advance(0.99)
    assert len(session.submits) == begun
    assert bench.run.pacer.parts_per_second == 50
    bench.claim(bench.flights(90))
    bench.loop.advance(1.01)
    assert 40 <= len(session.submits) - begun <= 52


def test_messages_sent_back_by_a_busy_carrier_leave_before_those_behind_them() -> None:
    bench = Bench(parts_per_second=50)
    session = bench.bind(window=5)
    flights = bench.flights(30)
    bench.claim(flights)
    bench.loop.advance(0.2)
    refused = [flight for _, flight, _, _ in session.submits]
    session.submits.clear()
    session.answer()
    bench.run.slow_down(0.5, 0x58)
    unwritten = {flight.id for flight, _ in bench.unsent}
    back = [flight for flight in flights if flight.id in unwritten or flight in refused]
    rest = [flight for flight in flights if flight not in back]
    bench.claim([bench.flight(id=flight.id) for flight in [*back, *rest]])
    for _ in range(40):
        bench.loop.advance(0.1)
        session.answer()
        bench.run.plan_pump()
    assert sent_ids(session) == [flight.id for flight in flights]


def test_a_part_that_is_throttled_comes_back_before_the_parts_after_it_and_before_other_messages() -> None:
    bench = Bench(parts_per_second=1_000)
    bench.commits_at_once = False
    session = bench.bind(window=2)
    long, other = bench.flight(parts=4), bench.flight()
    bench.claim([long, other])
    bench.commit()
    bench.loop.advance(0.1)
    assert [part for _, _, part, _ in session.submits] == [0, 1]
    session.submits.clear()
    session.answer()  # part 1 was taken, part 2 throttled
    bench.run.slow_down(1.0, 0x58)
    bench.run.stop_message(long)
    assert bench.unsent == [(other, (0,)), (long, (2, 3))]
    back = bench.flight(id=long.id, parts=4, attempt=1)
    bench.claim([back, bench.flight(id=other.id)])
    bench.loop.advance(1.1)
    back.progress = type(back.progress)(
        S.QUEUED, back.progress.entered, bytes([S.SENT, S.QUEUED, S.QUEUED, S.QUEUED])
    )
    bench.commit()
    for _ in range(20):
        bench.loop.advance(0.1)
        session.answer()
        bench.run.plan_pump()
        bench.commit()
    order = [(flight.id, part) for _, flight, part, _ in session.submits]
    assert order == [(long.id, 1), (long.id, 2), (long.id, 3), (other.id, 0)]
    assert {header[5] for _, _, _, header in session.submits if header} == {2, 3, 4}


def test_a_window_of_one_sends_one_at_a_time() -> None:
    bench = Bench(parts_per_second=1_000)
    session = bench.bind(window=1)
    bench.claim(bench.flights(5))
    for sent in range(1, 6):
        bench.loop.advance(0.1)
        assert (len(session.submits), session.in_flight) == (sent, 1)
        session.answer()
        bench.run.plan_pump()


def test_while_the_store_is_behind_only_passwords_are_begun() -> None:
    bench = Bench()
    session = bench.bind()
    bench.is_store_behind = True
    bench.claim([*bench.flights(3), password := bench.flight(category=OTP)])
    bench.loop.advance(1)
    assert sent_ids(session) == [password.id]
    bench.is_store_behind = False
    bench.run.plan_pump()
    bench.loop.advance(1)
    assert len(session.submits) == 4


def test_without_a_share_of_the_speed_nothing_leaves() -> None:
    bench = Bench(parts_per_second=10)
    bench.run.allow(0)
    session = bench.bind(window=10)
    bench.claim(bench.flights(20))
    bench.loop.advance(5)
    assert (len(session.submits), len(bench.intents)) == (0, 0)
    bench.run.allow(10)
    bench.loop.advance(1)
    assert 9 <= len(session.submits) <= 12


def test_a_new_speed_is_in_force_at_once() -> None:
    bench = Bench(parts_per_second=10)
    session = bench.bind(window=1_000)
    bench.claim(bench.flights(200))
    bench.loop.advance(1)
    before = len(session.submits)
    bench.run.allow(100)
    bench.loop.advance(1)
    assert before <= 12
    assert 90 <= len(session.submits) - before <= 104


def test_a_message_whose_text_would_be_cut_otherwise_now_is_not_continued() -> None:
    """It was tried where long texts are cut, and a part was taken; here they travel whole."""
    bench = Bench(concatenation=Concatenation.PAYLOAD)
    bench.commits_at_once = False
    session = bench.bind()
    flight = bench.flight(parts=3, attempt=1)
    bench.claim([flight])
    flight.progress = type(flight.progress)(
        S.QUEUED, flight.progress.entered, bytes([S.SENT, S.QUEUED, S.QUEUED])
    )
    bench.commit()
    bench.loop.advance(1)
    assert session.submits == []
    assert [(item.part, item.wanted) for item in bench.answers] == [(1, S.FAILED), (2, S.FAILED)]
    assert bench.run.waiting == 0


def test_a_paused_campaign_stops_what_is_claimed_already_and_no_other() -> None:
    bench = Bench()
    session = bench.bind()
    bench.holds.campaigns = {7}
    bench.claim([bench.flight(campaign_id=7), bench.flight(campaign_id=8), bench.flight()])
    bench.loop.advance(1)
    assert [flight.campaign_id for _, flight, _, _ in session.submits] == [8, None]
    assert bench.intents == []


def test_a_message_that_was_taken_after_all_is_not_submitted_again() -> None:
    bench = Bench(parts_per_second=1)
    session = bench.bind(window=10)
    first, second, third = flights = bench.flights(3, attempt=1)
    bench.claim(flights)
    bench.loop.advance(0.1)
    begun = [submit[1] for submit in session.submits]
    assert begun == [first], "the others wait for their turn, their intents are stored"
    bench.run.withdraw(second.id)
    assert bench.unsent == [(second, (0,))]
    bench.run.withdraw(first.id)
    assert bench.unsent == [(second, (0,))], "what has left cannot be taken back"
    bench.loop.advance(5)
    assert [submit[1] for submit in session.submits] == [first, third]


def test_an_intent_on_its_way_to_the_database_is_withdrawn_when_it_comes_back() -> None:
    bench = Bench(parts_per_second=10)
    bench.commits_at_once = False
    session = bench.bind(window=10)
    [flight] = bench.flights(1, attempt=1)
    bench.claim([flight])
    bench.run.withdraw(flight.id)
    bench.commit()
    bench.loop.advance(2)
    assert (session.submits, bench.unsent, bench.run.waiting) == ([], [(flight, (0,))], 0)


def read_all(bench: Bench) -> None:
    """Each stream was read to its end."""
    for stream in bench.run.claims.streams.values():
        stream.begin_claim()
        stream.end_claim([], asked=1)


def test_a_password_just_stored_leaves_without_being_read() -> None:
    bench = Bench()
    session = bench.bind()
    read_all(bench)
    password = bench.flight(category=OTP)
    assert bench.run.offer(password)
    bench.run.begin_offered()
    bench.loop.advance(0.1)
    assert sent_ids(session) == [password.id]


def test_a_password_just_stored_is_asked_for_at_once_and_before_a_campaign_is_planned() -> None:
    bench = Bench()
    bench.commits_at_once = False
    bench.holds.categories.add(MARKETING)
    bench.bind(window=100)
    bench.claim(bench.flights(50, category=MARKETING))
    bench.holds.categories.clear()
    stream = bench.run.claims.streams[Lane.OTP, OTP]
    stream.begin_claim()
    stream.end_claim([], asked=1)
    password = bench.flight(category=OTP)
    assert bench.run.offer(password)
    bench.run.begin_offered()
    assert bench.intents == [password]
    bench.loop.advance(0.1)
    assert bench.orders[0] == 1
    assert len(bench.intents) > 1, "the campaign goes on behind it"


def test_a_password_does_not_wait_for_the_end_of_a_round_as_others_do() -> None:
    bench = Bench()
    bench.commits_at_once = False
    bench.bind(window=100)
    password, text = bench.flight(category=OTP), bench.flight()
    asked: list[list[Flight]] = []

    class InTheRound:
        def __init__(self, category: Category) -> None:
            self.category = category

        def order(self) -> None:
            bench.claim([password if self.category is OTP else text])
            asked.append(list(bench.intents))

    class Another:
        def order(self) -> None:
            asked.append(list(bench.intents))

    bench.rounds.join(InTheRound(Category.TRANSACTIONAL))
    bench.rounds.join(InTheRound(OTP))
    bench.rounds.join(Another())
    bench.loop.advance(0.05)
    assert asked == [[], [password], [password]]
    assert bench.intents == [password, text]


def test_what_is_intended_is_written_in_the_same_turn_of_the_loop() -> None:
    bench = Bench(parts_per_second=1_000)
    bench.commits_at_once = False
    sessions = [bench.bind(), bench.bind()]
    bench.claim(bench.flights(4))
    bench.loop.advance(0.01)
    bench.commit()
    assert sum(session.written_now for session in sessions) == 4


def test_a_password_just_stored_waits_for_the_end_of_a_pause() -> None:
    bench = Bench()
    session = bench.bind()
    read_all(bench)
    bench.run.pacer.pause(bench.loop.time(), 0.5)
    password = bench.flight(category=OTP)
    assert bench.run.offer(password)
    bench.run.begin_offered()
    bench.loop.advance(0.4)
    assert bench.orders == []
    bench.loop.advance(0.2)
    assert sent_ids(session) == [password.id]


def test_a_password_just_stored_is_read_where_it_cannot_leave_now() -> None:
    bench = Bench()
    read_all(bench)
    assert not bench.run.offer(bench.flight(category=OTP)), "no bind is up"
    session = bench.bind()
    bench.run.hold(())
    assert not bench.run.offer(bench.flight(category=OTP)), "its shard is another node's"
    bench.run.hold(range(16))
    read_all(bench)
    bench.run.is_stopping = True
    assert not bench.run.offer(bench.flight(category=OTP)), "the connector ends here"
    assert session.submits == []


def test_passwords_just_stored_are_bounded_as_claims_are() -> None:
    bench = Bench(parts_per_second=40)
    bench.bind()
    read_all(bench)
    bench.commits_at_once = False
    offered = [bench.run.offer(bench.flight(category=OTP)) for _ in range(60)]
    assert offered == [True] * bench.run.most_claimed + [False] * (60 - bench.run.most_claimed)


def test_a_password_just_stored_heeds_a_hold() -> None:
    bench = Bench()
    session = bench.bind()
    read_all(bench)
    bench.holds.shops.add(1)
    assert bench.run.offer(bench.flight(category=OTP))
    bench.run.begin_offered()
    bench.loop.advance(1)
    assert (session.submits, bench.intents) == ([], [])

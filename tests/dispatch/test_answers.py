"""What each answer of a carrier makes of a message: the retry table, ids, what the connector does next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.config import IdConversion, IdFormConfig, RetryAction, Unanswered
from gateway.config.values import StatusCode
from gateway.dispatch.answers import AnswerJudge, Judged
from gateway.domain.failures import FailureClass
from gateway.domain.lanes import Category
from gateway.domain.message import Reason
from gateway.store.evidence import Answer, LateAnswer
from gateway.store.flights import Flight, FlightBook
from tests.dispatch.carrier_fakes import S, make_config
from tests.store.flight_values import make_flight

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM_ERROR, THROTTLED, QUEUE_FULL, BAD_NUMBER, NOT_BOUND, VENDOR = 0x08, 0x58, 0x14, 0x0B, 0x04, 0x4A1


class Carrier:
    """A judge for one connector, and the answers of one read."""

    def __init__(self, *, resending_shops: frozenset[int] = frozenset(), **config: Any) -> None:
        self.book = FlightBook()
        self.judge = AnswerJudge(
            1, make_config(**config), self.book, lambda: 0.5, resending_shops.__contains__
        )

    def answers(self, *answers: tuple[Flight, int, int, bytes]) -> Judged:
        """(flight, part, command_status, message_id) each."""
        read: list[tuple[object, int, bytes]] = [
            ((flight, part, AT), status, message_id) for flight, part, status, message_id in answers
        ]
        return self.judge.judge(read, 1, AT)

    def refuse(self, flight: Flight, status: int) -> Answer:
        [evidence] = self.answers((flight, 0, status, b"")).evidence
        assert isinstance(evidence, Answer)
        return evidence


@pytest.mark.parametrize(
    ("status", "wanted", "reason", "failure_class", "is_delayed"),
    [
        (SYSTEM_ERROR, S.QUEUED, Reason.NONE, FailureClass.NONE, True),
        (THROTTLED, S.QUEUED, Reason.NONE, FailureClass.NONE, False),
        (QUEUE_FULL, S.QUEUED, Reason.NONE, FailureClass.NONE, False),
        (NOT_BOUND, S.QUEUED, Reason.NONE, FailureClass.NONE, False),
        (BAD_NUMBER, S.FAILED, Reason.REJECTED_BY_CARRIER, FailureClass.INVALID_NUMBER, False),
        (VENDOR, S.FAILED, Reason.REJECTED_BY_CARRIER, FailureClass.UNKNOWN, False),
    ],
)
def test_a_refusal_is_tried_again_or_final_by_the_table(
    status: int, wanted: int, reason: Reason, failure_class: FailureClass, is_delayed: bool
) -> None:
    answer = Carrier().refuse(make_flight(), status)
    assert (answer.wanted, answer.reason, answer.failure_class) == (wanted, reason, failure_class)
    assert answer.command_status == status
    assert (answer.retry_at is not None) == is_delayed
    assert answer.retry_at is None or answer.retry_at > AT


def test_each_retry_waits_longer_and_the_last_one_is_final() -> None:
    carrier = Carrier(max_attempts=4)
    delays: list[timedelta] = []
    for refusals in range(3):
        answer = carrier.refuse(make_flight(refusals=refusals), SYSTEM_ERROR)
        assert answer.retry_at is not None
        delays.append(answer.retry_at - AT)
    assert delays == sorted(set(delays))
    last = carrier.refuse(make_flight(refusals=3), SYSTEM_ERROR)
    assert (last.wanted, last.reason) == (S.FAILED, Reason.RETRIES_EXHAUSTED)


def test_throttling_uses_up_no_attempt() -> None:
    """A busy carrier has not refused the message: only its validity ends the trying."""
    carrier = Carrier(max_attempts=2)
    assert carrier.refuse(make_flight(attempt=900), THROTTLED).wanted is S.QUEUED
    assert carrier.refuse(make_flight(attempt=900), SYSTEM_ERROR).wanted is S.QUEUED


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (RetryAction.THROTTLE, S.QUEUED),
        (RetryAction.RETRY, S.QUEUED),
        (RetryAction.REBIND, S.QUEUED),
        (RetryAction.FAIL, S.FAILED),
    ],
)
@pytest.mark.parametrize("status", [VENDOR, 0x45, 0x14, 0xFFFFFFFF])
def test_the_operator_says_what_a_status_means(action: RetryAction, wanted: int, status: int) -> None:
    judged = Carrier(retry={StatusCode(status): action}).answers((make_flight(), 0, status, b""))
    [answer] = judged.evidence
    assert isinstance(answer, Answer)
    assert (answer.wanted, answer.command_status) == (wanted, status)
    assert (judged.pause_seconds > 0) == (action is RetryAction.THROTTLE)
    assert judged.must_rebind == (action is RetryAction.REBIND)
    assert (answer.retry_at is not None) == (action is RetryAction.RETRY)


@pytest.mark.parametrize("status", [0x0A, 0x0B, 0x45, 0x48, 0x49, 0x50, 0x51])
def test_what_complains_about_the_message_is_final_at_once(status: int) -> None:
    answer = Carrier().refuse(make_flight(), status)
    assert (answer.wanted, answer.reason) == (S.FAILED, Reason.REJECTED_BY_CARRIER)
    assert answer.command_status == status


def test_the_status_decides_and_the_id_of_a_refusal_is_only_kept() -> None:
    carrier = Carrier()
    judged = carrier.answers((make_flight(), 0, BAD_NUMBER, b"0A000000A3D323A1"))
    [answer] = judged.evidence
    assert isinstance(answer, Answer)
    assert (answer.wanted, answer.carrier_id, answer.lookup_id) == (S.FAILED, "0A000000A3D323A1", None)
    assert len(carrier.book) == 0


def test_a_message_answered_queue_full_too_often_is_refused_and_slows_nothing_any_more() -> None:
    carrier = Carrier(max_queue_full=3)
    for attempt in range(3):
        judged = carrier.answers((make_flight(attempt=attempt), 0, QUEUE_FULL, b""))
        assert judged.pause_seconds == 5.0
    judged = carrier.answers((make_flight(attempt=3), 0, QUEUE_FULL, b""))
    [answer] = judged.evidence
    assert isinstance(answer, Answer)
    assert (answer.wanted, answer.reason) == (S.FAILED, Reason.RETRIES_EXHAUSTED)
    assert answer.failure_class == FailureClass.THROTTLED
    assert judged.pause_seconds == 0.0


def test_queue_full_counts_for_each_message_and_once_for_the_parts_of_an_attempt() -> None:
    carrier = Carrier(max_queue_full=2)
    for attempt in range(2):
        flight = make_flight(parts=3, attempt=attempt)
        judged = carrier.answers(*((flight, part, QUEUE_FULL, b"") for part in range(3)))
        assert all(isinstance(each, Answer) and each.wanted is S.QUEUED for each in judged.evidence)
    other = carrier.refuse(make_flight(message_id=9 << 22, attempt=5), QUEUE_FULL)
    assert other.wanted is S.QUEUED
    assert carrier.refuse(make_flight(parts=3, attempt=2), QUEUE_FULL).wanted is S.FAILED


def test_one_full_subscriber_while_others_are_taken_waits_alone_and_slows_nobody() -> None:
    carrier = Carrier()
    pauses: list[float] = []
    delays: list[bool] = []
    for attempt in range(5):
        full, other = make_flight(attempt=attempt), make_flight(message_id=(100 + attempt) << 22)
        judged = carrier.answers((full, 0, QUEUE_FULL, b""), (other, 0, 0, b"x"))
        pauses.append(judged.pause_seconds)
        delays.append(isinstance(judged.evidence[0], Answer) and judged.evidence[0].retry_at is not None)
    assert pauses == [5.0, 5.0, 0.0, 0.0, 0.0]
    assert delays == [False, False, True, True, True]


def test_a_queue_full_for_everybody_slows_the_bind_each_time() -> None:
    carrier = Carrier()
    for attempt in range(10):
        judged = carrier.answers((make_flight(attempt=attempt), 0, QUEUE_FULL, b""))
        assert judged.pause_seconds == 5.0


def test_the_longest_pause_of_a_read_counts_and_its_status_is_told() -> None:
    one, two, three = (make_flight(message_id=n << 22) for n in (1, 2, 3))
    judged = Carrier().answers(
        (one, 0, THROTTLED, b""), (two, 0, QUEUE_FULL, b""), (three, 0, BAD_NUMBER, b"")
    )
    assert judged.pause_seconds == 5.0
    assert judged.last_status == QUEUE_FULL
    assert not judged.must_rebind


def test_a_carrier_that_says_we_are_not_bound_is_bound_anew() -> None:
    assert Carrier().answers((make_flight(), 0, NOT_BOUND, b"")).must_rebind


def test_other_parts_of_a_refused_message_are_stopped_once() -> None:
    flight = make_flight(parts=3)
    judged = Carrier().answers((flight, 0, BAD_NUMBER, b""), (flight, 1, BAD_NUMBER, b""))
    assert judged.stopped == [flight]
    assert len(judged.evidence) == 2


def test_an_id_is_kept_as_written_and_found_in_its_form() -> None:
    carrier = Carrier(id_form=IdFormConfig(response=IdConversion.HEX_TO_DEC))
    flight = make_flight(parts=2)
    [answer] = carrier.answers((flight, 1, 0, b"1A2B")).evidence
    assert isinstance(answer, Answer)
    assert (answer.wanted, answer.carrier_id, answer.lookup_id) == (S.SENT, "1A2B", "6699")
    assert carrier.book.find(1, "6699") == (flight, 1)


@pytest.mark.parametrize("form", [IdFormConfig(), IdFormConfig(strip_zeros=True)])
@pytest.mark.parametrize(("written", "looked_up"), [(b"A1      ", "a1"), (b"    ", None)])
def test_spaces_around_an_id_are_padding_and_alone_are_none(
    written: bytes, looked_up: str | None, form: IdFormConfig
) -> None:
    carrier = Carrier(id_form=form)
    [answer] = carrier.answers((make_flight(), 0, 0, written)).evidence
    assert isinstance(answer, Answer)
    assert (answer.carrier_id, answer.lookup_id) == (written.decode(), looked_up)


def test_an_id_of_zero_is_an_id() -> None:
    carrier = Carrier()
    flight = make_flight()
    [answer] = carrier.answers((flight, 0, 0, b"0")).evidence
    assert isinstance(answer, Answer)
    assert (answer.carrier_id, answer.lookup_id) == ("0", "0")
    assert carrier.book.find(1, "0") == (flight, 0)


def test_an_id_that_the_carrier_uses_again_is_the_newest_messages() -> None:
    carrier = Carrier()
    old, new = make_flight(message_id=1 << 22), make_flight(message_id=2 << 22)
    carrier.answers((old, 0, 0, b"7"))
    carrier.answers((new, 0, 0, b"7"))
    assert carrier.book.find(1, "7") == (new, 0)
    assert carrier.book.find(2, "7") is None


def test_a_prefix_and_zeros_of_the_response_are_dropped_where_the_operator_says_so() -> None:
    carrier = Carrier(id_form=IdFormConfig(strip_prefix="smsc-", strip_zeros=True))
    [answer] = carrier.answers((make_flight(), 0, 0, b"SMSC-00042")).evidence
    assert isinstance(answer, Answer)
    assert (answer.carrier_id, answer.lookup_id) == ("SMSC-00042", "42")


def test_a_response_without_an_id_is_a_success_all_the_same() -> None:
    [answer] = Carrier().answers((make_flight(), 0, 0, b"")).evidence
    assert isinstance(answer, Answer)
    assert (answer.wanted, answer.carrier_id, answer.lookup_id) == (S.SENT, None, None)


def test_any_octets_are_an_id() -> None:
    [answer] = Carrier().answers((make_flight(), 0, 0, bytes(range(1, 256)))).evidence
    assert isinstance(answer, Answer)
    assert answer.carrier_id == bytes(range(1, 256)).decode("latin-1")


def test_silence_is_unknown_and_is_not_resent() -> None:
    flight = make_flight(parts=2)
    evidence = Carrier().judge.judge_silence([(flight, 0, AT), (flight, 1, AT)], 2, AT)
    for part, answer in enumerate(evidence):
        assert isinstance(answer, Answer)
        assert (answer.part, answer.wanted, answer.reason) == (part, S.UNKNOWN, Reason.NO_RESPONSE)
        assert (answer.command_status, answer.retry_at, answer.bind_no) == (None, None, 2)


@pytest.mark.parametrize(
    ("category", "unanswered", "does_shop_resend", "wanted"),
    [
        (Category.OTP, Unanswered.BY_CATEGORY, False, S.QUEUED),
        (Category.TRANSACTIONAL, Unanswered.BY_CATEGORY, False, S.UNKNOWN),
        (Category.TRANSACTIONAL, Unanswered.BY_CATEGORY, True, S.QUEUED),
        (Category.MARKETING, Unanswered.BY_CATEGORY, True, S.UNKNOWN),
        (Category.OTP, Unanswered.HOLD, True, S.UNKNOWN),
        (Category.TRANSACTIONAL, Unanswered.RESEND, False, S.QUEUED),
        (Category.MARKETING, Unanswered.RESEND, True, S.UNKNOWN),
    ],
)
def test_what_becomes_of_silence_depends_on_category_carrier_and_shop(
    category: Category, unanswered: Unanswered, does_shop_resend: bool, wanted: int
) -> None:
    carrier = Carrier(unanswered=unanswered, resending_shops=frozenset({7} if does_shop_resend else ()))
    [answer] = carrier.judge.judge_silence([(make_flight(category=category, shop_id=7), 0, AT)], 1, AT)
    assert isinstance(answer, Answer)
    assert answer.wanted is wanted


def test_silence_is_sent_again_where_the_operator_prefers_a_double_to_a_loss() -> None:
    flight = make_flight(parts=2, refusals=1)
    evidence = Carrier(unanswered=Unanswered.RESEND).judge.judge_silence([(flight, 1, AT)], 2, AT)
    [answer] = evidence
    assert isinstance(answer, Answer)
    assert (answer.part, answer.wanted, answer.reason, answer.command_status) == (
        1,
        S.QUEUED,
        Reason.NONE,
        None,
    )
    assert answer.submitted_at == AT
    assert answer.retry_at is not None
    assert AT < answer.retry_at < flight.expires_at


@pytest.mark.parametrize(
    ("refusals", "valid_for"), [(4, timedelta(days=1)), (0, timedelta(seconds=2)), (0, timedelta(seconds=-1))]
)
def test_silence_stays_unknown_when_the_tries_or_the_validity_are_used_up(
    refusals: int, valid_for: timedelta
) -> None:
    flight = make_flight(refusals=refusals)
    flight.expires_at = AT + valid_for
    [answer] = Carrier(unanswered=Unanswered.RESEND).judge.judge_silence([(flight, 0, AT)], 1, AT)
    assert isinstance(answer, Answer)
    assert (answer.wanted, answer.reason) == (S.UNKNOWN, Reason.NO_RESPONSE)


def test_a_late_answer_is_still_the_best_evidence() -> None:
    carrier = Carrier()
    flight = make_flight(parts=2)
    read: list[Any] = [((flight, 0, AT), 0, b"A1"), ((flight, 1, AT), SYSTEM_ERROR, b"")]
    taken, refused = carrier.judge.judge_late(read, AT)
    assert isinstance(taken, LateAnswer)
    assert isinstance(refused, LateAnswer)
    assert (taken.wanted, taken.lookup_id, taken.submitted_at) == (S.SENT, "a1", AT)
    assert carrier.book.find(1, "a1") == (flight, 0)
    assert refused.wanted is S.FAILED, "nobody resends what was written off, so it is over"

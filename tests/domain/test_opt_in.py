"""When an opt-in counts: never against an opt-out, unless it is known to be newer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.opt_in import OptInVerdict, Recorded, Statement, judge_opt_in
from gateway.domain.people import MarketingConsent, SuppressionScope

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STOPPED_AT = NOW - timedelta(days=10)
SAYS_YES = Statement(MarketingConsent.OPTED_IN, "till", "I agree")
STOPPED = Recorded(
    MarketingConsent.OPTED_OUT,
    STOPPED_AT,
    "text:STOP",
    scope=SuppressionScope.MARKETING,
    opted_out_at=STOPPED_AT,
)
V = OptInVerdict


def judge(recorded: Recorded, *, statement: Statement = SAYS_YES, said_at: datetime | None = None) -> V:
    return judge_opt_in(replace(statement, said_at=said_at), recorded, NOW)


def test_a_first_opt_in_is_recorded_whatever_its_date() -> None:
    assert judge(Recorded()) is V.RECORD
    assert judge(Recorded(), said_at=NOW - timedelta(days=3_000)) is V.RECORD


def test_an_opt_in_of_unknown_date_or_an_older_one_does_not_undo_an_opt_out() -> None:
    assert judge(STOPPED) is V.OPTED_OUT_SINCE
    assert judge(STOPPED, said_at=STOPPED_AT) is V.OPTED_OUT_SINCE
    assert judge(STOPPED, said_at=STOPPED_AT - timedelta(days=1)) is V.OPTED_OUT_SINCE


def test_a_newer_one_with_its_source_restores() -> None:
    newer = STOPPED_AT + timedelta(seconds=1)
    assert judge(STOPPED, said_at=newer) is V.RESTORE
    assert judge(STOPPED, statement=replace(SAYS_YES, source=""), said_at=newer) is V.OPTED_OUT_SINCE


def test_an_opt_out_counts_also_where_only_the_suppression_or_only_the_word_is_left() -> None:
    hash_only = Recorded(scope=SuppressionScope.MARKETING, opted_out_at=STOPPED_AT)
    word_only = replace(STOPPED, scope=SuppressionScope.NONE, opted_out_at=None)
    for recorded in (hash_only, word_only):
        assert judge(recorded) is V.OPTED_OUT_SINCE
        assert judge(recorded, said_at=NOW) is V.RESTORE


def test_who_is_kept_from_everything_is_not_freed_by_consent() -> None:
    kept = replace(STOPPED, scope=SuppressionScope.ALL)
    assert judge(kept, said_at=NOW) is V.KEPT_FROM_ALL


def test_the_future_has_said_nothing_yet_but_clocks_differ() -> None:
    assert judge(Recorded(), said_at=NOW + timedelta(minutes=6)) is V.IN_THE_FUTURE
    assert judge(Recorded(), said_at=NOW + timedelta(minutes=4)) is V.RECORD


def test_the_same_words_again_add_nothing() -> None:
    recorded = Recorded(MarketingConsent.OPTED_IN, STOPPED_AT, "till", "I agree")
    assert judge(recorded) is V.NOTHING_NEW
    assert judge(recorded, said_at=STOPPED_AT) is V.NOTHING_NEW
    assert judge(recorded, said_at=NOW) is V.RECORD
    assert judge(recorded, statement=replace(SAYS_YES, wording="Other")) is V.RECORD


moments = st.none() | st.datetimes(timezones=st.just(UTC))
recordings = st.builds(
    Recorded,
    state=st.sampled_from(MarketingConsent),
    said_at=moments,
    scope=st.sampled_from(SuppressionScope),
    opted_out_at=moments,
)


@given(recordings, moments)
def test_nothing_that_is_not_newer_than_an_opt_out_ever_counts(
    recorded: Recorded, said_at: datetime | None
) -> None:
    verdict = judge(recorded, said_at=said_at)
    if recorded.scope is not SuppressionScope.NONE and recorded.opted_out_at is not None:
        assert verdict is not V.RECORD
        if verdict is V.RESTORE:
            assert said_at is not None
            assert said_at > recorded.opted_out_at

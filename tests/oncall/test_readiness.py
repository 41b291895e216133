"""Why a process should get no traffic, in words that need no key."""

from gateway.oncall.readiness import judge_readiness

WELL = {"is_database_away": False, "stores_nothing": False, "holds_lease": True, "is_stopping": False}


def test_nothing_speaks_against_it() -> None:
    readiness = judge_readiness(**WELL)
    assert readiness.is_ready
    assert readiness.detail == "messages are taken in"


def test_a_database_that_only_answers_is_told_apart_from_one_that_does_not() -> None:
    away = judge_readiness(**{**WELL, "is_database_away": True})
    full = judge_readiness(**{**WELL, "is_database_away": True, "stores_nothing": True})
    assert away.reasons == ("the database does not answer",)
    assert full.reasons == ("the database answers but stores nothing",)


def test_every_reason_is_told() -> None:
    readiness = judge_readiness(
        is_database_away=True, stores_nothing=False, holds_lease=False, is_stopping=True
    )
    assert not readiness.is_ready
    assert readiness.detail.count(";") == 2

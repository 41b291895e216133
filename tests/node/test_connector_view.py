"""What the API tells of a bind: where it stands, what went wrong last, and how it came to that."""

from datetime import UTC, datetime, timedelta

from gateway.dispatch.connections import BindReport
from gateway.dispatch.dispatcher import ConnectorReport
from gateway.dispatch.limits import Limit, LimitCause
from gateway.node.connector_view import show_bind, tell_limit
from gateway.session.backoff import FailureKind
from gateway.session.bind import BindMode, BindPhase, BindState
from gateway.session.connecting import Endpoint

AT = datetime(2025, 1, 31, 12, tzinfo=UTC)
HOST = Endpoint("smsc.example", 2775)
REFUSED = BindState(
    BindPhase.BACKING_OFF,
    AT,
    HOST,
    "wrong password",
    FailureKind.CREDENTIALS,
    1,
    AT + timedelta(seconds=60),
)


def show(*history: BindState) -> dict[str, object]:
    return show_bind(BindReport(1, BindMode.TRANSCEIVER, history[0], 10, 0, 0, 0, history=history))


def test_a_bind_that_is_refused_tells_why_and_when_it_tries_again() -> None:
    bind = show(REFUSED)
    assert (bind["state"], bind["last_error"], bind["failure"]) == (
        "backing_off",
        "wrong password",
        "credentials",
    )
    assert bind["next_retry_at"] == "2025-01-31T12:01:00.000Z"


def test_a_bind_that_is_up_has_no_error_and_its_history_still_has_it() -> None:
    bind = show(BindState(BindPhase.BOUND, AT + timedelta(seconds=61), HOST, remarks=("odd",)), REFUSED)
    assert (bind["state"], bind["last_error"], bind["failure"]) == ("bound", None, None)
    assert bind["remarks"] == ["odd"]
    assert bind["history"] == [
        {
            "at": "2025-01-31T12:01:01.000Z",
            "state": "bound",
            "endpoint": "smsc.example:2775",
            "error": None,
            "failure": None,
            "next_retry_at": None,
        },
        {
            "at": "2025-01-31T12:00:00.000Z",
            "state": "backing_off",
            "endpoint": "smsc.example:2775",
            "error": "wrong password",
            "failure": "credentials",
            "next_retry_at": "2025-01-31T12:01:00.000Z",
        },
    ]


def report(cause: LimitCause | None, words: str, state: BindState) -> ConnectorReport:
    bind = BindReport(1, BindMode.TRANSCEIVER, state, 10, 0, 0, 0)
    limit = Limit(cause, words, 0.0, 50.0)
    return ConnectorReport(1, "smsc-a", False, 0.0, 50.0, 0, 0, 0, 0, limit, (bind,))


def test_no_bind_as_a_limit_says_what_went_wrong_and_when_it_is_tried_again() -> None:
    assert tell_limit(report(LimitCause.DOWN, "no bind is up", REFUSED)) == (
        "no bind is up: wrong password; next try at 12:01:00 UTC"
    )
    connecting = BindState(BindPhase.CONNECTING, AT, HOST)
    assert tell_limit(report(LimitCause.DOWN, "no bind is up", connecting)) == "no bind is up"
    assert tell_limit(report(LimitCause.WINDOW, "the window is full", REFUSED)) == "the window is full"

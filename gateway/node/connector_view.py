"""A connector and its binds as JSON: what runs, what somebody changed of it, and what is configured but taken
down."""

from collections.abc import Mapping, Sequence

from gateway.config import ConnectorConfig
from gateway.dispatch.connections import BindReport
from gateway.dispatch.dispatcher import ConnectorReport
from gateway.dispatch.limits import Limit, LimitCause
from gateway.domain.printable import make_printable
from gateway.oncall.telling import write_moment
from gateway.session.bind import BindState
from gateway.smpp.statuses import write_status
from gateway.store.overrides import Override, OverrideKey


def show_connector(
    report: ConnectorReport,
    overrides: Sequence[Override],
    config: ConnectorConfig | None,
    elsewhere: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    """`config` is what the file says, without what somebody changed; None where it has just left the file.
    `elsewhere` are its binds on other nodes."""
    return {
        "name": report.name,
        "is_up": report.is_up or _has_one_up(elsewhere),
        "parts_per_second": round(report.speed, 1),
        "parts_per_second_limit": round(report.speed_limit, 1),
        "claimed": report.claimed,
        "intended": report.intended,
        "in_flight": report.in_flight,
        "submitted_parts": report.submitted_parts,
        "limited_by": report.limit.words,
        "limit": _show_limit(report.limit),
        "configured": None if config is None else _show_configured(config),
        "overrides": [show_override(override) for override in overrides],
        "binds": [show_bind(bind) for bind in report.binds],
        "elsewhere": list(elsewhere),
    }


def show_elsewhere(
    config: ConnectorConfig, overrides: Sequence[Override], elsewhere: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """A connector of which this node holds no bind: other nodes have them, or somebody is about to take
    them."""
    is_up = _has_one_up(elsewhere)
    words = "" if is_up else "no bind is up"
    cause = None if is_up else LimitCause.DOWN
    return _show_without_binds(config, overrides, Limit(cause, words, 0.0, 0.0), elsewhere)


def _has_one_up(elsewhere: Sequence[Mapping[str, object]]) -> bool:
    return any(bind["is_up"] for bind in elsewhere)


def show_taken_down(config: ConnectorConfig, overrides: Sequence[Override]) -> dict[str, object]:
    """A connector that has no binds because somebody took it down."""
    taken = next(override for override in overrides if override.key is OverrideKey.DOWN)
    limit = Limit(LimitCause.DOWN, tell_taken_down(taken), 0.0, config.parts_per_second)
    return _show_without_binds(config, overrides, limit, ())


def _show_without_binds(
    config: ConnectorConfig,
    overrides: Sequence[Override],
    limit: Limit,
    elsewhere: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    return {
        "name": config.name,
        "is_up": _has_one_up(elsewhere),
        "parts_per_second": 0.0,
        "parts_per_second_limit": round(limit.of, 1),
        "claimed": 0,
        "intended": 0,
        "in_flight": 0,
        "submitted_parts": 0,
        "limited_by": limit.words,
        "limit": _show_limit(limit),
        "configured": _show_configured(config),
        "overrides": [show_override(override) for override in overrides],
        "binds": [],
        "elsewhere": list(elsewhere),
    }


def _show_configured(config: ConnectorConfig) -> dict[str, object]:
    return {"parts_per_second": round(config.parts_per_second, 1), "window": config.window}


def _show_limit(limit: Limit) -> dict[str, object]:
    """The cause in a form for programs; the words of it stand in `limited_by`."""
    status = limit.command_status
    return {
        "cause": None if limit.cause is None else limit.cause.value,
        "command_status": None if status is None else write_status(status),
        "parts_per_second": round(limit.parts_per_second, 1),
        "of": round(limit.of, 1),
    }


def tell_limit(report: ConnectorReport) -> str:
    """The words of its limit; where no bind is up, with what the first of them ran into and its next try."""
    words = report.limit.words
    trouble = next((bind for bind in report.binds if bind.state.last_error), None)
    if report.limit.cause is not LimitCause.DOWN or trouble is None:
        return words
    state = trouble.state
    retry = "" if state.next_retry_at is None else f"; next try at {state.next_retry_at:%H:%M:%S} UTC"
    return f"{words}: {make_printable(state.last_error or '')}{retry}"


def tell_taken_down(override: Override) -> str:
    """By whom, until when and why, as the words of a limit."""
    until = "" if override.expires_at is None else f" until {override.expires_at:%Y-%m-%d %H:%M} UTC"
    reason = f": {override.reason}" if override.reason else ""
    return f"taken down by {override.author}{until}{reason}"


def show_override(override: Override) -> dict[str, object]:
    return {
        "key": override.key.name.lower(),
        "value": None if override.key is OverrideKey.DOWN else override.value,
        "author": override.author,
        "reason": override.reason,
        "made_at": write_moment(override.made_at),
        "expires_at": None if override.expires_at is None else write_moment(override.expires_at),
    }


def show_bind(bind: BindReport) -> dict[str, object]:
    state = bind.state
    return {
        "bind": bind.bind_no,
        "mode": bind.mode.value,
        "state": state.phase.value,
        "since": write_moment(state.since),
        "endpoint": str(state.endpoint),
        "last_error": state.last_error,
        "failure": None if state.last_failure is None else state.last_failure.value,
        "failures": state.failures,
        "next_retry_at": None if state.next_retry_at is None else write_moment(state.next_retry_at),
        "remarks": list(state.remarks),
        "window": bind.window,
        "in_flight": bind.in_flight,
        "submitted": bind.submitted,
        "bad_pdus": bind.bad_pdus,
        "late_answers": bind.late_answers,
        "stray_responses": bind.stray_responses,
        "sends_tlvs": bind.sends_tlvs,
        "history": [_show_change(change) for change in bind.history],
    }


def _show_change(change: BindState) -> dict[str, object]:
    return {
        "at": write_moment(change.since),
        "state": change.phase.value,
        "endpoint": str(change.endpoint),
        "error": change.last_error,
        "failure": None if change.last_failure is None else change.last_failure.value,
        "next_retry_at": None if change.next_retry_at is None else write_moment(change.next_retry_at),
    }

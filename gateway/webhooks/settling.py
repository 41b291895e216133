"""What an answer makes of a delivery's row. Pure: the clock and the random draw are passed in."""

from datetime import datetime

from gateway.store.outbox import DeliveryState, DueDelivery, Settlement
from gateway.webhooks.posting import Answer
from gateway.webhooks.schedule import Attempt, Verdict, judge_attempt

_STATE_OF_VERDICT = {
    Verdict.DELIVERED: DeliveryState.DELIVERED,
    Verdict.RETRY: DeliveryState.WAITING,
    Verdict.GIVE_UP: DeliveryState.GIVEN_UP,
}


def settle(
    row: DueDelivery,
    answer: Answer,
    *,
    endpoint_id: int,
    now: datetime,
    draw: float,
    window_seconds: float,
) -> Settlement:
    """The row after one more attempt. `draw` is uniform in [0, 1)."""
    attempt = Attempt(
        number=row.attempt + 1,
        began_at=None if row.is_redelivery else row.occurred_at,
        status=answer.status,
        retry_after=answer.retry_after,
    )
    ruling = judge_attempt(attempt, now=now, draw=draw, window_seconds=window_seconds)
    return Settlement(
        row=row,
        endpoint_id=endpoint_id,
        state=_STATE_OF_VERDICT[ruling.verdict],
        attempt=attempt.number,
        http_status=answer.status,
        next_at=ruling.next_at or now,
        finished_at=None if ruling.verdict is Verdict.RETRY else now,
        last_error=answer.fault,
    )


def end_untried(row: DueDelivery, fault: str, *, endpoint_id: int, now: datetime) -> Settlement:
    """The row given up without an attempt, because there is no place to post it to."""
    return Settlement(row, endpoint_id, DeliveryState.GIVEN_UP, row.attempt, None, now, now, fault)

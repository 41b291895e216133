"""When a message is to leave and when it ends: what a request asks for, held against the server's bounds.

Pure: the clock is passed in. Knows no quiet hours, which are of marketing alone.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.requests import SendRequest
from gateway.intake.terms import SendingTerms

_LATE_SEND_AT: Final = timedelta(minutes=5)
"""Clocks differ and requests are repeated: a moment this long ago means now."""


def judge_moments(
    terms: SendingTerms, request: SendRequest, now: datetime
) -> tuple[datetime | None, datetime | None, datetime] | Refusal:
    """(send_at as asked, when it falls due or None for at once, when it expires), in UTC."""
    ttl = terms.default_ttl
    if request.ttl_seconds is not None:
        ttl = timedelta(seconds=request.ttl_seconds)
        if ttl > terms.longest_ttl:
            return Refusal(
                RefusalCode.INVALID_TTL,
                "$.ttl_seconds",
                f"This server keeps a message for at most {terms.longest_ttl.days} days.",
                f"Send at most {terms.longest_ttl // timedelta(seconds=1)}.",
            )
    send_at = request.send_at
    if send_at is None:
        return None, None, now + ttl
    if send_at < now - _LATE_SEND_AT:
        return Refusal(
            RefusalCode.INVALID_SEND_AT,
            "$.send_at",
            "The moment is in the past.",
            "Give a later moment, or leave send_at out to send at once.",
        )
    if send_at > now + terms.furthest_send_at:
        return Refusal(
            RefusalCode.INVALID_SEND_AT,
            "$.send_at",
            f"The moment is more than {terms.furthest_send_at.days} days ahead.",
            "Give an earlier moment, and send later messages later.",
        )
    send_at = send_at.astimezone(UTC)
    due_at = send_at if send_at > now else None
    return send_at, due_at, max(send_at, now) + ttl

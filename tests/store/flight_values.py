"""Flights and evidence with plain values, for tests of what the store makes of them."""

from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.identifiers import slot_of_id
from gateway.domain.message import MessageState, Progress, Reason, accepted, intend
from gateway.smpp.receipts import ReceiptState
from gateway.store.evidence import Answer, LateAnswer, Matched, ReceiptSeen
from gateway.store.flights import Flight

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MESSAGE_ID = (36_720_000_000 << 22) | (77 << 14)
S = MessageState


def make_flight(*, parts: int = 1, message_id: int = MESSAGE_ID, **changes: Any) -> Flight:
    """A message being sent, as it is right after its intent."""
    values: dict[str, Any] = {
        "shop_id": 1,
        "id": message_id,
        "slot": slot_of_id(message_id),
        "connector_id": 1,
        "accepted_connector_id": 1,
        "lane": 2,
        "category": 2,
        "attempt": 0,
        "refusals": 0,
        "progress": intend(accepted(parts, scheduled=False)),
        "expires_at": NOW + timedelta(days=2),
        "parts": parts,
        "cost_micros": 45_000 * parts,
        "country": "FR",
        "currency": "EUR",
        "campaign_id": None,
        "contact_id": None,
        "is_sensitive": False,
        "is_test": False,
        "wants_events": False,
        "has_webhook_url": False,
        "to_address": "33639980000",
        "from_address": "GATEWAY",
        "text": "bonjour",
        "body": None,
    }
    return Flight(**{**values, **changes})


def copy_flight(flight: Flight) -> Flight:
    return copy(flight)


def answer(
    flight: Flight,
    part: int = 0,
    wanted: MessageState = S.SENT,
    *,
    at: datetime = NOW,
    reason: Reason | None = None,
    failure_class: int | None = None,
    command_status: int | None = 0,
    carrier_id: str | None = None,
    retry_at: datetime | None = None,
) -> Answer:
    """What dispatch makes of an answer, or of the lack of one."""
    reasons = {S.UNKNOWN: Reason.NO_RESPONSE, S.FAILED: Reason.REJECTED_BY_CARRIER}
    return Answer(
        flight=flight,
        part=part,
        bind_no=1,
        wanted=wanted,
        reason=reasons.get(wanted, Reason.NONE) if reason is None else reason,
        failure_class=(4 if wanted is S.FAILED else 0) if failure_class is None else failure_class,
        command_status=command_status,
        carrier_id=carrier_id,
        lookup_id=carrier_id and carrier_id.lower(),
        submitted_at=at,
        at=at,
        retry_at=retry_at,
    )


def late_answer(
    flight: Flight, part: int = 0, wanted: MessageState = S.SENT, *, carrier_id: str | None = None
) -> LateAnswer:
    return LateAnswer(
        flight=flight,
        part=part,
        wanted=wanted,
        failure_class=4 if wanted is S.FAILED else 0,
        command_status=8 if wanted is S.FAILED else 0,
        carrier_id=carrier_id,
        lookup_id=carrier_id and carrier_id.lower(),
        at=NOW + timedelta(minutes=2),
    )


_WORDS = {
    S.DELIVERED: (ReceiptState.DELIVERED, "DELIVRD"),
    S.FAILED: (ReceiptState.UNDELIVERABLE, "UNDELIV"),
    S.EXPIRED: (ReceiptState.EXPIRED, "EXPIRED"),
    S.UNKNOWN: (ReceiptState.UNKNOWN, "UNKNOWN"),
    None: (ReceiptState.ENROUTE, "ENROUTE"),
}


def receipt(
    carrier_id: str,
    wanted: MessageState | None = S.DELIVERED,
    *,
    at: datetime = NOW,
    err: str = "000",
    acknowledge: object | None = None,
    connector_id: int = 1,
) -> ReceiptSeen:
    state, stat = _WORDS[wanted]
    return ReceiptSeen(
        connector_id=connector_id,
        carrier_id=carrier_id,
        wanted=wanted,
        receipt_state=int(state),
        failure_class=2 if wanted is S.FAILED else 0,
        stat=stat,
        err=err,
        from_address="33639980000",
        to_address="GATEWAY",
        at=at,
        acknowledge=acknowledge,
    )


def matched(
    part: int = 0, wanted: MessageState | None = S.DELIVERED, *, at: datetime = NOW, err: str = "000"
) -> Matched:
    return Matched(receipt("c", wanted, at=at, err=err), part)


def progress_of(state: MessageState, *parts: MessageState) -> Progress:
    return Progress(state, 0b1101 | 1 << state, bytes(parts))

"""Rows and answers that the tests of this room share."""

from datetime import UTC, datetime

from gateway.domain.identifiers import IdSource
from gateway.store.outbox import DueDelivery

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_IDS = IdSource(1, lambda: int(NOW.timestamp() * 1000))


def due_row(
    *,
    shop_id: int = 7,
    subject_id: int | None = None,
    sequence: int = 1,
    endpoint_id: int = 1,
    attempt: int = 0,
    kind: str = "message.sent",
    finished_at: datetime | None = None,
    data: str = '{"state":"sent"}',
) -> DueDelivery:
    """A due row with ids of its own."""
    event = _IDS.next_id(42)
    subject = _IDS.next_id(42) if subject_id is None else subject_id
    return DueDelivery(
        shop_id, event, 42, subject, sequence, endpoint_id, attempt, kind, NOW, finished_at, data
    )

"""Queue rows written by hand are, to Postgres, the rows that they stand for."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.identifiers import first_id_at
from gateway.domain.message import ACCEPTED_BIT, MessageState, entered_bit
from gateway.store.intake import NewMessage
from gateway.store.queue_rows import QUEUE_COLUMNS
from tests.store.rig import Rig

pytestmark = pytest.mark.integration


def row_of(message: NewMessage) -> tuple[object, ...]:
    return (
        message.connector_id, message.lane, message.category, message.id, message.slot, message.shop_id, 0, 0,
        ACCEPTED_BIT | entered_bit(MessageState.QUEUED), message.expires_at,
    )  # fmt: skip


async def test_rows_are_read_back_as_they_were_meant(rig: Rig) -> None:
    usual = rig.new_message()
    messages = [
        usual,
        usual._replace(id=usual.id + 1, slot=0),
        usual._replace(
            shop_id=2**31 - 1,
            id=first_id_at(datetime.now(UTC)) | 0x3FFFFF,
            slot=255,
            connector_id=2**31 - 1,
            category=2**15 - 1,
            lane=2**15 - 1,
            expires_at=usual.expires_at + timedelta(days=36_500, microseconds=1),
        ),
        usual._replace(id=usual.id + 2, expires_at=datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ]
    await rig.accept(*messages)
    rows = await rig.fetch(f"SELECT {', '.join(QUEUE_COLUMNS)} FROM queue")
    assert sorted(rows, key=str) == sorted(map(row_of, messages), key=str)

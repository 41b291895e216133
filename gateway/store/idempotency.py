"""Idempotency keys after they were stored: reading the answer to replay, and forgetting old keys.

The key is written by `store.intake`, in the transaction of the messages that it stands for.
"""

from datetime import datetime, timedelta

from gateway.store.database import Database
from gateway.store.keyed_answers import IDEMPOTENCY_HOURS, KeyedAnswer, key_slot

REPLAYED_FOR = timedelta(hours=IDEMPOTENCY_HOURS)


async def read_keyed_answer(database: Database, shop_id: int, key: str, now: datetime) -> KeyedAnswer | None:
    """The answer first given to this key, or None when there is none from the last 24 h."""
    row = await database.fetch_row("read_keyed_answer", key_slot(key), shop_id, key, now - REPLAYED_FOR)
    if row is None:
        return None
    return KeyedAnswer(shop_id, key, row["body_sha256"], row["status"], row["answer"])


async def delete_old_keys(database: Database, now: datetime, *, most: int = 10_000) -> int:
    """Forget at most `most` keys older than 24 h; the number that went comes back."""
    tag = await database.execute("delete_old_keys", now - REPLAYED_FOR, most)
    return int(tag.rpartition(" ")[2])

"""What people changed of a connector for a while: the rows of `connector_override`.

Owns their reading and writing. What a change means for a running connector is known in `gateway/oncall/`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from gateway.store.audit import AuditNote, add_audit
from gateway.store.database import Database


class OverrideKey(IntEnum):
    """What is changed. Stored; never renumber."""

    DOWN = 1
    PARTS_PER_SECOND = 2
    WINDOW = 3


@dataclass(frozen=True, slots=True)
class Override:
    """One change, who made it, and when it ends by itself (None: never). `value` is 0 for `DOWN`."""

    connector_id: int
    key: OverrideKey
    value: float
    author: str
    reason: str
    made_at: datetime
    expires_at: datetime | None


async def list_overrides(database: Database, now: datetime) -> list[Override]:
    """Those that hold now, of every connector."""
    rows = await database.fetch("list_overrides", now)
    return [Override(**{**dict(row), "key": OverrideKey(row["key"])}) for row in rows]


async def put_overrides(database: Database, overrides: Sequence[Override], note: AuditNote) -> None:
    """Store changes with the note of who made them."""
    async with database.transaction() as connection:
        for each in overrides:
            await connection.execute(
                "put_override",
                each.connector_id,
                each.key,
                each.value,
                each.author,
                each.reason,
                each.made_at,
                each.expires_at,
            )
        await add_audit(connection, note)


async def lift_overrides(
    database: Database, connector_id: int, keys: Iterable[OverrideKey], now: datetime, note: AuditNote
) -> int:
    """End changes before their time, with the note of who did; returns how many of them held."""
    lifted = 0
    async with database.transaction() as connection:
        for key in keys:
            lifted += await connection.fetch_value("lift_override", connector_id, key, now)
        await add_audit(connection, note)
    return lifted


async def delete_expired_overrides(database: Database, now: datetime) -> None:
    await database.execute("delete_expired_overrides", now)

"""What whoever is on call was told: the rows of `alert`, one from an alert's beginning to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as it is kept. `cleared_at` None: it holds."""

    kind: str
    subject: str
    raised_at: datetime
    told_at: datetime
    cleared_at: datetime | None
    times_told: int
    sentence: str
    node_no: int | None = None
    """Of the node that told it first; None for one of before there were several."""


async def list_standing_alerts(database: Database) -> list[AlertRow]:
    return [AlertRow(**row) for row in await database.fetch("list_standing_alerts")]


async def list_ended_alerts(database: Database, *, most: int) -> list[AlertRow]:
    """The newest first."""
    return [AlertRow(**row) for row in await database.fetch("list_ended_alerts", most)]


async def put_alerts(database: Database, rows: Sequence[AlertRow]) -> None:
    """Keep alerts as they stand, all or none."""
    async with database.transaction() as connection:
        for row in rows:
            await connection.execute(
                "put_alert",
                row.kind,
                row.subject,
                row.raised_at,
                row.told_at,
                row.cleared_at,
                row.times_told,
                row.sentence,
                row.node_no,
            )


async def delete_old_alerts(database: Database, raised_before: datetime) -> None:
    """Forget what has ended and began before a moment."""
    await database.execute("delete_old_alerts", raised_before)

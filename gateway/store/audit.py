"""Who did what: the rows of `audit`, written once and never changed."""

from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class AuditNote:
    """One action of a person or of a shop's key; `data` is a JSON object as text."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    data: str


async def add_audit(database: Database | Connection, note: AuditNote) -> None:
    await database.execute("add_audit", note.id, note.at, note.actor, note.action, note.subject, note.data)


async def list_audit(database: Database, *, before_id: int, most: int) -> list[AuditNote]:
    """The newest notes first."""
    rows = await database.fetch("list_audit", before_id, most)
    return [
        AuditNote(row["id"], row["at"], row["actor"], row["action"], row["subject"], row["data"])
        for row in rows
    ]

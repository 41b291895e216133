"""Answers owed to keywords: the rows of `reply_due`, which the outcome writer makes and a worker settles."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.public_ids import encode_public_id
from gateway.domain.reply_texts import ReplyKind
from gateway.store.database import Database

REPLY_NOT_SENT = "inbound.reply_not_sent"
"""The event of an answer that was owed and could not be sent."""


@dataclass(frozen=True, slots=True)
class DueReply:
    """An answer to the inbound text `id`, from the address that the person wrote to."""

    shop_id: int
    id: int
    slot: int
    kind: ReplyKind
    attempt: int
    to_address: str
    from_address: str
    language: str


async def list_due_replies(
    database: Database, now: datetime, slots: Sequence[int], *, most: int
) -> list[DueReply]:
    return [
        DueReply(
            shop_id=row["shop_id"],
            id=row["id"],
            slot=row["slot"],
            kind=ReplyKind(row["kind"]),
            attempt=row["attempt"],
            to_address=row["to_address"],
            from_address=row["from_address"],
            language=row["language"],
        )
        for row in await database.fetch("list_due_replies", now, slots, most)
    ]


async def postpone_reply(database: Database, reply: DueReply, due_at: datetime) -> None:
    await database.execute("postpone_reply", reply.shop_id, reply.id, reply.slot, reply.attempt, due_at)


async def settle_reply(database: Database, reply: DueReply) -> None:
    """The answer is a message now."""
    await database.execute("settle_reply", reply.shop_id, reply.id, reply.slot)


async def drop_reply(
    database: Database, reply: DueReply, *, event_id: int, now: datetime, why: str, detail: str
) -> None:
    """The answer will never be sent: note why, once."""
    data = json.dumps({"kind": reply.kind.name.lower(), "why": why, "detail": detail})
    async with database.transaction() as connection:
        if await connection.fetch_value("settle_reply", reply.shop_id, reply.id, reply.slot) is None:
            return
        subject = encode_public_id("mo", reply.id)
        await connection.execute("add_event", event_id, reply.shop_id, now, REPLY_NOT_SENT, subject, data)

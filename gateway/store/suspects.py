"""What an inference is made of: receipts that wait for a message, and the messages they could be of.

Reads only, and a bounded number of rows whatever there is: a number with more messages or receipts than the
bound is left alone. What follows from the rows is decided in `domain.inference`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from gateway.domain.identifiers import time_of_id
from gateway.domain.inference import MessageKey
from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.evidence import PartRef, ReceiptSeen
from gateway.store.outcome_rows import NO_BIND
from gateway.store.unmatched import FindLookupId, read_unmatched

MOST_OF_A_NUMBER: Final = 100
"""Messages to one number, or receipts of it, beyond which nothing is inferred for it."""

_ENDING_CHARACTERS: Final = 8
"""By how much of its end a number is looked for among receipts; an index holds just so much."""


class WaitingReceipt(NamedTuple):
    """A receipt without a message, as far as it takes to know its number."""

    receipt_id: int
    connector_id: int
    from_address: str


class OpenSubmit(NamedTuple):
    """A submit whose id was never learnt. `connector_id` is None where a crash took the memory of it."""

    part: int
    connector_id: int | None
    submitted_at: datetime


@dataclass(slots=True)
class SuspectRow:
    """A message to a number, with its submits whose ids were never learnt."""

    key: MessageKey
    from_address: str
    expires_at: datetime
    is_sending: bool
    unknown_on: int | None
    """The connector on which it is unknown for want of an answer; None when it is not."""
    part_states: bytes
    open_submits: list[OpenSubmit] = field(default_factory=list)


async def has_unknown_messages(database: Database) -> bool:
    return bool(await database.fetch_value("has_unknown_messages"))


async def find_waiting_receipts(
    database: Database, *, after_id: int, high_id: int, limit: int
) -> list[WaitingReceipt]:
    """The next receipts without a message, oldest first."""
    rows = await database.fetch("find_waiting_receipts", after_id, high_id, limit)
    return [WaitingReceipt(*row) for row in rows]


async def find_suspects(
    database: Database, numbers: Collection[str], *, low_id: int
) -> dict[str, list[SuspectRow]]:
    """Messages by number. A number that has too many is left out, and so is one that has none."""
    rows = await database.fetch(
        "find_suspects", list(numbers), low_id, MOST_OF_A_NUMBER, MessageState.SENDING
    )
    found: dict[str, dict[int, SuspectRow]] = {}
    for row in rows:
        if row["messages"] >= MOST_OF_A_NUMBER:
            continue
        suspects = found.setdefault(row["to_address"], {})
        suspect = suspects.get(row["id"])
        if suspect is None:
            suspect = suspects[row["id"]] = _suspect(row)
        if row["part"] is not None:
            suspect.open_submits.append(_open_submit(row))
    return {number: list(suspects.values()) for number, suspects in found.items()}


def _suspect(row: asyncpg.Record) -> SuspectRow:
    return SuspectRow(
        key=(row["shop_id"], row["id"], row["slot"]),
        from_address=row["from_address"],
        expires_at=row["expires_at"],
        is_sending=row["state"] == MessageState.SENDING,
        unknown_on=row["unknown_on"],
        part_states=row["part_states"],
    )


def _open_submit(row: asyncpg.Record) -> OpenSubmit:
    connector_id = None if row["bind_no"] == NO_BIND else row["submitted_on"]
    return OpenSubmit(row["part"], connector_id, row["submitted_at"] or time_of_id(row["id"]))


async def find_receipts_of_numbers(
    database: Database,
    numbers: Sequence[tuple[int, str]],
    find_lookup_id: FindLookupId,
    *,
    low_id: int,
) -> list[ReceiptSeen]:
    """Receipts without a message whose number ends like one of these, given with its connector, oldest first.
    At most `MOST_OF_A_NUMBER` of each."""
    if not numbers:
        return []
    connector_ids, written = zip(*numbers, strict=True)
    endings = [number[-_ENDING_CHARACTERS:] for number in written]
    rows = await database.fetch("find_receipts_of_numbers", connector_ids, endings, low_id, MOST_OF_A_NUMBER)
    return [read_unmatched(row, find_lookup_id) for row in rows]


async def mark_repeats(database: Database, repeats: Sequence[tuple[int, PartRef]]) -> None:
    """Receipts, by their id here, that repeat the carrier's id of one that was inferred: they go where it
    went, and change nothing."""
    if repeats:
        rows = [(receipt_id, *ref) for receipt_id, ref in repeats]
        await database.execute("mark_inferred", *zip(*rows, strict=True))

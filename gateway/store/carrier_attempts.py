"""What our rows say of submits and receipts, for laying a carrier's own log beside them. Reads only."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from gateway.domain.identifiers import HIGHEST_ID, first_id_at, slot_of_address
from gateway.store.database import Connection

_PAGE: Final = 20_000
_NUMBERS_AT_ONCE: Final = 1_000
_LONGEST_LIFE_DAYS: Final = 38
"""No message is older when it is submitted: 30 days to its time and 7 of validity."""


class AttemptSeen(NamedTuple):
    """One row of `part`: an attempt with its answer, if there was one."""

    message_id: int
    part: int
    command_status: int | None
    carrier_id: str | None
    answered_at: datetime


class SilentAttempts(NamedTuple):
    """How often, at most, a part of a message may have been submitted without an answer, and its receipts."""

    message_id: int
    part: int
    address: str
    text: str
    attempts: int
    receipts: int


PartKey = tuple[int, int]
"""Message id and part."""


async def find_connector_ids(connection: Connection, names: Sequence[str]) -> list[int]:
    """Numbers of these connectors, none for no names. Raises `KeyError` for a name that never was."""
    numbers = {
        row["name"]: row["id"] for row in await connection.fetch("list_names") if row["kind"] == "connector"
    }
    return [numbers[name] for name in names]


async def page_attempts(
    connection: Connection, connector_ids: Sequence[int], since: datetime
) -> AsyncIterator[tuple[list[AttemptSeen], Mapping[PartKey, int]]]:
    """All attempts answered, or given up, since a moment, page by page, with the receipts of their parts."""
    from_id = first_id_at(since) - (_LONGEST_LIFE_DAYS * 86_400_000 << 22)
    while True:
        rows = await connection.fetch(
            "list_attempts", max(0, from_id), HIGHEST_ID, list(connector_ids), since, _PAGE
        )
        page = [AttemptSeen(*row) for row in rows]
        if len(page) == _PAGE:  # the last message may have more rows: it leads the next page
            last = page[-1].message_id
            page = [each for each in page if each.message_id != last]
            from_id = last
        if not page:
            return
        counts = await connection.fetch("count_receipts_of", page[0].message_id, page[-1].message_id)
        yield page, {(row["id"], row["part"]): row["receipts"] for row in counts}
        if len(rows) < _PAGE:
            return


async def find_silent_attempts(
    connection: Connection, addresses: Sequence[str], since: datetime
) -> list[SilentAttempts]:
    """The parts of messages to these numbers that may have left without an answer."""
    low = max(0, first_id_at(since) - (_LONGEST_LIFE_DAYS * 86_400_000 << 22))
    found: list[SilentAttempts] = []
    for start in range(0, len(addresses), _NUMBERS_AT_ONCE):
        some = addresses[start : start + _NUMBERS_AT_ONCE]
        slots = sorted({slot_of_address(address) for address in some})
        rows = await connection.fetch("find_silent_attempts", some, slots, low, HIGHEST_ID)
        found += [
            SilentAttempts(
                row["id"], row["part"], row["to_address"], row["text"], row["silent"], row["receipts"]
            )
            for row in rows
        ]
    return found


async def count_unmatched_of(connection: Connection, carrier_ids: Sequence[str]) -> dict[str, int]:
    """Receipts without a message that bear these ids."""
    rows = await connection.fetch("count_unmatched_of", list(carrier_ids))
    return {row["carrier_id"]: row["receipts"] for row in rows}

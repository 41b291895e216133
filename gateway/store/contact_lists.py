"""Lists of a shop and who is on them: the rows of `contact_list` and `list_member`.

Owns that `member_count` tells the truth: whoever adds or removes members here moves it in the same
transaction, lists in the order of their ids.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from gateway.domain.campaign import CampaignState
from gateway.domain.identifiers import HIGHEST_ID, slot_of_id
from gateway.domain.people import MarketingConsent
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError

_AT_WORK: Final = (CampaignState.PLANNED, CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class ContactList:
    """One list, with as many members as it has now."""

    id: int
    name: str
    member_count: int
    created_at: datetime
    updated_at: datetime


class ListGone(StoreError):
    """A list was deleted while people were put on it; nothing of the transaction is kept."""

    def __init__(self, list_ids: Sequence[int]) -> None:
        shown = ", ".join(encode_public_id("lst", list_id) for list_id in sorted(list_ids))
        super().__init__(f"there is no list {shown} (any more); leave it out, or make a new one")
        self.list_ids = tuple(list_ids)


class ListNameTaken(StoreError):
    """The shop has another list of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a list named {name} already; choose another name")


async def create_contact_list(
    database: Database, shop_id: int, list_id: int, name: str, now: datetime
) -> ContactList | None:
    """None when the shop has a list of this name."""
    row = await database.fetch_row("create_contact_list", shop_id, list_id, name, now)
    return None if row is None else _list(row)


async def rename_contact_list(
    database: Database, shop_id: int, list_id: int, name: str, now: datetime
) -> ContactList | None:
    """None when there is no such list. Raises `ListNameTaken`."""
    try:
        row = await database.fetch_row("rename_contact_list", shop_id, list_id, name, now)
    except asyncpg.UniqueViolationError as exc:
        raise ListNameTaken(name) from exc
    return None if row is None else _list(row)


async def get_contact_lists(
    reader: Database | Connection, shop_id: int, ids: Sequence[int]
) -> dict[int, ContactList]:
    rows = await reader.fetch("get_contact_lists", shop_id, list(ids))
    return {row["id"]: _list(row) for row in rows}


async def list_contact_lists(
    database: Database, shop_id: int, *, after: int | None, limit: int
) -> list[ContactList]:
    """Newest first; `after` is the id of the last one of the page before."""
    rows = await database.fetch("list_contact_lists", shop_id, HIGHEST_ID if after is None else after, limit)
    return [_list(row) for row in rows]


async def count_marketing_members(database: Database, shop_id: int, list_id: int) -> int:
    """How many members have opted in and are kept from nothing: 0.4 s for a million members.

    Fetched whole: asking the driver for one row only would forbid Postgres a second process, and double that.
    """
    rows = await database.fetch("count_marketing_members", shop_id, list_id, MarketingConsent.OPTED_IN)
    people: int = rows[0]["people"]
    return people


async def delete_contact_list(database: Database, shop_id: int, list_id: int) -> bool:
    """Whether there was such a list; its members stay people of the shop."""
    return await database.fetch_value("delete_contact_list", shop_id, list_id) is not None


async def find_campaigns_naming_list(database: Database, shop_id: int, list_id: int) -> list[str]:
    """The names of planned, running and paused campaigns that include or exclude a list."""
    named = json.dumps([list_id])
    rows = await database.fetch(
        "find_campaigns_naming_list", shop_id, named, [int(each) for each in _AT_WORK]
    )
    return [row["name"] for row in rows]


async def add_members(
    connection: Connection, shop_id: int, members: Sequence[tuple[int, int]], *, now: datetime
) -> int:
    """Put contacts on lists, (list_id, contact_id), and count them; how many were not on them before.

    Ids that are no contacts of the shop are left out. Raises `ListGone`: the transaction must end with it.
    """
    if not members:
        return 0
    wanted = sorted({(list_id, slot_of_id(contact_id), contact_id) for list_id, contact_id in members})
    rows = await connection.fetch(
        "add_list_members",
        shop_id,
        [list_id for list_id, _, _ in wanted],
        [slot for _, slot, _ in wanted],
        [contact_id for _, _, contact_id in wanted],
        now,
    )
    added = Counter({list_id: 0 for list_id, _, _ in wanted})
    added.update(row["list_id"] for row in rows)
    await _move_counts(connection, shop_id, added, now)
    return len(rows)


async def remove_members(
    connection: Connection, shop_id: int, list_id: int, contact_ids: Sequence[int], *, now: datetime
) -> int:
    """Take contacts off a list; how many were on it. Raises `ListGone`."""
    slots = [slot_of_id(contact_id) for contact_id in contact_ids]
    rows = await connection.fetch("remove_list_members", shop_id, list_id, slots, list(contact_ids))
    await _move_counts(connection, shop_id, Counter({list_id: -len(rows)}), now)
    return len(rows)


async def remove_from_every_list(
    connection: Connection, shop_id: int, contact_id: int, *, now: datetime
) -> int:
    """Take one person off all lists; how many those were."""
    rows = await connection.fetch("remove_from_every_list", shop_id, slot_of_id(contact_id), contact_id)
    left = Counter({row["list_id"]: -1 for row in rows})
    if left:
        await _move_counts(connection, shop_id, left, now)
    return len(rows)


async def _move_counts(connection: Connection, shop_id: int, changes: Counter[int], now: datetime) -> None:
    list_ids = sorted(changes)
    moved = await connection.fetch(
        "move_member_counts", shop_id, list_ids, [changes[list_id] for list_id in list_ids], now
    )
    gone = set(list_ids) - {row["id"] for row in moved}
    if gone:
        raise ListGone(sorted(gone))


def _list(row: asyncpg.Record) -> ContactList:
    return ContactList(row["id"], row["name"], row["member_count"], row["created_at"], row["updated_at"])

"""Finding messages by what no index has: their text, country, failure or campaign.

Owns the bound on the work of one page: it looks at so many messages and hands back where to go on, so that a
search over a million of them neither stalls the database nor the person who waits.
"""

from dataclasses import dataclass
from typing import Final

from gateway.domain.message import MessageState
from gateway.store.database import Database
from gateway.store.messages import MessagePage, get_messages

_WINDOW_ROWS: Final = 20_000
_WINDOWS: Final = 10
"""A page looks through at most 200,000 messages, about half a second."""


@dataclass(frozen=True, slots=True)
class MessageSearch:
    """What to find; None does not narrow. Ids go from `low_id` up to, not including, `high_id`."""

    low_id: int
    high_id: int
    text: str | None = None
    campaign_id: int | None = None
    country: str | None = None
    states: frozenset[MessageState] = frozenset()
    failure_class: int | None = None


async def search_messages(
    database: Database, shop_id: int, wanted: MessageSearch, *, limit: int
) -> MessagePage:
    """At most `limit` messages, newest first; a page may be short, or empty, and still say where to go on."""
    pattern = None if wanted.text is None else f"%{_escape_like(wanted.text)}%"
    states = sorted(int(state) for state in wanted.states) or None
    narrowed = (pattern, wanted.campaign_id, wanted.country, states, wanted.failure_class)
    found: list[int] = []
    high_id: int | None = wanted.high_id
    for _ in range(_WINDOWS):
        window = await database.fetch_row("find_search_window", shop_id, wanted.low_id, high_id, _WINDOW_ROWS)
        assert window is not None  # count always gives a row
        if not window["messages"]:
            high_id = None
            break
        low_id, most = window["low_id"], limit + 1 - len(found)
        rows = await database.fetch("search_messages", shop_id, low_id, high_id, *narrowed, most)
        found += [row["id"] for row in rows]
        if len(found) > limit:
            found, high_id = found[:limit], found[limit - 1]
            break
        high_id = low_id if window["messages"] == _WINDOW_ROWS else None
        if high_id is None:
            break
    records = await get_messages(database, shop_id, found)
    return MessagePage(tuple(records[message_id] for message_id in found if message_id in records), high_id)


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

"""A shop's messages for people at the admin socket: searched by what one remembers of them, and in full."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from gateway.domain.countries import COUNTRIES
from gateway.domain.failures import FailureClass
from gateway.domain.identifiers import HIGHEST_ID, first_id_at
from gateway.domain.message import MessageState
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.message_search import MessageSearch, search_messages
from gateway.store.messages import MessageFilter, MessagePage, get_message, list_messages
from gateway.store.reports import list_message_clicks
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query
from gateway.web.message_handlers import PAGE_LIMIT, answer_json, load_in_full, not_found, read_public_id
from gateway.web.message_view import show_message
from gateway.web.problems import ProblemRaised
from gateway.web.report_view import show_click
from gateway.web.shop_routes import ShopCaller, ShopRoute

TEXT_SEARCH_SPAN: Final = timedelta(hours=24)
"""How far back a text is looked for when nobody says."""

_PARAMETERS: Final = (
    "q", "to", "id", "state", "campaign_id", "country", "failure_class", "from_time", "to_time",
    "limit", "cursor",
)  # fmt: skip
_LOOKS_LIKE_NUMBER: Final = re.compile(r"[+ ]?[\d() .\-/]{6,30}").fullmatch
_STATES: Final = {state.word: state for state in MessageState}
_FAILURES: Final = {kind.word: kind for kind in FailureClass if kind is not FailureClass.NONE}


class PeopleMessages:
    """The messages of one shop. A number, an id or a piece of text goes into `q`; the rest narrows."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def find(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, _PARAMETERS)
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        page = await self._find(query, caller, limit)
        cursor = None if page.next_high_id is None else encode_public_id("msg", page.next_high_id)
        shown = [show_message(record, show_text=caller.sees_texts) for record in page.messages]
        return answer_json({"messages": shown, "next_cursor": cursor})

    async def get(self, request: web.Request, caller: ShopCaller) -> web.Response:
        record = await get_message(self._database, caller.shop.id, read_public_id(request, "msg"))
        if record is None:
            raise not_found()
        clicks = []
        if record.contact_id is not None:
            clicks = await list_message_clicks(
                self._database, record.shop_id, record.id, slot=record.slot, contact_id=record.contact_id
            )
        shown = await load_in_full(self._database, record, show_text=caller.sees_texts)
        return answer_json({**shown, "clicks": [show_click(click) for click in clicks]})

    async def _find(self, query: Query, caller: ShopCaller, limit: int) -> MessagePage:
        asked = query.text("q")
        message_id = query.public_id("id", "msg")
        if message_id is None and asked is not None and asked.startswith("msg_"):
            message_id = query.public_id("q", "msg")
        if message_id is not None:
            record = await get_message(self._database, caller.shop.id, message_id)
            return MessagePage(() if record is None else (record,), None)
        address = query.number("to", default_country=caller.shop.country)
        if address is None and asked is not None and _LOOKS_LIKE_NUMBER(asked):
            address = query.number("q", default_country=caller.shop.country)
        if address is not None:
            return await self._list_of_number(query, caller, address, limit)
        if asked is not None and not caller.sees_texts:
            raise ProblemRaised(
                "forbidden",
                "Texts belong to the shop, and this role does not see them.",
                "Search by number, id, state or campaign, or ask somebody at the shop.",
            )
        wanted = MessageSearch(
            low_id=self._find_low_id(query, is_text=asked is not None),
            high_id=_find_high_id(query),
            text=asked,
            campaign_id=query.public_id("campaign_id", "cmp"),
            country=_read_country(query),
            states=_read_states(query),
            failure_class=_read_failure(query),
        )
        return await search_messages(self._database, caller.shop.id, wanted, limit=limit)

    async def _list_of_number(
        self, query: Query, caller: ShopCaller, address: str, limit: int
    ) -> MessagePage:
        """An index leads to a person's messages, so the whole time is looked at."""
        wanted = MessageFilter(
            low_id=self._find_low_id(query, is_text=False),
            high_id=_find_high_id(query),
            to_address=address,
            campaign_id=query.public_id("campaign_id", "cmp"),
            states=_read_states(query),
        )
        return await list_messages(self._database, caller.shop.id, wanted, limit=limit)

    def _find_low_id(self, query: Query, *, is_text: bool) -> int:
        """The campaign's own id bounds its messages too: they were made after it."""
        from_time = query.moment("from_time")
        if from_time is None and is_text:
            from_time = (query.moment("to_time") or self._clock()) - TEXT_SEARCH_SPAN
        low_id = 0 if from_time is None else min(first_id_at(from_time), HIGHEST_ID)
        return max(low_id, query.public_id("campaign_id", "cmp") or 0)


def people_message_routes(database: Database, clock: Callable[[], datetime]) -> list[ShopRoute]:
    """`/messages` and `/messages/{id}`, for people only; shops have their own."""
    handlers = PeopleMessages(database, clock)
    see = Permission.SEE_MESSAGES
    return [
        ShopRoute("GET", "/messages", None, see, handlers.find),
        ShopRoute("GET", "/messages/{id}", None, see, handlers.get),
    ]


def _find_high_id(query: Query) -> int:
    to_time = query.moment("to_time")
    high_id = HIGHEST_ID if to_time is None else min(first_id_at(to_time), HIGHEST_ID)
    cursor = query.public_id("cursor", "msg")
    return high_id if cursor is None else min(high_id, cursor)


def _read_country(query: Query) -> str | None:
    country = query.text("country")
    if country is not None and country not in COUNTRIES:
        raise _bad("country", "there is no such country; write two letters, such as FR.")
    return country


def _read_states(query: Query) -> frozenset[MessageState]:
    text = query.text("state")
    if text is None:
        return frozenset()
    words = text.split(",")
    if any(word not in _STATES for word in words):
        raise _bad("state", f"takes one or several of {', '.join(_STATES)}, with commas.")
    return frozenset(_STATES[word] for word in words)


def _read_failure(query: Query) -> int | None:
    word = query.text("failure_class")
    if word is None:
        return None
    if word not in _FAILURES:
        raise _bad("failure_class", f"takes one of {', '.join(_FAILURES)}.")
    return int(_FAILURES[word])


def _bad(name: str, why: str) -> ProblemRaised:
    return ProblemRaised("invalid_parameter", f"The parameter {name}: {why}", "Correct the parameter.")

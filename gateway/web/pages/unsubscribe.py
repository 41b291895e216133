"""The unsubscribe page: one question, one button, and an hour to take it back.

Owns the page and what its button posts. Looking changes nothing, for scanners of messages look at every link:
only a POST opts out. Mail programs' one-click form (RFC 8058) is taken too.
"""

from typing import Final

import structlog
from aiohttp import hdrs, web
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from gateway.domain.link_codes import OptoutTokens
from gateway.links.agents import AGENT_OCTETS
from gateway.links.optouts import OptoutDesk, OptoutStanding
from gateway.links.resolving import LinkResolver
from gateway.store.links import OPTOUT_TARGET, Link
from gateway.web.pages.languages import LANGUAGES, Words
from gateway.web.pages.limits import MissLimiter
from gateway.web.pages.rendering import Html, Pages, button_form, paragraph
from gateway.web.pages.visitors import Visitors

log = structlog.get_logger("web")

_PATH: Final = r"/{token:[0-9A-Za-z]{11}}{tail:[.,;:!?)\]>'\"»]{0,3}}"
_ACTION: Final = "action"
_STOP: Final = "stop"
_UNDO: Final = "undo"
_ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
"""RFC 8058 §3.2: its form must be answered without a redirect."""
_UNDONE: Final = "undone"
_SHORTEST_NUMBER: Final = 8
"""Digits; what is shorter is a short code."""


class UnsubscribeHandlers:
    """Shows where a person stands, opts out, takes back."""

    def __init__(
        self,
        pages: Pages,
        visitors: Visitors,
        limiter: MissLimiter,
        *,
        tokens: OptoutTokens,
        resolver: LinkResolver,
        optouts: OptoutDesk,
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._limiter = limiter
        self._tokens = tokens
        self._resolver = resolver
        self._optouts = optouts

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_PATH, self.show), web.post(_PATH, self.act)]

    async def show(self, request: web.Request) -> web.Response:
        """The question, or that it is done already."""
        link = await self._find_link(request)
        if isinstance(link, web.Response):
            return link
        return await self._answer(request, link)

    async def act(self, request: web.Request) -> web.Response:
        """What the button says; then the page again, by GET, so that a reload repeats nothing."""
        link = await self._find_link(request)
        if isinstance(link, web.Response):
            return link
        form = await request.post()
        is_one_click = form.get(_ONE_CLICK[0]) == _ONE_CLICK[1]
        action = _STOP if is_one_click else form.get(_ACTION)
        if action == _STOP:
            visitor = self._visitors.look_at(request)
            agent = request.headers.get(hdrs.USER_AGENT, "")[:AGENT_OCTETS].replace("\0", "")
            await self._optouts.withdraw(
                link,
                address=self._visitors.keep(visitor),
                agent=agent.encode("utf-8", "replace").decode(),
            )
        elif action == _UNDO:
            undone = await self._optouts.undo(link)
            return _see_other(request, **({_UNDONE: "1"} if undone else {}))
        else:
            return self._pages.refuse(request, "failed", status=400)
        return await self._answer(request, link) if is_one_click else _see_other(request)

    async def _find_link(self, request: web.Request) -> Link | web.Response:
        """The link behind the token, or the answer for a token that has none."""
        visitor = self._visitors.look_at(request)
        token = request.match_info["token"]
        found = self._resolver.recall(token)
        if found is None:
            if wait_seconds := self._limiter.refuses(visitor.group):
                retry = {"Retry-After": str(wait_seconds)}
                return self._pages.refuse(request, "too_many", status=429, headers=retry)
            seq = self._tokens.decode(token)
            found = None if seq is None else await self._resolver.find(token, seq)
        if found is None or found.link.target_id != OPTOUT_TARGET:
            self._limiter.note_miss(visitor.group)
            return self._pages.refuse(request, "not_found", status=404)
        return found.link

    async def _answer(self, request: web.Request, link: Link) -> web.Response:
        standing = await self._optouts.look_up(link)
        words = self._pages.words_for(request)
        title, body = _render(standing, words, request)
        return self._pages.answer(request, words, title=title, body=body)


def _render(standing: OptoutStanding, words: Words, request: web.Request) -> tuple[str, Html]:
    shop = standing.shop_name
    if standing.address is None:
        return words.say("unsubscribe.gone_title"), paragraph(words.say("unsubscribe.gone_body", shop=shop))
    number = mask_number(standing.address)
    path = f"/{request.match_info['token']}?lang={words.language}"
    if not standing.is_out:
        notice = Html("")
        if _UNDONE in request.query:
            notice = paragraph(words.say("unsubscribe.undone", shop=shop, number=number), kind="notice")
        return words.say("unsubscribe.ask_title", shop=shop), (
            notice
            + paragraph(words.say("unsubscribe.ask_body", number=number))
            + paragraph(words.say("unsubscribe.ask_hint"), kind="hint")
            + button_form(words.say("unsubscribe.stop"), path=path, fields={_ACTION: _STOP})
        )
    body = paragraph(words.say("unsubscribe.done_body", shop=shop, number=number))
    body += paragraph(words.say("unsubscribe.done_hint"), kind="hint")
    if standing.may_undo:
        undo = button_form(words.say("unsubscribe.undo"), path=path, fields={_ACTION: _UNDO}, is_quiet=True)
        body += Html('<div class="apart">') + paragraph(words.say("unsubscribe.undo_hint")) + undo
        body += Html("</div>")
    return words.say("unsubscribe.done_title"), body


def mask_number(address: str) -> str:
    """Enough to know one's own number by: `+33 •••• 78`. A short code or a name is shown whole."""
    if not address.isdigit() or len(address) < _SHORTEST_NUMBER:
        return address
    code = next((address[:n] for n in (1, 2, 3) if int(address[:n]) in COUNTRY_CODE_TO_REGION_CODE), "")
    return f"+{code}\u00a0••••\u00a0{address[-2:]}"


def _see_other(request: web.Request, **query: str) -> web.Response:
    """The same page by GET, in the language that its switch had chosen."""
    if (language := request.query.get("lang")) in LANGUAGES:
        query["lang"] = language
    location = request.rel_url.with_path(f"/{request.match_info['token']}").with_query(query)
    return web.Response(status=303, headers={"Location": str(location), "Cache-Control": "no-store"})

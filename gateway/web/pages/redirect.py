"""A short link opened: GET and HEAD lead to the campaign's address, after the click is kept.

Owns the order of things: the code, the limit on guesses, the link, the click, the answer. Leads only to
stored addresses, and passes nothing of the request on.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from multidict import istr

from gateway.domain.link_codes import LinkCodes
from gateway.links.clicks import ClickDesk, Visit
from gateway.links.resolving import Destination, LinkResolver
from gateway.store.links import OPTOUT_TARGET
from gateway.web.pages.limits import MissLimiter
from gateway.web.pages.rendering import Pages
from gateway.web.pages.visitors import Visitor, Visitors

# A link at the end of a sentence often takes its full stop along.
_PATH: Final = r"/{code:[0-9A-Za-z]{7}}{tail:[.,;:!?)\]>'\"»]{0,3}}"

_PREFETCH_HEADERS: Final = (istr("Sec-Purpose"), istr("Purpose"), istr("X-Purpose"), istr("X-Moz"))
_PREFETCH_WORDS: Final = ("prefetch", "prerender", "preview")


class RedirectHandlers:
    """Follows links."""

    def __init__(
        self,
        pages: Pages,
        visitors: Visitors,
        limiter: MissLimiter,
        *,
        codes: LinkCodes,
        resolver: LinkResolver,
        clicks: ClickDesk,
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._limiter = limiter
        self._codes = codes
        self._resolver = resolver
        self._clicks = clicks

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_PATH, self.follow)]

    async def follow(self, request: web.Request) -> web.Response:
        """302 to the address. The code in the path is all that counts; a query is ignored."""
        visitor = self._visitors.look_at(request)
        code = request.match_info["code"]
        destination = self._resolver.recall(code)
        if destination is None:
            if wait_seconds := self._limiter.refuses(visitor.group):
                retry = {"Retry-After": str(wait_seconds)}
                return self._pages.refuse(request, "too_many", status=429, headers=retry)
            seq = self._codes.decode(code)
            destination = None if seq is None else await self._resolver.find(code, seq)
        if destination is None or destination.link.target_id == OPTOUT_TARGET:
            self._limiter.note_miss(visitor.group)
            return self._pages.refuse(request, "not_found", status=404)
        await self._clicks.note(destination.link, self._describe(request, visitor))
        return _lead_to(destination)

    def _describe(self, request: web.Request, visitor: Visitor) -> Visit:
        headers = request.headers
        return Visit(
            agent=headers.get(hdrs.USER_AGENT, ""),
            address=visitor.address,
            kept_address=self._visitors.keep(visitor),
            is_head=request.method == hdrs.METH_HEAD,
            is_prefetch=_is_prefetch(headers),
        )


def _is_prefetch(headers: Mapping[str, str]) -> bool:
    for name in _PREFETCH_HEADERS:
        if name in headers and any(word in headers[name].lower() for word in _PREFETCH_WORDS):
            return True
    return False


def _lead_to(destination: Destination) -> web.Response:
    return web.Response(
        status=302,
        headers={"Location": destination.url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )

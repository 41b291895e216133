"""The application of redirects and public pages: which path leads where, and what goes wrong as a page.

Owns the routes. Codes are seven characters and tokens eleven, so that their length tells them apart; every
other path has another length or a slash.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.store.errors import StoreUnavailable
from gateway.web.pages.rendering import HEADERS, Pages

log = structlog.get_logger("web")

_BODY_OCTETS = 4_096
"""Enough for any form of ours; the upload page reads its own body."""
_RETRY_AFTER_SECONDS = "5"


@dataclass(frozen=True, slots=True)
class PagesDeps:
    """What the application is made of. `routes` are those of redirects and of each page; a page's path must
    not be one of seven or eleven letters and digits."""

    pages: Pages
    routes: Sequence[web.RouteDef]


def make_pages_app(deps: PagesDeps) -> web.Application:
    """The application; whoever runs it owns its socket and its end."""
    app = web.Application(middlewares=[_answer_with_pages(deps.pages)], client_max_size=_BODY_OCTETS)
    app.router.add_routes([*deps.routes, web.get("/robots.txt", _keep_robots_out)])
    return app


async def _keep_robots_out(request: web.Request) -> web.Response:
    return web.Response(text="User-agent: *\nDisallow: /\n", headers=HEADERS)


def _answer_with_pages(pages: Pages) -> Middleware:
    """Turns what a handler raises into a page that the visitor can read."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as exc:
            if exc.status < 400:
                raise
            section = "not_found" if exc.status == 404 else "failed"
            allowed = {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else None
            return pages.refuse(request, section, status=exc.status, headers=allowed)
        except StoreUnavailable as exc:
            log.warning("page.unavailable", fault=str(exc))
            retry = {"Retry-After": _RETRY_AFTER_SECONDS}
            return pages.refuse(request, "unavailable", status=503, headers=retry)
        except Exception:
            log.exception("page.failed")
            return pages.refuse(request, "failed", status=500)

    return answer

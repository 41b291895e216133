"""The links room of one node: redirects, clicks and the unsubscribe page, made and told of the configuration.

Decides nothing: who hears what is all there is here.
"""

import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from gateway.config import Config
from gateway.domain.destinations import find_destination_fault
from gateway.domain.link_codes import LinkCodes, OptoutTokens
from gateway.links.agents import Agents
from gateway.links.bursts import BurstWatch
from gateway.links.clicks import ClickDesk
from gateway.links.optouts import OptoutDesk
from gateway.links.resolving import LinkResolver
from gateway.store.clicks import ClickWriter
from gateway.store.database import Database
from gateway.store.evidence import Ending
from gateway.store.leases import Node
from gateway.store.optout_events import OptoutTeller
from gateway.web.link_handlers import link_routes
from gateway.web.pages.app import PagesDeps, make_pages_app
from gateway.web.pages.limits import MissLimiter
from gateway.web.pages.redirect import RedirectHandlers
from gateway.web.pages.rendering import Pages
from gateway.web.pages.unsubscribe import UnsubscribeHandlers
from gateway.web.pages.visitors import Visitors
from gateway.web.shop_routes import ShopRoute

_MISSES_SECONDS: Final = 60.0


class LinkRooms:
    """What stands behind the public port."""

    def __init__(
        self,
        database: Database,
        node: Node,
        config: Config,
        *,
        secret: bytes,
        put_endings: Callable[[Sequence[Ending]], None],
        clock: Callable[[], datetime],
        teller: OptoutTeller,
    ) -> None:
        self._config = config
        self._database = database
        self._secret = secret
        self.pages = Pages()
        self.visitors = Visitors()
        self.limiter = MissLimiter(
            allowed=config.public.misses_per_minute,
            window_seconds=_MISSES_SECONDS,
            monotonic=time.monotonic,
        )
        self.writer = ClickWriter(database.dsn, database.queries, node.fence)
        self.clicks = ClickDesk(self.writer, Agents(), BurstWatch(), ids=node.ids, clock=clock)
        self._resolver = LinkResolver(database)
        self._optouts = OptoutDesk(
            database,
            ids=node.ids,
            clock=clock,
            instance_secret=secret,
            put_endings=put_endings,
            teller=teller,
        )
        self.apply(config)

    def make_app(self, more_routes: Sequence[web.RouteDef] = ()) -> web.Application:
        """The public application; `more_routes` are those of further pages."""
        redirects = RedirectHandlers(
            self.pages,
            self.visitors,
            self.limiter,
            codes=LinkCodes(self._secret),
            resolver=self._resolver,
            clicks=self.clicks,
        )
        unsubscribe = UnsubscribeHandlers(
            self.pages,
            self.visitors,
            self.limiter,
            tokens=OptoutTokens(self._secret),
            resolver=self._resolver,
            optouts=self._optouts,
        )
        routes = [*redirects.routes(), *unsubscribe.routes(), *more_routes]
        return make_pages_app(PagesDeps(self.pages, routes))

    def list_routes(self) -> list[ShopRoute]:
        """The endpoints of one shop."""
        return link_routes(self._database)

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What goes on by itself, by name."""
        return [("clicks", self.writer.run())]

    def apply(self, config: Config) -> None:
        """Take over a configuration that was read again; listen addresses keep until a restart."""
        public = config.public
        self._config = config
        self.clicks.wait_seconds = public.click_wait_ms / 1000
        self.limiter.allowed = public.misses_per_minute
        proxies = [ip_network(text) for text in public.trusted_proxies]
        self.visitors.configure(proxies, keep_whole=public.keep_ip)

    def find_link_fault(self, url: str) -> str | None:
        """What speaks against an address as a campaign's link."""
        public = self._config.public
        own_host = urlsplit(public.base_url).hostname if public.base_url else None
        return find_destination_fault(url, own_hosts=[own_host] if own_host else [])

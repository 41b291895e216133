"""A pretend admin API on a unix socket: the shapes of the real one, a small shop's data, no rules.

Tests change `api.data` and read `api.asked`. Time stands still at `NOW`. Areas add their routes with
`add_routes(app, api)` functions in files of their own.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

NOW = datetime(2026, 7, 21, 14, 5, 9, tzinfo=UTC)
SHOP = "boutique"
Json = dict[str, Any]
AreaRoutes = Callable[[web.Application, "FakeApi"], None]


def moment(hours_ago: float = 0.0) -> str:
    """A time of the API, `hours_ago` before `NOW`."""
    at = datetime.fromtimestamp(NOW.timestamp() - hours_ago * 3600, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


ALL_RIGHTS = (
    "see_status",
    "see_system",
    "see_messages",
    "change_messages",
    "hold",
    "see_audience",
    "change_audience",
    "see_campaigns",
    "change_campaigns",
    "manage_keys",
    "manage_shops",
    "operate",
    "trace",
)


@dataclass
class FakeApi:
    """The data, what was asked (method, path, query, body), and answers that a test forces."""

    role: str = "operator"
    rights: list[str] = field(default_factory=lambda: list(ALL_RIGHTS))
    shops: list[str] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    forced: dict[tuple[str, str], tuple[int, Json]] = field(default_factory=dict)
    """(method, path) → status and body, instead of what the route would answer."""
    socket_path: Path = Path()
    _runner: web.AppRunner | None = None

    def calls(self, method: str, path_end: str) -> list[Any]:
        """The bodies of every request of `method` to a path with this end."""
        return [body for verb, path, _, body in self.asked if verb == method and path.endswith(path_end)]

    def refuse(
        self, method: str, endpoint: str, status: int, code: str, detail: str, *, path: str = ""
    ) -> None:
        """Make one endpoint answer with a problem document; `path` is the field at fault."""
        body = {"type": f"urn:estafette:problem:{code}", "title": code, "status": status}
        body |= {"code": code, "detail": detail, "action": ""} | ({"path": path} if path else {})
        self.forced[method, endpoint] = (status, body)

    async def start(self, socket_path: Path, areas: tuple[AreaRoutes, ...]) -> None:
        app = web.Application(middlewares=[self._middleware()])
        add_frame_routes(app, self)
        for add in areas:
            add(app, self)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(socket_path)).start()
        self.socket_path = socket_path

    async def stop(self) -> None:
        """As a killed server: connections end, the socket file is gone."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _middleware(self) -> Any:
        @web.middleware
        async def note(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            octets = await request.read()
            try:
                body: Any = json.loads(octets) if octets else None
            except ValueError:
                body = octets
            self.asked.append((request.method, request.path, dict(request.query), body))
            forced = self.forced.get((request.method, request.path))
            if forced is not None:
                return web.json_response(forced[1], status=forced[0])
            return await handler(request)

        return note


def answer(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def page(request: web.Request, items: list[Json], plural: str) -> web.Response:
    """A page by key: the cursor is the position of the next item."""
    limit = int(request.query.get("limit", "50"))
    start = int(request.query.get("cursor", "0"))
    following = str(start + limit) if start + limit < len(items) else None
    return answer({plural: items[start : start + limit], "next_cursor": following})


def add_frame_routes(app: web.Application, api: FakeApi) -> None:
    """Who calls, the shops, and the pulse."""

    async def whoami(request: web.Request) -> web.Response:
        return answer({"uid": 1000, "role": api.role, "permissions": api.rights, "shops": api.shops})

    async def shops(request: web.Request) -> web.Response:
        names = api.shops or [SHOP, "officina"]
        return answer({"shops": [{"name": name, "country": "FR", "currency": "EUR"} for name in names]})

    async def snapshot(request: web.Request) -> web.Response:
        seen = {
            "node": {"name": "node-1", "version": "0.1.0"},
            "shop": request.query.get("shop"),
            "binds_up": 7,
            "binds": 8,
            "in_per_second": 212.0,
            "out_per_second": 198.0,
            "queue": 3217,
            "alerts": [{"code": "bind_down", "sentence": "smsc-b: bind 2 is down since 13:52."}],
            "database": "up",
            "holds": [],
            "now": moment(),
        }
        return answer({**seen, **api.data.get("snapshot", {})})

    app.router.add_get("/admin/whoami", whoami)
    app.router.add_get("/admin/shops", shops)
    app.router.add_get("/admin/snapshot", snapshot)


@asynccontextmanager
async def running_api(tmp_path: Path, *areas: AreaRoutes) -> AsyncIterator[FakeApi]:
    """A fake API with the routes of `areas`, ended with the block."""
    api = FakeApi()
    await api.start(tmp_path / "a.sock", areas)
    try:
        yield api
    finally:
        await api.stop()

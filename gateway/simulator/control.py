"""The control door over HTTP, on the loopback address only: commands in, JSON out. Knows no command."""

from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from gateway.simulator.commands import BODIES, Stats, obey, parse_body
from gateway.simulator.errors import CommandRefused

if TYPE_CHECKING:
    from gateway.simulator.smsc import Simulator

_LOG_LINES_MOST: Final = 10_000
_BODY_OCTETS_MOST: Final = 200_000
"""Room for the longest MO in hexadecimal."""


class ControlServer:
    """Serves `POST /mo`, `/drop` and so on, `GET /stats` and `GET /log` for one simulator."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> int:
        """Listen; return the port, a free one for 0. Raises `OSError` when it is taken."""
        application = web.Application(client_max_size=_BODY_OCTETS_MOST)
        for name in BODIES:
            application.router.add_post(f"/{name}", self._command)
        application.router.add_get("/stats", self._stats)
        application.router.add_get("/log", self._log)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return int(self._runner.addresses[0][1])

    async def aclose(self) -> None:
        """Stop listening; what is under way gets a second."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _command(self, request: web.Request) -> web.Response:
        try:
            command = parse_body(request.path.lstrip("/"), await request.read())
            return _reply(await obey(self._simulator, command))
        except CommandRefused as exc:
            return _reply({"error": str(exc)}, status=409 if exc.is_conflict else 400)

    async def _stats(self, request: web.Request) -> web.Response:
        return _reply(await obey(self._simulator, Stats()))

    async def _log(self, request: web.Request) -> web.Response:
        try:
            since = int(request.query.get("since", "0"))
            most = min(int(request.query.get("limit", "1000")), _LOG_LINES_MOST)
        except ValueError:
            return _reply({"error": "`since` and `limit` are whole numbers"}, status=400)
        lines = self._simulator.read_log(since, most=most)
        return web.Response(
            body=b"".join(line + b"\n" for line in lines), content_type="application/x-ndjson"
        )


def _reply(answer: dict[str, object], *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer) + b"\n", status=status, content_type="application/json"
    )

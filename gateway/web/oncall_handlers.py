"""Admin handlers for whoever is on call: connectors changed for a while, alerts, figures, health."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.oncall.connector_desk import ConnectorDesk, Terms
from gateway.oncall.errors import NotRunning, UnknownConnector
from gateway.oncall.metrics import CONTENT_TYPE
from gateway.oncall.readiness import Readiness
from gateway.store.overrides import OverrideKey
from gateway.web.admin_access import Caller
from gateway.web.bodies import read_struct
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised

ForSeconds = Annotated[int, Meta(ge=60, le=2_592_000)]
Reason = Annotated[str, Meta(max_length=500)]


class DownRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Without `for_seconds` it holds until somebody undoes it."""

    for_seconds: ForSeconds | None = None
    reason: Reason = ""


class UpRequest(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason = ""


class ConnectorChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; null lets the configuration's value hold again."""

    parts_per_second: Annotated[float, Meta(ge=0.1, le=20_000)] | UnsetType | None = UNSET
    window: Annotated[int, Meta(ge=1, le=5_000)] | UnsetType | None = UNSET
    for_seconds: ForSeconds | None = None
    reason: Reason = ""


class OncallAdmin:
    """`list_connectors` and `list_alerts` give JSON: the latter those that stand and the newest that ended;
    `try_alerts` tells a test by everything that is configured."""

    def __init__(
        self,
        desk: ConnectorDesk,
        *,
        list_connectors: Callable[[], Sequence[Mapping[str, object]]],
        list_alerts: Callable[[], tuple[Sequence[Mapping[str, object]], Sequence[Mapping[str, object]]]],
        try_alerts: Callable[[], Awaitable[Mapping[str, str | None]]],
        render_metrics: Callable[[], Awaitable[bytes]],
        check_readiness: Callable[[], Awaitable[Readiness]],
        list_nodes: Callable[[], Awaitable[Sequence[Mapping[str, object]]]],
    ) -> None:
        self._desk = desk
        self._list_connectors = list_connectors
        self._list_alerts = list_alerts
        self._try_alerts = try_alerts
        self._render_metrics = render_metrics
        self._check_readiness = check_readiness
        self._list_nodes = list_nodes

    async def take_down(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, DownRequest)
        name = request.match_info["name"]
        with _Problems():
            await self._desk.take_down(name, _terms(caller, wanted.reason, wanted.for_seconds))
        return self._show(name)

    async def bring_up(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, UpRequest)
        name = request.match_info["name"]
        with _Problems():
            was_down = await self._desk.bring_up(name, _terms(caller, wanted.reason))
        return answer_json({"name": name, "changed": was_down})

    async def change(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, ConnectorChange)
        values: dict[OverrideKey, float | None] = {}
        if not isinstance(wanted.parts_per_second, UnsetType):
            values[OverrideKey.PARTS_PER_SECOND] = wanted.parts_per_second
        if not isinstance(wanted.window, UnsetType):
            values[OverrideKey.WINDOW] = wanted.window
        if not values:
            raise ProblemRaised(
                "missing_field", "Nothing is to be changed.", "Name parts_per_second or window."
            )
        name = request.match_info["name"]
        with _Problems():
            await self._desk.change(name, values, _terms(caller, wanted.reason, wanted.for_seconds))
        return self._show(name)

    async def retry(self, request: web.Request, caller: Caller) -> web.Response:
        name = request.match_info["name"]
        with _Problems():
            await self._desk.retry(name, _terms(caller, ""))
        return answer_json({"name": name})

    async def list_alerts(self, request: web.Request, caller: Caller) -> web.Response:
        """From memory, so that it answers while the database is away. Those of other people's shops are left
        out."""
        standing, ended = self._list_alerts()
        return answer_json({"alerts": _visible(standing, caller), "recent": _visible(ended, caller)})

    async def list_nodes(self, request: web.Request, caller: Caller) -> web.Response:
        return answer_json({"nodes": list(await self._list_nodes())})

    async def try_alerts(self, request: web.Request, caller: Caller) -> web.Response:
        faults = await self._try_alerts()
        tried = [{"by": name, "told": fault is None, "fault": fault} for name, fault in faults.items()]
        return answer_json({"tried": tried})

    async def show_metrics(self, request: web.Request, caller: Caller) -> web.Response:
        return web.Response(body=await self._render_metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def tell_ready(self, request: web.Request, caller: Caller) -> web.Response:
        return answer_readiness(await self._check_readiness())

    def _show(self, name: str) -> web.Response:
        """The connector as it stands now: it may still be draining."""
        shown = next((each for each in self._list_connectors() if each["name"] == name), {"name": name})
        return answer_json(dict(shown))


def answer_readiness(readiness: Readiness) -> web.Response:
    """200 while messages can be taken in, else 503 with every reason."""
    return answer_json(
        {
            "status": "ready" if readiness.is_ready else "not_ready",
            "detail": readiness.detail,
            "reasons": list(readiness.reasons),
        },
        status=200 if readiness.is_ready else 503,
    )


def make_metrics_app(render_metrics: Callable[[], Awaitable[bytes]]) -> web.Application:
    """`GET /metrics` alone, for a port of its own."""

    async def show(request: web.Request) -> web.Response:
        return web.Response(body=await render_metrics(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app


def _terms(caller: Caller, reason: str, for_seconds: int | None = None) -> Terms:
    return Terms(caller.actor.name, " ".join(reason.split()), for_seconds)


def _visible(alerts: Sequence[Mapping[str, object]], caller: Caller) -> list[Mapping[str, object]]:
    return [alert for alert in alerts if alert["shop"] is None or caller.may_see_shop(str(alert["shop"]))]


class _Problems:
    """Turns what the desk says into answers."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnknownConnector):
            raise ProblemRaised("not_found", _sentence(error), "Check the name.") from error
        if isinstance(error, NotRunning):
            raise ProblemRaised("connector_not_running", _sentence(error), "Bring it up first.") from error


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."

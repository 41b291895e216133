"""Imports over HTTP: a file in, its dry run, its start, its end, and the rows that were refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from aiohttp import web

from gateway.audience.importing.errors import ImportRefused
from gateway.audience.importing.reading import MOST_FAULTS_KEPT
from gateway.audience.importing.service import Imports
from gateway.audience.importing.settings import ImportSettings
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.imports import ImportJob, list_import_faults, list_imports
from gateway.web.admin_access import Permission
from gateway.web.bodies import Query, read_struct
from gateway.web.import_view import show_fault, show_import, write_faults
from gateway.web.message_handlers import answer_json, read_public_id
from gateway.web.problems import ProblemRaised
from gateway.web.shop_routes import ShopCaller, ShopHandler, ShopRoute

_SCOPE = "audience:write"
_PAGE_LIMIT = 200
_CHUNK_OCTETS = 262_144
_SILENCE_SECONDS = 30.0


class ImportHandlers:
    """The import endpoints of one shop. `upload_url` is the address of upload pages, without the token."""

    def __init__(
        self,
        database: Database,
        imports: Imports,
        *,
        upload_url: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._imports = imports
        self._upload_url = upload_url
        self._clock = clock

    async def upload(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("file_name",))
        _refuse_forms(request)
        limit = self._imports.config.max_file_octets
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        name = query.text("file_name") or "list.csv"
        job = await self._imports.upload(caller.shop, caller.actor.name, name, read_chunks(request))
        return answer_json(self._show(job), status=201)

    async def list(self, request: web.Request, caller: ShopCaller) -> web.Response:
        query = Query(request, ("limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=_PAGE_LIMIT)
        before = query.public_id("cursor", "imp")
        found = await list_imports(self._database, caller.shop.id, before_id=before, most=limit + 1)
        page = found[:limit]
        cursor = encode_public_id("imp", page[-1].id) if len(found) > limit else None
        return answer_json({"imports": [self._show(job) for job in page], "next_cursor": cursor})

    async def get(self, request: web.Request, caller: ShopCaller) -> web.Response:
        job = await self._imports.get(caller.shop, read_public_id(request, "imp"))
        return answer_json(self._show(job))

    async def check(self, request: web.Request, caller: ShopCaller) -> web.Response:
        import_id = read_public_id(request, "imp")
        settings = await read_struct(request, ImportSettings)
        job = await self._imports.check(caller.shop, caller.actor.name, import_id, settings)
        return answer_json(self._show(job))

    async def start(self, request: web.Request, caller: ShopCaller) -> web.Response:
        import_id = read_public_id(request, "imp")
        settings = await read_struct(request, ImportSettings)
        job = await self._imports.start(caller.shop, caller.actor.name, import_id, settings)
        return answer_json(self._show(job))

    async def cancel(self, request: web.Request, caller: ShopCaller) -> web.Response:
        job = await self._imports.cancel(caller.shop, caller.actor.name, read_public_id(request, "imp"))
        return answer_json(self._show(job))

    def _show(self, job: ImportJob) -> dict[str, object]:
        return show_import(job, self._clock(), waits_for=self._imports.tell_waiting(job))

    async def list_faults(self, request: web.Request, caller: ShopCaller) -> web.Response:
        job = await self._imports.get(caller.shop, read_public_id(request, "imp"))
        query = Query(request, ("limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=_PAGE_LIMIT)
        after = query.integer("cursor", default=0, low=0, high=999_999_999)
        found = await list_import_faults(
            self._database, caller.shop.id, job.id, after_row=after, most=limit + 1
        )
        page = found[:limit]
        cursor = str(page[-1].row_no) if len(found) > limit else None
        return answer_json({"faults": [show_fault(fault) for fault in page], "next_cursor": cursor})

    async def download_faults(self, request: web.Request, caller: ShopCaller) -> web.Response:
        job = await self._imports.get(caller.shop, read_public_id(request, "imp"))
        faults = await list_import_faults(
            self._database, caller.shop.id, job.id, after_row=0, most=MOST_FAULTS_KEPT
        )
        name = f"{encode_public_id('imp', job.id)}-faults.csv"
        return web.Response(
            body=write_faults(faults),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def make_ticket(self, request: web.Request, caller: ShopCaller) -> web.Response:
        ticket = await self._imports.make_ticket(caller.shop, caller.actor.name)
        url = f"{self._upload_url().rstrip('/')}/{ticket.token}"
        return answer_json({"url": url, "expires_at": ticket.expires_at}, status=201)


def import_routes(handlers: ImportHandlers) -> list[ShopRoute]:
    """Every endpoint of imports."""
    return [
        ShopRoute(method, path, _SCOPE, Permission.CHANGE_AUDIENCE, _telling_refusals(handler))
        for method, path, handler in (
            ("POST", "/imports", handlers.upload),
            ("GET", "/imports", handlers.list),
            ("GET", "/imports/{id}", handlers.get),
            ("POST", "/imports/{id}/check", handlers.check),
            ("POST", "/imports/{id}/start", handlers.start),
            ("POST", "/imports/{id}/cancel", handlers.cancel),
            ("GET", "/imports/{id}/faults", handlers.list_faults),
            ("GET", "/imports/{id}/faults.csv", handlers.download_faults),
            ("POST", "/upload-tickets", handlers.make_ticket),
        )
    ]


def _telling_refusals(handler: Callable[[web.Request, ShopCaller], Awaitable[web.Response]]) -> ShopHandler:
    """`handler` with what the importing room refuses turned into a problem."""

    async def handle(request: web.Request, caller: ShopCaller) -> web.StreamResponse:
        try:
            return await handler(request, caller)
        except ImportRefused as refusal:
            raise ProblemRaised(refusal.code, refusal.detail, refusal.action, path=refusal.path) from refusal

    return handle


async def read_chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises `ProblemRaised` when nothing comes for half a minute."""
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                chunk = await request.content.read(_CHUNK_OCTETS)
        except TimeoutError as exc:
            raise ProblemRaised(
                "body_timeout", f"Nothing of the file came for {_SILENCE_SECONDS:.0f} s.", "Send it again."
            ) from exc
        if not chunk:
            return
        yield chunk


def _refuse_forms(request: web.Request) -> None:
    if request.content_type.startswith("multipart/"):
        raise ProblemRaised(
            "unsupported_media_type",
            "The file came as a form.",
            "Send the file itself as the body, with curl by --data-binary @list.csv.",
        )
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ProblemRaised(
            "unsupported_media_type", "Compressed bodies are not read.", "Send the file uncompressed."
        )


def _too_large(limit: int) -> ProblemRaised:
    return ProblemRaised(
        "body_too_large",
        f"The file has more than {limit:,} octets.",
        "Cut it in pieces and import them one by one.",
    )

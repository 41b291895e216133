"""The admin door with some endpoints of a shop, and one caller at it."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.web.admin_access import AdminAccess, Caller
from gateway.web.problems import answer_problems
from gateway.web.serving import make_runner, open_admin_socket
from gateway.web.shop_routes import ShopRoute, mount_for_people
from tests.web.harness import Gateway

Call = Callable[..., Awaitable[tuple[int, Any]]]


@asynccontextmanager
async def run_people_door(
    gateway: Gateway, caller: Caller, routes: Sequence[ShopRoute]
) -> AsyncIterator[Call]:
    """`call(method, path)` gives (status, JSON). The socket lies in a folder of its own, for paths of sockets
    are short."""
    access = AdminAccess((), own_uid=os.geteuid())
    access.callers = {os.geteuid(): replace(caller, uid=os.geteuid())}
    app = web.Application(middlewares=[answer_problems])
    mount_for_people(app, routes, access, gateway.database)
    runner = make_runner(app)
    await runner.setup()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "admin.sock"
        await web.SockSite(runner, open_admin_socket(path, group="estafette")).start()
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:

            async def call(method: str, target: str, **options: Any) -> tuple[int, Any]:
                async with session.request(method, f"http://admin{target}", **options) as answer:
                    return answer.status, await answer.json(content_type=None)

            yield call
        await runner.cleanup()

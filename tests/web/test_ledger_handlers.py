"""The full verification over the admin API: one at a time, for operators, a log of any length as it comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.config import AdminRole
from gateway.web.admin_access import PERMISSIONS, Caller, Permission
from gateway.web.ledger_handlers import LedgerAdmin
from gateway.web.problems import answer_problems
from tests.store.rig import Rig, open_rig

pytestmark = pytest.mark.integration

OPERATOR = Caller(0, AdminRole.OPERATOR, None)
LINE = json.dumps({"event": "bind", "at": 1.0}).encode() + b"\n"


@pytest.fixture
async def rig(database: str) -> AsyncIterator[Rig]:
    async with open_rig(database) as opened:
        yield opened


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    admin = LedgerAdmin(rig.database, lambda: datetime.now(UTC), lambda: 11)
    app = web.Application(middlewares=[answer_problems])

    async def verify(request: web.Request) -> web.Response:
        return await admin.verify(request, OPERATOR)

    async def compare(request: web.Request) -> web.Response:
        return await admin.compare_carrier_log(request, OPERATOR)

    app.router.add_get("/verification", verify)
    app.router.add_post("/carrier-log", compare)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def call(client: Any, method: str, path: str, **options: Any) -> tuple[int, Any]:
    async with client.request(method, path, **options) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_an_empty_gateway_is_verified_for_the_days_asked_for(client: Any) -> None:
    status, report = await call(client, "GET", "/verification?from=2026-01-01&to=2026-01-02")
    assert (status, report["verified"]) == (200, True)
    assert (report["from"], report["to"]) == ("2026-01-01", "2026-01-02")
    for query in ("from=today", "from=2026-01-02&to=2026-01-01", "day=2026-01-01"):
        status, problem = await call(client, "GET", f"/verification?{query}")
        assert (status, problem["code"]) == (400, "invalid_parameter"), query


async def test_there_is_one_at_a_time(client: Any) -> None:
    goes_on, has_begun = asyncio.Event(), asyncio.Event()

    async def log() -> AsyncIterator[bytes]:
        yield LINE * 3
        has_begun.set()
        await goes_on.wait()
        yield LINE[:9]  # the log is still being written

    async with asyncio.TaskGroup() as group:
        first = group.create_task(call(client, "POST", "/carrier-log", data=log()))
        await has_begun.wait()
        async with asyncio.timeout(10):
            while (answer := await call(client, "GET", "/verification"))[0] == 200:
                continue  # the first has not reached its handler yet
        assert (answer[0], answer[1]["code"]) == (409, "verification_running")
        goes_on.set()
    status, account = await first
    assert (status, account["lines"], account["agrees"]) == (200, 3, True)
    assert (await call(client, "GET", "/verification"))[0] == 200


async def test_a_file_that_is_no_log_is_refused_with_its_line(client: Any) -> None:
    status, problem = await call(client, "POST", "/carrier-log", data=LINE + b"nonsense\n")
    assert (status, problem["code"]) == (422, "file_refused")
    assert "line 2" in problem["detail"]
    status, problem = await call(client, "POST", "/carrier-log", data=b"x" * 1_000_000)
    assert (status, problem["code"]) == (422, "file_refused")
    status, problem = await call(client, "POST", "/carrier-log?connectors=none", data=LINE)
    assert (status, problem["code"]) == (404, "not_found")


def test_only_operators_may() -> None:
    may = {role for role, permissions in PERMISSIONS.items() if Permission.OPERATE in permissions}
    assert may == {AdminRole.OPERATOR}

"""The one-time upload page as a browser uses it, and the endpoints of imports as a shop does."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.web.pages.app import PagesDeps, make_pages_app
from gateway.web.pages.limits import MissLimiter
from gateway.web.pages.rendering import Pages
from gateway.web.pages.upload import UploadPageHandlers
from gateway.web.pages.visitors import Visitors
from tests.audience.import_rig import Importer, open_importer
from tests.web.harness import run_gateway
from tests.web.importing import UPLOAD_URL, make_import_routes

pytestmark = pytest.mark.integration

Browser = TestClient[web.Request, web.Application]


@pytest.fixture
async def importer(database: str, tmp_path: Path) -> AsyncIterator[Importer]:
    async with open_importer(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def browser(importer: Importer) -> AsyncIterator[Browser]:
    pages = Pages()
    limiter = MissLimiter(allowed=3, window_seconds=60.0, monotonic=time.monotonic)
    handlers = UploadPageHandlers(pages, Visitors(), limiter, importer.imports)
    async with TestClient(TestServer(make_pages_app(PagesDeps(pages, handlers.routes())))) as client:
        yield client


def form(octets: bytes, name: str = "list.csv") -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("file", octets, filename=name, content_type="text/csv")
    return data


async def test_the_page_takes_one_file_once(importer: Importer, browser: Browser) -> None:
    ticket = await importer.imports.make_ticket(importer.shop, "uid 1000")
    path = f"/upload/{ticket.token}"
    shown = await browser.get(path, headers={"Accept-Language": "fr"})
    text = await shown.text()
    assert (shown.status, "boutique" in text, "Choisissez le fichier" in text) == (200, True, True)
    refused = await browser.post(path, data=form(b""))
    assert (refused.status, "cannot be read" in await refused.text()) == (422, True)
    taken = await browser.post(path, data=form(b"number\n+33612345678\n", "../<b>été.csv"))
    answer = await taken.text()
    assert (taken.status, "&lt;b&gt;été.csv" in answer) == (200, True)
    assert (await browser.get(path)).status == 404
    assert (await browser.post(path, data=form(b"number\n1\n"))).status == 404
    assert await importer.rig.fetch("SELECT created_by, state FROM import_job") == [
        ("uid 1000 by upload page", 1)
    ]


async def test_guesses_are_made_to_wait(browser: Browser) -> None:
    statuses = [(await browser.get(f"/upload/{'x' * 23}{guess}")).status for guess in range(5)]
    assert statuses == [404, 404, 404, 429, 429]


async def test_a_shop_uploads_looks_and_cancels(database: str, tmp_path: Path) -> None:
    async with run_gateway(database, make_routes=lambda g: make_import_routes(g, tmp_path)) as gateway:
        shop, other = await gateway.add_shop(), await gateway.add_shop("other")
        octets = "Téléphone;Nom\n0612345678;Zoé\n".encode("cp1252")
        status, job, _ = await gateway.call(
            "POST", "/v1/imports?file_name=clients.csv", shop.live, data=octets
        )
        assert status == 201
        assert (job["detected"]["encoding"], job["detected"]["delimiter"]) == ("windows-1252", ";")
        assert job["preview"][1] == ["0612345678", "Zoé"]
        path = f"/v1/imports/{job['id']}"
        assert (await gateway.call("GET", path, other.live))[0] == 404
        assert (await gateway.call("POST", f"{path}/cancel", other.live))[0] == 404
        assert (await gateway.call("GET", "/v1/imports", other.live))[1]["imports"] == []
        status, problem, _ = await gateway.call(
            "POST", f"{path}/start", shop.live, json={"list": "lst_00000000001"}
        )
        assert (status, problem["code"], problem["path"]) == (422, "invalid_field", "$.list")
        status, job, _ = await gateway.call("POST", f"{path}/start", shop.live, json={"new_list": "a"})
        assert (status, job["state"], job["progress"]["phase"]) == (200, "running", "waiting")
        status, problem, _ = await gateway.call("POST", f"{path}/check", shop.live, json={})
        assert (status, problem["code"]) == (409, "import_not_ready")
        job = (await gateway.call("POST", f"{path}/cancel", shop.live))[1]
        assert job["state"] == "cancelled"
        assert (await gateway.call("GET", f"{path}/faults.csv", shop.live))[1].startswith(b"\xef\xbb\xbfrow,")
        status, problem, _ = await gateway.call("POST", "/v1/imports", shop.live, data=b"PK\x03\x04")
        assert (status, problem["code"]) == (422, "file_refused")
        status, ticket, _ = await gateway.call("POST", "/v1/upload-tickets", shop.live)
        assert (status, ticket["url"].rpartition("/")[0]) == (201, UPLOAD_URL)

"""People, lists and opt-outs at the admin socket: who may, and the trace that is left."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from gateway.config import AdminRole
from gateway.web.admin_access import AdminAccess
from gateway.web.problems import answer_problems
from gateway.web.serving import make_runner, open_admin_socket
from gateway.web.shop_routes import mount_for_people
from tests.web.audience import make_audience_routes
from tests.web.harness import Gateway, run_gateway
from tests.web.test_admin_api import Admin, access_as

pytestmark = pytest.mark.integration


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


class Door:
    """The admin socket with the routes of the audience only."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        self.folder = folder
        self.access = AdminAccess((), own_uid=0)

    async def open(self) -> tuple[web.AppRunner, Admin]:
        app = web.Application(middlewares=[answer_problems])
        mount_for_people(app, make_audience_routes(self.gateway), self.access, self.gateway.database)
        runner = make_runner(app)
        await runner.setup()
        admin = Admin(self.gateway, self.folder / "admin.sock")
        await web.SockSite(runner, open_admin_socket(admin.path, group="estafette")).start()
        return runner, admin


async def test_roles_decide_and_changes_by_hand_are_audited(gateway: Gateway, open_folder: Path) -> None:
    await gateway.add_shop("mine")
    await gateway.add_shop("theirs")
    door = Door(gateway, open_folder)
    runner, admin = await door.open()
    try:
        door.access.callers = access_as(AdminRole.AGENT, "mine").callers
        status, _ = await admin.call("GET", "/admin/shops/mine/contacts")
        assert status == 200
        status, refused = await admin.call(
            "POST", "/admin/shops/mine/contacts", json={"number": "0612345678"}
        )
        assert (status, refused["code"]) == (403, "forbidden")
        door.access.callers = access_as(AdminRole.SHOP_ADMIN, "mine").callers
        status, made = await admin.call("POST", "/admin/shops/mine/contacts", json={"number": "0612345678"})
        assert (status, made["source"]) == (201, "console")
        status, _ = await admin.call("GET", "/admin/shops/theirs/contacts")
        assert status == 404
        body = {"number": "0612345678", "reason": "asked"}
        status, out = await admin.call("POST", "/admin/shops/mine/opt-outs", json=body)
        assert (status, out["source"]) == (201, "shop:asked")
        await admin.call("POST", "/admin/shops/mine/lists", json={"name": "All"})
        status, _ = await admin.call("DELETE", f"/admin/shops/mine/contacts/{made['id']}")
        assert status == 200
    finally:
        await runner.cleanup()
    async with gateway.database.connection() as connection:
        notes = await connection.raw.fetch("SELECT action, subject, data::text FROM audit ORDER BY id")
    assert [note["action"] for note in notes] == [
        "contact.put", "opt_out.add", "list.create", "contact.erase",
    ]  # fmt: skip
    assert not [note for note in notes if "612345678" in note["subject"] + note["data"]], "no whole numbers"

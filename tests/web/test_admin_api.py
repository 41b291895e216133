"""The admin API on its unix socket: who may do what, and the trace it leaves."""

import os
import stat
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.config import AdminRole, AdminRoleConfig
from gateway.dispatch.trace import TraceBook
from gateway.dispatch.trace_desk import TraceDesk
from gateway.intake.unknown_desk import UnknownDesk
from gateway.store.intake import Stream
from gateway.web.admin_access import PERMISSIONS, AdminAccess, Caller, Permission, map_callers
from gateway.web.admin_api import AdminDeps, make_admin_app
from gateway.web.serving import make_runner, open_admin_socket
from gateway.web.siblings import Siblings
from tests.web.harness import Gateway, run_gateway

pytestmark = pytest.mark.integration


class FixedStatus:
    def show_status(self) -> Mapping[str, object]:
        return {"node": 0, "limited_by": "nothing"}

    def show_snapshot(self, shop: str | None) -> Mapping[str, object]:
        return {"shop": shop, "queue": 0}

    def list_connectors(self) -> list[Mapping[str, object]]:
        return [{"name": "smsc-a", "state": "bound"}]


class Admin:
    """The admin API, and the callers it is told of."""

    def __init__(self, gateway: Gateway, path: Path) -> None:
        self.gateway = gateway
        self.path = path
        self.holds_changed = 0
        self.queued: dict[Stream, int] = {}

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        connector = aiohttp.UnixConnector(str(self.path))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, f"http://admin{path}", **options) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def audited(self) -> list[str]:
        _, answer = await self.call("GET", "/admin/audit")
        return [f"{note['action']}: {note['subject']}" for note in answer["audit"]]


@asynccontextmanager
async def run_admin(gateway: Gateway, folder: Path, access: AdminAccess) -> AsyncIterator[Admin]:
    admin = Admin(gateway, folder / "admin.sock")

    async def read_ledger() -> Mapping[str, object]:
        return {"balanced": True}

    async def on_hold_changed() -> None:
        admin.holds_changed += 1

    app = make_admin_app(
        AdminDeps(
            database=gateway.database,
            changes=gateway.changes,
            ids=gateway.node.ids,
            clock=lambda: datetime.now(UTC),
            random_octets=os.urandom,
            access=access,
            status=FixedStatus(),
            read_ledger=read_ledger,
            on_hold_changed=on_hold_changed,
            trace=TraceDesk(TraceBook(0, clock=time.time), monotonic=time.monotonic),
            siblings=Siblings({}),
            unknown_desk=UnknownDesk(
                gateway.database,
                on_queued=admin.queued.update,
                ids=gateway.node.ids,
                clock=lambda: datetime.now(UTC),
            ),
        )
    )
    runner = make_runner(app)
    await runner.setup()
    site = web.SockSite(runner, open_admin_socket(admin.path, group="estafette"))
    await site.start()
    try:
        yield admin
    finally:
        await runner.cleanup()


def access_as(role: AdminRole, *shops: str) -> AdminAccess:
    """This process's own user in a role, which root could not have by configuration."""
    access = AdminAccess((), own_uid=os.geteuid())
    access.callers = {os.geteuid(): Caller(os.geteuid(), role, frozenset(shops))}
    return access


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database) as running:
        yield running


@pytest.fixture
async def admin(gateway: Gateway, open_folder: Path) -> AsyncIterator[Admin]:
    async with run_admin(gateway, open_folder, AdminAccess((), own_uid=os.geteuid())) as running:
        yield running


async def test_the_socket_is_closed_to_others_and_replaces_a_stale_one(
    admin: Admin, open_folder: Path
) -> None:
    assert stat.S_IMODE(admin.path.stat().st_mode) == 0o660
    stale = open_folder / "stale.sock"
    open_admin_socket(stale, group="no-such-group").close()
    open_admin_socket(stale, group="no-such-group").close()


async def test_the_own_user_is_an_operator(admin: Admin) -> None:
    status, answer = await admin.call("GET", "/admin/whoami")
    assert (status, answer["uid"], answer["role"], answer["shops"]) == (200, os.geteuid(), "operator", None)
    assert set(answer["permissions"]) == {permission.name.lower() for permission in Permission}


async def test_a_user_without_a_role_is_refused_everywhere(gateway: Gateway, open_folder: Path) -> None:
    access = AdminAccess((), own_uid=os.geteuid())
    access.callers = {}
    async with run_admin(gateway, open_folder, access) as admin:
        for method, path in (("GET", "/admin/status"), ("POST", "/admin/hold"), ("GET", "/admin/shops")):
            status, answer = await admin.call(method, path, json={})
            assert (status, answer["code"]) == (403, "forbidden")


async def test_the_snapshot_is_for_the_callers_own_shops(gateway: Gateway, open_folder: Path) -> None:
    access = AdminAccess((), own_uid=os.geteuid())
    access.callers = {os.geteuid(): Caller(os.geteuid(), AdminRole.AGENT, frozenset({"boutique"}))}
    async with run_admin(gateway, open_folder, access) as admin:
        assert (await admin.call("GET", "/admin/snapshot?shop=boutique"))[1]["shop"] == "boutique"
        assert (await admin.call("GET", "/admin/snapshot?shop=other"))[0] == 403
        assert (await admin.call("GET", "/admin/snapshot"))[0] == 200


def test_root_the_own_user_and_configured_users_are_mapped_and_nobody_never_is() -> None:
    roles = [
        AdminRoleConfig(uid=65534, role=AdminRole.OPERATOR),
        AdminRoleConfig(uid=1000, role=AdminRole.AGENT, shops=("a",)),
        AdminRoleConfig(uid=1001, role=AdminRole.OPERATOR, shops=("a",)),
    ]
    assert map_callers(roles, own_uid=990) == {
        0: Caller(0, AdminRole.OPERATOR, None),
        990: Caller(990, AdminRole.OPERATOR, None),
        1000: Caller(1000, AdminRole.AGENT, frozenset({"a"})),
        1001: Caller(1001, AdminRole.OPERATOR, None),
    }
    assert 65534 not in map_callers(roles, own_uid=65534)


def test_operators_read_texts_only_where_the_configuration_says_so() -> None:
    roles = [
        AdminRoleConfig(uid=1000, role=AdminRole.READ_ONLY),
        AdminRoleConfig(uid=1001, role=AdminRole.AGENT),
    ]
    strict = map_callers(roles, own_uid=990)
    assert {uid: caller.sees_texts for uid, caller in strict.items()} == {
        0: False,
        990: False,
        1000: False,
        1001: True,
    }
    open_to_operators = map_callers(roles, own_uid=990, operators_read_texts=True)
    assert {uid for uid, caller in open_to_operators.items() if caller.sees_texts} == {0, 990, 1001}


def test_permissions_shrink_from_operator_to_read_only() -> None:
    assert PERMISSIONS[AdminRole.OPERATOR] == frozenset(Permission)
    changing = {Permission.CHANGE_MESSAGES, Permission.HOLD, Permission.MANAGE_KEYS, Permission.MANAGE_SHOPS}
    assert not PERMISSIONS[AdminRole.READ_ONLY] & changing
    assert not PERMISSIONS[AdminRole.AGENT] & changing
    assert Permission.MANAGE_SHOPS not in PERMISSIONS[AdminRole.SHOP_ADMIN]


async def test_status_connectors_and_ledger_come_from_the_server(admin: Admin) -> None:
    assert (await admin.call("GET", "/admin/status"))[1] == {"node": 0, "limited_by": "nothing"}
    assert (await admin.call("GET", "/admin/connectors"))[1]["connectors"][0]["name"] == "smsc-a"
    assert (await admin.call("GET", "/admin/ledger"))[1] == {"balanced": True}


async def test_a_shop_and_its_key_are_made_used_and_revoked(admin: Admin) -> None:
    status, shop = await admin.call(
        "POST",
        "/admin/shops",
        json={"name": "boutique", "country": "FR", "spend_day": "10", "default_sender": "SHOP"},
    )
    assert (status, shop["countries"], shop["spend_day"]) == (201, ["FR"], "10")
    assert shop["webhook_secret"].startswith("whsec_")
    status, key = await admin.call(
        "POST", "/admin/keys", json={"shop": "boutique", "mode": "live", "label": "erp"}
    )
    assert status == 201
    sent = await admin.gateway.send(key["key"], to="+33612345678", text="x")
    assert sent["from"] == "SHOP"
    _, listed = await admin.call("GET", "/admin/keys?shop=boutique")
    assert [entry["hint"] for entry in listed["keys"]] == [key["hint"]]
    assert key["key"] not in str(listed)
    assert (await admin.call("DELETE", f"/admin/keys/{key['id']}"))[0] == 200
    assert (await admin.call("DELETE", f"/admin/keys/{key['id']}"))[0] == 404
    assert await admin.audited() == [
        "key.revoke: key 1 of shop boutique",
        "key.create: key 1 of shop boutique",
        "shop.create: shop boutique",
    ]
    assert key["key"] not in str(await admin.call("GET", "/admin/audit"))


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"name": "Boutique"}, "invalid_field", "$.name"),
        ({"country": "XX"}, "invalid_field", "$.country"),
        ({"countries": ["FR", "??"]}, "invalid_field", "$.countries"),
        ({"default_sender": "much too long a name"}, "invalid_sender", "$.default_sender"),
        ({"spend_day": 10}, "invalid_field", "$.spend_day"),
        ({"colour": "red"}, "unknown_field", "$.colour"),
    ],
)
async def test_a_bad_shop_is_refused_with_its_place(
    admin: Admin, fields: dict[str, object], code: str, path: str
) -> None:
    status, answer = await admin.call("POST", "/admin/shops", json={"name": "a", "country": "FR", **fields})
    assert (status, answer["code"], answer["path"]) == (422, code, path)


async def test_a_name_is_given_once(admin: Admin) -> None:
    await admin.gateway.add_shop("a")
    status, answer = await admin.call("POST", "/admin/shops", json={"name": "a", "country": "FR"})
    assert (status, answer["code"]) == (409, "name_taken")


async def test_a_change_of_a_shop_touches_what_it_names_and_null_lifts_a_cap(admin: Admin) -> None:
    shop = await admin.gateway.add_shop("a", spend_day_micros=5_000_000, spend_month_micros=9_000_000)
    _, changed = await admin.call(
        "PATCH", "/admin/shops/a", json={"spend_day": None, "countries": ["*"], "otp_per_number_hour": 3}
    )
    assert changed["on_unknown"] == "hold"
    _, changed = await admin.call("PATCH", "/admin/shops/a", json={"on_unknown": "resend"})
    assert changed["on_unknown"] == "resend"
    assert (changed["spend_day"], changed["spend_month"], changed["countries"]) == (None, "9", ["*"])
    assert changed["otp_per_number_hour"] == 3
    _, changed = await admin.call("PATCH", "/admin/shops/a", json={"is_closed": True})
    assert changed["closed_at"] is not None
    assert (await admin.gateway.call("GET", "/v1/messages", shop.live))[0] == 401


async def test_hold_and_release_are_noted_and_told_at_once(admin: Admin) -> None:
    await admin.gateway.add_shop("a")
    body = {"scope": "marketing", "shop": "a", "reason": "complaints"}
    assert (await admin.call("POST", "/admin/hold", json=body))[1]["changed"]
    assert not (await admin.call("POST", "/admin/hold", json=body))[1]["changed"]
    _, held = await admin.call("GET", "/admin/holds")
    assert [(hold["scope"], hold["shop"], hold["reason"]) for hold in held["holds"]] == [
        ("marketing", "a", "complaints")
    ]
    assert (await admin.call("POST", "/admin/release", json={"scope": "marketing", "shop": "a"}))[1][
        "changed"
    ]
    assert (await admin.call("GET", "/admin/holds"))[1]["holds"] == []
    assert admin.holds_changed == 3
    assert await admin.audited() == ["release: shop a", "hold: shop a", "hold: shop a"]


async def test_an_operator_sees_a_message_without_its_text_and_may_cancel_it(admin: Admin) -> None:
    shop = await admin.gateway.add_shop("a")
    sent = await admin.gateway.send(shop.live, to="+33612345678", text="private")
    status, shown = await admin.call("GET", f"/admin/messages/{sent['id']}")
    assert (status, shown["shop"], shown["text"], shown["state"]) == (200, "a", None, "queued")
    _, cancelled = await admin.call("POST", f"/admin/messages/{sent['id']}/cancel")
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "cancelled_by_operator")
    status, again = await admin.call("POST", f"/admin/messages/{sent['id']}/resend")
    assert (status, again["state"]) == (202, "queued")
    assert await admin.audited() == [f"message.resend: {sent['id']}", f"message.cancel: {sent['id']}"]
    assert (await admin.call("GET", "/admin/messages/msg_00000000001"))[0] == 404


async def test_a_shop_admin_sees_and_changes_the_own_shop_only(gateway: Gateway, open_folder: Path) -> None:
    own, other = await gateway.add_shop("own"), await gateway.add_shop("other")
    mine = await gateway.send(own.live, to="+33612345678", text="private")
    theirs = await gateway.send(other.live, to="+33612345678", text="private")
    async with run_admin(gateway, open_folder, access_as(AdminRole.SHOP_ADMIN, "own")) as admin:
        assert [shop["name"] for shop in (await admin.call("GET", "/admin/shops"))[1]["shops"]] == ["own"]
        assert (await admin.call("GET", f"/admin/messages/{mine['id']}"))[1]["text"] == "private"
        assert (await admin.call("GET", f"/admin/messages/{theirs['id']}"))[0] == 404
        assert (await admin.call("POST", f"/admin/messages/{theirs['id']}/cancel"))[0] == 404
        assert {key["shop"] for key in (await admin.call("GET", "/admin/keys"))[1]["keys"]} == {"own"}
        assert (await admin.call("GET", "/admin/keys?shop=other"))[0] == 404
        assert (await admin.call("POST", "/admin/keys", json={"shop": "other", "mode": "live"}))[0] == 404
        assert (await admin.call("DELETE", f"/admin/keys/{other.key_ids[other.live]}"))[0] == 404
        assert (await admin.call("POST", "/admin/hold", json={"scope": "all", "shop": "own"}))[0] == 200
        assert (await admin.call("POST", "/admin/hold", json={"scope": "all", "shop": "other"}))[0] == 404
        assert (await admin.call("POST", "/admin/hold", json={"scope": "all"}))[0] == 403
        assert (await admin.call("POST", "/admin/shops", json={"name": "x", "country": "FR"}))[0] == 403
        assert (await admin.call("GET", "/admin/audit"))[0] == 403


async def test_who_may_only_look_changes_nothing(gateway: Gateway, open_folder: Path) -> None:
    shop = await gateway.add_shop("own")
    sent = await gateway.send(shop.live, to="+33612345678", text="private")
    async with run_admin(gateway, open_folder, access_as(AdminRole.READ_ONLY, "own")) as admin:
        assert (await admin.call("GET", f"/admin/messages/{sent['id']}"))[1]["text"] is None
        for method, path in (
            ("POST", f"/admin/messages/{sent['id']}/cancel"),
            ("POST", "/admin/hold"),
            ("POST", "/admin/keys"),
            ("DELETE", f"/admin/keys/{shop.key_ids[shop.live]}"),
            ("POST", "/admin/shops"),
            ("PATCH", "/admin/shops/own"),
        ):
            assert (await admin.call(method, path, json={}))[0] == 403, path
    assert await gateway.count("audit") == 0

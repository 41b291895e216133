"""Messages of unknown outcome, as operators list them and decide about them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config import AdminRole
from gateway.domain.identifiers import slot_of_id
from gateway.domain.public_ids import decode_public_id
from gateway.web.admin_access import AdminAccess
from tests.web.harness import Account, Gateway
from tests.web.test_admin_api import access_as, run_admin
from tests.web.test_admin_api import gateway as gateway  # a fixture

pytestmark = pytest.mark.integration

PATH = "/admin/unknown"


def operator() -> AdminAccess:
    """This process's own user, who sees every shop."""
    return AdminAccess((), own_uid=os.geteuid())


async def put_unknown(
    gateway: Gateway, shop: Account, count: int, category: str = "transactional"
) -> list[str]:
    """Messages whose submit had no answer, as the writer of outcomes leaves them; the oldest first."""
    names: list[str] = []
    for number in range(count):
        sent = await gateway.send(shop.live, to=f"+3363998{number:04}", text="Bonjour", category=category)
        names.append(sent["id"])
        message_id = decode_public_id("msg", sent["id"])
        async with gateway.database.transaction() as connection:
            await connection.raw.execute("DELETE FROM queue WHERE id = $1", message_id)
            await connection.raw.execute(
                "INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt,"
                " node_no, entered, epoch, changed_at, part_states)"
                " VALUES ($1, $2, $3, 10, 1, 0, 0, 0, 1037, 0, now(), '\\x0a')",
                shop.shop.id, message_id, slot_of_id(message_id),
            )  # fmt: skip
            await connection.raw.execute(
                "INSERT INTO unknown_message VALUES ($1, $2, $3, $4, now())",
                shop.shop.id, message_id, slot_of_id(message_id), gateway.connector_ids["smsc-a"],
            )  # fmt: skip
    return names


async def test_the_list_is_read_page_by_page_from_either_end_and_counted_once(
    gateway: Gateway, open_folder: Path
) -> None:
    shop = await gateway.add_shop()
    otps = await put_unknown(gateway, shop, 2, "otp")
    others = await put_unknown(gateway, shop, 3)
    async with run_admin(gateway, open_folder, operator()) as admin:
        _, first = await admin.call("GET", f"{PATH}?limit=3")
        assert [message["id"] for message in first["messages"]] == [*reversed(others)]
        assert [(count["connector"], count["category"], count["messages"]) for count in first["counts"]] == [
            ("smsc-a", "otp", 2),
            ("smsc-a", "transactional", 3),
        ]
        assert first["counts"][0]["price"] == {"amount": "0.09", "currency": "EUR"}
        _, second = await admin.call("GET", f"{PATH}?limit=3&cursor={first['next_cursor']}")
        assert [message["id"] for message in second["messages"]] == [*reversed(otps)]
        assert (second["next_cursor"], "counts" in second) == (None, False)
        _, oldest = await admin.call("GET", f"{PATH}?limit=1&order=oldest&category=otp&connector=smsc-a")
        [message] = oldest["messages"]
        assert (message["id"], message["shop"], message["to"]) == (otps[0], "boutique", "+3363•••••00")
        assert (message["attempts"], message["parts"], message["parts_unknown"]) == (1, 1, 1)
        assert 0 < message["valid_seconds"] <= 86_400 * 7
        _, next_one = await admin.call(
            "GET", f"{PATH}?order=oldest&category=otp&cursor={oldest['next_cursor']}"
        )
        assert [message["id"] for message in next_one["messages"]] == otps[1:]
        hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (await admin.call("GET", f"{PATH}?before={hour_ago}"))[1]["messages"] == []
        assert (await admin.call("GET", f"{PATH}?connector=nobody"))[0] == 404
        assert (await admin.call("GET", f"{PATH}?category=sport"))[0] == 400


async def test_messages_are_sent_again_and_closed_by_ids_and_by_filter(
    gateway: Gateway, open_folder: Path
) -> None:
    shop = await gateway.add_shop()
    first, second, third = await put_unknown(gateway, shop, 3)
    async with run_admin(gateway, open_folder, operator()) as admin:
        _, answer = await admin.call("POST", f"{PATH}/resend", json={"ids": [first, first], "reason": "lost"})
        assert (answer["changed"], answer["refused"], answer["next_cursor"]) == (1, [], None)
        assert list(admin.queued.values()) == [decode_public_id("msg", first)]
        _, again = await admin.call("POST", f"{PATH}/resend", json={"ids": [first]})
        [refused] = again["refused"]
        assert (again["changed"], refused["id"], refused["reason"]) == (0, first, "not_unknown")
        _, answer = await admin.call("POST", f"{PATH}/close", json={"filter": {"connector": "smsc-a"}})
        assert (answer["changed"], answer["refused_count"]) == (2, 0)
        shown = [(await admin.call("GET", f"/admin/messages/{name}"))[1] for name in (first, second, third)]
        assert [(message["state"], message["reason"]) for message in shown] == [
            ("queued", None),
            ("unknown", "closed_by_operator"),
            ("unknown", "closed_by_operator"),
        ]
        assert await admin.audited() == [
            "unknown.close: 2 messages",
            "unknown.resend: 0 messages",
            f"unknown.resend: {first}",
        ]


@pytest.mark.parametrize(
    "body", [{}, {"ids": ["msg_x"], "filter": {}}, {"ids": []}, {"ids": ["cmp_2"]}, {"all": True}]
)
async def test_a_decision_that_does_not_say_which_messages_is_refused(
    gateway: Gateway, open_folder: Path, body: dict[str, object]
) -> None:
    async with run_admin(gateway, open_folder, operator()) as admin:
        status, answer = await admin.call("POST", f"{PATH}/resend", json=body)
    assert (status, answer["code"] in ("missing_field", "invalid_field", "unknown_field")) == (422, True)


async def test_people_of_a_shop_see_and_decide_about_their_own_messages_alone(
    gateway: Gateway, open_folder: Path
) -> None:
    own = await put_unknown(gateway, await gateway.add_shop("a"), 1)
    strange = await put_unknown(gateway, await gateway.add_shop("b"), 1)
    async with run_admin(gateway, open_folder, access_as(AdminRole.SHOP_ADMIN, "a")) as admin:
        _, listed = await admin.call("GET", PATH)
        assert [message["id"] for message in listed["messages"]] == own
        assert [count["messages"] for count in listed["counts"]] == [1]
        assert (await admin.call("GET", f"{PATH}?shop=b"))[0] == 404
        _, answer = await admin.call("POST", f"{PATH}/close", json={"ids": strange})
        assert [refused["reason"] for refused in answer["refused"]] == ["not_unknown"]
        assert (await admin.call("POST", f"{PATH}/close", json={"filter": {}}))[1]["changed"] == 1
    async with run_admin(gateway, open_folder, access_as(AdminRole.AGENT, "b")) as admin:
        assert (await admin.call("POST", f"{PATH}/resend", json={"filter": {}}))[0] == 403


async def test_a_message_sent_anew_by_its_shop_leaves_the_list(gateway: Gateway, open_folder: Path) -> None:
    shop = await gateway.add_shop()
    [name] = await put_unknown(gateway, shop, 1)
    status, anew, _ = await gateway.call("POST", f"/v1/messages/{name}/resend", shop.live)
    assert (status, anew["id"] == name) == (202, False)
    _, old, _ = await gateway.call("GET", f"/v1/messages/{name}", shop.live)
    assert (old["state"], old["reason"]) == ("unknown", "resent_as_new")
    assert await gateway.count("unknown_message") == 0

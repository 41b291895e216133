"""The list of receipts without a message, as operators read it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config import AdminRole
from gateway.domain.identifiers import first_id_at
from gateway.store.evidence import ReceiptOutcome
from gateway.web.receipt_handlers import mask_digits
from tests.web.harness import Gateway
from tests.web.test_admin_api import access_as, run_admin
from tests.web.test_admin_api import gateway as gateway  # a fixture

PATH = "/admin/receipts/unmatched"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("+33612345678", "+3361•••••78"),
        ("0033612345678", "0033•••••••78"),
        ("0612345678", "0612••••78"),
        ("36777", "36777"),
        ("SHOP", "SHOP"),
        ("", ""),
    ],
)
def test_numbers_are_masked_and_their_form_is_seen(written: str, shown: str) -> None:
    assert mask_digits(written) == shown


async def put_receipts(gateway: Gateway, now: datetime) -> None:
    """One in each state, an hour apart, the oldest first, by turns of two connectors; one has its message."""
    outcomes = (
        ReceiptOutcome.GIVEN_UP,
        ReceiptOutcome.TOO_LATE,
        ReceiptOutcome.MATCHED_LATER,
        ReceiptOutcome.UNMATCHED,
    )
    async with gateway.database.connection() as connection:
        await connection.raw.execute(
            "INSERT INTO connector (name, created_at) VALUES ('odd', now()), ('even', now())"
        )
        for number, outcome in enumerate(outcomes):
            at = now - timedelta(hours=len(outcomes) - number)
            await connection.raw.execute(
                "INSERT INTO receipt_unmatched (receipt_id, connector_id, carrier_id, other_id, state,"
                " wanted, failure_class, outcome, received_at, stat, err, from_address, to_address,"
                " ends_message)"
                " SELECT $1, id, $2, '', 2, 5, 0, $3, $4, 'DELIVRD', '', '+33612345678', 'SHOP', false"
                " FROM connector WHERE name = $5",
                first_id_at(at), f"0{number:X}F", outcome, at, "even" if number % 2 == 0 else "odd",
            )  # fmt: skip


@pytest.mark.integration
async def test_receipts_without_a_message_are_listed_page_by_page(
    gateway: Gateway, open_folder: Path
) -> None:
    now = datetime.now(UTC)
    await put_receipts(gateway, now)
    async with run_admin(gateway, open_folder, access_as(AdminRole.READ_ONLY)) as admin:
        status, page = await admin.call("GET", PATH, params={"limit": "2"})
        assert status == 200
        assert [each["state"] for each in page["receipts"]] == ["waiting", "too_late"]
        newest = page["receipts"][0]
        waits_until = datetime.fromisoformat(newest.pop("retried_until"))
        assert abs(waits_until - now - timedelta(hours=71)) < timedelta(seconds=1)
        assert newest.pop("id").startswith("rct_")
        assert newest.pop("received_at")
        assert newest == {
            "state": "waiting", "connector": "odd", "carrier_id": "03F", "text_carrier_id": None,
            "stat": "DELIVRD", "err": None, "from": "+3361•••••78", "to": "SHOP", "carrier_at": None,
            "message_id": None,
        }  # fmt: skip
        assert page["receipts"][1]["retried_until"] is None
        _, last = await admin.call("GET", PATH, params={"limit": "2", "cursor": page["next_cursor"]})
        assert [each["state"] for each in last["receipts"]] == ["given_up"]
        assert last["next_cursor"] is None

        _, waiting = await admin.call("GET", PATH, params={"state": "waiting"})
        assert [each["carrier_id"] for each in waiting["receipts"]] == ["03F"]
        _, of_even = await admin.call("GET", PATH, params={"connector": "even"})
        assert [each["carrier_id"] for each in of_even["receipts"]] == ["00F"]
        status, problem = await admin.call("GET", PATH, params={"connector": "evn"})
        assert (status, problem["code"]) == (404, "not_found")
        status, problem = await admin.call("GET", PATH, params={"state": "lost"})
        assert (status, problem["code"]) == (400, "invalid_parameter")
        assert "given_up" in problem["detail"]
    async with run_admin(gateway, open_folder, access_as(AdminRole.SHOP_ADMIN, "alpha")) as admin:
        status, problem = await admin.call("GET", PATH)
        assert (status, problem["code"]) == (403, "forbidden"), "they belong to no shop"

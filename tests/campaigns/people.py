"""People of a shop for tests of campaigns: contacts on one list, written straight into the tables."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.people import MarketingConsent
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database

ALWAYS_OPEN = [
    {
        "country": "FR",
        "hours": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "hours": "00:00-24:00"}],
        "skip_holidays": False,
    }
]
"""Country rules under which a test may send marketing whenever it runs."""

_CONTACT_COLUMNS = (
    "shop_id", "id", "slot", "address", "country", "first_name", "last_name", "language", "attributes",
    "source", "marketing_consent", "created_at", "updated_at", "address_key", "time_zone", "tags",
    "suppressed",
)  # fmt: skip


def number_of(serial: int) -> str:
    """A French mobile number for each serial below ten million."""
    return f"3363{serial:07}"


async def add_list(
    database: Database,
    ids: IdSource,
    shop_id: int,
    serials: Sequence[int],
    *,
    name: str = "everyone",
    describe: Callable[[int], Mapping[str, Any]] = lambda _: {},
) -> str:
    """A list of new people; `describe` gives what is not usual of one. The public id of the list."""
    now = datetime.now(UTC)
    list_id = ids.next_id(0)
    contacts, members = [], []
    for serial in serials:
        values: dict[str, Any] = {
            "address": number_of(serial),
            "country": "FR",
            "first_name": f"Name{serial}",
            "last_name": None,
            "language": None,
            "attributes": "{}",
            "marketing_consent": MarketingConsent.OPTED_IN,
            "suppressed": 0,
            "time_zone": None,
            **describe(serial),
        }
        slot = slot_of_address(values["address"])
        contact_id = ids.next_id(slot)
        contacts.append(
            (
                shop_id, contact_id, slot, values["address"], values["country"], values["first_name"],
                values["last_name"], values["language"], values["attributes"], "test",
                int(values["marketing_consent"]), now, now, None, values["time_zone"], [],
                int(values["suppressed"]),
            )
        )  # fmt: skip
        members.append((shop_id, list_id, slot, contact_id, now))
    async with database.transaction() as connection:
        await connection.copy("contact", _CONTACT_COLUMNS, contacts)
        await connection.copy(
            "contact_list",
            ("shop_id", "id", "member_count", "created_at", "updated_at", "name"),
            [(shop_id, list_id, len(members), now, now, name)],
        )
        await connection.copy(
            "list_member", ("shop_id", "list_id", "slot", "contact_id", "added_at"), members
        )
    return encode_public_id("lst", list_id)


def attributes(**values: object) -> str:
    return json.dumps(values)

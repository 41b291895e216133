"""Events of people who opted out or in: to whom, of whom, and of what there is none."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from gateway.domain.people import MarketingConsent, OptoutWay, SuppressionScope
from gateway.domain.public_ids import encode_public_id
from gateway.store.optout_events import standing_records
from gateway.store.optouts import Restoration, Restored, Withdrawal, Withdrawn
from gateway.store.outbox import OUTBOX_COLUMNS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA, BELA = "33612345671", "40712345672"


def endpoints_for(shop_id: int, kind: str) -> Sequence[int]:
    return (70, 71) if shop_id == 1 else ()


def gone(address: str, *, contact_id: int | None = 5, shop_id: int = 1, **changes: object) -> Withdrawn:
    withdrawal = Withdrawal(shop_id, address, OptoutWay.PAGE, "link", NOW)._replace(**changes)  # type: ignore[arg-type]  # the fields of the tests
    return Withdrawn(withdrawal, contact_id, "fr", "FR", True)


def records(withdrawn: Sequence[Withdrawn], restored: Sequence[Restored] = ()) -> list[dict[str, object]]:
    ids = count(1)
    rows = standing_records(
        endpoints_for, withdrawn, restored, next_id=lambda slot: next(ids) << 22 | slot << 14, now=NOW
    )
    return [dict(zip(OUTBOX_COLUMNS, row, strict=True)) for row in rows]


def test_every_endpoint_that_wants_it_hears_of_every_person() -> None:
    rows = records([gone(ANNA), gone(BELA), gone(ANNA, shop_id=2)])
    assert [(row["endpoint_id"], row["kind"]) for row in rows] == [
        (70, "contact.opted_out"),
        (71, "contact.opted_out"),
    ] * 2
    assert json.loads(str(rows[0]["data"])) == {
        "id": encode_public_id("ctc", 5),
        "number": f"+{ANNA}",
        "marketing_consent": "opted_out",
        "source": "page:link",
        "said_at": "2026-03-01T12:00:00+00:00",
    }


def test_a_person_who_is_no_contact_has_a_number_only() -> None:
    [row, _] = records([gone(ANNA, contact_id=None)])
    assert json.loads(str(row["data"]))["id"] is None


def test_coming_back_says_where_the_person_stands_now() -> None:
    back = Restored(Restoration(1, ANNA, OptoutWay.PAGE, "undo", NOW), 5, "fr", MarketingConsent.UNKNOWN)
    [row, _] = records([], [back])
    assert row["kind"] == "contact.opted_in"
    assert json.loads(str(row["data"]))["marketing_consent"] == "unknown"


def test_an_operators_decision_is_not_the_persons_word() -> None:
    assert records([gone(ANNA, scope=SuppressionScope.ALL)]) == []

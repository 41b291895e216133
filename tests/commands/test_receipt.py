"""What `estafette receipt` prints."""

from typing import Any

from gateway.commands.receipt import describe_unmatched


def receipt(**changes: Any) -> dict[str, Any]:
    shown = {
        "id": "rct_0", "state": "waiting", "connector": "smsc-a", "carrier_id": "0FF",
        "text_carrier_id": None, "stat": "DELIVRD", "err": "000", "from": "+3361•••••78", "to": "SHOP",
        "received_at": "2026-07-01T12:00:00.5Z", "carrier_at": None,
        "retried_until": "2026-07-04T12:00:00.5Z",
    }  # fmt: skip
    return {**shown, **changes}


def test_ids_stand_as_the_carrier_wrote_them_with_a_hint_where_to_look() -> None:
    lines = describe_unmatched([receipt()], has_more=False).splitlines()
    assert lines[0].split()[:3] == ["received", "connector", "state"]
    assert "2026-07-01 12:00:00  smsc-a" in lines[1]
    assert "waiting  0FF" in lines[1]
    assert "id_form" in lines[2]


def test_an_id_of_any_length_leaves_the_table_readable() -> None:
    longest_told = receipt(carrier_id="7" * 64)
    lines = describe_unmatched([longest_told, receipt(carrier_id="9" * 60_000)], has_more=False).splitlines()
    assert "7" * 64 + " " in lines[1]
    assert "9" * 64 + "… " in lines[2]
    assert max(map(len, lines)) < 250


def test_a_page_that_is_not_all_says_so() -> None:
    told = describe_unmatched([receipt(state="given_up")], has_more=True)
    assert told.splitlines()[-1] == "These are the newest 1; --json prints all."


def test_nothing_to_list_is_good_news() -> None:
    assert describe_unmatched([], has_more=False) == "Every receipt has its message."

"""The verdict of the ledger: one difference anywhere, or one row at fault, and it does not balance."""

from gateway.domain.ledger import LedgerPair, LedgerReport

AGREED = LedgerPair("messages sent", "rows", 5, "rollup", 5)
APART = LedgerPair("parts sent", "rows", 6, "rollup", 5)
NAMED = LedgerPair("every state has its message", "rows_without_message", 0, "expected", 0, ("msg_1",))


def report(*pairs: LedgerPair) -> LedgerReport:
    return LedgerReport(pairs, 5, {"sent": 5}, {"sent": 6}, 0)


def test_equal_counts_agree_and_have_nothing_to_say() -> None:
    assert AGREED.agrees
    assert AGREED.sentence == ""


def test_a_difference_says_what_how_many_and_where_to_look() -> None:
    pair = LedgerPair("parts sent", "rows", 6, "rollup", 5, ("msg_1", "msg_2"))
    assert pair.sentence == "parts sent: 6 rows, 5 rollup; look at msg_1, msg_2"


def test_equal_counts_with_a_row_at_fault_do_not_agree() -> None:
    """Two faults may cancel out in the counts."""
    assert not NAMED.agrees
    assert "msg_1" in NAMED.sentence


def test_one_pair_apart_unbalances_the_ledger() -> None:
    assert report(AGREED, AGREED).is_balanced
    assert not report(AGREED, APART).is_balanced
    assert not report(NAMED, AGREED).is_balanced


def test_the_json_form_names_every_pair_under_its_own_labels() -> None:
    shown = report(AGREED, APART).as_json()
    assert shown["balanced"] is False
    assert shown["pairs"] == [
        {"name": "messages sent", "agrees": True, "rows": 5, "rollup": 5, "ids": []},
        {"name": "parts sent", "agrees": False, "rows": 6, "rollup": 5, "ids": []},
    ]
    assert (shown["messages"], shown["messages_by_state"]) == (5, {"sent": 5})
    assert (shown["parts_by_state"], shown["receipts_unmatched_open"]) == ({"sent": 6}, 0)

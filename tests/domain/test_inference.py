"""Whose a receipt without a known id can only be. Rows are in `tests/store/test_inference.py`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.addresses import AddressForm
from gateway.domain.inference import CarrierAddresses, StrayReceipt, Suspect, Verdict, infer
from gateway.domain.message import MessageState, Progress, disown, judge
from gateway.domain.sender import SenderKind, SenderRule, SenderStyle

S = MessageState
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UNKNOWN = Suspect((1, 10, 0), "shop", False, (0,), NOW - 5 * MINUTE, NOW + timedelta(days=1))
RECEIPT = StrayReceipt(7, "x", "shop", S.DELIVERED, NOW - 2 * MINUTE, None)


def test_the_only_one_has_it() -> None:
    assert infer([RECEIPT], [UNKNOWN], NOW) == [Verdict(7, (1, 10, 0), 0)]


@pytest.mark.parametrize(
    ("received_at", "is_its_own"),
    [
        (NOW - timedelta(seconds=59), False),
        (NOW - timedelta(seconds=60), True),
        (UNKNOWN.submitted_at - timedelta(seconds=3), False),
    ],
)
def test_it_waits_a_minute_and_comes_after_the_submit(received_at: datetime, is_its_own: bool) -> None:
    assert bool(infer([replace(RECEIPT, received_at=received_at)], [UNKNOWN], NOW)) is is_its_own


@pytest.mark.parametrize(("hours", "is_its_own"), [(72, True), (73, False)])
def test_it_comes_within_72_hours_of_the_validity(hours: int, is_its_own: bool) -> None:
    over = replace(
        UNKNOWN, submitted_at=NOW - timedelta(days=5), expires_at=RECEIPT.received_at - hours * 60 * MINUTE
    )
    assert bool(infer([RECEIPT], [over], NOW)) is is_its_own


def test_a_date_before_the_submit_speaks_against_it_and_for_nobody() -> None:
    early = replace(RECEIPT, carrier_at=UNKNOWN.submitted_at - 11 * MINUTE)
    assert infer([early], [UNKNOWN], NOW) == []
    other = replace(UNKNOWN, key=(1, 11, 0), submitted_at=NOW - 20 * MINUTE, unknown_parts=())
    assert infer([replace(early, carrier_at=NOW)], [UNKNOWN, other], NOW) == [], (
        "a clock clears no other message"
    )


def test_the_sender_tells_two_apart() -> None:
    other = replace(UNKNOWN, key=(2, 11, 0), sender="other")
    assert [verdict.key for verdict in infer([RECEIPT], [UNKNOWN, other], NOW)] == [UNKNOWN.key]
    assert infer([replace(RECEIPT, sender="")], [UNKNOWN, other], NOW) == []


def test_ids_go_to_parts_in_the_order_they_came() -> None:
    long = replace(UNKNOWN, unknown_parts=(0, 2))
    told = [replace(RECEIPT, receipt_id=9, carrier_id="b"), RECEIPT]
    assert infer(told, [long], NOW) == [Verdict(7, long.key, 0), Verdict(9, long.key, 2)]
    third = replace(RECEIPT, receipt_id=11, carrier_id="c", received_at=NOW)
    assert infer([*told, third], [long], NOW) == [], "though the third has not waited its minute"


suspects = st.lists(
    st.builds(
        Suspect,
        key=st.tuples(st.just(1), st.integers(1, 5), st.just(0)),
        sender=st.sampled_from(["shop", "other"]),
        is_sending=st.booleans(),
        unknown_parts=st.sampled_from([(), (0,), (0, 1)]),
        submitted_at=st.integers(-9, 0).map(lambda minutes: NOW + minutes * MINUTE),
        expires_at=st.just(NOW + timedelta(days=1)),
    ),
    max_size=4,
    unique_by=lambda suspect: suspect.key,
)
receipts = st.lists(
    st.builds(
        StrayReceipt,
        receipt_id=st.integers(1, 99),
        carrier_id=st.sampled_from(["x", "y", "z"]),
        sender=st.sampled_from(["shop", "other", ""]),
        wanted=st.sampled_from([S.DELIVERED, S.FAILED, S.UNKNOWN, None]),
        received_at=st.integers(-9, 0).map(lambda minutes: NOW + minutes * MINUTE),
        carrier_at=st.none(),
    ),
    max_size=5,
    unique_by=lambda receipt: receipt.receipt_id,
)


@given(receipts, suspects)
def test_no_part_has_two_no_receipt_two_parts_and_no_doubt_is_passed_over(
    told: list[StrayReceipt], could_be: list[Suspect]
) -> None:
    verdicts = infer(told, could_be, NOW)
    assert len({(verdict.key, verdict.part) for verdict in verdicts}) == len(verdicts)
    assert len({verdict.receipt_id for verdict in verdicts}) == len(verdicts)
    by_key = {suspect.key: suspect for suspect in could_be}
    for verdict in verdicts:
        owner = by_key[verdict.key]
        [receipt] = [each for each in told if each.receipt_id == verdict.receipt_id]
        assert verdict.part in owner.unknown_parts
        assert not owner.is_sending
        twin = replace(owner, key=(1, 99, 0))
        left = infer(told, [*could_be, twin], NOW)
        assert verdict.receipt_id not in {each.receipt_id for each in left}, "another just like it is a doubt"
        assert receipt.wanted in {S.DELIVERED, S.FAILED}


def test_a_carrier_shows_senders_and_numbers_as_it_writes_them() -> None:
    style = SenderStyle(rules=(SenderRule(kind=SenderKind.NAME, send_as="36777"),), form=AddressForm.PLUS)
    french = CarrierAddresses("FR", style)
    assert french.show("SHOP") == french.read("36777")
    assert french.show("33612345678") == french.read("0612345678") == "33612345678"
    assert CarrierAddresses().show("Shop") == CarrierAddresses().read("SHOP")


def test_a_receipt_that_is_anothers_leaves_what_else_is_known() -> None:
    unknown = Progress(S.UNKNOWN, 0b10000001101, bytes([S.UNKNOWN, S.SENT]))
    ended = judge(unknown, 0, S.FAILED)
    assert ended is not None
    undone = disown(ended, 0, S.UNKNOWN)
    assert (undone.state, undone.part_states) == (unknown.state, unknown.part_states)
    assert undone.entered & 1 << S.FAILED, "what was counted is not counted again"
    cancelled = Progress(S.CANCELLED, ended.entered, bytes([S.DELIVERED, S.CANCELLED]))
    assert disown(cancelled, 0, S.UNKNOWN).state is S.CANCELLED

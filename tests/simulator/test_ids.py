import uuid
from random import Random

import pytest

from gateway.simulator.ids import IdMint, MintedId
from gateway.simulator.profile import IdForm, IdRules


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (IdRules(first=0), [("0", "0"), ("1", "1")]),
        (IdRules(first=255, response=IdForm.HEX), [("FF", "FF"), ("100", "100")]),
        (IdRules(first=255, response=IdForm.HEX, receipt=IdForm.DECIMAL), [("FF", "255"), ("100", "256")]),
        (IdRules(first=7, receipt=IdForm.PADDED), [("7", "0000000007"), ("8", "0000000008")]),
        (
            IdRules(first=26, response=IdForm.PADDED, receipt=IdForm.HEX),
            [("0000000026", "1A"), ("0000000027", "1B")],
        ),
    ],
)
def test_ids_count_up_in_both_forms(rules: IdRules, expected: list[tuple[str, str]]) -> None:
    mint = IdMint(rules, Random(1))
    assert [(each.response, each.receipt) for each in (mint.mint(), mint.mint())] == expected


def test_a_uuid_is_the_same_in_response_and_receipt_and_new_each_time() -> None:
    mint = IdMint(IdRules(response=IdForm.UUID), Random(1))
    ids = [mint.mint() for _ in range(100)]
    assert all(each.response == each.receipt == each.receipt_tlv for each in ids)
    assert len({each.response for each in ids}) == 100
    for each in ids:
        parsed = uuid.UUID(each.response)
        assert (parsed.version, str(parsed)) == (4, each.response)


def test_ids_begin_again_with_the_first_as_after_a_restart() -> None:
    mint = IdMint(IdRules(first=0, count=2), Random(1))
    assert [mint.mint().response for _ in range(5)] == ["0", "1", "0", "1", "0"]


def test_an_id_has_a_prefix_and_a_form_of_its_own_in_each_place() -> None:
    rules = IdRules(first=255, receipt=IdForm.HEX_LOWER, receipt_tlv=IdForm.HEX, receipt_prefix="x-")
    assert IdMint(rules, Random(1)).mint() == MintedId("255", "x-ff", "x-FF")


def test_a_long_id_fills_all_the_room_that_the_specification_gives() -> None:
    minted = IdMint(IdRules(first=7, response=IdForm.LONG), Random(1)).mint()
    assert (len(minted.response), minted.receipt) == (64, minted.response)


def test_two_runs_begin_elsewhere() -> None:
    assert IdMint(IdRules(), Random(1)).mint() != IdMint(IdRules(), Random(2)).mint()

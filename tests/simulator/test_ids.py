import uuid
from random import Random

import pytest

from gateway.simulator.ids import IdMint
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
    assert [mint.mint(), mint.mint()] == expected


def test_a_uuid_is_the_same_in_response_and_receipt_and_new_each_time() -> None:
    mint = IdMint(IdRules(response=IdForm.UUID), Random(1))
    ids = [mint.mint() for _ in range(100)]
    assert all(in_response == in_receipt for in_response, in_receipt in ids)
    assert len({in_response for in_response, _ in ids}) == 100
    for in_response, _ in ids:
        parsed = uuid.UUID(in_response)
        assert (parsed.version, str(parsed)) == (4, in_response)


def test_two_runs_begin_elsewhere() -> None:
    assert IdMint(IdRules(), Random(1)).mint() != IdMint(IdRules(), Random(2)).mint()

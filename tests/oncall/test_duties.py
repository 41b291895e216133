"""Which node judges which alert, whoever holds what."""

import pytest

from gateway.oncall.alerts import AlertKind
from gateway.oncall.duties import BIND_KINDS, NODE_KINDS, Duty, find_unjudged

DECIDES = Duty(
    0,
    own_binds=frozenset({"smsc-a bind 1"}),
    binds_elsewhere=frozenset({"smsc-a bind 2"}),
    other_nodes=frozenset({1}),
)
OTHER = Duty(
    1,
    decides=False,
    own_binds=frozenset({"smsc-a bind 2", "smsc-a bind 2 (receiver)"}),
    binds_elsewhere=frozenset({"smsc-a bind 1"}),
    other_nodes=frozenset({0}),
)
SUBJECTS = ("smsc-a bind 1", "smsc-a bind 2", "smsc-a bind 2 (receiver)", "smsc-b bind 1", "smsc-a", "x")


@pytest.mark.parametrize("kind", AlertKind, ids=lambda kind: kind.value)
@pytest.mark.parametrize("told_by", [None, 0, 1, 7])
def test_whatever_stands_is_judged_by_exactly_one_node(kind: AlertKind, told_by: int | None) -> None:
    for subject in SUBJECTS:
        judging = [duty.node_no for duty in (DECIDES, OTHER) if duty.is_ours(kind, subject, told_by)]
        assert len(judging) == 1, (kind, subject, told_by, judging)


def test_a_bind_is_judged_by_its_holder_and_one_that_nobody_holds_by_the_node_that_decides() -> None:
    for kind in BIND_KINDS:
        assert OTHER.judges(kind, "smsc-a bind 2 (receiver)")
        assert not DECIDES.judges(kind, "smsc-a bind 2 (receiver)")
        assert not OTHER.judges(kind, "smsc-b bind 1")
        assert DECIDES.judges(kind, "smsc-b bind 1")


def test_a_nodes_own_state_is_its_own_until_it_is_gone() -> None:
    assert OTHER.judges(AlertKind.DISK_LOW, "sms2:/var")
    assert not DECIDES.is_ours(AlertKind.DISK_LOW, "sms2:/var", 1)
    assert DECIDES.is_ours(AlertKind.DISK_LOW, "sms2:/var", 7), "node 7 is not there any more"


def test_without_a_lease_a_node_with_company_speaks_of_itself_alone() -> None:
    assert not find_unjudged(holds_lease=True, duty=OTHER)
    assert find_unjudged(holds_lease=False, duty=OTHER) == frozenset(AlertKind) - NODE_KINDS
    assert not find_unjudged(holds_lease=False, duty=Duty()), "nobody else could have taken its work"

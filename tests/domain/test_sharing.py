"""Who holds what: every bind with one node, shares that are even, speed that is never exceeded."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.sharing import (
    SHARD_COUNT,
    BindKey,
    HeldBind,
    Member,
    grant_speed,
    plan_binds,
    plan_shards,
    plan_slots,
    plan_speed,
    shard_of_slot,
)

ALL = frozenset(range(1, 9))
BINDS = st.dictionaries(st.integers(1, 8), st.integers(1, 5), min_size=1)
NODES = st.lists(st.integers(0, 31), min_size=1, max_size=6, unique=True)


def members(numbers: list[int]) -> list[Member]:
    return [Member(number, ALL) for number in numbers]


def settle(nodes: list[Member], binds_of: dict[int, int], held: list[HeldBind]) -> list[HeldBind]:
    """What all nodes come to hold, each acting on what it sees, one after the other."""
    for _ in range(10):
        before = held
        for node in nodes:
            plan = plan_binds(node.node_no, nodes, binds_of, held)
            holder = {BindKey(each.connector_id, each.bind_no): each for each in held}
            assert all(key not in holder for key in plan.take), "only what is free is taken"
            assert all(holder[key].node_no == node.node_no for key in plan.give_up)
            held = [each for key, each in holder.items() if key not in plan.give_up]
            held += [HeldBind(*key, node.node_no, True, 0.0) for key in plan.take]
        if held == before:
            return held
    raise AssertionError("the nodes never agree")


@given(binds_of=BINDS, numbers=NODES)
def test_every_bind_is_held_and_shares_are_even(binds_of: dict[int, int], numbers: list[int]) -> None:
    held = settle(members(numbers), binds_of, [])
    assert sorted((each.connector_id, each.bind_no) for each in held) == [
        (connector_id, number)
        for connector_id, binds in sorted(binds_of.items())
        for number in range(1, binds + 1)
    ]
    for connector_id in binds_of:
        counts = [
            sum(each.connector_id == connector_id and each.node_no == number for each in held)
            for number in numbers
        ]
        assert max(counts) - min(counts) <= 1


@given(binds_of=BINDS, numbers=NODES, joining=st.integers(0, 31))
def test_a_node_that_comes_or_goes_leaves_even_shares(
    binds_of: dict[int, int], numbers: list[int], joining: int
) -> None:
    with_it = members(sorted({*numbers, joining}))
    without = [member for member in with_it if member.node_no != joining]
    held = settle(with_it, binds_of, settle(members(numbers), binds_of, []))
    assert len(held) == sum(binds_of.values())
    left = [each for each in held if each.node_no != joining]
    if without:
        assert len(settle(without, binds_of, left)) == sum(binds_of.values())


def test_connectors_of_one_bind_are_shared_out() -> None:
    held = settle(members([0, 1]), dict.fromkeys(range(1, 9), 1), [])
    assert [sum(each.node_no == number for each in held) for number in (0, 1)] == [4, 4]


def test_a_bind_that_is_up_is_given_up_last() -> None:
    held = [HeldBind(1, number, 0, number == 1, 0.0) for number in (1, 2)]
    assert plan_binds(0, members([0, 1]), {1: 2}, held).give_up == (BindKey(1, 2),)


def test_a_node_that_cannot_bind_a_connector_or_is_stopping_gets_none() -> None:
    nodes = [Member(0, ALL), Member(1, frozenset({2})), Member(2, ALL, is_stopping=True)]
    assert len(plan_binds(0, nodes, {1: 3}, []).take) == 3
    assert plan_binds(1, nodes, {1: 3}, []).take == ()
    assert plan_binds(2, nodes, {1: 3}, []).take == ()
    assert plan_slots(2, nodes) == frozenset()
    assert len(plan_slots(0, nodes)) == 128


def test_what_left_the_configuration_is_given_up() -> None:
    held = [HeldBind(1, 2, 0, True, 0.0), HeldBind(9, 1, 0, True, 0.0), HeldBind(9, 2, 1, True, 0.0)]
    assert plan_binds(0, members([0]), {1: 1}, held).give_up == (BindKey(1, 2), BindKey(9, 1))


def test_what_nobody_takes_is_anybodys_and_kept_for_a_while() -> None:
    nodes = members([0, 1])
    free = BindKey(2, 2)
    held = [HeldBind(2, 1, 0, True, 0.0)]
    assert plan_binds(0, nodes, {2: 2}, held).take == ()
    assert plan_binds(0, nodes, {2: 2}, held, long_free=[free]).take == (free,)
    held.append(HeldBind(2, 2, 0, True, 0.0))
    assert plan_binds(0, nodes, {2: 2}, held).give_up == (free,)
    assert plan_binds(0, nodes, {2: 2}, held, adopted=[free]).give_up == ()


@given(ups=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_every_shard_has_one_node_and_goes_by_the_binds_that_are_up(ups: list[tuple[int, bool]]) -> None:
    held = [HeldBind(1, number, node, is_up, 0.0) for number, (node, is_up) in enumerate(ups, start=1)]
    shards = {node: plan_shards(node, 1, held) for node in range(5)}
    assert sorted(shard for each in shards.values() for shard in each) == list(range(SHARD_COUNT))
    if any(is_up for _, is_up in ups):
        assert all(not shards[node] for node in range(5) if (node, True) not in ups)


@given(numbers=NODES)
def test_every_slot_has_one_node(numbers: list[int]) -> None:
    slots = [plan_slots(number, members(numbers)) for number in numbers]
    assert sorted(slot for each in slots for slot in each) == list(range(256))
    assert {shard_of_slot(slot) for slot in range(256)} == set(range(SHARD_COUNT))


@given(ups=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8), limit=st.floats(0.1, 5_000))
def test_shares_of_the_speed_add_up_to_the_limit_at_most(ups: list[tuple[int, bool]], limit: float) -> None:
    held = [HeldBind(1, number, node, is_up, 0.0) for number, (node, is_up) in enumerate(ups, start=1)]
    shares = [plan_speed(node, 1, limit, held, 8) for node in range(4)]
    assert sum(shares) <= limit * (1 + 1e-9)
    if any(is_up for _, is_up in ups):
        assert sum(shares) >= limit * (1 - 1e-9), "none of it lies idle while a bind is up"


def test_speed_is_granted_as_far_as_others_leave_it() -> None:
    assert grant_speed(50.0, 100.0, 50.0) == 50.0
    assert grant_speed(50.0, 100.0, 70.0) == 30.0
    assert grant_speed(50.0, 100.0, 130.0) == 0.0

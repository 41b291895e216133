"""How several nodes on one database divide the work: binds, their speed, shards of the queue, slots.

Pure: who is there and who holds what comes in, what this node should hold goes out. Every node reckons the
same from the same rows, so none asks another. What is held is given back before somebody else takes it, and
speed is shrunk before it is grown: where two nodes see different rows for a moment, too little is held, never
too much.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.domain.identifiers import SLOT_COUNT

SHARD_COUNT: Final = 16
"""Shards of a connector's queue; a slot's shard is its last four bits."""

_ROUNDING: Final = 1e-6
"""Parts a second; sums of shares are compared no finer."""


def shard_of_slot(slot: int) -> int:
    return slot & (SHARD_COUNT - 1)


@dataclass(frozen=True, slots=True)
class Member:
    """A living node. `connector_ids` are those that it is configured for and able to bind."""

    node_no: int
    connector_ids: frozenset[int]
    is_stopping: bool = False


class BindKey(NamedTuple):
    """One bind of a connector; numbers count from 1."""

    connector_id: int
    bind_no: int


@dataclass(frozen=True, slots=True)
class HeldBind:
    """A bind of a connector and the living node that holds it."""

    connector_id: int
    bind_no: int
    node_no: int
    is_up: bool
    parts_per_second: float

    @property
    def key(self) -> BindKey:
        return BindKey(self.connector_id, self.bind_no)


@dataclass(frozen=True, slots=True)
class BindPlan:
    """What a node should change of the binds that it holds."""

    take: tuple[BindKey, ...]
    give_up: tuple[BindKey, ...]


def list_binds(binds_of: Mapping[int, int]) -> list[BindKey]:
    """Every bind of connectors that have so many each."""
    return [
        BindKey(connector_id, number)
        for connector_id, binds in binds_of.items()
        for number in range(1, binds + 1)
    ]


def plan_binds(
    node_no: int,
    members: Collection[Member],
    binds_of: Mapping[int, int],
    held: Collection[HeldBind],
    *,
    long_free: Collection[BindKey] = (),
    adopted: Collection[BindKey] = (),
) -> BindPlan:
    """The binds that node `node_no` should take and give up; `binds_of` is how many each connector has.

    Every node gets an even share of a connector's binds, and of the connectors that have one for not
    everybody. `long_free` are binds that whoever should have them does not take: they are anybody's.
    `adopted` are those that this node took for that reason not long ago, and keeps.
    """
    holder = {each.key: each for each in held}
    take: list[BindKey] = []
    give_up: list[BindKey] = []
    for connector_id, binds in sorted(binds_of.items()):
        keys = list_binds({connector_id: binds})
        mine = [
            key for key in keys if key in holder and holder[key].node_no == node_no and key not in adopted
        ]
        free = [key for key in keys if key not in holder]
        most = _quota(node_no, members, connector_id, binds)
        surplus = len(mine) - most
        if surplus > 0:
            # Those that are down first: giving them up costs nobody anything.
            mine.sort(key=lambda key: (holder[key].is_up, -key.bind_no))
            give_up += mine[:surplus]
        else:
            due = most - len(mine)
            take += free[:due] + [key for key in free[due:] if key in long_free]
    wanted = set(list_binds(binds_of))
    give_up += [key for key, each in sorted(holder.items()) if each.node_no == node_no and key not in wanted]
    return BindPlan(tuple(take), tuple(give_up))


def _quota(node_no: int, members: Collection[Member], connector_id: int, binds: int) -> int:
    """How many binds of a connector a node may hold. What is left over of an even division goes to other
    nodes for each connector, so that many connectors of one bind are shared out too."""
    able = _working(members, connector_id)
    if node_no not in able:
        return 0
    turn = (able.index(node_no) - connector_id) % len(able)
    return binds // len(able) + (turn < binds % len(able))


def _working(members: Collection[Member], connector_id: int | None = None) -> list[int]:
    """Numbers of the nodes that take work (of a connector), in order."""
    return sorted(
        member.node_no
        for member in members
        if not member.is_stopping and (connector_id is None or connector_id in member.connector_ids)
    )


def plan_shards(node_no: int, connector_id: int, held: Sequence[HeldBind]) -> frozenset[int]:
    """The shards of a connector's queue that a node claims: as many as it has binds that are up, of all that
    are. Where none is, by the binds that are held."""
    binds = sorted(
        (each for each in held if each.connector_id == connector_id), key=lambda each: each.bind_no
    )
    claiming = [each.node_no for each in binds if each.is_up] or [each.node_no for each in binds]
    if not claiming:
        return frozenset()
    return frozenset(shard for shard in range(SHARD_COUNT) if claiming[shard % len(claiming)] == node_no)


def plan_slots(node_no: int, members: Collection[Member]) -> frozenset[int]:
    """The slots whose carrier-free work a node does. The node that holds slot 0 decides for all."""
    working = _working(members)
    if node_no not in working:
        return frozenset()
    rank = working.index(node_no)
    return frozenset(slot for slot in range(SLOT_COUNT) if slot % len(working) == rank)


def plan_speed(node_no: int, connector_id: int, limit: float, held: Sequence[HeldBind], binds: int) -> float:
    """The share of a connector's `limit`, parts a second, that a node may use: by its binds that are up;
    where none is, by those that it holds of the configured `binds`."""
    ours = [each for each in held if each.connector_id == connector_id]
    up = [each for each in ours if each.is_up]
    if up:
        return limit * sum(each.node_no == node_no for each in up) / len(up)
    return limit * min(binds, sum(each.node_no == node_no for each in ours)) / binds


def grant_speed(wanted: float, limit: float, others: float) -> float:
    """What of a wanted speed may be used at once, where other nodes still have `others` of the `limit`."""
    free = limit - others
    return wanted if wanted <= free + _ROUNDING else max(0.0, free)

"""Which of several nodes judges an alert: what concerns everybody is the business of the one that decides, a
bind's of whoever holds it, and a node's own state its own.

Pure. So each alert is told by one node, and whoever comes to be responsible takes over what another told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.oncall.alerts import AlertKind

NODE_KINDS: Final = frozenset(
    (AlertKind.DATABASE_AWAY, AlertKind.LEASE_LOST, AlertKind.DISK_LOW, AlertKind.CLICKS_LOST)
)
"""Each node's own; their subject names it."""
BIND_KINDS: Final = frozenset((AlertKind.BIND_DOWN, AlertKind.CREDENTIALS_REFUSED))
"""Their subject begins with that of the bind."""

IsOurs = Callable[[AlertKind, str, int | None], bool]
"""(kind, subject, number of the node that told it first) → whether this node judges it."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What this node judges. By default it is alone."""

    node_no: int = 0
    decides: bool = True
    """Whether it does what is to be done once for all nodes."""
    own_binds: frozenset[str] = frozenset()
    """Subjects of the binds that it holds."""
    binds_elsewhere: frozenset[str] = frozenset()
    """Binds of other nodes, as `name_bind` says."""
    other_nodes: frozenset[int] = frozenset()
    """Numbers that are held."""

    def judges(self, kind: AlertKind, subject: str) -> bool:
        """Whether an alert that was not told yet is this node's to tell."""
        return self.is_ours(kind, subject, self.node_no)

    def is_ours(self, kind: AlertKind, subject: str, told_by: int | None) -> bool:
        """Whether this node judges an alert that node `told_by` told first. What nobody else is left to judge
        is the business of the node that decides, which ends it."""
        if kind in NODE_KINDS:
            return told_by == self.node_no or (self.decides and told_by not in self.other_nodes)
        if kind in BIND_KINDS and subject in self.own_binds:
            return True
        return self.decides and not (kind in BIND_KINDS and self._is_elsewhere(subject))

    def _is_elsewhere(self, subject: str) -> bool:
        """A bind's subject may go on with its mode."""
        return subject.partition(" (")[0] in self.binds_elsewhere


def name_bind(connector: str, bind_no: int) -> str:
    """The subject of a bind, without its mode."""
    return f"{connector} bind {bind_no}"


def find_unjudged(*, holds_lease: bool, duty: Duty | None) -> frozenset[AlertKind]:
    """Kinds of which a node says nothing for now. Without a lease it does not know what has become of its
    work, where others may have taken it; `duty` None: it does not know yet who is there."""
    if duty is not None and (holds_lease or not duty.other_nodes):
        return frozenset()
    return frozenset(AlertKind) - NODE_KINDS

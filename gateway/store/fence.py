"""The lease of a node as its writers see it: what each batch checks first, and the mark that it leaves.

Owns no clock and renews nothing: `leases.py` does.
"""

from collections.abc import Callable

from gateway.store.availability import Availability
from gateway.store.errors import LeaseLost

Mark = tuple[int, int, str, int]
"""(node_no, epoch, writer, batch): what each batch gives `begin_batch`."""


class LeaseStale(Exception):
    """Ours, but past its expiry: the renewal has yet to come through after an outage."""


class Fence:
    """The node lease that every batch of this process checks as its first statement.

    `may_write` says by the local monotonic clock whether it surely still holds; it is asked again
    right before each COMMIT, for a process may stand still between two statements.
    """

    def __init__(
        self,
        node_no: int,
        epoch: int,
        may_write: Callable[[], bool] = lambda: True,
        availability: Availability | None = None,
    ) -> None:
        self.node_no = node_no
        self.epoch = epoch
        self.may_write = may_write
        self.availability = availability or Availability()
        """Whether the server of the lease answers: while it does not, no batch can pass."""

    def make_mark(self, writer: str, batch_no: int) -> Mark:
        return self.node_no, self.epoch, writer, batch_no

    def require_own(self) -> None:
        """Raises `LeaseStale` unless the lease surely still holds, by our own clock."""
        if not self.may_write():
            raise LeaseStale

    def require_live(self, is_live: bool | None) -> None:
        """By what the server says of the lease: raises `LeaseStale` where it has run out, and `LeaseLost`
        where it is another's (None)."""
        if is_live is None:
            raise LeaseLost(self.node_no, self.epoch)
        if not is_live:
            raise LeaseStale

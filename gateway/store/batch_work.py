"""What a writer of batches is given to do with them: the statements, and whom to tell.

Owns no connection and no transaction: `writer.py` does.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from gateway.store.database import Connection
from gateway.store.fence import Mark

ItemContra = TypeVar("ItemContra", contravariant=True)
ResultBoth = TypeVar("ResultBoth")
ResultForeseen = TypeVar("ResultForeseen", covariant=True)


class BatchWork(Protocol[ItemContra, ResultBoth]):
    """What a writer does with a batch."""

    async def write(self, connection: Connection, items: Sequence[ItemContra]) -> ResultBoth:
        """Run the statements, inside the open transaction. May be called again with the same items."""

    def committed(self, items: Sequence[ItemContra], result: ResultBoth) -> None:
        """The transaction is durable. Must not raise or block."""

    def refused(self, item: ItemContra, error: Exception) -> None:
        """This one item was refused for its data, or because rows are not as it believed; the rest of its
        batch was stored."""


class AtOnce(Protocol[ItemContra, ResultForeseen]):
    """A second way to store what a `BatchWork` stores: a small batch whole, by one statement.

    A transaction of nine statements is as many turns of the event loop, 3 ms each while it is busy, and
    whoever waits for the batch waits for all of them. The statement must check the fence and leave the mark
    as `begin_batch` does, and store nothing at all unless it leaves a higher one.
    """

    statement: str
    """The name of the statement: to read it for the first time takes the server 10 ms."""

    def foresee(self, items: Sequence[ItemContra]) -> ResultForeseen | None:
        """What storing all of the items comes to; None when they need a transaction."""

    async def store(
        self, connection: Connection, mark: Mark, items: Sequence[ItemContra]
    ) -> tuple[bool, bool] | None:
        """(is_live, is_stored): whether the lease runs still, and whether all of the items are stored, or
        else none; None when the lease is another's."""

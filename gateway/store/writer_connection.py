"""Connections with settings of their own for what runs the same few statements again and again.

Owns what the planner is told. Knows no statement.
"""

from enum import Enum
from typing import Any, Final

from gateway.store.connecting import Dialler

_CONNECT_SECONDS: Final = 3.0
_BATCH_STATEMENT_SECONDS: Final = 30.0
_CLAIM_STATEMENT_SECONDS: Final = 8.0
"""A claim reads at most some thousand rows by their key and may be repeated at any time: on a line that fell
silent it is, after this time."""


class Joins(Enum):
    """How statements of a connection join a batch with a table. Fresh partitions have no statistics, and the
    planner takes them for tiny: left alone it chose a nested loop of the whole range against the whole
    batch, quadratic, at 180 µs a message, and kept it."""

    BY_PROBE = "by_probe"
    """An index probe for each row of the batch."""
    BY_ARRAY = "by_array"
    """One sweep of the index with `= ANY (ids)`, hashed against the batch."""


_PLANNER: Final = {
    # Without a sort the claim reads its stream in key order and stops at its limit; with one it read the
    # whole stream each time, for a stream that it took to be tiny.
    Joins.BY_PROBE: {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_sort": "off"},
    Joins.BY_ARRAY: {"enable_nestloop": "off", "enable_mergejoin": "off"},
}


async def open_writer_connection(dsn: str, *, name: str, joins: Joins) -> Any:
    """A dedicated connection for batches, with plans that are made once and do not depend on statistics."""
    return await _open(dsn, name, joins, _BATCH_STATEMENT_SECONDS)


async def open_claim_connection(dsn: str) -> Any:
    """The same for reading the queue."""
    return await _open(dsn, "claims", Joins.BY_PROBE, _CLAIM_STATEMENT_SECONDS)


async def _open(dsn: str, name: str, joins: Joins, statement_seconds: float) -> Any:
    return await Dialler(dsn).dial(
        name=f"estafette-{name}",
        timeout_seconds=_CONNECT_SECONDS,
        statement_seconds=statement_seconds,
        settings={
            "plan_cache_mode": "force_generic_plan",
            "enable_seqscan": "off",
            "enable_bitmapscan": "off",
            "jit": "off",
            **_PLANNER[joins],
        },
    )

"""Waiting for a Postgres that is not there yet: after a power cut it recovers while we start.

Owns which faults pass by themselves. A node that ended for one would be started again by the service manager,
which gives up after a few times and then needs a hand.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg

from gateway.store.connecting import Dialler
from gateway.store.errors import StoreError

_PAUSE_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 5.0
_REPORT_SECONDS: Final = 5.0


class NotPostgresItself(StoreError):
    """What answers at the address is a pooler of connections."""

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"the database refuses our settings ({fault}): database.dsn seems to name a pooler (pgbouncer)."
            " A node listens for others and relies on settings of its connections, which no pooler keeps."
            " Name Postgres itself"
        )


_PASSING: Final = (
    OSError,  # nobody listens, no route, no such socket, a name that is not resolved (yet)
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # starting, recovering, stopping
    asyncpg.InsufficientResourcesError,  # full of others' connections
    asyncpg.ReadOnlySQLTransactionError,  # a standby that becomes the primary in a moment
    asyncio.TimeoutError,
)


async def wait_for_server(dsn: str, *, report: Callable[[str], None]) -> None:
    """Return once the server at `dsn` takes connections, however long that takes.

    `report` hears in words what is waited for, at once and every 5 s. What waiting does not cure (a password,
    a database that does not exist, an address that means nothing) is raised as asyncpg raises it, and a
    pooler as `NotPostgresItself`.
    """
    dialler = Dialler(dsn)
    loop = asyncio.get_running_loop()
    reported_at = -_REPORT_SECONDS
    while True:
        try:
            connection = await dialler.dial(
                name="estafette-start", timeout_seconds=_CONNECT_SECONDS, statement_seconds=_CONNECT_SECONDS
            )
        except asyncpg.ProtocolViolationError as exc:
            raise NotPostgresItself(str(exc)) from exc
        except _PASSING as exc:
            if loop.time() - reported_at >= _REPORT_SECONDS:
                reported_at = loop.time()
                report(f"waiting for the database: {str(exc) or type(exc).__name__}")
        else:
            await connection.close()
            return
        await asyncio.sleep(_PAUSE_SECONDS)

"""Hints between nodes: which streams of the queue have news, said after the commit and gathered for a moment;
and connectors whose binds somebody wants tried at once.

Only a shortcut for the regular look, which finds everything a second later: a hint that is lost costs that
second, or the wait until the next try. Never part of a batch (with a NOTIFY in each, commits went one after
another, at 1,900 a second).
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from gateway.store.database import UNREACHABLE, Connection
from gateway.store.intake import Stream
from gateway.store.queries import Query

log = structlog.get_logger("store")

_CHANNEL: Final = "estafette_queued"
_GATHER_SECONDS: Final = 0.02
"""Between two hints of one node: fifty a second, whatever the load."""
_MOST_STREAMS: Final = 200
"""In one hint, which may have 8,000 octets; streams beyond it wait for the regular look."""
_RECONNECT_SECONDS: Final = 1.0
_ALIVE_SECONDS: Final = 30.0

OnQueued = Callable[[dict[Stream, int]], None]
"""Hears the lowest new id of each stream."""


class _Hint(msgspec.Struct, array_like=True):
    """Who says it; (connector_id, lane, category, lowest id) of each stream; connectors to try at once."""

    node_no: int
    streams: list[tuple[int, int, int, int]]
    retries: list[int] = []


class QueueHints:
    """Tells the other nodes of streams with news, and hears them. `is_shared` says whether another node may
    be the one that claims a connector's messages: of the rest nothing is told."""

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        *,
        node_no: int,
        is_shared: Callable[[int], bool],
        on_queued: OnQueued,
        on_retry: Callable[[int], object],
    ) -> None:
        """`on_retry` hears the connectors whose binds are to be tried at once."""
        self._dsn = dsn
        self._queries = queries
        self._node_no = node_no
        self._is_shared = is_shared
        self._on_queued = on_queued
        self._on_retry = on_retry
        self._retries: set[int] = set()
        self._waiting: dict[Stream, int] = {}
        self._arrived = asyncio.Event()

    def tell(self, lowest: dict[Stream, int]) -> None:
        """Have the other nodes told soon; never blocks."""
        for stream, lowest_id in lowest.items():
            if self._is_shared(stream[0]) and (stream in self._waiting or len(self._waiting) < _MOST_STREAMS):
                self._waiting[stream] = min(lowest_id, self._waiting.get(stream, lowest_id))
                self._arrived.set()

    def tell_retry(self, connector_id: int) -> None:
        """Have the binds that other nodes hold of a connector tried at once; never blocks."""
        self._retries.add(connector_id)
        self._arrived.set()

    async def run(self) -> None:
        """Tell and hear until cancelled; while Postgres is away nothing is told."""
        while True:
            raw = None
            try:
                raw = await asyncpg.connect(
                    self._dsn,
                    timeout=5.0,
                    command_timeout=5.0,
                    server_settings={"application_name": "estafette-hints"},
                )
                await raw.add_listener(_CHANNEL, self._hear)
                raw.add_termination_listener(lambda _: self._arrived.set())
                await self._tell_forever(Connection(raw, self._queries))
            except UNREACHABLE as exc:
                log.debug("hints.disconnected", fault=repr(exc))
            finally:
                if raw is not None:
                    raw.terminate()
            self._waiting.clear()
            self._retries.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _tell_forever(self, connection: Connection) -> None:
        while True:
            try:
                async with asyncio.timeout(_ALIVE_SECONDS):
                    await self._arrived.wait()
            except TimeoutError:
                await connection.fetch_value("database_clock")  # a line that is dead is noticed by using it
                continue
            self._arrived.clear()
            if connection.raw.is_closed():
                raise ConnectionResetError("the connection for hints ended")
            waiting, self._waiting = self._waiting, {}
            retries, self._retries = self._retries, set()
            streams = [(*stream, lowest_id) for stream, lowest_id in waiting.items()]
            payload = msgspec.json.encode(_Hint(self._node_no, streams, sorted(retries))).decode()
            await connection.execute("tell_nodes", _CHANNEL, payload)
            await asyncio.sleep(_GATHER_SECONDS)

    def _hear(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        try:
            hint = msgspec.json.decode(str(payload), type=_Hint)
        except msgspec.MsgspecError as exc:
            log.warning("hint.unreadable", fault=str(exc))  # somebody else's, or of another release
            return
        if hint.node_no == self._node_no:
            return
        if hint.streams:
            self._on_queued({(stream[0], stream[1], stream[2]): stream[3] for stream in hint.streams})
        for connector_id in hint.retries:
            self._on_retry(connector_id)

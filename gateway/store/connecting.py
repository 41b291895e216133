"""How a connection to Postgres is made: to which server of several, and how soon a dead line is noticed.

Owns the hosts of the address and the options of the socket. Knows no statement.
"""

import socket
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from gateway.store.time_codec import remember_times

_LEAST_SECONDS_A_HOST: Final = 0.5
_IDLE_IN_TRANSACTION_MS: Final = "5000"
"""A process that stands still in a transaction loses it, and with it what it locked, well before its lease of
10 s can be over: it neither commits when it wakes nor holds up whoever takes over. 15 s did both."""
_CLIENT_CHECK_MS: Final = "1000"
"""How soon a server at work on a statement notices that whoever asked is gone. Left alone it finds out at the
end of the statement, and holds until then what the same batch, sent anew, waits for."""
_KEEPALIVE_IDLE_SECONDS: Final = 5
_KEEPALIVE_INTERVAL_SECONDS: Final = 2
_KEEPALIVE_PROBES: Final = 3
_UNACKNOWLEDGED_MS: Final = 10_000
"""How long octets may stay unacknowledged by the other machine before the kernel gives the connection up;
left alone it takes a quarter of an hour. For our side and, as far as its system allows, the server's."""


_ASK_PID: Final = "SELECT pg_backend_pid()"
"""Which process of the server is at the far end. Not among the files of queries: every connection asks it,
whoever opens it. What the driver knows is a number that a pooler made up, where there is one."""


class ServerConnection(asyncpg.Connection):
    """asyncpg's, with the number of the backend."""

    __slots__ = ("backend_pid",)
    backend_pid: int


class Dialler:
    """Opens connections to the one server among the hosts of `dsn` that takes writes.

    The host that answered last is asked first, and each has its share of the time: a dead machine does not
    answer at all, and one that stands first would otherwise use up the time of those behind it.
    """

    def __init__(self, dsn: str) -> None:
        self._dsns = split_hosts(dsn)

    async def dial(
        self,
        *,
        name: str,
        timeout_seconds: float,
        statement_seconds: float | None,
        settings: Mapping[str, str] | None = None,
    ) -> Any:
        """A connection named `name` in `pg_stat_activity`. Raises what asyncpg raised for the last host."""
        options = describe_connection(name, statement_seconds=statement_seconds, settings=settings)
        return await self._try_hosts(timeout_seconds, options)

    async def _try_hosts(self, timeout_seconds: float, options: Mapping[str, Any]) -> Any:
        share = max(timeout_seconds / len(self._dsns), _LEAST_SECONDS_A_HOST)
        fault: Exception | None = None
        for dsn in self._dsns:
            try:
                raw = await _connect(dsn, share, options)
            except (
                OSError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as exc:
                fault = exc
            else:
                self._dsns = (dsn, *(other for other in self._dsns if other != dsn))
                _watch_line(raw)
                return raw
        assert fault is not None  # an address has at least one host
        raise fault


async def _connect(dsn: str, seconds: float, options: Mapping[str, Any]) -> Any:
    raw = await asyncpg.connect(dsn, timeout=seconds, **options)
    try:
        await remember_times(raw)
        raw.backend_pid = await raw.fetchval(_ASK_PID, timeout=seconds)
    except BaseException:
        raw.terminate()
        raise
    return raw


def describe_connection(
    name: str, *, statement_seconds: float | None, settings: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """asyncpg's options for a connection that writes."""
    return {
        "connection_class": ServerConnection,
        "command_timeout": statement_seconds,
        "target_session_attrs": "read-write",
        "server_settings": {
            "application_name": name,
            "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
            "client_connection_check_interval": _CLIENT_CHECK_MS,
            "tcp_user_timeout": str(_UNACKNOWLEDGED_MS),
            "tcp_keepalives_idle": str(_KEEPALIVE_IDLE_SECONDS),
            "tcp_keepalives_interval": str(_KEEPALIVE_INTERVAL_SECONDS),
            "tcp_keepalives_count": str(_KEEPALIVE_PROBES),
            **(settings or {}),
        },
    }


def split_hosts(dsn: str) -> tuple[str, ...]:
    """The same address once for each of its hosts, in their order, in either of libpq's two spellings."""
    parts = urlsplit(dsn)
    credentials, at, listed = parts.netloc.rpartition("@")
    if "," in listed:
        return tuple(
            urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}"))
            for host in listed.split(",")
            if host
        )
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    hosts = query.get("host", "").split(",")
    if len(hosts) == 1:
        return (dsn,)
    ports = query.get("port", "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    before = f"{parts.scheme}://{parts.netloc}{parts.path}"  # urlunsplit drops the slashes of an empty netloc
    return tuple(
        f"{before}?{urlencode({**query, 'host': host, 'port': port})}"
        for host, port in zip(hosts, ports, strict=False)
    )


def _watch_line(raw: Any) -> None:
    """Have the kernel notice that the other machine is gone. asyncpg has no option for it, so its
    transport's socket is set."""
    channel = raw._transport.get_extra_info("socket")
    if channel is None or channel.family not in (socket.AF_INET, socket.AF_INET6):
        return
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_SECONDS)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_SECONDS)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)

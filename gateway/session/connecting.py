"""One attempt to reach one host of a carrier: the connection, TLS, and in words what went wrong.

Refuses to know which host comes next and when: that is `bind.py`'s.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.session.errors import ConnectFailed, TlsUnusable
from gateway.session.owner import CloseKind, CloseReason
from gateway.session.session import Session
from gateway.session.tls import TlsSettings, describe_tls_fault, is_tls_fault, open_context

_NO_ROUTE: Final = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an SMSC listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def connect(
    endpoint: Endpoint,
    make_session: Callable[[], Session],
    *,
    tls: TlsSettings | None,
    timeout_seconds: float,
) -> Session:
    """Connect, with TLS where it is set. Raises `ConnectFailed` with the reason in words."""
    context: ssl.SSLContext | None = None
    server_name: str | None = None
    if tls is not None:
        server_name = tls.server_name or endpoint.host
        try:
            context = await asyncio.to_thread(open_context, tls)
        except TlsUnusable as exc:
            raise ConnectFailed(CloseReason(CloseKind.TLS, str(exc))) from exc
    try:
        async with asyncio.timeout(timeout_seconds):
            _, session = await asyncio.get_running_loop().create_connection(
                make_session, endpoint.host, endpoint.port, ssl=context, server_hostname=server_name
            )
    except UnicodeError as exc:  # what the name's codec says before anybody is asked
        what = f"no connection to {endpoint}: {(server_name or endpoint.host)!r} cannot be a name ({exc})"
        raise ConnectFailed(CloseReason(CloseKind.NETWORK, what)) from exc
    except (OSError, TimeoutError) as exc:
        if isinstance(exc, ssl.SSLError) and is_tls_fault(exc):
            what = f"no connection to {endpoint}: TLS failed: {describe_tls_fault(exc)}"
            raise ConnectFailed(CloseReason(CloseKind.TLS, what)) from exc
        what = f"no connection to {endpoint}: {_describe(exc, timeout_seconds)}"
        raise ConnectFailed(CloseReason(CloseKind.NETWORK, what)) from exc
    return session


async def takes_connections(endpoint: Endpoint, *, timeout_seconds: float) -> bool:
    """Whether a TCP connection to `endpoint` comes about; it is closed again at once."""
    try:
        async with asyncio.timeout(timeout_seconds):
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, endpoint.host, endpoint.port
            )
    except (OSError, TimeoutError, UnicodeError):
        return False
    transport.abort()
    return True


def _describe(exc: OSError | TimeoutError, timeout_seconds: float) -> str:
    if isinstance(exc, socket.gaierror):
        return f"the name cannot be resolved ({exc.strerror})"
    if isinstance(exc, ConnectionRefusedError):
        return "it is refused; nothing listens there, or a firewall refuses for it"
    if isinstance(exc, ConnectionResetError | ConnectionAbortedError):
        return "it is broken off before it stands; often our address is not on the carrier's list"
    if isinstance(exc, TimeoutError):
        return f"no answer within {timeout_seconds:g} s"
    if exc.errno in _NO_ROUTE:
        return f"there is no way to it ({exc.strerror})"
    return str(exc) or type(exc).__name__

"""A port that accepts SMPP sessions in the SMSC role.

Owns the listening socket, the sessions it accepted and their number. Refuses to know accounts and messages:
a callback judges binds, an owner gets what happens.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from gateway.session.owner import SessionOwner
from gateway.session.session import Authenticate, Session
from gateway.session.settings import SessionSettings, Trace
from gateway.smpp.rules import Role


class _Refusal(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


class Listener:
    """Accepts sessions on one port. `most_sessions` counts connections, bound or not; further ones are
    cut. `protocol_for` gives what stands between a session and its connection: nothing, unless told.
    """

    def __init__(
        self,
        owner: SessionOwner,
        authenticate: Authenticate,
        *,
        settings: SessionSettings,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        most_sessions: int = 1000,
        trace_for: Callable[[], Trace | None] = lambda: None,
        protocol_for: Callable[[Session], asyncio.Protocol] = lambda session: session,
    ) -> None:
        self._owner = owner
        self._authenticate = authenticate
        self._settings = settings
        self._host = host
        self._port = port
        self._tls = tls
        self._most_sessions = most_sessions
        self._trace_for = trace_for
        self._protocol_for = protocol_for
        self._sessions: set[Session] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port in use: the one the system chose, when 0 was asked for, known from `start` on."""
        return self._port

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All open sessions, bound or not."""
        return tuple(self._sessions)

    async def start(self) -> None:
        """Listen. Raises `OSError` when the port cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self._host, self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def aclose(self, *, drain_seconds: float) -> None:
        """Accept no more, unbind every session (all at once, each within `drain_seconds`), close the port."""
        if self._server is None:
            return
        self._server.close()
        async with asyncio.TaskGroup() as group:
            for session in self.sessions:
                group.create_task(session.unbind(drain_seconds=drain_seconds))
        await self._server.wait_closed()

    def _accept(self) -> asyncio.Protocol:
        if len(self._sessions) >= self._most_sessions:
            return _Refusal()
        session = Session(
            Role.SMSC, self._owner, self._settings, authenticate=self._authenticate, trace=self._trace_for()
        )
        self._sessions.add(session)
        session.call_when_closed(lambda _: self._sessions.discard(session))
        return self._protocol_for(session)

"""One bind of one carrier account, kept up: connect, bind, wait for its end, back off, again.

Owns which host is tried, how long to wait and what to tell an operator about it. Messages do not pass here:
the owner gets the sessions' callbacks directly.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from random import Random
from typing import Final

from gateway.session.backoff import Backoff, FailureKind, classify_close
from gateway.session.connecting import Endpoint, connect, takes_connections
from gateway.session.errors import BindRefused, ConnectFailed, SessionClosed
from gateway.session.lifecycle import BindRequest
from gateway.session.owner import CloseKind, CloseReason, SessionOwner
from gateway.session.session import Session
from gateway.session.settings import SessionSettings, Trace
from gateway.session.tls import TlsSettings
from gateway.smpp import pdus
from gateway.smpp.constants import INTERFACE_VERSION_34
from gateway.smpp.rules import Role
from gateway.smpp.statuses import CommandStatus


class BindMode(Enum):
    """Which directions a bind serves."""

    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"
    TRANSCEIVER = "transceiver"


_REFUSALS_OF_A_MODE: Final = frozenset(
    (
        CommandStatus.ESME_RINVCMDID,
        CommandStatus.ESME_RINVBNDSTS,
        CommandStatus.ESME_RBINDFAIL,
        CommandStatus.ESME_RUNKNOWNERR,
    )
)
_BIND_TYPES: dict[BindMode, type[BindRequest]] = {
    BindMode.TRANSMITTER: pdus.BindTransmitter,
    BindMode.RECEIVER: pdus.BindReceiver,
    BindMode.TRANSCEIVER: pdus.BindTransceiver,
}


@dataclass(frozen=True, slots=True)
class BindSettings:
    """What one bind needs to know. `endpoints` are tried in turn, the first one again after each session."""

    endpoints: tuple[Endpoint, ...]
    system_id: bytes
    password: bytes = field(repr=False)
    mode: BindMode = BindMode.TRANSCEIVER
    system_type: bytes = b""
    address_range: bytes = b""
    addr_ton: int = 0
    addr_npi: int = 0
    interface_version: int = INTERFACE_VERSION_34
    connect_timeout_seconds: float = 10.0
    healthy_after_seconds: float = 5.0
    """A session that lived so long clears the memory of earlier failures. Longer than a carrier takes to
    throw out what it does not want; short, so that a line cut every few seconds is up for most of the time.
    """
    failback_seconds: float = 0.0
    """On another than the first endpoint for so long: look whether the first takes connections, and move
    there if so. 0 stays until the session ends.
    """
    failback_drain_seconds: float = 30.0
    """Wait for answers before such a move."""
    tls: TlsSettings | None = None
    session: SessionSettings = field(default_factory=SessionSettings)


class BindPhase(Enum):
    """Where a bind stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    BINDING = "binding"
    BOUND = "bound"
    BACKING_OFF = "backing_off"


@dataclass(frozen=True, slots=True)
class BindState:
    """What an operator sees of a bind. Times are UTC."""

    phase: BindPhase
    since: datetime
    endpoint: Endpoint
    last_error: str | None = None
    last_failure: FailureKind | None = None
    failures: int = 0
    """In a row, since a session was last healthy."""
    next_retry_at: datetime | None = None
    remarks: tuple[str, ...] = ()
    """What was odd about the SMSC's answer to the bind, in words."""


_KEPT_CHANGES: Final = 20
_FAILBACK_SPREAD: Final = 0.1
"""Binds of one account that moved away together do not all come back at the same moment."""
_MOST_DOUBLINGS: Final = 6
"""Of the time before another return, where the first host takes connections and no binds."""


class Bind:
    """Keeps one session up until `aclose`. `on_state` is told each change; `session` is the one that is
    bound. `trace_for` is asked once for each new session, so that a trace can tell sessions apart.
    """

    def __init__(
        self,
        settings: BindSettings,
        owner: SessionOwner,
        *,
        random: Random,
        may_write: Callable[[], bool] | None = None,
        trace_for: Callable[[], Trace | None] = lambda: None,
        on_state: Callable[["Bind", BindState], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        backoff: Backoff | None = None,
    ) -> None:
        self.settings = settings
        self.session: Session | None = None
        self._random = random
        self._owner = owner
        self._may_write = may_write
        self._trace_for = trace_for
        self._on_state = on_state
        self._now = now
        self._backoff = backoff or Backoff(random)
        self._endpoint_index = 0
        self._vain_returns = 0
        """Returns to the first host, in a row, that led to no bind: it takes connections and nothing more."""
        self._state = BindState(BindPhase.DOWN, now(), settings.endpoints[0])
        self._history: deque[BindState] = deque(maxlen=_KEPT_CHANGES)
        self._task: asyncio.Task[None] | None = None
        self._retry_now = asyncio.Event()
        self._is_stopping = False

    @property
    def state(self) -> BindState:
        """Where the bind stands now."""
        return self._state

    @property
    def history(self) -> tuple[BindState, ...]:
        """The last 20 changes, newest first."""
        return tuple(reversed(self._history))

    def start(self) -> None:
        """Begin to connect. Call once, on the loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"bind {self._endpoint}")

    def retry_now(self) -> None:
        """End a wait between attempts, on an operator's wish."""
        self._retry_now.set()

    async def aclose(self, *, drain_seconds: float) -> None:
        """Stop: no more requests, wait up to `drain_seconds` for answers, unbind, close. Raises nothing of
        its own.
        """
        self._is_stopping = True
        self._retry_now.set()
        if self.session is not None:
            await self.session.unbind(drain_seconds=drain_seconds)
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait((self._task,))
        self._change(BindPhase.DOWN, last_error=self._state.last_error)

    @property
    def _endpoint(self) -> Endpoint:
        return self.settings.endpoints[self._endpoint_index % len(self.settings.endpoints)]

    def _change(
        self,
        phase: BindPhase,
        *,
        last_error: str | None,
        last_failure: FailureKind | None = None,
        next_retry_at: datetime | None = None,
        remarks: tuple[str, ...] = (),
    ) -> None:
        """Without `last_failure` that of before stays, as long as there is an error."""
        if last_failure is None and last_error is not None:
            last_failure = self._state.last_failure
        self._state = BindState(
            phase,
            self._now(),
            self._endpoint,
            last_error,
            last_failure,
            self._backoff.failures,
            next_retry_at,
            remarks,
        )
        self._history.append(self._state)
        if self._on_state is not None:
            self._on_state(self, self._state)

    async def _run(self) -> None:
        try:
            while not self._is_stopping:
                reason = await self._live_once()
                if reason.kind is CloseKind.UNBOUND:
                    continue  # we moved to another host, or stop
                if not self._is_stopping:
                    await self._back_off(reason)
        except Exception as exc:
            # Only a fault of this program comes here. Better a bind that says so than one that looks alive.
            self._change(BindPhase.DOWN, last_error=f"internal fault, the bind has stopped: {exc!r}")
            raise

    async def _live_once(self) -> CloseReason:
        """One connection from the first try to its end."""
        self._change(BindPhase.CONNECTING, last_error=self._state.last_error)
        try:
            session = await connect(
                self._endpoint,
                self._make_session,
                tls=self.settings.tls,
                timeout_seconds=self.settings.connect_timeout_seconds,
            )
        except ConnectFailed as error:
            self._endpoint_index += 1
            return error.reason
        try:
            self._change(BindPhase.BINDING, last_error=self._state.last_error)
            self.session = session
            return await self._bind_and_wait(session)
        finally:
            self.session = None
            session.abort("the bind was stopped")

    def _make_session(self) -> Session:
        return Session(
            Role.ESME,
            self._owner,
            self.settings.session,
            may_write=self._may_write,
            trace=self._trace_for(),
        )

    async def _bind_and_wait(self, session: Session) -> CloseReason:
        settings = self.settings
        try:
            await session.bind(
                _BIND_TYPES[settings.mode](
                    system_id=settings.system_id,
                    password=settings.password,
                    system_type=settings.system_type,
                    interface_version=settings.interface_version,
                    addr_ton=settings.addr_ton,
                    addr_npi=settings.addr_npi,
                    address_range=settings.address_range,
                )
            )
        except BindRefused as error:
            reason = CloseReason(CloseKind.BIND_REFUSED, self._advise(error), error.command_status)
            if classify_close(reason) is FailureKind.REFUSED:
                self._endpoint_index += 1  # this host has a trouble of its own; another may not
            return reason
        except SessionClosed as error:
            what = f"{self._endpoint} took the connection and not the bind: {error.reason.detail}"
            self._endpoint_index += 1
            return replace(error.reason, detail=what)
        bound_at = self._now()
        self._change(BindPhase.BOUND, last_error=None, remarks=session.remarks)
        if not self._endpoint_index:
            self._vain_returns = 0
        reason = await self._wait_closed(session)
        self._endpoint_index = 0
        if self._now() - bound_at >= timedelta(seconds=settings.healthy_after_seconds):
            self._backoff.reset()
        return reason

    def _advise(self, error: BindRefused) -> str:
        """A refusal in words, with what to try where a setting of ours is the likely cause."""
        may_be_mode = error.command_status in _REFUSALS_OF_A_MODE
        if may_be_mode and self.settings.mode is BindMode.TRANSCEIVER:
            return f"{error}. Where the carrier takes no transceiver: bind_mode: transmitter_receiver"
        return str(error)

    async def _wait_closed(self, session: Session) -> CloseReason:
        """Wait for the end of a session; on a standby host, end it in order once the first host is back."""
        closed = asyncio.ensure_future(session.wait_closed())
        try:
            while self._endpoint_index and self.settings.failback_seconds:
                seconds = self.settings.failback_seconds * self._random.uniform(1, 1 + _FAILBACK_SPREAD)
                seconds *= 2 ** min(self._vain_returns, _MOST_DOUBLINGS)
                done, _ = await asyncio.wait((closed,), timeout=seconds)
                if done:
                    break
                first = self.settings.endpoints[0]
                if await takes_connections(first, timeout_seconds=self.settings.connect_timeout_seconds):
                    self._vain_returns += 1  # until a bind there says otherwise
                    await session.unbind(drain_seconds=self.settings.failback_drain_seconds)
                    break
            return await closed
        finally:
            closed.cancel()

    async def _back_off(self, reason: CloseReason) -> None:
        kind = classify_close(reason)
        seconds = self._backoff.next_delay_seconds(kind)
        self._retry_now.clear()
        self._change(
            BindPhase.BACKING_OFF,
            last_error=reason.detail,
            last_failure=kind,
            next_retry_at=self._now() + timedelta(seconds=seconds),
        )
        try:
            async with asyncio.timeout(seconds):
                await self._retry_now.wait()
        except TimeoutError:
            return

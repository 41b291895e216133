"""The simulator as a running thing: its port, its clock, its log file, the faults that come by themselves.

What becomes of a message is decided in `behaviour.py` and carried out in `exchange.py`; this file starts
them, wakes them, and stops everything in order.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from gateway.session.listener import Listener
from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.simulator.addresses import NumberForm
from gateway.simulator.behaviour import Behaviour
from gateway.simulator.bending import needs_bending
from gateway.simulator.control import ControlServer
from gateway.simulator.errors import CommandRefused, LogBroken
from gateway.simulator.exchange import Exchange
from gateway.simulator.faults import Faults
from gateway.simulator.journal import Journal, mode_of
from gateway.simulator.log import SubmitLog
from gateway.simulator.mo import MoRequest, build_mo
from gateway.simulator.profile import BindMode, Profile
from gateway.simulator.stats import SimulatorStats
from gateway.simulator.switchboard import Seat
from gateway.simulator.wire import Wire
from gateway.smpp.pdus import BindRequest
from gateway.smpp.timers import TimerSettings

_FLUSH_SECONDS: Final = 0.1
"""Longest time a line of the log waits for the file."""

_SHORTEST_SLEEP_SECONDS: Final = 0.001
"""What is due within a millisecond is done together: one wake-up for many timers."""

_UNBIND_SECONDS: Final = 2.0
"""What a client gets for its last answers when the simulator unbinds."""

_STOP_DRAIN_SECONDS: Final = 0.2
"""The same when the simulator stops: a demonstration should end when told to."""

_CONNECTIONS_MOST: Final = 5_000
"""Connections at a time; further ones are cut."""

_MO_PENDING_MOST: Final = 100_000
"""Deliveries pending, above which an MO is refused: it would wait for minutes, and hold memory."""


@dataclass(frozen=True, slots=True)
class MoOutcome:
    """What became of an MO."""

    parts: int
    """PDUs that were sent."""
    statuses: tuple[int | None, ...]
    """The client's last answer to each; None where there was none in the time allowed."""

    @property
    def is_acknowledged(self) -> bool:
        return all(status == 0 for status in self.statuses)


class Simulator:
    """One simulated SMSC on one port; use it as an async context manager, or `start` and `aclose` it.

    Port 0 takes a free one. With `control_port`, commands are taken over HTTP on that port of the loopback
    address. `log_path` is appended to. `random` makes a run repeatable.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int | None = None,
        log_path: Path | None = None,
        random: Random | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.profile: Final = profile
        self.port = port
        self.control_port = control_port
        self._host = host
        self._log_path = log_path
        self._random = random if random is not None else Random()
        self._wall_clock = wall_clock
        self._numbers = NumberForm(profile.addresses)
        self._behaviour = Behaviour(profile, self._random)
        self._log: SubmitLog | None = None
        self._exchange: Exchange | None = None
        self._listener: Listener | None = None
        self._control: ControlServer | None = None
        self._settings = SessionSettings(
            window=profile.receipts.window,
            response_timeout_seconds=profile.receipts.response_seconds,
            unbind_timeout_seconds=_UNBIND_SECONDS,
            tick_seconds=min(0.5, profile.receipts.response_seconds / 4),
            system_id=profile.bind.system_id.encode(),
            timers=TimerSettings(enquire_link_seconds=profile.bind.enquire_link_seconds),
        )
        self._wake_handle: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0
        self._resume_handle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_bad_wire = needs_bending(profile)
        self._wires: dict[Session, Wire] = {}
        self._faults: Faults | None = None
        self._mo_reference = 0
        self._failed: asyncio.Future[None] | None = None

    # Life.

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Open the log and listen. Raises `LogBroken`, and `OSError` for a port that is taken."""
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        self._log = SubmitLog(self._log_path)
        self._exchange = Exchange(
            self.profile,
            self._behaviour,
            Journal(self._log, wall_clock=self._wall_clock, on_fault=self._note_fault),
            mode_of=self._mode_of,
            clock=time.monotonic,
            wall_clock=self._wall_clock,
            wake_at=self._wake_at,
        )
        self._listener = Listener(
            self._exchange,
            self._exchange.authenticate,
            settings=self._settings,
            host=self._host,
            port=self.port,
            most_sessions=_CONNECTIONS_MOST,
            protocol_for=self._put_wire_before,
        )
        try:
            await self._listener.start()
            self.port = self._listener.port
            if self.control_port is not None:
                self._control = ControlServer(self)
                self.control_port = await self._control.start(self.control_port)
        except OSError:
            await self.aclose()
            raise
        self._faults = Faults(
            self.profile.faults, self._exchange, wires=self._wires, stall=self.stall, random=self._random
        )
        self._start_task(self._flush_log())
        self._start_task(self._faults.run())

    async def aclose(self) -> None:
        """Stop listening, unbind every session, close the log. What is pending is lost, as the stats say."""
        if self._control is not None:
            await self._control.aclose()
            self._control = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._exchange is not None and self._exchange.holds_reading:
            self._hold_reading(False)
        if self._listener is not None:
            await self._listener.aclose(drain_seconds=_STOP_DRAIN_SECONDS)
            self._listener = None
        for handle in (self._wake_handle, self._resume_handle):
            if handle is not None:
                handle.cancel()
        if self._log is not None:
            try:
                self._log.close()
            except LogBroken as exc:
                self._note_fault(exc)
            self._log = None

    async def wait_failed(self) -> None:
        """Wait for ever, or raise `LogBroken` once the log cannot be written."""
        assert self._failed is not None, "start the simulator first"
        await asyncio.shield(self._failed)

    # What can be asked.

    @property
    def stats(self) -> SimulatorStats:
        """Counters of this run."""
        return self._running.stats

    @property
    def parts_per_second(self) -> int | None:
        """The speed limit in force; None for no limit."""
        return self._behaviour.parts_per_second

    def read_log(self, since: int, *, most: int = 1_000) -> list[bytes]:
        """The newest lines of the log, encoded, with numbers above `since`; the last 10,000 are kept."""
        return self._log.read_since(since, most=most) if self._log is not None else []

    async def deliver_mo(self, request: MoRequest, *, timeout_seconds: float = 5.0) -> MoOutcome:
        """Send a message from a handset to a bound client, and wait for its acknowledgement.

        After `timeout_seconds` the parts not acknowledged go on being delivered, but the outcome says None or
        the last refusal. Raises `CommandRefused`, also when nobody receives or it is unclear who should.
        """
        exchange = self._running
        account = self._choose_account(request.system_id)
        if exchange.stats.pending >= _MO_PENDING_MOST:
            raise CommandRefused(f"{exchange.stats.pending} deliveries are pending; wait", is_conflict=True)
        self._mo_reference += 1
        parts = build_mo(
            request,
            next_reference=self._mo_reference & 0xFFFF,
            rules=self.profile.texts,
            numbers=self._numbers,
        )
        settled = asyncio.Event()
        waiting = len(parts)

        def settle() -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                settled.set()

        deliveries = exchange.desk.send_mo(account, parts, settle)
        try:
            async with asyncio.timeout(timeout_seconds):
                if waiting:
                    await settled.wait()
        except TimeoutError:
            pass  # the statuses say what is missing
        finally:
            exchange.desk.forget(deliveries)
        return MoOutcome(len(parts), tuple(delivery.command_status for delivery in deliveries))

    def _choose_account(self, system_id: str | None) -> str:
        receivers = self._running.switchboard.accounts_with_receivers()
        if system_id is None and len(receivers) == 1:
            return receivers[0]
        if system_id in receivers:
            assert system_id is not None
            return system_id
        if not receivers:
            raise CommandRefused("no client is bound to receive; bind one first", is_conflict=True)
        raise CommandRefused(f"name the account as `system_id`; receiving are {', '.join(receivers)}")

    def drop(self, system_id: str | None = None) -> int:
        """Cut the connections of an account, or all, without a word; return how many."""
        seats = self._seats(system_id)
        assert self._faults is not None
        for seat in seats:
            self._faults.drop(seat, "dropped by the simulator")
        return len(seats)

    def unbind(self, system_id: str | None = None) -> int:
        """Unbind the sessions of an account, or all, in order; return how many."""
        seats = self._seats(system_id)
        assert self._faults is not None
        for seat in seats:
            self._start_task(self._faults.unbind(seat))
        return len(seats)

    def stall(self, seconds: float) -> None:
        """Stop reading, answering and sending on every session. New binds are answered, then stand still
        too.
        """
        exchange = self._running
        if not exchange.desk.is_stalled:
            exchange.stats.stalls += 1
        exchange.desk.is_stalled = True
        self._hold_reading(True)
        if self._resume_handle is not None:
            self._resume_handle.cancel()
        self._resume_handle = asyncio.get_running_loop().call_later(seconds, self.resume)

    def resume(self) -> None:
        """End a stall; without one nothing happens."""
        exchange = self._running
        if self._resume_handle is not None:
            self._resume_handle.cancel()
            self._resume_handle = None
        if not exchange.desk.is_stalled:
            return
        exchange.desk.is_stalled = False
        self._hold_reading(self.profile.faults.reads_per_second is not None)
        exchange.resume()

    def throttle(self, parts_per_second: int | None) -> None:
        """Set the speed limit of each account; None lifts it."""
        self._behaviour.parts_per_second = parts_per_second

    @property
    def _running(self) -> Exchange:
        if self._exchange is None:
            raise CommandRefused("the simulator is not running; start it first", is_conflict=True)
        return self._exchange

    def _seats(self, system_id: str | None) -> list[Seat]:
        return [seat for seat in self._running.switchboard if system_id in (None, seat.account)]

    # Sessions and time.

    def _wake_at(self, at: float) -> None:
        """Call `run_due` at `at`, unless it is called earlier anyway."""
        if self._wake_handle is not None:
            if self._wakes_at <= at:
                return
            self._wake_handle.cancel()
        sleep_seconds = max(at - time.monotonic(), _SHORTEST_SLEEP_SECONDS)
        self._wakes_at = at
        self._wake_handle = asyncio.get_running_loop().call_later(sleep_seconds, self._wake)

    def _wake(self) -> None:
        self._wake_handle = None
        self._running.run_due()

    def _hold_reading(self, is_held: bool) -> None:
        self._running.holds_reading = is_held
        for seat in self._running.switchboard:
            seat.session.hold_reading(is_held)

    # The log.

    async def _flush_log(self) -> None:
        log = self._log
        assert log is not None
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                log.flush()
            except LogBroken as exc:
                self._note_fault(exc)

    def _note_fault(self, fault: LogBroken) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(fault)
            self._failed.exception()  # retrieved: whoever waits still gets it, nobody waiting is no error

    def _start_task(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _mode_of(self, session: Session, bind: BindRequest) -> str:
        """What a client has bound as, behind what a wire makes of it."""
        wire = self._wires.get(session)
        if wire is not None and wire.is_transmitter:
            return BindMode.TRANSMITTER.value
        return mode_of(bind)

    def _forget_wire(self, session: Session) -> None:
        self._wires.pop(session, None)

    def _put_wire_before(self, session: Session) -> asyncio.Protocol:
        """What stands between a session and its connection: a bad wire where the profile asks for one."""
        if not self._has_bad_wire:
            return session
        wire = self._wires[session] = Wire(session, self.profile)
        session.call_when_closed(lambda _: self._forget_wire(session))
        return wire

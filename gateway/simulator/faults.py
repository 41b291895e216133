"""What goes wrong by itself while a simulator runs: drops, unbinds, silences, stalls, in the profile's time.

Owns when and on whom. Refuses to know what a fault does to a session beyond asking for it.
"""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Final

from gateway.session.session import Session
from gateway.simulator.profile import FaultRules, Range
from gateway.simulator.profile_sessions import DropForm, UnbindForm
from gateway.simulator.profile_values import draw_from
from gateway.simulator.wire import Wire
from gateway.smpp.constants import CommandId
from gateway.smpp.pdus import UnknownPdu

if TYPE_CHECKING:
    from gateway.simulator.exchange import Exchange
    from gateway.simulator.switchboard import Seat

_SHORTEST_PAUSE_SECONDS: Final = 0.001
_UNBIND_SECONDS: Final = 2.0
"""What a client gets for its last answers when the simulator unbinds."""

_HASTY_UNBIND_NUMBER: Final = 0x40000001
"""Nobody waits for its answer: the connection is gone."""


class Faults:
    """Breaks one seat after the other. `wires` are those of the sessions that have one; `stall` stops all."""

    def __init__(
        self,
        rules: FaultRules,
        exchange: "Exchange",
        *,
        wires: Mapping[Session, Wire],
        stall: Callable[[float], None],
        random: Random,
    ) -> None:
        self._rules = rules
        self._exchange = exchange
        self._wires = wires
        self._stall = stall
        self._random = random
        self._turn = 0

    async def run(self) -> None:
        """Make everything happen in its time, until cancelled."""
        rules = self._rules
        plans: tuple[tuple[float | Range, Callable[[], object]], ...] = (
            (rules.drop_every_seconds, self._drop_next),
            (rules.unbind_every_seconds, self._unbind_next),
            (rules.half_open_every_seconds, self._silence_next),
            (rules.forget_every_seconds, self._forget_next),
            (rules.stall_every_seconds, lambda: self._stall(rules.stall_seconds)),
        )
        async with asyncio.TaskGroup() as group:
            for period, act in plans:
                if period != 0:
                    group.create_task(self._repeat(period, act))
            if rules.reads_per_second is not None:
                self._exchange.holds_reading = True
                group.create_task(self._repeat(1 / rules.reads_per_second, self._read_once))

    def drop(self, seat: "Seat", reason: str) -> None:
        """Cut the connection of a seat as the profile has it."""
        self._exchange.stats.drops += 1
        wire = self._wires.get(seat.session)
        if self._rules.drop is DropForm.RESET and wire is not None:
            wire.reset()
        else:
            seat.session.hang_up(reason)

    async def unbind(self, seat: "Seat") -> None:
        """Unbind a seat as the profile has it."""
        if self._rules.unbind is UnbindForm.ORDERLY:
            await seat.session.unbind(drain_seconds=_UNBIND_SECONDS)
            return
        seat.session.answer(UnknownPdu(CommandId.UNBIND.value, sequence_number=_HASTY_UNBIND_NUMBER))
        seat.session.hang_up("unbound in haste")

    async def _repeat(self, period_seconds: float | Range, act: Callable[[], object]) -> None:
        while True:
            pause_seconds = draw_from(period_seconds, self._random)
            await asyncio.sleep(max(pause_seconds, _SHORTEST_PAUSE_SECONDS))
            outcome = act()
            if asyncio.iscoroutine(outcome):
                await outcome

    def _next_seat(self) -> "Seat | None":
        seats = list(self._exchange.switchboard)
        self._turn += 1
        return seats[self._turn % len(seats)] if seats else None

    def _drop_next(self) -> None:
        if (seat := self._next_seat()) is not None:
            self.drop(seat, "dropped by the profile")

    async def _unbind_next(self) -> None:
        if (seat := self._next_seat()) is not None:
            await self.unbind(seat)

    def _silence_next(self) -> None:
        seat = self._next_seat()
        if seat is not None and (wire := self._wires.get(seat.session)) is not None:
            self._exchange.stats.silences += 1
            wire.go_silent()

    def _forget_next(self) -> None:
        if (seat := self._next_seat()) is not None:
            seat.is_forgotten = True

    def _read_once(self) -> None:
        """Let every session read once; the exchange holds it again as soon as something has come."""
        if not self._exchange.desk.is_stalled:
            for seat in self._exchange.switchboard:
                seat.session.hold_reading(False)

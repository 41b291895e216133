"""What happens to a line, fault by fault: each a short script that a `FaultProxy` plays while messages flow.

Owns the list, the order of blows and what each may leave behind. Knows no gateway and no database. After a
script the line takes connections and passes octets as it should; a connection that fell silent stays silent,
for the gateway to find out.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final, TypeAlias

from bench.fault_connection import UNHURT, End, Manner, Toward, Tripwire
from bench.fault_proxy import FaultProxy

Script: TypeAlias = Callable[[FaultProxy, Random], Awaitable[None]]

_BINDS: Final = 2
_BLOWS: Final = 3
_EVERY_LINE: Final = _BINDS * _BLOWS
_BETWEEN_BLOWS_SECONDS: Final = 1.5
"""Longer than a bind takes to come back the first time, so that each blow meets a bound session."""
_TRIP_SECONDS: Final = 5.0
_COMMIT: Final = b"COMMIT"
LATENCY: Final = Manner(delay_seconds=0.2)
JITTER: Final = Manner(jitter_seconds=0.2)
OCTETWISE: Final = Manner(is_octetwise=True)
HELD: Final = Manner(is_held=True)
SLOW_CARRIER: Final = Manner(octets_per_second=6_000)
"""Some 50 submits a second: a window of that many leaves within the time allowed for its answers."""
SLOW_DATABASE: Final = Manner(octets_per_second=100_000)


class Line(Enum):
    """The two lines of a gateway."""

    CARRIER = "carrier"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class LineFault:
    """One way in which a line breaks."""

    line: Line
    name: str
    seconds: float
    """About how long the script plays, for the pace of the load."""
    play: Script
    lines_lost: int = 0
    """Connections of a bind that are lost with what they carried, where two stand: so many windows may be of
    unknown outcome."""


def carrier_faults() -> tuple[LineFault, ...]:
    """Between the gateway and an SMSC."""
    return (
        LineFault(Line.CARRIER, "reset", 4.5, cut(End.RESET), lines_lost=_EVERY_LINE),
        LineFault(Line.CARRIER, "close", 4.5, cut(End.CLOSE), lines_lost=_EVERY_LINE),
        LineFault(
            Line.CARRIER, "cut inside a submit", 4.5, cut_inside(Toward.SERVER, End.CLOSE), lines_lost=_BLOWS
        ),
        LineFault(
            Line.CARRIER, "cut inside an answer", 4.5, cut_inside(Toward.CLIENT, End.CLOSE), lines_lost=_BLOWS
        ),
        LineFault(
            Line.CARRIER, "silent after N octets", 6, cut_inside(Toward.SERVER, End.STRAND), lines_lost=_BLOWS
        ),
        LineFault(
            Line.CARRIER, "half-close to the gateway", 4.5, half_close(Toward.CLIENT), lines_lost=_EVERY_LINE
        ),
        LineFault(
            Line.CARRIER, "half-close to the carrier", 4.5, half_close(Toward.SERVER), lines_lost=_EVERY_LINE
        ),
        LineFault(Line.CARRIER, "answers swallowed", 4, _swallow_answers, lines_lost=_BINDS),
        LineFault(Line.CARRIER, "black hole", 4, swallow_all(4), lines_lost=_BINDS),
        LineFault(Line.CARRIER, "refused", 4, refuse(3), lines_lost=_BINDS),
        LineFault(Line.CARRIER, "long stall", 6, shape(HELD, 6), lines_lost=_BINDS),
        LineFault(Line.CARRIER, "stall", 1, shape(HELD, 1)),
        LineFault(Line.CARRIER, "delay 200 ms", 3, shape(LATENCY, 3)),
        LineFault(Line.CARRIER, "jitter 0 to 200 ms", 3, shape(JITTER, 3)),
        LineFault(Line.CARRIER, "single octets", 3, shape(OCTETWISE, 3)),
        LineFault(Line.CARRIER, "slow reader", 4, shape(SLOW_CARRIER, 4, toward=Toward.SERVER)),
    )


def postgres_faults() -> tuple[LineFault, ...]:
    """Between the gateway and Postgres. None of them may leave a submit without an answer."""
    return (
        LineFault(Line.POSTGRES, "reset", 4.5, cut(End.RESET)),
        LineFault(Line.POSTGRES, "close", 4.5, cut(End.CLOSE)),
        LineFault(Line.POSTGRES, "cut inside a statement", 4.5, cut_inside(Toward.SERVER, End.RESET)),
        LineFault(Line.POSTGRES, "cut inside an answer", 4.5, cut_inside(Toward.CLIENT, End.RESET)),
        LineFault(Line.POSTGRES, "COMMIT lost", 4, meet_commits(End.RESET, passes=False)),
        LineFault(Line.POSTGRES, "COMMIT's answer lost", 4, meet_commits(End.RESET, passes=True)),
        LineFault(Line.POSTGRES, "silent at COMMIT", 4, meet_commits(End.STRAND, passes=True, times=1)),
        LineFault(Line.POSTGRES, "silent after N octets", 6, cut_inside(Toward.SERVER, End.STRAND)),
        LineFault(Line.POSTGRES, "answers swallowed", 4, _swallow_answers),
        LineFault(Line.POSTGRES, "half-close to the gateway", 4.5, half_close(Toward.CLIENT)),
        LineFault(Line.POSTGRES, "half-close to Postgres", 4.5, half_close(Toward.SERVER)),
        LineFault(Line.POSTGRES, "black hole", 5, swallow_all(5)),
        LineFault(Line.POSTGRES, "refused", 4, refuse(4)),
        LineFault(Line.POSTGRES, "stall beyond the lease", 12, shape(HELD, 12)),
        LineFault(Line.POSTGRES, "stall", 1.5, shape(HELD, 1.5)),
        LineFault(Line.POSTGRES, "delay 200 ms", 5, shape(LATENCY, 5)),
        LineFault(Line.POSTGRES, "jitter 0 to 200 ms", 5, shape(JITTER, 5)),
        LineFault(Line.POSTGRES, "single octets", 3, shape(OCTETWISE, 3)),
        LineFault(Line.POSTGRES, "slow reader", 4, shape(SLOW_DATABASE, 4)),
    )


def in_turn(*scripts: Script) -> Script:
    """One script after another."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        for script in scripts:
            await script(proxy, random)

    return play


def cut(end: End, *, times: int = _BLOWS) -> Script:
    """Every connection at once."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        for _ in range(times):
            await asyncio.sleep(_BETWEEN_BLOWS_SECONDS * random.uniform(0.5, 1))
            proxy.cut(end)

    return play


def cut_inside(toward: Toward, end: End, *, times: int = _BLOWS) -> Script:
    """One connection after an odd number of octets, so mostly inside a PDU or a row."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        for _ in range(times):
            await _trip(proxy, Tripwire(toward, end, after_octets=random.randrange(101, 3_000, 2)))
            await asyncio.sleep(_BETWEEN_BLOWS_SECONDS)

    return play


def half_close(toward: Toward, *, times: int = _BLOWS) -> Script:
    """FIN one way on every connection at once."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        for _ in range(times):
            await asyncio.sleep(_BETWEEN_BLOWS_SECONDS * random.uniform(0.5, 1))
            proxy.half_close(toward)

    return play


async def _swallow_answers(proxy: FaultProxy, random: Random) -> None:
    await asyncio.sleep(random.uniform(0.5, 1))
    proxy.strand_answers()
    await asyncio.sleep(3)
    proxy.mend()


def swallow_all(seconds: float) -> Script:
    """A black hole for so long."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        await asyncio.sleep(random.uniform(0.5, 1))
        proxy.swallow_all()
        await asyncio.sleep(seconds)
        proxy.mend()

    return play


def refuse(seconds: float) -> Script:
    """Nobody listens for a while, and what stood is reset."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        await asyncio.sleep(random.uniform(0.5, 1))
        proxy.refuse()
        proxy.cut(End.RESET)
        await asyncio.sleep(seconds)
        proxy.mend()

    return play


def shape(manner: Manner, seconds: float, *, toward: Toward | None = None) -> Script:
    """Octets pass in this manner for so long."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        await asyncio.sleep(random.uniform(0.3, 0.6))
        proxy.shape(manner, toward=toward)
        await asyncio.sleep(seconds)
        proxy.shape(UNHURT)

    return play


def meet_commits(end: End, *, passes: bool, times: int = 2 * _BLOWS) -> Script:
    """One connection at a COMMIT: that is swallowed, or carried out and its answer swallowed."""

    async def play(proxy: FaultProxy, random: Random) -> None:
        for _ in range(times):
            skips = random.randrange(8)
            await _trip(proxy, Tripwire(Toward.SERVER, end, pattern=_COMMIT, skips=skips, passes=passes))

    return play


async def _trip(proxy: FaultProxy, wire: Tripwire) -> None:
    """Lay the wire and wait until it is hit, or so little flows that it is not."""
    proxy.trip(wire)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(proxy.tripped.wait(), _TRIP_SECONDS)
    proxy.trip(None)

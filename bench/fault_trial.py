"""One fault, played on a line while messages flow, and what came of it.

Posts as a careful shop would: what has no answer is posted again with the same Idempotency-Key until it has
one. Looks at rows over a connection of its own, past the line that is broken. Knows no process and no proxy's
place: the site is given.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
import asyncpg

from bench.errors import BenchError
from bench.fault_account import Reckoning, read_taken, reckon, serial_of_text, text_of_serial
from bench.fault_proxy import FaultProxy
from bench.line_faults import LineFault
from gateway.domain.message import MessageState

_BATCH: Final = 10
_REQUESTS_UNDER_WAY: Final = 32
_REQUEST_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.25
"""Between two tries of a request. Shorter than `Retry-After` asks, so that a recovery is seen at once."""
_POLL_SECONDS: Final = 0.1
_AFTER_SECONDS: Final = 1.0
"""How long the load goes on behind the fault."""
_PATIENCE_SECONDS: Final = 90.0
"""What a recovery may take; a statement's own deadline of 30 s is the longest that it waits for."""

_WAITING_ROWS = """
SELECT count(*) FROM message m LEFT JOIN message_state s USING (shop_id, id, slot)
WHERE m.text LIKE 'fault run %' AND coalesce(s.state, 2) < 5
"""
"""Scheduled, queued, sending and sent; what was never claimed has no state yet."""
_ROWS = """
SELECT m.text, coalesce(s.state, 2) AS state
FROM message m LEFT JOIN message_state s USING (shop_id, id, slot)
WHERE m.text LIKE 'fault run %'
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway with one shop, whose SMSC is a simulator that keeps a log."""

    session: aiohttp.ClientSession
    url: str
    key: str
    dsn: str
    """Postgres itself, not through a proxy."""
    log: Path
    window: int
    """Submits that a bind may have under way."""
    is_bound: Callable[[], Awaitable[bool]]
    """Whether every bind is up; false, too, while the gateway cannot say."""
    is_balanced: Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault left behind."""

    fault: LineFault
    accepted: tuple[int, ...]
    """Serials that were answered 202."""
    reckoning: Reckoning
    recovery_seconds: float
    """From the line whole again to the end of a message that was posted then."""
    is_balanced: bool
    window: int
    refused_requests: int
    """Answers 409, 429 and 5xx, after which the request was repeated."""
    unanswered_requests: int
    """Requests without an answer in time, repeated too."""

    @property
    def unexplained(self) -> int:
        """Of unknown outcome beyond the windows that the fault took."""
        return max(0, len(self.reckoning.unknown) - self.fault.lines_lost * self.window)

    @property
    def is_good(self) -> bool:
        wrong = len(self.reckoning.lost) + len(self.reckoning.doubled) + self.unexplained
        return wrong == 0 and self.is_balanced

    @property
    def summary(self) -> str:
        """One line for whoever looks on."""
        found = self.reckoning
        return (
            f"{self.fault.line.value}, {self.fault.name}: {len(self.accepted)} accepted, "
            f"{len(found.lost)} lost, {len(found.doubled)} doubled, {len(found.unknown)} unknown, "
            f"back after {self.recovery_seconds:.1f} s, "
            f"ledger {'balanced' if self.is_balanced else 'DOES NOT BALANCE'}"
        )


@dataclass(slots=True)
class _Load:
    """What one trial has posted so far."""

    accepted: list[int] = field(default_factory=list)
    refused: int = 0
    unanswered: int = 0


async def suffer(
    site: Site, proxy: FaultProxy, fault: LineFault, serials: Sequence[int], random: Random
) -> Outcome:
    """Play `fault` while `serials` are sent, the last few of them when the line is whole again.

    Raises `BenchError` when the gateway has not recovered by itself after 90 s.
    """
    load = _Load()
    early, late = serials[:-_BATCH], serials[-_BATCH:]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_send(site, load, early, seconds=fault.seconds + _AFTER_SECONDS))
        await fault.play(proxy, random)
        whole_at = time.monotonic()
        await _post(site, load, late)
        await _wait(site, fault, lambda: _have_ended(site, late))
        recovery_seconds = time.monotonic() - whole_at
    await _wait(site, fault, lambda: _is_at_rest(site))
    return Outcome(
        fault=fault,
        accepted=tuple(load.accepted),
        reckoning=await reckon_now(site, load.accepted),
        recovery_seconds=recovery_seconds,
        is_balanced=await site.is_balanced(),
        window=site.window,
        refused_requests=load.refused,
        unanswered_requests=load.unanswered,
    )


async def reckon_now(site: Site, accepted: Sequence[int]) -> Reckoning:
    """Compare log and rows as they are at this moment."""
    rows = await _fetch(site, _ROWS)
    taken: Counter[int] = await asyncio.to_thread(read_taken, site.log)
    found = ((serial_of_text(row["text"]), MessageState(row["state"])) for row in rows)
    return reckon(accepted, taken, ((serial, state) for serial, state in found if serial is not None))


async def _send(site: Site, load: _Load, serials: Sequence[int], *, seconds: float) -> None:
    """Post all of them, evenly over this time whether or not they are answered."""
    places = asyncio.Semaphore(_REQUESTS_UNDER_WAY)
    batches = [serials[first : first + _BATCH] for first in range(0, len(serials), _BATCH)]

    async def post(batch: Sequence[int]) -> None:
        async with places:
            await _post(site, load, batch)

    async with asyncio.TaskGroup() as tasks:
        for batch in batches:
            tasks.create_task(post(batch))
            await asyncio.sleep(seconds / len(batches))


async def _post(site: Site, load: _Load, serials: Sequence[int]) -> None:
    """Post one batch until it is answered 202."""
    items = [
        {"to": f"+336{serial:08d}", "from": "ESTAFETTE", "text": text_of_serial(serial)} for serial in serials
    ]
    headers = {"Authorization": f"Bearer {site.key}", "Idempotency-Key": f"fault-run-{serials[0]}"}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    said = "nothing"
    while time.monotonic() < deadline:
        try:
            async with site.session.post(
                f"{site.url}/v1/messages/batch",
                json={"messages": items},
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS),
            ) as response:
                said = f"{response.status} {await response.text()}"
                if response.status == 202 and '"refused":0,' in said:
                    load.accepted += serials
                    return
                if response.status < 500 and response.status not in (409, 429):
                    raise BenchError(f"a batch was answered {said[:300]}")
                load.refused += 1
        except (aiohttp.ClientError, TimeoutError) as exc:
            said = repr(exc)
            load.unanswered += 1
        await asyncio.sleep(_PAUSE_SECONDS)
    raise BenchError(f"a batch was not taken for {_PATIENCE_SECONDS:.0f} s; last: {said}")


async def _wait(site: Site, fault: LineFault, fact: Callable[[], Awaitable[bool]]) -> None:
    """Until it is so. Raises `BenchError` with what is still under way."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not await fact():
        if time.monotonic() > deadline:
            states = Counter(MessageState(row["state"]).word for row in await _fetch(site, _ROWS))
            raise BenchError(
                f"“{fault.name}” was over {_PATIENCE_SECONDS:.0f} s ago and not all is at rest: "
                f"{dict(states)}, bound: {await site.is_bound()}"
            )
        await asyncio.sleep(_POLL_SECONDS)


async def _have_ended(site: Site, serials: Sequence[int]) -> bool:
    wanted = {text_of_serial(serial) for serial in serials}
    ended = [row for row in await _fetch(site, _ROWS) if row["state"] >= MessageState.DELIVERED]
    return wanted <= {row["text"] for row in ended}


async def _is_at_rest(site: Site) -> bool:
    (row,) = await _fetch(site, _WAITING_ROWS)
    return row["count"] == 0 and await site.is_bound()


async def _fetch(site: Site, sql: str) -> "list[asyncpg.Record]":
    connection = await asyncpg.connect(site.dsn)
    try:
        return await connection.fetch(sql)
    finally:
        with contextlib.suppress(TimeoutError):
            await connection.close(timeout=5)

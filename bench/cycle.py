"""`bench cycle`: the full durable cycle, from a queued message to the answer of its receipt.

Messages are taken in over the API while sending is held; then everything is released and timed until the last
receipt is stored and answered. With acceptance, nothing is held and the clock starts with the first request.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError
from bench.figures import Figures
from bench.parameters import describe
from bench.recipients import batches
from bench.server import Carrier, Server, start_server
from bench.smsc import Smsc, SmscCounts, start_smsc

_BATCH_SIZE = 1000
_POLL_SECONDS = 0.2
_SILENCE_SECONDS = 30.0
"""Without any progress for so long, the run has failed."""


DEFAULT_CARRIER = Carrier(connectors=2, binds=1, window=1000, parts_per_second=20_000)


@dataclass(frozen=True, slots=True)
class CycleOptions:
    """What one run does; the rate counts messages, whatever number of parts each has."""

    messages: int
    parts: int = 1
    smsc: str | None = None
    carrier: Carrier = DEFAULT_CARRIER
    with_acceptance: bool = False
    workers: int = 1


def run_cycle(options: CycleOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    with (
        start_smsc(options.smsc) as smsc,
        start_server(smsc, options.carrier, workers=options.workers) as server,
    ):
        return measure_cycle(options, smsc, server)


def measure_cycle(options: CycleOptions, smsc: Smsc, server: Server) -> Figures:
    """The same with a server and an SMSC that run already, whatever they did before."""
    bodies = batches(options.messages, parts=options.parts, batch_size=_BATCH_SIZE)
    if not options.with_acceptance:
        server.hold()
        server.send_batches(bodies)
    smsc.begin()
    end = _End(options, smsc, server)
    before = server.costs.read()
    started = time.time()
    if options.with_acceptance:
        server.send_batches(bodies)
    else:
        server.release()
    counts = end.wait()
    seconds = (counts.last_answer if counts else time.time()) - started
    parameters = describe(server, smsc, options.carrier, recipients=options.messages)
    parameters |= {
        "parts": options.parts,
        "with_acceptance": options.with_acceptance,
        "latency": "submit_sm to deliver_sm_resp of its receipt, at the sink" if counts else "not measured",
    }
    own: dict[str, float] = {}
    if counts:
        parameters["sink_window_peak"] = counts.most_in_window
        parameters["quarters"] = quarters = rates_of_quarters(end.seconds(), options.messages * options.parts)
        own["first_submit_ms"] = (counts.first_submit - started) * 1000
        if quarters:
            own["last_quarter_share"] = quarters[3] / quarters[0]
    return Figures(
        name="cycle",
        messages=options.messages,
        seconds=seconds,
        rate_per_second=options.messages / seconds,
        parts_per_second=options.messages * options.parts / seconds,
        p50_ms=counts.p50_ms if counts else 0.0,
        p99_ms=counts.p99_ms if counts else 0.0,
        cost=server.costs.since(before, options.messages),
        ledger_balanced=server.is_balanced(),
        own=own,
        parameters=parameters,
    )


class _End:
    """The end of a run: every receipt is answered, and the database says that every message ended."""

    def __init__(self, options: CycleOptions, smsc: Smsc, server: Server) -> None:
        self._messages = options.messages
        self._parts = options.parts
        self._smsc = smsc
        self._server = server
        self._answered_before = smsc.counts().receipts_answered if smsc.keeps_clock else 0
        self._finished_before = server.postgres.count_finished()

    def wait(self) -> SmscCounts | None:
        """The sink's counts, where it keeps any. Raises `BenchError` when nothing moves any more."""
        expected = self._messages * self._parts
        progress, changed_at = -1, time.monotonic()
        while True:
            self._server.costs.look()
            counts = self._smsc.counts() if self._smsc.keeps_clock else None
            done = (
                counts.receipts_answered - self._answered_before if counts else self._finished() * self._parts
            )
            if done >= expected and self._finished() == self._messages:
                return counts
            if done != progress:
                progress, changed_at = done, time.monotonic()
            elif time.monotonic() - changed_at > _SILENCE_SECONDS:
                raise BenchError(
                    f"{done:,} of {expected:,} parts have an answered receipt and nothing moved for "
                    f"{_SILENCE_SECONDS:.0f} s; counts: {counts}; "
                    f"status: {self._server.admin.get('/admin/status')}"
                )
            time.sleep(_POLL_SECONDS)

    def _finished(self) -> int:
        return self._server.postgres.count_finished() - self._finished_before

    def seconds(self) -> list[tuple[float, int]]:
        """The moment and the receipts answered in this run, each second."""
        lines: list[dict[str, Any]] = self._smsc.seconds()
        told = [(line["at"], line["receipts_answered"] - self._answered_before) for line in lines]
        return [(at, answered) for at, answered in told if answered > 0]


def rates_of_quarters(seconds: Sequence[tuple[float, int]], parts: int) -> list[float]:
    """Receipts answered a second in each quarter of the run; empty when it took only seconds."""
    rates: list[float] = []
    for quarter in range(4):
        inside = [
            (at, answered)
            for at, answered in seconds
            if quarter * parts <= answered * 4 <= (quarter + 1) * parts
        ]
        if len(inside) < 2:
            return []
        (first_at, first), (last_at, last) = inside[0], inside[-1]
        rates.append(round((last - first) / (last_at - first_at), 1))
    return rates

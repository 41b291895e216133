"""`bench cycle`: the full durable cycle, from a queued message to the answer of its receipt.

Messages are taken in over the API while sending is held; then everything is released and timed until the last
receipt is stored and answered. With acceptance, nothing is held and the clock starts with the first request.
"""

import time
from dataclasses import dataclass

from bench.errors import BenchError
from bench.figures import Figures
from bench.recipients import COUNTRIES, batches, count_slots
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


def run_cycle(options: CycleOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    with start_smsc(options.smsc) as smsc, start_server(smsc, options.carrier) as server:
        bodies = batches(options.messages, parts=options.parts, batch_size=_BATCH_SIZE)
        if not options.with_acceptance:
            server.hold()
            server.send_batches(bodies)
        before = server.usage()
        started = time.time()
        if options.with_acceptance:
            server.send_batches(bodies)
        else:
            server.release()
        counts = _wait_for_end(server, smsc, options)
        ended = counts.last_answer if counts else time.time()
        after = server.usage()
        seconds = ended - started
        per_message = 1 / options.messages
        return Figures(
            name="cycle",
            messages=options.messages,
            seconds=seconds,
            rate_per_second=options.messages / seconds,
            parts_per_second=options.messages * options.parts / seconds,
            gateway_cpu_us=(after.gateway_cpu_seconds - before.gateway_cpu_seconds) * 1e6 * per_message,
            postgres_cpu_us=(after.postgres_cpu_seconds - before.postgres_cpu_seconds) * 1e6 * per_message,
            wal_bytes=(after.wal_octets - before.wal_octets) * per_message,
            disk_bytes=(after.database_octets - before.database_octets) * per_message,
            rss_peak_mb=server.peak_resident_mb(),
            pss_peak_mb=server.peak_proportional_mb,
            p50_ms=counts.p50_ms if counts else 0.0,
            p99_ms=counts.p99_ms if counts else 0.0,
            ledger_balanced=bool(server.ledger()["balanced"]),
            parameters=_describe(options, smsc, server, counts, started),
        )


def _wait_for_end(server: Server, smsc: Smsc, options: CycleOptions) -> SmscCounts | None:
    """Until every receipt is answered, and then until the database says that every message ended."""
    expected = options.messages * options.parts
    progress, changed_at = -1, time.monotonic()
    while True:
        server.sample_memory()
        counts = smsc.counts() if smsc.keeps_clock else None
        done = counts.receipts_answered if counts else server.postgres.count_finished() * options.parts
        if done >= expected and server.postgres.count_finished() == options.messages:
            return counts
        if done != progress:
            progress, changed_at = done, time.monotonic()
        elif time.monotonic() - changed_at > _SILENCE_SECONDS:
            raise BenchError(
                f"{done:,} of {expected:,} parts have an answered receipt and nothing moved for "
                f"{_SILENCE_SECONDS:.0f} s; counts: {counts}; status: {server.admin.get('/admin/status')}"
            )
        time.sleep(_POLL_SECONDS)


def _describe(
    options: CycleOptions, smsc: Smsc, server: Server, counts: SmscCounts | None, started: float
) -> dict[str, object]:
    described: dict[str, object] = {
        "smsc": smsc.kind,
        "parts": options.parts,
        "with_acceptance": options.with_acceptance,
        "connectors": options.carrier.connectors,
        "binds": options.carrier.binds,
        "window": options.carrier.window,
        "parts_per_second": options.carrier.parts_per_second,
        "slots": count_slots(options.messages),
        "countries": len(COUNTRIES),
        "shops": 1,
        "latency": "submit_sm to deliver_sm_resp of its receipt, at the sink" if counts else "not measured",
        "postgres": server.postgres.settings(),
    }
    if counts:
        described["first_submit_after_ms"] = round((counts.first_submit - started) * 1000, 1)
        described["sink_window_peak"] = counts.most_in_window
        described["quarters"] = _rates_of_quarters(smsc, options.messages * options.parts)
    return described


def _rates_of_quarters(smsc: Smsc, parts: int) -> list[float]:
    """Receipts answered a second in each quarter of the run; empty when it took only seconds."""
    seconds = smsc.seconds()
    rates: list[float] = []
    for quarter in range(4):
        inside = [
            line
            for line in seconds
            if quarter * parts <= line["receipts_answered"] * 4 <= (quarter + 1) * parts
        ]
        if len(inside) < 2:
            return []
        first, last = inside[0], inside[-1]
        rates.append(
            round((last["receipts_answered"] - first["receipts_answered"]) / (last["at"] - first["at"]), 1)
        )
    return rates

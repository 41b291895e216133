"""`bench inbound`: texts from handsets, each stored before the carrier hears that it was taken.

The sink has as many unanswered on each bind as a carrier would allow, and sends the next when one is
answered; with a rate below what the gateway takes, the latency is that of each text and not of its queue.
"""

import time
from dataclasses import dataclass

from bench.cycle import DEFAULT_CARRIER
from bench.errors import BenchError
from bench.figures import Figures
from bench.parameters import describe
from bench.server import Server, start_server
from bench.smsc import Smsc, SmscCounts, start_smsc

AS_FAST_AS_IT_GOES = 1_000_000
"""A second: more than any gateway takes."""
_POLL_SECONDS = 0.1
_SILENCE_SECONDS = 30.0
_UNANSWERED = 200
"""On one bind. 1,000 at 10,000 a second would wait for 100 ms, whatever the gateway does."""


@dataclass(frozen=True, slots=True)
class InboundOptions:
    messages: int = 200_000
    rate: int = AS_FAST_AS_IT_GOES


def run_inbound(options: InboundOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    sink = ["--mo-rate", str(options.rate), "--mo-count", str(options.messages), "--mo-waits"]
    sink += ["--receipt-window", str(_UNANSWERED)]
    with start_smsc(None, sink) as smsc, start_server(smsc, DEFAULT_CARRIER) as server:
        if not smsc.keeps_clock:
            raise BenchError("`bench inbound` needs a C compiler for its sink")
        before = server.costs.read()
        started = time.time()
        smsc.begin()
        counts = _wait_for_end(options, smsc, server)
        seconds = counts.last_answer - started
        cost = server.costs.since(before, options.messages)
        ((stored,),) = server.postgres.fetch("SELECT count(*) FROM inbound")
        parameters = describe(server, smsc, DEFAULT_CARRIER, recipients=options.messages)
        parameters |= {
            "asked_per_second": options.rate if options.rate < AS_FAST_AS_IT_GOES else "as many as it takes",
            "unanswered_per_bind": _UNANSWERED,
            "latency": "deliver_sm to deliver_sm_resp, at the sink",
        }
        whole = stored == options.messages
        return Figures(
            name="inbound",
            messages=options.messages,
            seconds=seconds,
            rate_per_second=options.messages / seconds,
            parts_per_second=options.messages / seconds,
            p50_ms=counts.p50_ms,
            p99_ms=counts.p99_ms,
            cost=cost,
            ledger_balanced=server.is_balanced(),
            own={"stored": stored},
            parameters=parameters,
            wrong=() if whole else (f"{stored:,} of {options.messages:,} acknowledged texts are stored",),
        )


def _wait_for_end(options: InboundOptions, smsc: Smsc, server: Server) -> SmscCounts:
    progress, changed_at = -1, time.monotonic()
    while True:
        server.costs.look()
        counts = smsc.counts()
        if counts.inbound_answered >= options.messages:
            return counts
        if counts.inbound_answered != progress:
            progress, changed_at = counts.inbound_answered, time.monotonic()
        elif time.monotonic() - changed_at > _SILENCE_SECONDS:
            raise BenchError(
                f"{progress:,} of {options.messages:,} texts answered, and nothing moves any more"
            )
        time.sleep(_POLL_SECONDS)

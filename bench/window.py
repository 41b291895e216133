"""`bench window`: how much of a slow carrier's window is used: one bind, and an answer that takes its time.

With W unanswered and an answer after L, no more than W ÷ L a second can leave. The share of that which does
is the figure: what is missing, the gateway was slow to put a submit_sm where an answer had made room.
"""

from dataclasses import dataclass, replace

from bench.cycle import CycleOptions, measure_cycle
from bench.errors import BenchError
from bench.figures import Figures
from bench.server import Carrier, start_server
from bench.smsc import start_smsc


@dataclass(frozen=True, slots=True)
class WindowOptions:
    messages: int = 10_000
    window: int = 10
    latency_ms: float = 20.0


def run_window(options: WindowOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    if options.messages <= options.window:
        raise BenchError(f"{options.messages} messages are no more than the window of {options.window}")
    carrier = Carrier(connectors=1, binds=1, window=options.window, parts_per_second=20_000)
    with (
        start_smsc(None, ["--latency-ms", str(options.latency_ms)]) as smsc,
        start_server(smsc, carrier) as server,
    ):
        if not smsc.keeps_clock:
            raise BenchError("`bench window` needs a C compiler for its sink")
        figures = measure_cycle(CycleOptions(options.messages, carrier=carrier), smsc, server)
        counts = smsc.counts()
    # The first W need no answer: at the limit the last of N leaves N ÷ W − 1 latencies after the first.
    rate = (options.messages - options.window) / (counts.last_submit - counts.first_submit)
    limit = options.window / (options.latency_ms / 1000)
    return replace(
        figures,
        name="window",
        rate_per_second=rate,
        parts_per_second=rate,
        own={**figures.own, "limit_per_second": limit, "share_of_limit": rate / limit},
        parameters={**figures.parameters, "smsc_latency_ms": options.latency_ms},
    )

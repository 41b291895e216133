"""`bench connectors`: many slow connectors at once, and how late each part is against an even schedule.

Every connector has a queue and a speed; the sink notes when each of its parts came. The schedule of a
connector has one part each 1 ÷ speed, and begins where none of its parts is before its time: what comes in a
burst, or is not made up for, makes all others late.
"""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from bench.cycle import CycleOptions, measure_cycle
from bench.errors import BenchError
from bench.figures import Figures, share_within
from bench.server import Carrier, start_server
from bench.smsc import start_smsc

_WARM_UP_SECONDS = 2.0
_SPARE = 1.25
"""The route draws a connector for each message; the one with fewest needs parts to the end too."""


@dataclass(frozen=True, slots=True)
class ConnectorsOptions:
    connectors: int = 200
    binds: int = 2
    parts_per_second: float = 20.0
    seconds: float = 60.0


def run_connectors(options: ConnectorsOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when a connector had too few parts to be judged."""
    carrier = Carrier(options.connectors, options.binds, window=50, parts_per_second=options.parts_per_second)
    each = options.parts_per_second * (options.seconds + 2 * _WARM_UP_SECONDS) * _SPARE
    messages = int(each * options.connectors)
    with tempfile.TemporaryDirectory(prefix="estafette-bench-journal-") as folder:
        journal = Path(folder) / "journal"
        with (
            start_smsc(None, ["--quiet"], journal=journal) as smsc,
            start_server(smsc, carrier) as server,
        ):
            if not smsc.keeps_clock:
                raise BenchError("`bench connectors` needs a C compiler for its sink")
            figures = measure_cycle(CycleOptions(messages, carrier=carrier), smsc, server)
        arrivals = read_arrivals(journal)
    if len(arrivals) != options.connectors:
        raise BenchError(f"parts came by {len(arrivals)} of {options.connectors} connectors")
    from_second = min(times[0] for times in arrivals.values()) + _WARM_UP_SECONDS
    lates: list[float] = []
    gaps: list[float] = []
    fewest = int(options.parts_per_second * options.seconds)
    measured = 0
    for times in arrivals.values():
        within = [at for at in times if from_second <= at < from_second + options.seconds]
        if times[-1] < from_second + options.seconds:
            raise BenchError(f"a connector ran out of parts; {len(times)} came by it")
        measured += len(within)
        lates += lateness(within, options.parts_per_second)
        gaps += late_gaps(within, options.parts_per_second)
    lates.sort()
    gaps.sort()
    rate = measured / options.seconds
    return replace(
        figures,
        name="connectors",
        rate_per_second=rate,
        parts_per_second=rate,
        own={
            "late_p50_ms": share_within(lates, 0.5) * 1000,
            "late_p99_ms": share_within(lates, 0.99) * 1000,
            "late_p999_ms": share_within(lates, 0.999) * 1000,
            "late_max_ms": lates[-1] * 1000,
            "gap_p99_ms": share_within(gaps, 0.99) * 1000,
            "gap_p999_ms": share_within(gaps, 0.999) * 1000,
            "share_of_limit": measured / (fewest * options.connectors),
        },
        parameters={**figures.parameters, "seconds_measured": options.seconds},
    )


def read_arrivals(journal: Path) -> dict[str, list[float]]:
    """When each submit_sm came, by the system_id of its bind, from the sink's journal."""
    system_ids: dict[str, str] = {}
    arrivals: dict[str, list[float]] = defaultdict(list)
    with journal.open(encoding="latin-1") as lines:
        for line in lines:
            event, at, session, rest = line.split(" ", 3)
            if event == "B":
                system_ids[session] = rest.strip()
            elif event == "S":
                arrivals[system_ids[session]].append(float(at))
    return dict(arrivals)


def lateness(times: Sequence[float], per_second: float) -> list[float]:
    """Seconds by which each part is late against the even schedule on which none is early."""
    behind = [at - index / per_second for index, at in enumerate(times)]
    start = min(behind, default=0.0)
    return [each - start for each in behind]


def late_gaps(times: Sequence[float], per_second: float) -> list[float]:
    """Seconds by which each part came too long after the one before it; 0 where it did not."""
    return [max(0.0, after - before - 1 / per_second) for before, after in pairwise(times)]

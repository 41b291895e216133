"""One measurement as one JSON object: the keys that every benchmark prints, and the median of repeats."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from statistics import median


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU, WAL and disk are those of one message; memory is of the gateway without Postgres and sink."""

    name: str
    messages: int
    seconds: float
    rate_per_second: float
    parts_per_second: float
    gateway_cpu_us: float
    postgres_cpu_us: float
    wal_bytes: float
    disk_bytes: float
    rss_peak_mb: float
    pss_peak_mb: float
    p50_ms: float
    p99_ms: float
    ledger_balanced: bool
    parameters: dict[str, object] = field(default_factory=dict)

    def as_document(self) -> dict[str, object]:
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def take_median(runs: Sequence[Figures]) -> Figures:
    """Each figure's median; balanced only if all runs were. The rates of all stand in `parameters`."""
    if len(runs) == 1:
        return runs[0]
    numbers = {
        each.name: median(getattr(run, each.name) for run in runs)
        for each in fields(Figures)
        if isinstance(getattr(runs[0], each.name), float)
    }
    rates = [round(run.rate_per_second, 1) for run in runs]
    return replace(
        runs[0],
        **numbers,
        ledger_balanced=all(run.ledger_balanced for run in runs),
        parameters={**runs[0].parameters, "repeats": len(runs), "rates_of_repeats": rates},
    )

"""One measurement as one JSON object: the keys that every benchmark prints, and the median of repeats."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from statistics import median

from bench.cost import Cost


@dataclass(frozen=True, slots=True)
class Figures:
    """What one benchmark found. `own` has the figures that only this benchmark has, by their names."""

    name: str
    messages: int
    seconds: float
    rate_per_second: float
    parts_per_second: float
    p50_ms: float
    p99_ms: float
    cost: Cost
    ledger_balanced: bool
    own: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, object] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    """What else is not as it must be, in words; empty in a good run."""

    @property
    def is_good(self) -> bool:
        return self.ledger_balanced and not self.wrong

    def as_document(self) -> dict[str, object]:
        """Flat but for `parameters`, which has the CPU by process too."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        del told["cost"], told["own"], told["parameters"], told["wrong"]
        document = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in {**told, **self.cost.as_document(), **self.own}.items()
        }
        document["wrong"] = list(self.wrong)
        document["parameters"] = {**self.parameters, "cpu_seconds": self.cost.cpu_seconds}
        return document


def take_median(runs: Sequence[Figures]) -> Figures:
    """Each figure's median; good only if all runs were. The rates of all stand in `parameters`."""
    if len(runs) == 1:
        return runs[0]
    first = runs[0]
    numbers = {
        each.name: median(getattr(run, each.name) for run in runs)
        for each in fields(Figures)
        if isinstance(getattr(first, each.name), float)
    }
    cost = {
        each.name: median(getattr(run.cost, each.name) for run in runs)
        for each in fields(Cost)
        if isinstance(getattr(first.cost, each.name), float)
    }
    rates = [round(run.rate_per_second, 1) for run in runs]
    return replace(
        first,
        **numbers,
        cost=replace(first.cost, **cost),
        own={
            name: median(run.own[name] for run in runs)
            for name in first.own
            if all(name in run.own for run in runs)
        },
        ledger_balanced=all(run.ledger_balanced for run in runs),
        wrong=tuple(dict.fromkeys(words for run in runs for words in run.wrong)),
        parameters={**first.parameters, "repeats": len(runs), "rates_of_repeats": rates},
    )


def share_within(values: Sequence[float], share: float) -> float:
    """The smallest of the sorted `values` that `share` of them do not exceed; 0 where there are none."""
    if not values:
        return 0.0
    return values[min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))]

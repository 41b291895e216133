"""The figures of several processes as those of one server: each value with a label that says whose it is.

Knows the text format of Prometheus and no figure by name but the one that it adds. Nothing is summed: a
counter of one process never turns into that of another, and whoever asks may sum.
"""

from collections.abc import Mapping
from typing import Final

from gateway.oncall.metrics import CATALOGUE

LABEL: Final = "worker"
_UP: Final = CATALOGUE["estafette_worker_up"]


def merge_metrics(texts: Mapping[int, bytes | None]) -> bytes:
    """One text out of each worker's, by its number; None for a worker that did not answer."""
    heads: dict[str, list[str]] = {_UP.name: [f"# HELP {_UP.name} {_UP.meaning}", f"# TYPE {_UP.name} gauge"]}
    samples: dict[str, list[str]] = {
        _UP.name: [
            f'{_UP.name}{{{LABEL}="{number}"}} {float(text is not None)}' for number, text in texts.items()
        ]
    }
    for number, text in texts.items():
        family = ""
        for line in (text or b"").decode().splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                heads.setdefault(family, [line])
                samples.setdefault(family, [])
            elif line.startswith("# TYPE "):
                if len(heads[family]) == 1:
                    heads[family].append(line)
            elif line:
                samples[family].append(_label(line, number))
    lines = [line for family, head in heads.items() for line in (*head, *samples[family])]
    return ("\n".join(lines) + "\n").encode()


def _label(sample: str, number: int) -> str:
    """`name{a="b"} 1` or `name 1` with the label before all others."""
    name_ends = min(at for at in (sample.find("{"), sample.find(" ")) if at > 0)
    name, rest = sample[:name_ends], sample[name_ends:]
    if rest.startswith("{"):
        return f'{name}{{{LABEL}="{number}",{rest[1:]}'
    return f'{name}{{{LABEL}="{number}"}}{rest}'

"""What a reading of the configuration found wrong, as values and in words.

Knows no key and no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path

from gateway.errors import EstafetteError


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong (`ERROR`) or doubtful (`WARNING`) at one path of a configuration file."""

    severity: Severity
    path: str
    """Such as `connectors[0].window`; empty when the file as a whole is meant."""
    message: str

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{self.severity.value}: {place}{self.message}"


class ConfigError(EstafetteError):
    """A configuration that cannot be used; `findings` holds every reason found in one reading."""

    def __init__(self, source: Path, findings: tuple[Finding, ...]) -> None:
        self.source = source
        self.findings = findings
        lines = "".join(f"\n  {finding}" for finding in findings)
        super().__init__(f"{source} cannot be used; correct it, then run `estafette check-config`:{lines}")


def name_nearest(word: str, known: Sequence[str], *, otherwise: bool = True) -> str:
    """A clause naming the known word nearest to `word`; with `otherwise`, all of them when none is near."""
    nearest = get_close_matches(word, known, n=1, cutoff=0.6)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    if not otherwise:
        return ""
    return f"; known here: {', '.join(known) or 'none'}"

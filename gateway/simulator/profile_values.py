"""Scales and small values that several families of profile keys share. Holds no key of its own."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=604_800)]
Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]
Status = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Refusal = Annotated[int, Meta(ge=1, le=0xFFFFFFFF)]
"""A `command_status` that refuses."""


class Range(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evenly spread between two bounds."""

    least: Annotated[float, Meta(ge=0, le=604_800)]
    """The lower bound."""
    most: Annotated[float, Meta(ge=0, le=604_800)]
    """The upper bound, not below the lower one."""


class Chance(Protocol):
    """As much of `random.Random` as a range asks for."""

    def uniform(self, a: float, b: float) -> Any:
        """A number from `a` to `b`."""


def draw_from(span: float | Range, chance: Chance) -> float:
    """The number itself, or one out of the range."""
    return float(chance.uniform(span.least, span.most)) if isinstance(span, Range) else span

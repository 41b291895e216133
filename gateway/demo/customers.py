"""The demonstration's customers, and what the shop writes to each.

The people are invented, and their numbers are of the French range reserved for works of fiction, 06 39 98 00
00 to 06 39 98 99 99. Six of them are the simulator's numbers of set outcome: one message fails, one expires,
one is refused, one is throttled first, one gets its receipt twice.
"""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Final

import yaml

from gateway.demo.errors import DemoError
from gateway.domain.template import Template, compile_template

VARIANTS: Final = ("plain",) * 6 + ("emoji", "emoji", "long", "long_emoji")
"""Kinds of text in turn over the customers; `texts.yaml` says what they are."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One row of the file, as written there."""

    phone: str
    first_name: str
    last_name: str
    language: str
    city: str
    order: str


def read_customers() -> list[Customer]:
    """The customers of the file that comes with the program."""
    rows = csv.DictReader(_read("contacts.csv").splitlines())
    try:
        return [Customer(**row) for row in rows]
    except TypeError as exc:
        raise DemoError("contacts.csv of the demo lacks a column; install the program again") from exc


def write_texts(customers: list[Customer]) -> Iterator[tuple[Customer, str]]:
    """Each customer with a text in their language, the variants in turn."""
    templates = _read_templates()
    for place, customer in enumerate(customers):
        template = templates[customer.language, VARIANTS[place % len(VARIANTS)]]
        yield customer, template.render(asdict(customer))


def _read_templates() -> dict[tuple[str, str], Template]:
    return {
        (language, variant): compile_template(text, known_fields=Customer.__slots__)
        for language, texts in yaml.safe_load(_read("texts.yaml")).items()
        for variant, text in texts.items()
    }


def _read(name: str) -> str:
    return files("gateway.demo").joinpath(name).read_text(encoding="utf-8")

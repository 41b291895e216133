"""What a person types to find messages, read into the API's parameters. Pure.

`+33612…` is a number, `msg_…` an id, `cmp_…` a campaign, `state:failed country:FR` are fields; anything else
is looked for in the text.
"""

from collections.abc import Mapping
from typing import Final

FIELDS: Final = {
    "state": "state",
    "country": "country",
    "campaign": "campaign_id",
    "failure": "failure_class",
    "to": "to",
    "id": "id",
}
_NUMBER_DIGITS: Final = 6
"""From here on digits are a number; fewer are something in a text, such as a code."""


def read_search(typed: str) -> dict[str, str]:
    """The parameters of one line; a later word of a kind replaces an earlier one."""
    query: dict[str, str] = {}
    words = []
    for word in typed.split():
        name, colon, value = word.partition(":")
        digits = word.removeprefix("+").removeprefix("00")
        if colon and name.lower() in FIELDS and value:
            query[FIELDS[name.lower()]] = value
        elif word.startswith("msg_"):
            query["id"] = word
        elif word.startswith("cmp_"):
            query["campaign_id"] = word
        elif digits.isdigit() and (word.startswith("+") or len(digits) >= _NUMBER_DIGITS):
            query["to"] = word if digits.startswith("0") else f"+{digits}"
        else:
            words.append(word)
    if words:
        query["q"] = " ".join(words)
    return query


def show_search(query: Mapping[str, str]) -> str:
    """The line that would be read as `query`."""
    names = {parameter: name for name, parameter in FIELDS.items()}
    parts = [
        value if parameter in ("q", "to", "id", "campaign_id") else f"{names[parameter]}:{value}"
        for parameter, value in query.items()
        if parameter in names or parameter == "q"
    ]
    return " ".join(parts)

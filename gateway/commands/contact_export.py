"""`estafette contact export`: people as CSV that a spreadsheet opens without running anything.

Streamed page by page. Columns are the fixed fields and every field of the shop's own; the first line names
them as `contact import` knows them.
"""

import csv
import json
from collections.abc import Iterable
from typing import Any, Final, TextIO

from gateway.commands.admin_client import AdminClient
from gateway.commands.paging import read_pages

_FIXED: Final = ("number", "first_name", "last_name", "language", "country", "time_zone")
_LAST: Final = ("marketing_consent", "suppressed", "source", "created_at", "id")
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_people(client: AdminClient, shop: str, list_id: str | None, out: TextIO, *, as_json: bool) -> None:
    """Everybody, or the members of a list; `as_json` writes one JSON object a line."""
    people = read_pages(client, f"{shop}/contacts", "contacts", {"list": list_id} if list_id else None)
    if as_json:
        for person in people:
            out.write(json.dumps(person, ensure_ascii=False) + "\n")
        return
    fields = [each["name"] for each in client.get(f"{shop}/contact-fields")["fields"]]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_FIXED, "tags", *fields, *_LAST])
    for person in people:
        writer.writerow(_list_cells(person, fields))


def _list_cells(person: dict[str, Any], fields: Iterable[str]) -> list[str]:
    return [
        *(_write_cell(person[name], is_number=name == "number") for name in _FIXED),
        _write_cell(", ".join(person["tags"])),
        *(_write_cell(person["attributes"].get(name)) for name in fields),
        *(_write_cell(person[name]) for name in _LAST),
    ]


def _write_cell(value: object, *, is_number: bool = False) -> str:
    """Text that would begin a formula gets an apostrophe before it; a number's `+` begins none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if isinstance(value, str) and not is_number and text.startswith(_STARTS_A_FORMULA):
        return f"'{text}"
    return text

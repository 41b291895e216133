"""CSV of people: readable by a spreadsheet, running nothing in it."""

import csv
import io
from pathlib import Path
from typing import Any

from gateway.commands.admin_client import AdminClient
from gateway.commands.contact_export import write_people

ANNA = {
    "id": "ctc_0000000000A",
    "number": "+33612345678",
    "country": "FR",
    "first_name": '=HYPERLINK("http://x")',
    "last_name": "Rossi, née “Verdi”",
    "language": None,
    "time_zone": "Europe/Paris",
    "tags": ["-vip", "b"],
    "attributes": {"points": -3, "vip": False, "note": "@SUM(A1)"},
    "source": "api",
    "marketing_consent": "opted_in",
    "suppressed": "none",
    "created_at": "2026-03-01T10:00:00Z",
}


class TwoPages(AdminClient):
    """A shop of two people on two pages."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.asked: list[dict[str, str]] = []

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        if path.endswith("/contact-fields"):
            return {"fields": [{"name": name} for name in ("points", "vip", "note", "unused")]}
        self.asked.append(query or {})
        is_first = len(self.asked) == 1
        return {"contacts": [ANNA], "next_cursor": ANNA["id"] if is_first else None}


def test_every_page_is_written_and_text_that_would_be_a_formula_is_not() -> None:
    out, client = io.StringIO(), TwoPages()
    write_people(client, "/admin/shops/x", "lst_0000000000A", out, as_json=False)
    header, first, second = csv.reader(io.StringIO(out.getvalue()))
    assert first == second
    cells = dict(zip(header, first, strict=True))
    assert cells["number"] == "+33612345678"
    assert cells["first_name"] == '\'=HYPERLINK("http://x")'
    assert cells["last_name"] == "Rossi, née “Verdi”"
    assert cells["tags"] == "'-vip, b"
    assert (cells["points"], cells["vip"], cells["note"], cells["unused"]) == ("-3", "no", "'@SUM(A1)", "")
    assert [asked.get("cursor") for asked in client.asked] == [None, ANNA["id"]]
    assert {asked["list"] for asked in client.asked} == {"lst_0000000000A"}

"""Whom a word of the command line means: one contact, by number or by id."""

from typing import Any
from urllib.parse import quote

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError
from gateway.commands.paging import read_pages


def find_person(client: AdminClient, shop: str, person: str) -> dict[str, Any]:
    """The contact of this id or number. Raises `CommandError` when there is none."""
    if person.startswith("ctc_"):
        found: dict[str, Any] = client.get(f"{shop}/contacts/{quote(person, safe='')}")
        return found
    people = list(read_pages(client, f"{shop}/contacts", "contacts", {"q": person}))
    if len(people) != 1:
        what = "nobody has" if not people else f"{len(people)} people have"
        raise CommandError(f"{what} {person}; write the whole number, or an id")
    return people[0]

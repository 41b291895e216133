"""Listings of the admin API read page by page, so that a million rows never stand in memory."""

from collections.abc import Iterator
from typing import Any

from gateway.commands.admin_client import AdminClient

_PAGE = 200


def read_pages(
    client: AdminClient, path: str, plural: str, query: dict[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Every item of a listing, which the answers carry under `plural`. Raises what the client raises."""
    cursor: str | None = ""
    while cursor is not None:
        wanted = {**(query or {}), "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
        answer = client.get(path, wanted)
        yield from answer[plural]
        cursor = answer["next_cursor"]

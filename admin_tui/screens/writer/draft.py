"""What a person has written of a campaign so far, as the writer holds it.

Owns the shape between the form and the server's campaign. Knows no widgets and no HTTP: the steps change a
draft by `replace`, the screen sends `body()`, and `unfinished()` says which steps still need an answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

DEFAULT_PAUSE_PERCENT = 20
DEFAULT_LINK_NAME = "link"
_ADDRESS = re.compile(r"https?://[^\s/.]+\.[^\s]+\Z")


class Step(Enum):
    """The writer's steps, in the order in which they are walked."""

    KIND = "kind"
    AUDIENCE = "audience"
    MESSAGE = "message"
    SENDER = "sender"
    TIME = "time"
    CHECK = "check"
    TEST = "test"
    START = "start"


@dataclass(frozen=True, slots=True)
class DraftLink:
    """A link of the campaign: the name that the text uses and where it leads."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One campaign being written. `id` and `version` are None until the server has kept it once."""

    id: str | None = None
    version: int | None = None
    name: str = ""
    category: str = "marketing"
    text: str = ""
    sender: str | None = None
    language: str | None = None
    links: tuple[DraftLink, ...] = ()
    lists: tuple[str, ...] = ()
    exclude_lists: tuple[str, ...] = ()
    exclude_received_days: int | None = None
    start_at: str | None = None
    spread_seconds: int | None = None
    send_until: str | None = None
    parts_per_second: float | None = None
    pause_at_failed_percent: int = DEFAULT_PAUSE_PERCENT

    @classmethod
    def of_campaign(cls, campaign: Mapping[str, Any]) -> "Draft":
        """The draft that a campaign of the server holds; whatever is missing keeps its default."""
        audience = campaign.get("audience") or {}
        return cls(
            id=campaign.get("id"),
            version=campaign.get("version"),
            name=campaign.get("name") or "",
            category=campaign.get("category") or "marketing",
            text=campaign.get("text") or "",
            sender=campaign.get("sender"),
            language=campaign.get("language"),
            links=tuple(DraftLink(link["name"], link["url"]) for link in campaign.get("links") or ()),
            lists=tuple(audience.get("lists") or ()),
            exclude_lists=tuple(audience.get("exclude_lists") or ()),
            exclude_received_days=audience.get("exclude_received_days"),
            start_at=campaign.get("start_at"),
            spread_seconds=campaign.get("spread_seconds"),
            send_until=campaign.get("send_until"),
            parts_per_second=campaign.get("parts_per_second"),
            pause_at_failed_percent=campaign.get("pause_at_failed_percent") or DEFAULT_PAUSE_PERCENT,
        )

    def body(self) -> dict[str, Any]:
        """The JSON that creates the campaign or, with `version` beside it, changes it."""
        return {
            "name": self.name,
            "category": self.category,
            "text": self.text,
            "sender": self.sender,
            "language": self.language,
            "links": [{"name": link.name, "url": link.url} for link in self.links],
            "audience": {
                "lists": list(self.lists),
                "exclude_lists": list(self.exclude_lists),
                "exclude_received_days": self.exclude_received_days,
            },
            "start_at": self.start_at,
            "spread_seconds": self.spread_seconds,
            "send_until": self.send_until,
            "parts_per_second": self.parts_per_second,
            "pause_at_failed_percent": self.pause_at_failed_percent,
        }

    def is_blank(self) -> bool:
        """Nothing was written that anybody would miss."""
        return not (self.name.strip() or self.text.strip() or self.lists or self.links)

    def unfinished(self) -> frozenset[Step]:
        """The steps without which the campaign cannot be checked or started."""
        missing = set()
        if not self.name.strip():
            missing.add(Step.KIND)
        if not self.lists:
            missing.add(Step.AUDIENCE)
        if not self.text.strip():
            missing.add(Step.MESSAGE)
        return frozenset(missing)

    def next_link_name(self) -> str:
        """`link`, then `link2`, `link3`: the first name that no link of this draft has."""
        taken = {link.name for link in self.links}
        if DEFAULT_LINK_NAME not in taken:
            return DEFAULT_LINK_NAME
        number = 2
        while f"{DEFAULT_LINK_NAME}{number}" in taken:
            number += 1
        return f"{DEFAULT_LINK_NAME}{number}"


def is_address(url: str) -> bool:
    """True for what may be a web address; the server judges where it may lead."""
    return _ADDRESS.match(url) is not None

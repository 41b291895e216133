"""Alerts as JSON, for the status, the console's frame and `GET /admin/alerts`."""

from collections.abc import Iterable

from gateway.oncall.book import Entry
from gateway.oncall.telling import write_moment


def show_alert(entry: Entry) -> dict[str, object]:
    alert = entry.alert
    return {
        "kind": alert.kind.value,
        "subject": alert.subject,
        "shop": alert.shop,
        "sentence": alert.sentence,
        "raised_at": write_moment(entry.raised_at),
        "told_at": write_moment(entry.told_at),
        "gone_since": write_moment(entry.held_at) if entry.is_gone else None,
        "cleared_at": None if entry.cleared_at is None else write_moment(entry.cleared_at),
        "times_told": entry.times_told,
    }


def show_briefly(entries: Iterable[Entry], shop: str | None) -> list[dict[str, str]]:
    """For a frame: those of a shop, or of everyone where `shop` is None, and those of no shop."""
    return [
        {"code": entry.alert.kind.value, "sentence": entry.alert.sentence}
        for entry in entries
        if entry.alert.shop is None or shop is None or entry.alert.shop == shop
    ]

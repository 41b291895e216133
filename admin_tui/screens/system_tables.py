"""The tables of the system screen: keys, shops, the log of what people did, and the nodes."""

from typing import Final

from rich.text import Text

from admin_tui.client import Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, day_time, span
from admin_tui.states import DULL, show_state
from admin_tui.tables import PAGE_ROWS, PagedTable, Source

_KEYS: Final = (
    Column("id", "system.id", 5, align="right"),
    Column("shop", "system.shop", 12, grows=True),
    Column("mode", "system.mode", 6),
    Column("hint", "system.hint", 16),
    Column("label", "system.label", 12, rank=1, grows=True),
    Column("created", "system.created", 11, rank=2),
    Column("state", "system.state", 15),
)
_SHOPS: Final = (
    Column("name", "system.shop_name", 16, grows=True),
    Column("country", "system.country", 7),
    Column("currency", "system.currency", 8, rank=3),
    Column("sender", "system.sender", 11),
    Column("countries", "system.countries", 14, rank=2, grows=True),
    Column("spend", "system.spend_day", 12, align="right", rank=1),
    Column("state", "system.state", 9),
)
_AUDIT: Final = (
    Column("at", "system.at", 11),
    Column("actor", "system.actor", 12),
    Column("action", "system.action", 16),
    Column("subject", "system.subject", 20, grows=True),
)
_NODES: Final = (
    Column("node", "system.node_no", 4, align="right"),
    Column("state", "system.state", 11),
    Column("host", "system.host", 12, grows=True),
    Column("renewed", "system.renewed", 8, align="right"),
    Column("binds", "system.binds", 7, align="right"),
    Column("slots", "system.slots", 5, align="right", rank=1),
    Column("lag", "system.lag", 6, align="right", rank=2),
    Column("waiting", "system.to_be_stored_short", 9, align="right", rank=3),
    Column("version", "system.version", 8, rank=4),
)


def make_keys_table(desk: Desk) -> PagedTable:
    """The keys of the shops that the person sees."""

    def make_row(key: Json) -> Row:
        revoked_at = desk.local(key["revoked_at"])
        state = (
            Text(f"✖ {desk.say('system.revoked_at', at=f'{revoked_at:%m-%d}')}", style=DULL)
            if revoked_at is not None
            else Text(f"● {desk.say('system.valid')}", style="green")
        )
        return Row(
            str(key["id"]),
            {
                "id": str(key["id"]),
                "shop": key["shop"],
                "mode": desk.say(f"system.mode_{key['mode']}"),
                "hint": key["hint"],
                "label": key["label"] or NOTHING,
                "created": day_time(desk.local(key["created_at"]), desk.now()),
                "state": state,
            },
        )

    return PagedTable(desk, _KEYS, Source(lambda: "/admin/keys", "keys", make_row, limit=None), id="keys")


def make_shops_table(desk: Desk) -> PagedTable:
    """The shops that the person sees."""

    def make_row(shop: Json) -> Row:
        is_closed = shop.get("closed_at") is not None
        state = (
            Text(f"■ {desk.say('system.closed')}", style=DULL)
            if is_closed
            else Text(f"● {desk.say('system.open')}", style="green")
        )
        return Row(
            shop["name"],
            {
                "name": shop["name"],
                "country": shop["country"],
                "currency": shop["currency"],
                "sender": shop.get("default_sender") or NOTHING,
                "countries": " ".join(shop.get("countries", ())),
                "spend": shop.get("spend_day") or NOTHING,
                "state": state,
            },
        )

    return PagedTable(desk, _SHOPS, Source(lambda: "/admin/shops", "shops", make_row, limit=None), id="shops")


def make_audit_table(desk: Desk) -> PagedTable:
    """What people did, the newest first; it follows while it is looked at."""

    def make_row(note: Json) -> Row:
        return Row(
            note["id"],
            {
                "at": day_time(desk.local(note["at"]), desk.now()),
                "actor": note["actor"],
                "action": note["action"],
                "subject": note["subject"],
            },
        )

    def oldest(answer: Json) -> str | None:
        notes = answer["audit"]
        return notes[-1]["id"] if len(notes) == PAGE_ROWS else None

    source = Source(lambda: "/admin/audit", "audit", make_row, cursor="before", next_cursor=oldest)
    return PagedTable(desk, _AUDIT, source, id="audit")


def make_nodes_table(desk: Desk) -> PagedTable:
    """The nodes that share the database, with the one that answers marked."""
    words = desk.words

    def make_row(node: Json) -> Row:
        is_there, lag = node["state"] != "gone", node["lag"]
        waiting = lag.get("intake_rows_waiting", 0) + lag.get("outcomes_waiting", 0)
        up = sum(bind["is_up"] for bind in node["binds"])
        return Row(
            str(node["node"]),
            {
                "node": f"{'▸' if node['is_this'] else ''}{node['node']}",
                "state": show_state(words, node["state"]),
                "host": node["host"],
                "renewed": span(words, node["renewed_seconds_ago"]),
                "binds": f"{up}/{len(node['binds'])}" if is_there else NOTHING,
                "slots": words.number(node["slots"]) if is_there else NOTHING,
                "lag": f"{lag.get('loop_lag_seconds', 0) * 1000:.0f} ms" if is_there else NOTHING,
                "waiting": words.number(waiting) if is_there else NOTHING,
                "version": node["version"],
            },
        )

    source = Source(lambda: "/admin/nodes", "nodes", make_row, limit=None)
    return PagedTable(desk, _NODES, source, id="nodes")

"""The full verification: every rollup recounted from rows, every message's rows held against one another.

Owns what is compared, what cannot be and why, and the words for what differs. The counting is the store's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any, Final

from gateway.domain.campaign import Exclusion
from gateway.domain.clicks import Device, Verdict
from gateway.domain.delays import DelayKind, seconds_of
from gateway.domain.failures import FailureClass
from gateway.domain.lanes import Category, Lane
from gateway.domain.ledger import TAKEN_IN, LedgerReport
from gateway.domain.message import MessageState
from gateway.domain.people import OptoutWay
from gateway.domain.public_ids import PublicPrefix, encode_public_id
from gateway.ledger.accounts import compare
from gateway.store.database import Connection, Database
from gateway.store.evidence import ReceiptOutcome
from gateway.store.ledger import count_ledger_within
from gateway.store.partitions import list_partition_days
from gateway.store.recounts import (
    Astray,
    Difference,
    Limits,
    Span,
    TableRecount,
    find_astray,
    find_keys_astray,
    open_snapshot,
    read_limits,
    read_names,
    recount_tables,
)
from gateway.store.rollups import NO_STATUS

Names = Mapping[tuple[str, int], str]

_WHAT: Final = {
    "stat_hour": "messages by hour, shop, connector, country, lane, currency, state and failure",
    "stat_shop": "messages by day, shop, category, lane, currency and state",
    "stat_campaign": "messages by campaign, hour, country, lane, currency, state and failure",
    "stat_submission": "submitted parts by hour, connector, state and status",
    "stat_receipt": "receipts by hour, connector and what was done with them",
    "stat_failure": "failures of campaigns by lane and class",
    "stat_delay": "waits of campaigns for receipts and clicks",
    "stat_click": "clicks by campaign, link, hour, country, verdict and device",
    "click_person": "people who clicked, by campaign",
    "stat_optout": "opt-outs by campaign, hour and way",
    "stat_order": "orders by campaign, hour, country and currency",
    "stat_exclusion": "people left out of campaigns, by reason",
    "campaign_progress": "recipients by campaign and slot",
    "contact_list": "members of lists",
    "ledger_day": "messages of sealed days, by state",
}
_NOT_RECOUNTED: Final = {
    "stat_submission": "the status of parts without an answer: a late one is written into their row later",
    "stat_receipt": "what became of a receipt after it was counted; its first outcome counts",
    "stat_failure": "carriers' codes: a message also keeps the codes of its earlier attempts",
    "stat_optout": "opt-outs that answer no campaign, and countries: consents keep neither",
}
_BY_CAMPAIGN: Final = frozenset({"stat_failure", "stat_delay", "click_person"})
"""Tables without a moment: only campaigns whose every message is there can be recounted."""

_ASTRAY: Final[Mapping[str, tuple[str, PublicPrefix]]] = {
    "parts_and_receipts": ("parts and receipts belong to a message that was sent", "msg"),
    "states": ("states agree with what they entered and when", "msg"),
    "waiting": ("what waits has the lane and category of its message", "msg"),
    "unknown": ("the list of unknown outcomes names unknown messages only", "msg"),
    "events": ("webhook events belong to messages", "msg"),
    "replies": ("answers that are owed belong to texts that came", "mo"),
    "orders": ("orders and the keys that find them belong together", "ord"),
    "keys": ("answers kept for idempotency keys name messages that exist", "msg"),
}


@dataclass(frozen=True, slots=True)
class TableCheck:
    """One rollup beside its rows. `sentences` name the first differences, `note` what was not recounted."""

    table: str
    what: str
    compared: int
    differing: int
    differences: tuple[Difference, ...]
    sentences: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class RowCheck:
    """Rows that must agree with others: how many do not, and the first of them."""

    name: str
    found: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that was recounted in one snapshot of the database."""

    first: date
    last: date
    """The last day, included."""
    seconds: float
    ledger: LedgerReport
    tables: tuple[TableCheck, ...]
    rows: tuple[RowCheck, ...]

    @property
    def differences(self) -> int:
        """Keys, rows and pairs that differ."""
        return (
            sum(table.differing for table in self.tables)
            + sum(check.found for check in self.rows)
            + sum(not pair.agrees for pair in self.ledger.pairs)
        )

    def as_json(self) -> dict[str, object]:
        """The form of `estafette ledger --verify --json` and of the admin API."""
        return {
            "verified": not self.differences,
            "differences": self.differences,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "seconds": round(self.seconds, 2),
            "ledger": self.ledger.as_json(),
            "tables": [
                {
                    "table": check.table,
                    "what": check.what,
                    "compared": check.compared,
                    "differing": check.differing,
                    "not_recounted": check.note or None,
                    "differences": [
                        {
                            "key": each.key,
                            "rows": each.by_rows,
                            "rollup": each.by_rollup,
                            "sentence": sentence,
                        }
                        for each, sentence in zip(check.differences, check.sentences, strict=True)
                    ],
                }
                for check in self.tables
            ],
            "rows": [
                {"name": check.name, "found": check.found, "ids": list(check.ids)} for check in self.rows
            ],
        }


async def verify_ledger(
    database: Database,
    *,
    now: datetime,
    lookup_days: int,
    first: date | None = None,
    last: date | None = None,
) -> Verification:
    """Recount everything, or what was accepted on the UTC days from `first` to `last`, both included.

    Reads every row of those days; one snapshot, so traffic that goes on does not blur it. `lookup_days` is
    how long carriers' ids are kept.
    """
    days = await list_partition_days(database)
    today = now.astimezone(UTC).date()
    span = Span(
        _midnight(first or min([today, *days])), _midnight((last or max([today, *days])) + timedelta(days=1))
    )
    lookups_since = _midnight((now - timedelta(days=lookup_days - 2)).date())
    async with open_snapshot(database) as connection:
        return await verify_within(
            connection, span, lookups_since=lookups_since, is_whole=first is None and last is None
        )


async def verify_within(
    connection: Connection, span: Span, *, lookups_since: datetime, is_whole: bool
) -> Verification:
    """The same within the caller's snapshot. `is_whole`: of all days there are."""
    began = monotonic()
    limits = await read_limits(connection)
    names = await read_names(connection)
    tables = [
        _check(recount, limits, names)
        async for recount in recount_tables(connection, span, limits, is_whole=is_whole)
    ]
    astray = [found async for found in find_astray(connection, span, limits)]
    counts = await count_ledger_within(connection, span.first, span.last, lookups_since=lookups_since)
    astray.append(("keys", await find_keys_astray(connection, span, limits)))
    return Verification(
        first=span.first.date(),
        last=(span.last - timedelta(days=1)).date(),
        seconds=monotonic() - began,
        ledger=compare(counts),
        tables=tuple(tables),
        rows=tuple(_name_rows(astray)),
    )


def _check(recount: TableRecount, limits: Limits, names: Names) -> TableCheck:
    return TableCheck(
        table=recount.table,
        what=_WHAT[recount.table],
        compared=recount.compared,
        differing=recount.differing,
        differences=recount.differences,
        sentences=tuple(_describe(recount.table, each, names) for each in recount.differences),
        note=_note(recount.table, limits),
    )


def _note(table: str, limits: Limits) -> str:
    notes = [_NOT_RECOUNTED[table]] if table in _NOT_RECOUNTED else []
    if table in _BY_CAMPAIGN and limits.older_campaigns:
        notes.append(
            f"{limits.older_campaigns:,} campaigns made before the end of {limits.sealed_days:,} sealed "
            "days: rows of theirs were dropped"
        )
    if table == "stat_click" and limits.sealed_days:
        notes.append("days beside a sealed one: a click at midnight may have its row in either")
    return "; ".join(notes)


def _name_rows(astray: Iterable[tuple[str, Astray]]) -> Iterable[RowCheck]:
    for asked, found in astray:
        name, prefix = _ASTRAY[asked]
        yield RowCheck(name, found.found, tuple(encode_public_id(prefix, each) for each in found.ids))


def _describe(table: str, difference: Difference, names: Names) -> str:
    """The key in words, and both counts of whatever differs."""
    key = ", ".join(
        _word(name, difference.key[name], names) for name in sorted(difference.key, key=_PLACES.index)
    )
    counts = [
        f"rows say {_show_count(name, count)} {_unit(name)}, "
        f"{table} says {_show_count(name, difference.by_rollup[name])}"
        for name, count in difference.by_rows.items()
        if count != difference.by_rollup[name]
    ]
    return f"{key}: {'; '.join(counts)}"


def _word(name: str, value: Any, names: Names) -> str:
    """One column of a key, for a person. Numbers without a word stay numbers: they are what is wrong."""
    try:
        return f"{name.replace('_', ' ')} {_value(name, value, names)}"
    except ValueError:
        return f"{name.replace('_', ' ')} {value}"


def _value(name: str, value: Any, names: Names) -> str:
    match name:
        case "hour":
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H}:00 UTC"
        case "shop" | "connector":
            return names.get((name, value), f"number {value}")
        case "campaign":
            return encode_public_id("cmp", value) if value else "none"
        case "target":
            return encode_public_id("lnk", value) if value else "unsubscribe page"
        case "list":
            return encode_public_id("lst", value)
        case "state":
            return "taken in" if value == TAKEN_IN else MessageState(value).word
        case "command_status":
            return "none" if value == NO_STATUS else f"0x{value:02X}"
        case "bucket":
            return f"about {seconds_of(value):,.1f} s"
    words = _WORDS.get(name)
    return str(value) if words is None else words(value).name.lower()


_PLACES: Final = (
    "day", "hour", "shop", "campaign", "list", "connector", "target", "country", "category", "lane",
    "currency", "slot", "kind", "bucket", "way", "exclusion", "verdict", "device", "outcome", "state",
    "failure_class", "command_status",
)  # fmt: skip
"""Where the columns of a key stand in a sentence."""

_WORDS: Final[Mapping[str, Any]] = {
    "lane": Lane,
    "category": Category,
    "failure_class": FailureClass,
    "outcome": ReceiptOutcome,
    "kind": DelayKind,
    "verdict": Verdict,
    "device": Device,
    "way": OptoutWay,
    "exclusion": Exclusion,
}


def _unit(name: str) -> str:
    return f"{name.removesuffix('_micros')} (money)" if name.endswith("_micros") else name


def _show_count(name: str, count: int) -> str:
    return f"{count / 1_000_000:,.6f}" if name.endswith("_micros") else f"{count:,}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

"""The ledger of all days that have rows: counts of one snapshot, laid side by side."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from gateway.domain.ledger import LedgerPair, LedgerReport
from gateway.domain.message import COUNTED, MessageState
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.ledger import LedgerCounts, StateCount, count_ledger
from gateway.store.partitions import list_partition_days
from gateway.store.rollups import ACCEPTED

_NOWHERE = 0
_NONE = StateCount()


async def read_ledger(database: Database, *, now: datetime, lookup_days: int) -> LedgerReport:
    """Compare everything that must agree. `lookup_days` is how long carriers' ids are kept.

    Takes about a second for 200,000 messages; traffic goes on meanwhile and does not blur it.
    """
    days = await list_partition_days(database)
    today = now.astimezone(UTC).date()
    first = min([today, *days])
    last = max([today, *days]) + timedelta(days=1)
    return await read_ledger_of_days(database, first, last, now=now, lookup_days=lookup_days)


async def read_ledger_of_days(
    database: Database, first: date, last: date, *, now: datetime, lookup_days: int
) -> LedgerReport:
    """The ledger of messages accepted from `first` to before `last`, UTC days."""
    lookups_since = _midnight((now - timedelta(days=lookup_days - 2)).date())
    counts = await count_ledger(database, _midnight(first), _midnight(last), lookups_since=lookups_since)
    return compare(counts)


def compare(counts: LedgerCounts) -> LedgerReport:
    """Lay the counts side by side."""
    messages = sum(counts.standing.values())
    standing = messages - counts.standing.get(_NOWHERE, 0)
    pairs = [
        LedgerPair(
            "every message is in one state",
            "taken_in",
            messages,
            "in_a_state",
            standing,
            _names(counts.misplaced),
        ),
        LedgerPair(
            "every state has its message",
            "rows_without_message",
            len(counts.without_message),
            "expected",
            0,
            _names(counts.without_message),
        ),
    ]
    for state in (ACCEPTED, *COUNTED):
        pairs.extend(_state_pairs(state, counts))
    pairs += [
        LedgerPair(
            "part states agree with answers",
            "parts_at_fault",
            len(counts.unbacked),
            "expected",
            0,
            _names(counts.unbacked),
        ),
        _pair("submissions", counts.submissions),
        _pair("receipts matched", counts.receipts),
        _pair("receipts without a message", counts.unmatched),
        _pair("carrier ids kept for receipts", counts.lookups, counts.lookups_at_fault),
        LedgerPair(
            "messages without an answer are listed",
            "unknown",
            counts.unanswered[0],
            "listed",
            counts.unanswered[1],
            _names(counts.unanswered_at_fault),
        ),
        LedgerPair(
            "delivered parts have a delivered receipt",
            "delivered_parts",
            counts.delivered_parts[0],
            "with_receipt",
            counts.delivered_parts[1],
            _names(counts.undelivered),
        ),
        *_campaign_pairs(counts),
    ]
    return LedgerReport(
        pairs=tuple(pairs),
        messages=messages,
        messages_by_state={_word(state): count for state, count in sorted(counts.standing.items())},
        parts_by_state={_word(state): count for state, count in sorted(counts.parts.items())},
        receipts_unmatched_open=counts.unmatched_open,
        receipts_inferred=counts.inferred,
    )


def _campaign_pairs(counts: LedgerCounts) -> list[LedgerPair]:
    """Nobody whom a campaign was frozen for is lost, and everybody has one message or a reason."""
    people = counts.campaign_people
    return [
        LedgerPair("people of campaigns", "rows", people.people, "noted", people.people_noted),
        LedgerPair("people left out", "rows", people.excluded, "rollup", people.excluded_counted),
        LedgerPair("recipients with a message", "rows", people.expanded, "noted", people.expanded_noted),
        LedgerPair(
            "every recipient's message exists once",
            "given",
            counts.campaign_messages[0],
            "found",
            counts.campaign_messages[1],
            _names(counts.campaign_messages_at_fault),
        ),
    ]


def _state_pairs(state: int, counts: LedgerCounts) -> list[LedgerPair]:
    recount = counts.recount.get(state, _NONE)
    rollup = counts.rollup.get(state, _NONE)
    shops = counts.rollup_shops.get(state, _NONE)
    campaigns = counts.rollup_campaigns.get(state, _NONE)
    word = "taken in" if state == ACCEPTED else MessageState(state).word
    pairs = [
        LedgerPair(f"messages {word}", "rows", recount.messages, "rollup", rollup.messages),
        LedgerPair(f"parts {word}", "rows", recount.parts, "rollup", rollup.parts),
        LedgerPair(f"cost {word} in millionths", "rows", recount.cost_micros, "rollup", rollup.cost_micros),
        LedgerPair(f"shops' messages {word}", "rows", recount.shop_messages, "rollup", shops.messages),
        LedgerPair(
            f"shops' cost {word} in millionths", "rows", recount.shop_cost_micros, "rollup", shops.cost_micros
        ),
        LedgerPair(
            f"campaigns' messages {word}", "rows", recount.campaign_messages, "rollup", campaigns.messages
        ),
        LedgerPair(
            f"campaigns' cost {word} in millionths",
            "rows",
            recount.campaign_cost_micros,
            "rollup",
            campaigns.cost_micros,
        ),
    ]
    # A state that nothing ever entered needs no five lines of zeros.
    return [pair for pair in pairs if pair.left or pair.right]


def _pair(name: str, counts: tuple[int, int], ids: Sequence[int] = ()) -> LedgerPair:
    return LedgerPair(name, "rows", counts[0], "counted", counts[1], _names(ids))


def _names(ids: Sequence[int]) -> tuple[str, ...]:
    return tuple(encode_public_id("msg", message_id) for message_id in ids)


def _word(state: int) -> str:
    return "nowhere" if state == _NOWHERE else MessageState(state).word


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

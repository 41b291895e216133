"""Our rows beside what the carrier wrote down: each submit that it took is one attempt of ours, each receipt
that we acknowledged is a row.

A submit whose id we know is found by it; any other is one of the attempts to its number that have no answer.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.domain.public_ids import encode_public_id
from gateway.ledger.carrier_log import CarrierLog, TakenSubmit
from gateway.store.carrier_attempts import (
    AttemptSeen,
    PartKey,
    SilentAttempts,
    count_unmatched_of,
    find_connector_ids,
    find_silent_attempts,
    page_attempts,
)
from gateway.store.database import Connection, Database
from gateway.store.recounts import look_up_by_key, open_snapshot

MOST_NAMED: Final = 20
UNDER_WAY_SECONDS: Final = 10.0
"""A submit that the carrier took so shortly before our snapshot may have its answer on the way to a row."""


@dataclass(slots=True)
class Finding:
    """One kind of difference: how many, and the first of them in words."""

    count: int = 0
    sentences: list[str] = field(default_factory=list)

    def note(self, sentence: str, times: int = 1) -> None:
        self.count += times
        if len(self.sentences) < MOST_NAMED:
            self.sentences.append(sentence)


@dataclass(slots=True)
class CarrierAccount:
    """One carrier's log beside our rows."""

    lines: int = 0
    taken: int = 0
    refused: int = 0
    answered: int = 0
    """Submits whose id stands in a row of ours."""
    unanswered: int = 0
    """Submits without: an attempt of ours without an answer explains each."""
    under_way: int = 0
    receipts_sent: int = 0
    receipts_acknowledged: int = 0
    lost: Finding = field(default_factory=Finding)
    """Answers in our rows for submits that the carrier never took."""
    unexplained: Finding = field(default_factory=Finding)
    """Submits that the carrier took and that no attempt of ours stands for."""
    doubled: Finding = field(default_factory=Finding)
    """Parts that the carrier took more than once."""
    receipts_missing: Finding = field(default_factory=Finding)
    """Receipts that we acknowledged and that have no row."""

    @property
    def differences(self) -> int:
        return self.lost.count + self.unexplained.count + self.doubled.count + self.receipts_missing.count

    def as_json(self) -> dict[str, object]:
        """The form of `estafette ledger --verify --carrier-log --json` and of the admin API."""
        return {
            "agrees": not self.differences,
            **{
                name: getattr(self, name)
                for name in (
                    "lines", "taken", "refused", "answered", "unanswered", "under_way", "receipts_sent",
                    "receipts_acknowledged",
                )
            },
            **{
                name: {"count": finding.count, "sentences": finding.sentences}
                for name, finding in self.findings.items()
            },
        }  # fmt: skip

    @property
    def findings(self) -> Mapping[str, Finding]:
        return {
            "lost": self.lost,
            "unexplained": self.unexplained,
            "doubled": self.doubled,
            "receipts_missing": self.receipts_missing,
        }


async def compare_with_carrier(
    database: Database,
    batches: AsyncIterable[Sequence[bytes]],
    *,
    connectors: Sequence[str],
    clock: Callable[[], datetime],
) -> CarrierAccount:
    """Lay the log of the carrier behind these connectors (none: behind all of them) beside our rows.
    `batches` are its lines, read after our snapshot was taken, so that it is never the older of the two.

    Raises `BadCarrierLog`, and `KeyError` for a connector that never was.
    """
    now = clock()
    async with open_snapshot(database) as connection:
        connector_ids = await find_connector_ids(connection, connectors)
        log = CarrierLog()
        async for lines in batches:
            log.read(lines, until=now.timestamp())
        await look_up_by_key(connection)
        return await _account_for(connection, log, connector_ids, now)


async def _account_for(
    connection: Connection, log: CarrierLog, connector_ids: Sequence[int], now: datetime
) -> CarrierAccount:
    """What is older than the log's first line is left out."""
    account = CarrierAccount(
        lines=log.lines,
        taken=len(log.taken),
        refused=log.refused,
        receipts_sent=log.receipts_sent,
        receipts_acknowledged=log.acknowledged.total(),
    )
    if log.first_at is None:
        return account
    since = datetime.fromtimestamp(log.first_at, UTC)
    ledger = _Matching(log, account, settled_at=now.timestamp() - UNDER_WAY_SECONDS)
    async for page, receipts in page_attempts(connection, connector_ids, since):
        ledger.take_answers(page, receipts)
    strangers = ledger.list_unmatched()
    addresses = sorted({submit.destination for submit in strangers if submit.destination.isascii()})
    ledger.take_silent(strangers, await find_silent_attempts(connection, addresses, since))
    ledger.tell_doubled()
    short = ledger.list_short_of_receipts()
    unmatched = await count_unmatched_of(connection, sorted({each.receipt_id for each in short}))
    ledger.tell_missing_receipts(short, unmatched)
    return account


class _Matching:
    """Which submit of the log is which attempt of ours."""

    def __init__(self, log: CarrierLog, account: CarrierAccount, *, settled_at: float) -> None:
        self._log = log
        self._settled_at = settled_at
        self._account = account
        self._waiting: defaultdict[str, list[TakenSubmit]] = defaultdict(list)
        for submit in reversed(log.taken):
            self._waiting[submit.carrier_id].append(submit)
        self._owned: defaultdict[PartKey, list[TakenSubmit]] = defaultdict(list)
        self._receipts: dict[PartKey, int] = {}

    def take_answers(self, page: Sequence[AttemptSeen], receipts: Mapping[PartKey, int]) -> None:
        for attempt in page:
            if attempt.carrier_id is None or attempt.command_status != 0:
                continue
            waiting = self._waiting.get(attempt.carrier_id)
            if not waiting and attempt.answered_at.timestamp() > self._settled_at:
                self._account.under_way += 1
            elif not waiting:
                self._account.lost.note(
                    f"{_show(attempt.message_id, attempt.part)} was answered with id {attempt.carrier_id}, "
                    "which the carrier's log does not have"
                )
            else:
                key = (attempt.message_id, attempt.part)
                self._owned[key].append(waiting.pop())
                self._receipts[key] = receipts.get(key, 0)
                self._account.answered += 1

    def list_unmatched(self) -> list[TakenSubmit]:
        return sorted(
            (submit for left in self._waiting.values() for submit in left), key=lambda each: each.at
        )

    def take_silent(self, submits: Sequence[TakenSubmit], attempts: Sequence[SilentAttempts]) -> None:
        """Give each submit without a known id to an attempt without an answer: to that of its text first, and
        to one that has no submit before one that has."""
        by_number: defaultdict[str, list[SilentAttempts]] = defaultdict(list)
        for attempt in attempts:
            by_number[attempt.address].append(attempt)
        given: Counter[PartKey] = Counter()
        for submit in submits:
            open_ones = [
                each
                for each in by_number[submit.destination]
                if given[each.message_id, each.part] < each.attempts
            ]
            if not open_ones:
                self._note_unexplained(submit)
                continue
            best = min(
                open_ones,
                key=lambda each: (
                    submit.text not in each.text,
                    each.part != submit.part,
                    len(self._owned.get((each.message_id, each.part), ())),
                    each.message_id,
                ),
            )
            key = (best.message_id, best.part)
            given[key] += 1
            self._owned[key].append(submit)
            self._receipts[key] = best.receipts
            self._account.unanswered += 1

    def _note_unexplained(self, submit: TakenSubmit) -> None:
        if submit.at > self._settled_at:
            self._account.under_way += 1
            return
        self._account.unexplained.note(
            f"the carrier took a submit to {submit.destination} at {_time(submit.at)} as "
            f"{submit.carrier_id}, and no attempt stands for it"
        )

    def tell_doubled(self) -> None:
        for (message_id, part), submits in self._owned.items():
            if len(submits) > 1:
                ids = " and ".join(submit.carrier_id for submit in submits)
                self._account.doubled.note(
                    f"{_show(message_id, part)} was taken {len(submits)} times, as {ids}", len(submits) - 1
                )

    def list_short_of_receipts(self) -> list[TakenSubmit]:
        """Submits of parts that acknowledged more receipts than they have rows."""
        return [
            submit
            for key, submits in self._owned.items()
            if sum(self._acknowledged(submit) for submit in submits) > self._receipts[key]
            for submit in submits
        ]

    def tell_missing_receipts(self, short: Sequence[TakenSubmit], unmatched: Mapping[str, int]) -> None:
        wanted = {id(submit) for submit in short}
        for key, submits in self._owned.items():
            if not any(id(submit) in wanted for submit in submits):
                continue
            acknowledged = sum(self._acknowledged(submit) for submit in submits)
            rows = self._receipts[key] + sum(unmatched.get(submit.receipt_id, 0) for submit in submits)
            if acknowledged > rows:
                self._account.receipts_missing.note(
                    f"{_show(*key)}: {acknowledged} receipts were acknowledged, {rows} are kept",
                    acknowledged - rows,
                )

    def _acknowledged(self, submit: TakenSubmit) -> int:
        return self._log.acknowledged.get(submit.receipt_id, 0)


def _show(message_id: int, part: int) -> str:
    return f"part {part + 1} of {encode_public_id('msg', message_id)}"


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"

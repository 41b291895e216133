"""The book of alerts: which stand, since when, how often they were told, and what is to be told now.

Pure but for its own memory; the clock is passed in. An alert is told when it begins, again each
`repeat_seconds`, and once more when it has ended. What only flickers is one alert, not many. With several
nodes each keeps the book of what it judges, and knows from rows what the others told.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gateway.oncall.alerts import Alert, AlertKey, AlertKind, shop_of
from gateway.oncall.duties import IsOurs
from gateway.store.alerts import AlertRow

CLEAR_SECONDS: Final = 60.0
"""For how long a trouble must be gone before its end is told."""

MOST_STANDING: Final = 500
"""Alerts that stand at one time; beyond them the least bad are not told, for nobody reads five hundred."""
KEPT_ENDED: Final = 50


class NoticeKind(Enum):
    """What is told of an alert."""

    RAISED = "raised"
    REPEATED = "repeated"
    CLEARED = "cleared"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Entry:
    """An alert in the book. `held_at` is when it was last seen to hold; `is_gone` while it did not at the
    last look and its end is not told yet."""

    alert: Alert
    raised_at: datetime
    told_at: datetime
    held_at: datetime
    times_told: int = 1
    cleared_at: datetime | None = None
    is_gone: bool = False
    node_no: int | None = None
    """Of the node that told it first."""

    def as_row(self) -> AlertRow:
        alert = self.alert
        return AlertRow(
            alert.kind.value,
            alert.subject,
            self.raised_at,
            self.told_at,
            self.cleared_at,
            self.times_told,
            alert.sentence,
            self.node_no,
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell now."""

    kind: NoticeKind
    entry: Entry


class AlertBook:
    """Alerts that stand and the newest that ended. `changed` holds what the rows do not have yet."""

    def __init__(self, node_no: int = 0) -> None:
        self._node_no = node_no
        self._standing: dict[AlertKey, Entry] = {}
        self._others: Sequence[Entry] = ()
        self.ended: deque[Entry] = deque(maxlen=KEPT_ENDED)
        """The newest first."""
        self.changed: dict[tuple[AlertKey, datetime], Entry] = {}

    @property
    def standing(self) -> Sequence[Entry]:
        """All, those that other nodes judge too; the worst first."""
        return sorted((*self._standing.values(), *self._others), key=lambda entry: entry.alert.rank)

    @property
    def own(self) -> Collection[Entry]:
        """Those that this node judges."""
        return self._standing.values()

    @property
    def keys(self) -> Collection[AlertKey]:
        return self._standing.keys()

    def load(
        self, standing: Iterable[AlertRow], ended: Iterable[AlertRow], now: datetime, is_ours: IsOurs
    ) -> None:
        """Compare with the rows: take over what an earlier process or another node told and is ours to judge
        now, so that nothing is told twice, and leave what has become another's to it, without a word."""
        entries = [entry for row in standing if (entry := _read(row, now)) is not None]

        def judges(entry: Entry) -> bool:
            return is_ours(entry.alert.kind, entry.alert.subject, entry.node_no)

        self._standing = {key: entry for key, entry in self._standing.items() if judges(entry)}
        self._others = [entry for entry in entries if not judges(entry)]
        for entry in filter(judges, entries):
            self._take_over(entry, now)
        known = {(entry.alert.key, entry.raised_at) for entry in self.ended}
        found = [entry for row in ended if (entry := _read(row, now)) is not None]
        fresh = [entry for entry in found if (entry.alert.key, entry.raised_at) not in known]
        if fresh:
            newest = sorted((*self.ended, *fresh), key=_find_end, reverse=True)
            self.ended = deque(newest, maxlen=KEPT_ENDED)

    def _take_over(self, entry: Entry, now: datetime) -> None:
        if (entry.alert.key, entry.raised_at) in self.changed:
            return  # memory is ahead of the row
        known = self._standing.setdefault(entry.alert.key, entry)
        if known.raised_at != entry.raised_at:  # two nodes told the same: one of the rows will do
            self.changed[entry.alert.key, entry.raised_at] = replace(entry, cleared_at=now)

    def turn(
        self,
        alerts: Iterable[Alert],
        now: datetime,
        *,
        repeat_seconds: float,
        unseen: Collection[AlertKind] = (),
    ) -> list[Notice]:
        """Compare what holds now with the book, change it, and say what to tell.

        Alerts of `unseen` kinds are left as they are: nothing is known of them now.
        """
        notices: list[Notice] = []
        held: set[AlertKey] = set()
        for alert in alerts:
            held.add(alert.key)
            notice = self._hold(alert, now, timedelta(seconds=repeat_seconds))
            if notice is not None:
                notices.append(notice)
        gone = now - timedelta(seconds=CLEAR_SECONDS)
        for key, entry in list(self._standing.items()):
            if key in held or key[0] in unseen:
                continue
            if entry.held_at <= gone:
                notices.append(self._clear(entry, now))
            elif not entry.is_gone:
                self._standing[key] = replace(entry, is_gone=True)
        return notices

    def _hold(self, alert: Alert, now: datetime, repeat: timedelta) -> Notice | None:
        known = self._standing.get(alert.key)
        if known is None:
            if len(self._standing) >= MOST_STANDING:
                return None
            entry = Entry(alert, now, now, now, node_no=self._node_no)
            self._keep(entry)
            return Notice(NoticeKind.RAISED, entry)
        entry = replace(known, alert=alert, held_at=now, is_gone=False)
        if now - entry.told_at >= repeat:
            entry = replace(entry, told_at=now, times_told=entry.times_told + 1)
            self._keep(entry)
            return Notice(NoticeKind.REPEATED, entry)
        # The sentence moves with its figures; the row gets the new one with the next telling.
        self._standing[alert.key] = entry
        return None

    def _clear(self, entry: Entry, now: datetime) -> Notice:
        ended = replace(entry, cleared_at=now, told_at=now, times_told=entry.times_told + 1, is_gone=False)
        del self._standing[entry.alert.key]
        self.ended.appendleft(ended)
        self.changed[entry.alert.key, entry.raised_at] = ended
        return Notice(NoticeKind.CLEARED, ended)

    def _keep(self, entry: Entry) -> None:
        self._standing[entry.alert.key] = entry
        self.changed[entry.alert.key, entry.raised_at] = entry

    def settle(self, kept: Iterable[Entry]) -> None:
        """These are in rows now; what changed since stays to be written."""
        for entry in kept:
            key = (entry.alert.key, entry.raised_at)
            if self.changed.get(key) is entry:
                del self.changed[key]


def _read(row: AlertRow, now: datetime) -> Entry | None:
    """None for a kind of another version."""
    try:
        kind = AlertKind(row.kind)
    except ValueError:
        return None
    alert = Alert(kind, row.subject, row.sentence, shop_of(kind, row.subject))
    return Entry(alert, row.raised_at, row.told_at, now, row.times_told, row.cleared_at, node_no=row.node_no)


def _find_end(entry: Entry) -> datetime:
    return entry.cleared_at or entry.told_at

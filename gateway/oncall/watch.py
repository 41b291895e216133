"""The regular look: observe, judge, write the book, have it told.

Owns how often. A database that is away stops no telling: the book is in memory, and its rows follow when they
can. Of several nodes each tells what is its own to judge; what comes to be so is taken over from its rows.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.config.tree import AlertsConfig
from gateway.oncall.alerts import Alert, AlertKind
from gateway.oncall.book import KEPT_ENDED, AlertBook, Entry, Notice, NoticeKind
from gateway.oncall.duties import Duty, find_unjudged
from gateway.oncall.judging import find_unseen, judge
from gateway.oncall.observations import Observations
from gateway.oncall.telling import Announcer
from gateway.store.alerts import delete_old_alerts, list_ended_alerts, list_standing_alerts, put_alerts
from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable
from gateway.store.outage_line import OutageLine

log = structlog.get_logger("oncall")

LOOK_SECONDS: Final = 5.0
_KEPT: Final = timedelta(days=90)
_CLEAN_EVERY: Final = timedelta(hours=6)


class Watch:
    """Keeps the book of alerts. `observe` gives what is seen now and raises nothing of its own."""

    def __init__(
        self,
        database: Database,
        announcer: Announcer,
        *,
        observe: Callable[[], Awaitable[Observations]],
        limits: AlertsConfig,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        node_no: int = 0,
    ) -> None:
        self.book = AlertBook(node_no)
        self.limits = limits
        self._database = database
        self._announcer = announcer
        self._observe = observe
        self._clock = clock
        self._monotonic = monotonic
        self._duty: Duty | None = None
        """What this node judges, as of when it last read what all have told."""
        self._cleaned_at = clock()
        self._outage = OutageLine(log, "alerts.not_read")

    async def run(self) -> None:
        """Look every five seconds until cancelled.

        A process that stood still itself, on a frozen machine, takes its own absence for that of the database
        until everybody has had a turn: it leaves out one look, in which it renews its lease or ends.
        """
        while True:
            await self.look()
            while await self._wait_stood_still():
                log.warning("alerts.stood_still")

    async def _wait_stood_still(self) -> bool:
        """Wait for the next look; whether this process was stopped meanwhile."""
        began_at = self._monotonic()
        await asyncio.sleep(LOOK_SECONDS)
        return self._monotonic() - began_at > 2 * LOOK_SECONDS

    async def look(self) -> None:
        """One look. While the database is away it takes no longer than a statement's wait."""
        seen = await self._observe()
        if not seen.is_database_away:
            await self._load(seen.duty)
        duty = self._duty or seen.duty
        unseen = find_unseen(seen) | find_unjudged(holds_lease=seen.holds_lease, duty=self._duty)
        alerts = [
            alert
            for alert in judge(seen, self.limits, self.book.keys)
            if alert.kind not in unseen and duty.judges(alert.kind, alert.subject)
        ]
        notices = self.book.turn(alerts, seen.now, repeat_seconds=self.limits.repeat_seconds, unseen=unseen)
        for notice in notices:
            alert = notice.entry.alert
            log.warning(
                f"alert.{notice.kind.value}",
                kind=alert.kind.value,
                subject=alert.subject,
                sentence=alert.sentence,
            )
            self._announcer.put(notice)
        if not seen.is_database_away:
            await self._keep()

    async def try_out(self) -> Mapping[str, str | None]:
        """Tell a test alert by everything that is configured; what went wrong, by teller."""
        now = self._clock()
        alert = Alert(AlertKind.TEST, "test", "This is a test of the alerts; nothing is wrong.")
        return await self._announcer.try_out(Notice(NoticeKind.TEST, Entry(alert, now, now, now)))

    async def _load(self, duty: Duty) -> None:
        try:
            standing = await list_standing_alerts(self._database)
            ended = await list_ended_alerts(self._database, most=KEPT_ENDED)
        except StoreUnavailable as exc:
            self._outage.failed(exc)
            return
        self._outage.worked()
        self.book.load(standing, ended, self._clock(), duty.is_ours)
        self._duty = duty

    async def _keep(self) -> None:
        changed = list(self.book.changed.values())
        try:
            if changed:
                await put_alerts(self._database, [entry.as_row() for entry in changed])
                self.book.settle(changed)
            now = self._clock()
            if now - self._cleaned_at >= _CLEAN_EVERY:
                await delete_old_alerts(self._database, now - _KEPT)
                self._cleaned_at = now
        except StoreUnavailable as exc:
            log.warning("alerts.not_kept", fault=str(exc), waiting=len(changed))

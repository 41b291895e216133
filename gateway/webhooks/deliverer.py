"""The deliverer: takes due rows of this node's slots from the outbox, posts them, and notes what came of it.

Owns the loop and the concurrency. What to post is decided in `addressing` and `events`, who goes next in
`lineup`, what an answer means in `schedule`. Delivery is at least once: a crash between an answer and its
note repeats the post under the same event id.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random

import msgspec
import structlog
from yarl import URL

from gateway.config import WebhooksConfig
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Connection, Database
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.errors import StoreUnavailable
from gateway.store.fence import Fence
from gateway.store.outage_line import OutageLine
from gateway.store.outbox import (
    OWN_URL,
    WEBHOOK_TEST,
    DeliveryState,
    DueDelivery,
    OutboxChange,
    Postponement,
    apply_changes,
    list_due_deliveries,
)
from gateway.store.webhook_endpoints import ShopWebhooks, disable_gone_endpoint, valid_secrets
from gateway.store.writer import GroupWriter
from gateway.webhooks.addressing import NoTarget, Target, find_target
from gateway.webhooks.directory import EndpointDirectory
from gateway.webhooks.errors import BadSecret, TargetRefused
from gateway.webhooks.events import Subject, SubjectReader, compose_body, event_id
from gateway.webhooks.lineup import Job, Lineup, TargetKey
from gateway.webhooks.posting import Answer, Poster
from gateway.webhooks.schedule import GONE
from gateway.webhooks.settling import end_untried, settle
from gateway.webhooks.signature import sign
from gateway.webhooks.targets import parse_target

log = structlog.get_logger("webhooks")

_POLL_SECONDS = 0.5
_SHORTEST_GAP_SECONDS = 0.02
"""Between two looks at the outbox, however many hints arrive: fifty statements a second at most."""
_SMALLEST_LOOK_ROWS = 8
_OUTAGE_PAUSE_SECONDS = 1.0
_HELD_PER_CONNECTION = 16
"""Rows in memory for each delivery that may be in flight."""
_SHARE_OF_ONE_TARGET = 4
"""One target gets at most a quarter of the connections."""
_SHORT_OF_MEMORY = 4
"""Memory is short when less than a quarter of it is free."""
_BATCH_ROWS = 1000
_NOTE_SECONDS = 5.0
"""At a stop, for noting the last answers; without it they are posted again under the same id."""


@dataclass(frozen=True, slots=True)
class DelivererStatus:
    """The deliverer at a glance; counts are of attempts since this process started."""

    in_flight: int
    held: int
    resting_targets: int
    delivered: int
    retried: int
    given_up: int


class WebhookDeliverer:
    """Delivers the outbox of the slots that this node holds."""

    def __init__(
        self,
        database: Database,
        settings: WebhooksConfig,
        *,
        fence: Fence,
        directory: EndpointDirectory,
        load_subjects: SubjectReader,
        next_id: Callable[[int], int],
        owned_slots: Callable[[], Sequence[int]],
        now: Callable[[], datetime],
        random: Random,
        version: str,
        has_due: HasWork = has_perhaps,
    ) -> None:
        """`next_id` makes ids for a slot; `owned_slots` is asked before every look at the outbox."""
        self._database = database
        self._settings = settings
        self._directory = directory
        self._load_subjects = load_subjects
        self._next_id = next_id
        self._owned_slots = owned_slots
        self._has_due = has_due
        self._now = now
        self._random = random
        self._lineup = Lineup(target_limit=max(1, settings.concurrency // _SHARE_OF_ONE_TARGET))
        self._poster = Poster(
            timeout_seconds=settings.timeout_seconds,
            concurrency=settings.concurrency,
            allow_private=settings.allow_private,
            version=version,
        )
        self._writer: GroupWriter[OutboxChange, None] = GroupWriter(
            database.dsn,
            database.queries,
            fence,
            _OutboxWork(self._release),
            name="webhooks",
            batch_rows=_BATCH_ROWS,
        )
        self._capacity = settings.concurrency * _HELD_PER_CONNECTION
        self._slots: frozenset[int] = frozenset()
        """This node's at the last look."""
        self._held: set[int] = set()
        self._attempts: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._is_running = False
        self._is_more_waiting = False
        self._drain_seconds = 0.0
        self._counts = dict.fromkeys(DeliveryState, 0)

    def wake(self) -> None:
        """Hint that the outbox has new rows. Without it they are found within half a second."""
        self._look.set()

    def status(self) -> DelivererStatus:
        return DelivererStatus(
            in_flight=len(self._attempts),
            held=len(self._held),
            resting_targets=self._lineup.count_resting(),
            delivered=self._counts[DeliveryState.DELIVERED],
            retried=self._counts[DeliveryState.WAITING],
            given_up=self._counts[DeliveryState.GIVEN_UP],
        )

    @property
    def _room(self) -> int:
        """Rows that the line-up may still take. Rows whose change is being written count only for how many
        are read: they leave within a commit."""
        return self._capacity - self._lineup.held

    async def run(self) -> None:
        """Deliver until `aclose`. Raises `LeaseLost` (in a group) when another node took this one's place."""
        self._is_running = True
        try:
            async with self._poster, asyncio.TaskGroup() as owner:
                writing = owner.create_task(self._writer.run(), name="webhooks-writer")
                await self._work(owner)
                await self._wind_down()
                writing.cancel()
        finally:
            self._is_running = False
            self._stopped.set()

    async def aclose(self, drain_seconds: float) -> None:
        """Take nothing new, give what is in flight `drain_seconds` to be answered, note it, and stop."""
        self._drain_seconds = drain_seconds
        self._stopping.set()
        self._look.set()
        if self._is_running:
            await self._stopped.wait()

    async def _work(self, owner: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        line = OutageLine(log, "webhooks.waiting_for_database")
        while not self._stopping.is_set():
            looked_at = loop.time()
            is_woken = self._look.is_set()
            self._look.clear()
            try:
                if is_woken or self._is_more_waiting or await self._has_due():
                    await self._take(owner)
            except StoreUnavailable as exc:
                line.failed(exc)
                await _wait(self._stopping, _OUTAGE_PAUSE_SECONDS)
                continue
            line.worked()
            await _wait(self._look, _POLL_SECONDS)
            await asyncio.sleep(max(0.0, looked_at + _SHORTEST_GAP_SECONDS - loop.time()))

    async def _wind_down(self) -> None:
        """Let running attempts end or run out of time, then note what ended."""
        if self._attempts:
            log.info("webhooks.draining", in_flight=len(self._attempts), seconds=self._drain_seconds)
            _, late = await asyncio.wait(self._attempts, timeout=self._drain_seconds)
            for attempt in late:
                attempt.cancel()
            if late:
                log.warning("webhooks.cut_off", in_flight=len(late), next="sent again after the start")
                await asyncio.wait(late)
        try:
            async with asyncio.timeout(_NOTE_SECONDS):
                await self._writer.drained()
        except TimeoutError:
            log.warning("webhooks.not_noted", rows=self._writer.backlog_rows, next="they are sent again")

    async def _take(self, owner: asyncio.TaskGroup) -> None:
        """Read due rows into what memory is free, find their targets and start what may start."""
        room, slots = self._capacity - len(self._held), self._owned_slots()
        self._slots = frozenset(slots)
        self._is_more_waiting = bool(slots)
        if not slots or room < _SMALLEST_LOOK_ROWS:
            return
        rows = await list_due_deliveries(
            self._database, now=self._now(), slots=slots, held_ids=list(self._held), limit=room
        )
        self._is_more_waiting = len(rows) == room
        if not rows:
            return
        webhooks = await self._directory.look_up(row.shop_id for row in rows)
        rows = [row for row in rows if not self._is_put_off(row, webhooks.get(row.shop_id))]
        subjects = await self._load_subjects([row for row in rows if row.kind != WEBHOOK_TEST])
        for row in rows:
            self._place(row, webhooks.get(row.shop_id), subjects.get(row.id))
        self._start(owner)

    def _is_put_off(self, row: DueDelivery, webhooks: ShopWebhooks | None) -> bool:
        """Whether the row's endpoint cannot take it now: then its message need not even be read."""
        if row.endpoint_id == OWN_URL or webhooks is None:
            return False
        target = find_target(row, webhooks, None)
        return not isinstance(target, NoTarget) and self._admit(row, target) is None

    def _place(self, row: DueDelivery, webhooks: ShopWebhooks | None, subject: Subject | None) -> None:
        """Line the row up, put it off, or end it."""
        target = find_target(row, webhooks, subject) if webhooks else NoTarget("the shop no longer exists")
        if isinstance(target, NoTarget):
            self._end_untried(row, row.endpoint_id, target.fault)
        else:
            self._line_up(row, target, subject)

    def _line_up(self, row: DueDelivery, target: Target, subject: Subject | None) -> None:
        url = self._admit(row, target)
        if url is None:
            return
        self._held.add(row.id)
        key = _target_key(row, target, url)
        body = compose_body(row, subject)
        self._lineup.add(Job(row, key, target.endpoint_id, url, target.stored_secret, body))

    def _admit(self, row: DueDelivery, target: Target) -> URL | None:
        """Where to post when the target is lawful and has room; else the row is ended or put off."""
        try:
            url = parse_target(target.url, allow_private=self._settings.allow_private)
        except TargetRefused as exc:
            self._end_untried(row, target.endpoint_id, str(exc))
            return None
        pace = self._lineup.pace(_target_key(row, target, url))
        is_urgent = row.is_redelivery or row.kind == WEBHOOK_TEST
        later = pace.postponed_until(self._now(), room=self._room, is_urgent=is_urgent)
        if later is None:
            return url
        self._note(Postponement(row, target.endpoint_id, later))
        return None

    def _end_untried(self, row: DueDelivery, endpoint_id: int, fault: str) -> None:
        self._counts[DeliveryState.GIVEN_UP] += 1
        self._note(end_untried(row, fault, endpoint_id=endpoint_id, now=self._now()))

    def _note(self, change: OutboxChange) -> None:
        """Have a change written; until it is durable its row counts as held, and is not read again."""
        self._held.add(change.row.id)
        self._writer.put(change)

    def _release(self, changes: Sequence[OutboxChange]) -> None:
        """These changes are durable: their rows may be read again, if they still wait."""
        self._held.difference_update(change.row.id for change in changes)
        if self._is_more_waiting:
            self._look.set()

    def _start(self, owner: asyncio.TaskGroup) -> None:
        while len(self._attempts) < self._settings.concurrency and not self._stopping.is_set():
            job = self._lineup.take_next()
            if job is None:
                return
            if job.row.slot not in self._slots:
                # It waited here while its slot went to another node, which delivers it now.
                self._lineup.finish(job)
                self._held.discard(job.row.id)
                continue
            attempt = owner.create_task(self._attempt(job, owner), name="webhook-delivery")
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)

    async def _attempt(self, job: Job, owner: asyncio.TaskGroup) -> None:
        """Post once and note the outcome. Cancelled, the row simply stays due."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await self._post(job)
            self._conclude(job, answer, loop.time() - began)
        finally:
            self._lineup.finish(job)
        self._attempts.difference_update(filter(None, (asyncio.current_task(),)))
        self._start(owner)
        if answer.status == GONE and job.endpoint_id != OWN_URL:
            await self._disable(job)

    async def _post(self, job: Job) -> Answer:
        now = self._now()
        try:
            headers = sign(
                valid_secrets(job.stored_secret, now),
                event_id=event_id(job.row.id),
                timestamp=int(now.timestamp()),
                body=job.body,
            )
        except BadSecret as exc:
            return Answer(None, str(exc))
        return await self._poster.post(job.url, body=job.body, headers=headers)

    def _conclude(self, job: Job, answer: Answer, seconds: float) -> None:
        now = self._now()
        settlement = settle(
            job.row,
            answer,
            endpoint_id=job.endpoint_id,
            now=now,
            draw=self._random.random(),
            window_seconds=self._settings.retry_for_seconds,
        )
        self._counts[settlement.state] += 1
        self._note(settlement)
        self._note_pace(job, settlement.state is DeliveryState.DELIVERED, seconds, now)

    def _note_pace(self, job: Job, is_success: bool, seconds: float, now: datetime) -> None:
        """Tell the target's pace. A target that goes to rest gives back what memory holds for it; one that
        turned out slow gives back most of it when memory is short."""
        pace = self._lineup.pace(job.target)
        was_resting = pace.is_resting
        if is_success:
            pace.note_success(seconds)
        else:
            pace.note_failure(seconds, now)
        if pace.is_resting is not was_resting:
            tell = log.info if was_resting else log.warning
            tell("webhook.target_rests", shop_id=job.row.shop_id, origin=job.target[2], rests=pace.is_resting)
        if pace.is_resting:
            self._turn_away(job.target, now, keep=0)
        elif self._room < self._capacity // _SHORT_OF_MEMORY and not pace.is_quick:
            self._turn_away(job.target, now, keep=pace.comfortable_rows)

    def _turn_away(self, target: TargetKey, now: datetime, *, keep: int) -> None:
        pace = self._lineup.pace(target)
        for job in self._lineup.turn_away(target, keep=keep):
            later = pace.postponed_until(now, room=0) or now
            self._note(Postponement(job.row, job.endpoint_id, later))

    async def _disable(self, job: Job) -> None:
        """410 Gone: the shop's server wants no more; what waits for the endpoint is given up as it comes."""
        row = job.row
        subject = encode_public_id("whk", job.endpoint_id)
        data = {"reason": "the server answered 410 Gone", "delivery": event_id(row.id)}
        try:
            is_news = await disable_gone_endpoint(
                self._database,
                row.shop_id,
                job.endpoint_id,
                now=self._now(),
                event_id=self._next_id(row.slot),
                subject=subject,
                data=msgspec.json.encode(data).decode(),
            )
        except StoreUnavailable as exc:
            log.warning("webhook.not_disabled", endpoint=subject, fault=str(exc), next="the next 410 does it")
            return
        self._directory.forget(row.shop_id)
        if is_news:
            log.warning("webhook.endpoint_disabled", shop_id=row.shop_id, endpoint=subject, status=GONE)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, or for so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _target_key(row: DueDelivery, target: Target, url: URL) -> TargetKey:
    return (row.shop_id, target.endpoint_id, str(url.origin()))


class _OutboxWork:
    """Writes batches of changes, and tells when they are durable."""

    def __init__(self, release: Callable[[Sequence[OutboxChange]], None]) -> None:
        self._release = release

    async def write(self, connection: Connection, items: Sequence[OutboxChange]) -> None:
        await apply_changes(connection, items)

    def committed(self, items: Sequence[OutboxChange], result: None) -> None:
        self._release(items)

    def refused(self, item: OutboxChange, error: Exception) -> None:
        """Every text here was made printable and every number is ours: a refusal is a bug."""
        log.error("webhook.note_refused", delivery=event_id(item.row.id), fault=str(error))
        self._release((item,))

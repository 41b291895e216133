"""What a person decides about messages of unknown outcome: to send them again, or to close them.

Owns which may be sent again, why another may not, and the audit of both. The rows are moved by
`store.unknowns`, a batch in one transaction, so that every message is either decided and noted, or neither.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

import msgspec

from gateway.domain.identifiers import IdSource
from gateway.domain.message import Reason
from gateway.domain.public_ids import encode_public_id
from gateway.intake.changes import Actor
from gateway.store.audit import AuditNote, add_audit
from gateway.store.database import Connection, Database
from gateway.store.intake import Stream
from gateway.store.unknowns import (
    UnknownCase,
    UnknownFilter,
    close_messages,
    list_unknown,
    read_unknown,
    reopen_messages,
)

_BATCH: Final = 500
"""Messages decided in one transaction, some 40 ms: the writer of outcomes passes between two."""
_MOST_AT_ONCE: Final = 20_000
"""Messages that one request with a filter looks at, 1.5 s for resends; the answer says where to go on."""
_REFUSALS_TOLD: Final = 1_000
"""Refused messages that an answer names; a filter may name any number."""


class Decision(Enum):
    """What is to become of them."""

    RESEND = "resend"
    CLOSE = "close"


class Obstacle(Enum):
    """Why a message is left as it is. The value is the `reason` that callers see; never rename one."""

    NOT_UNKNOWN = "not_unknown"
    VALIDITY_PASSED = "validity_passed"
    CONTENT_ERASED = "content_erased"
    OPTED_OUT = "opted_out"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    MOVED_MEANWHILE = "moved_meanwhile"


SENTENCES: Final = {
    Obstacle.NOT_UNKNOWN: "Its outcome is known by now, it is on its way again, or it was closed.",
    Obstacle.VALIDITY_PASSED: "Its validity is over. Close it, or send its content as a new message.",
    Obstacle.CONTENT_ERASED: "Its text is no longer kept.",
    Obstacle.OPTED_OUT: "Its person has opted out since, or gets nothing any more.",
    Obstacle.CAMPAIGN_CANCELLED: "Its campaign was cancelled.",
    Obstacle.MOVED_MEANWHILE: "An answer or a receipt came in the same moment. Look at it again.",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for: the messages `ids`, or all that the filter names, and why."""

    decision: Decision
    actor: Actor
    wanted: UnknownFilter
    ids: Sequence[int] | None = None
    reason: str = ""
    told: Mapping[str, object] = field(default_factory=dict)
    """The filter in the caller's words, for the audit log."""
    after_id: int = 0
    """Where an earlier request with the same filter stopped."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was left as it is."""

    id: int
    obstacle: Obstacle


@dataclass(slots=True)
class Decided:
    """What came of a request."""

    changed: int = 0
    refused_count: int = 0
    refused: list[Refused] = field(default_factory=list)
    """The first thousand of them."""
    stopped_at_id: int | None = None
    """Where a further request with the same filter goes on; None: everything was looked at."""

    def add(self, changed: int, refused: Sequence[Refused]) -> None:
        self.changed += changed
        self.refused_count += len(refused)
        self.refused += refused[: _REFUSALS_TOLD - len(self.refused)]


def find_obstacle(case: UnknownCase, now: datetime) -> Obstacle | None:
    """Why a message of unknown outcome may not be sent again; None where nothing is in the way."""
    if case.expires_at <= now:
        return Obstacle.VALIDITY_PASSED
    if case.is_erased:
        return Obstacle.CONTENT_ERASED
    if case.is_opted_out:
        return Obstacle.OPTED_OUT
    if case.is_campaign_cancelled:
        return Obstacle.CAMPAIGN_CANCELLED
    return None


class UnknownDesk:
    """Resends and closings. `on_queued` hears, after each commit, of the streams that have news."""

    def __init__(
        self,
        database: Database,
        *,
        on_queued: Callable[[dict[Stream, int]], None],
        ids: IdSource,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._on_queued = on_queued
        self._ids = ids
        self._clock = clock

    async def decide(self, request: Request) -> Decided:
        """Carry out a request, batch by batch, the oldest message first. Raises `StoreUnavailable`: what was
        decided before stays so, and a repeat goes on with the rest."""
        decided = Decided()
        if request.ids is not None:
            ids = list(dict.fromkeys(request.ids))
            for start in range(0, len(ids), _BATCH):
                await self._decide_batch(request, ids[start : start + _BATCH], decided)
            return decided
        low_id = request.after_id
        for _ in range(_MOST_AT_ONCE // _BATCH):
            page = await list_unknown(
                self._database, request.wanted, limit=_BATCH, low_id=low_id, is_oldest_first=True
            )
            if page:
                low_id = page[-1].id
                await self._decide_batch(request, [message.id for message in page], decided)
            if len(page) < _BATCH:
                return decided
        decided.stopped_at_id = low_id
        return decided

    async def _decide_batch(self, request: Request, ids: Sequence[int], decided: Decided) -> None:
        now = self._clock()
        lowest: dict[Stream, int] = {}
        async with self._database.transaction() as connection:
            cases = await read_unknown(connection, ids, shop_ids=request.wanted.shop_ids)
            obstacles = dict.fromkeys(ids, Obstacle.NOT_UNKNOWN)
            obstacles.update({case.id: Obstacle.MOVED_MEANWHILE for case in cases})
            if request.decision is Decision.CLOSE:
                changed = await close_messages(connection, cases, Reason.CLOSED_BY_OPERATOR, now)
            else:
                found = {case.id: find_obstacle(case, now) for case in cases}
                obstacles.update({each: obstacle for each, obstacle in found.items() if obstacle})
                free = [case for case in cases if found[case.id] is None]
                reopened = await reopen_messages(connection, free, now)
                changed, lowest = reopened.ids, reopened.lowest
            refused = [Refused(each, obstacles[each]) for each in ids if each not in changed]
            await self._note(connection, request, changed, refused, now)
        decided.add(len(changed), refused)
        if lowest:
            self._on_queued(lowest)

    async def _note(
        self,
        connection: Connection,
        request: Request,
        changed: Collection[int],
        refused: Sequence[Refused],
        now: datetime,
    ) -> None:
        """One audit row for each batch: who decided what about which messages."""
        names = [encode_public_id("msg", message_id) for message_id in sorted(changed)]
        data: dict[str, object] = {"reason": request.reason, "messages": names, "refused": len(refused)}
        if request.ids is None:
            data["filter"] = dict(request.told)
        await add_audit(
            connection,
            AuditNote(
                self._ids.next_id(0),
                now,
                request.actor.name,
                f"unknown.{request.decision.value}",
                names[0] if len(names) == 1 else f"{len(names)} messages",
                msgspec.json.encode(data).decode(),
            ),
        )

"""Sends the answers that keywords are owed: one text each, through the same door as any message.

Owns when each is tried and when it is given up. Each is sent under an idempotency key made of the inbound
text's id, so that however often the process dies between sending and noting it, one text leaves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from gateway.domain.identifiers import time_of_id
from gateway.domain.reply_texts import write_reply
from gateway.intake.idempotency import Reply, RequestKey
from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending
from gateway.store.database import Database
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.outage_line import OutageLine
from gateway.store.replies import DueReply, drop_reply, list_due_replies, postpone_reply, settle_reply
from gateway.store.shops import find_shop

log = structlog.get_logger("inbound")

LOOK_SECONDS = 1.0
"""A person waits for the confirmation; the FCC wants it within five minutes (47 CFR 64.1200)."""

GIVEN_UP_AFTER = timedelta(hours=12)
"""Later an answer only puzzles. Well within the 24 h for which an idempotency key is kept, so that no answer
is ever sent under a key that was forgotten."""

_BATCH = 100
_LONGEST_PAUSE_SECONDS = 300
_NOT_NOW = frozenset((RefusalCode.IDEMPOTENCY_KEY_IN_USE, RefusalCode.NO_ROUTE))
"""Refusals that time may cure; all others end the matter."""

Send = Callable[[Sending, SendRequest, RequestKey], Awaitable[Reply | Refusal]]


class ReplyWorker:
    """Answers what is owed in the slots of this node."""

    def __init__(
        self,
        database: Database,
        *,
        send: Send,
        next_id: Callable[[int], int],
        slots: Callable[[], Sequence[int]],
        clock: Callable[[], datetime],
        has_due: HasWork = has_perhaps,
    ) -> None:
        self._database = database
        self._send = send
        self._next_id = next_id
        self._slots = slots
        self._clock = clock
        self._has_due = has_due

    async def run(self) -> None:
        """Look and answer until cancelled."""
        line = OutageLine(log, "replies.waiting")
        while True:
            answered = 0
            with line.absorbing():
                if await self._has_due():
                    answered = await self.answer_due()
            if answered < _BATCH:
                await asyncio.sleep(LOOK_SECONDS)

    async def answer_due(self) -> int:
        """One look; returns how many answers were due. Raises `StoreUnavailable`: what is left stays owed."""
        due = await list_due_replies(self._database, self._clock(), self._slots(), most=_BATCH)
        for reply in due:
            await self._answer(reply)
        return len(due)

    async def _answer(self, reply: DueReply) -> None:
        now = self._clock()
        if now - time_of_id(reply.id) > GIVEN_UP_AFTER:
            await self._drop(reply, now, "too_late", "it could not be sent in time")
            return
        shop = await find_shop(self._database, reply.shop_id)
        if shop is None or shop.closed_at is not None:
            await self._drop(reply, now, "shop_closed", "the shop is closed")
            return
        request = SendRequest(
            to=f"+{reply.to_address}",
            sender=reply.from_address,
            text=write_reply(reply.kind, reply.language, shop=shop.name),
            category="transactional",
        )
        outcome = await self._send(Sending(shop, False, True), request, request_key(reply))
        if isinstance(outcome, Reply) or outcome.code is RefusalCode.IDEMPOTENCY_KEY_REUSED:
            await settle_reply(self._database, reply)
        elif outcome.code in _NOT_NOW:
            pause_seconds = min(_LONGEST_PAUSE_SECONDS, 1 << min(reply.attempt, 10))
            await postpone_reply(self._database, reply, now + timedelta(seconds=pause_seconds))
        else:
            await self._drop(reply, now, outcome.code.value, outcome.detail)

    async def _drop(self, reply: DueReply, now: datetime, why: str, detail: str) -> None:
        log.warning("reply.not_sent", shop=reply.shop_id, inbound=reply.id, why=why)
        await drop_reply(
            self._database, reply, event_id=self._next_id(reply.slot), now=now, why=why, detail=detail
        )


def request_key(reply: DueReply) -> RequestKey:
    """The key of an answer. Keys of shops begin with `live:` or `test:`, so none of theirs is this one; and
    it stands for the text whatever its words, so that a shop renamed in between is not answered for twice."""
    key = f"{reply.kind.name.lower().replace('_', '-')}:{reply.id}"
    return RequestKey(reply.shop_id, key, sha256(key.encode()).digest())

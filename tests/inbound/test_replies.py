"""Answers to keywords: sent once whatever happens, later when they cannot be sent now, never for ever."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.identifiers import slot_of_address
from gateway.inbound.replies import GIVEN_UP_AFTER, ReplyWorker
from gateway.intake.idempotency import IN_USE, Reply, RequestKey
from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending
from gateway.store.errors import StoreUnavailable
from gateway.store.shops import NewShop, create_shop
from tests.store.rig import Rig, open_rig

pytestmark = pytest.mark.integration

ANNA = "33639981111"
TAKEN = Reply(202, b"{}")
REFUSED = Refusal(RefusalCode.RECIPIENT_OPTED_OUT, "$.to", "This person is kept from every message.", "")


class Desk:
    """A worker whose intake answers what the test says; `now` is the test's."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.now = datetime.now(UTC)
        self.outcomes: list[Reply | Refusal | Exception] = []
        self.sent: list[tuple[Sending, SendRequest, RequestKey]] = []
        self.worker = ReplyWorker(
            rig.database,
            send=self._send,
            next_id=rig.node.ids.next_id,
            slots=lambda: tuple(range(256)),
            clock=lambda: self.now,
        )

    async def _send(self, sending: Sending, request: SendRequest, key: RequestKey) -> Reply | Refusal:
        self.sent.append((sending, request, key))
        outcome = self.outcomes.pop(0) if self.outcomes else TAKEN
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def owe(self, *, language: str = "fr") -> int:
        shop = await create_shop(self.rig.database, NewShop("boutique", "FR", "EUR", "whsec_x"), self.now)
        assert shop is not None
        slot = slot_of_address(ANNA)
        inbound_id = self.rig.node.ids.next_id(slot)
        await self.rig.execute(
            "INSERT INTO reply_due VALUES ($1, $2, $3, 1, 0, $4, $5, '36111', $6)",
            shop.id,
            inbound_id,
            slot,
            self.now,
            ANNA,
            language,
        )
        return inbound_id

    async def owed(self) -> int:
        return int(await self.rig.value("SELECT count(*) FROM reply_due"))

    async def events(self) -> list[tuple[str, str]]:
        rows = await self.rig.fetch("SELECT kind, data FROM event")
        return [(row[0], json.loads(row[1])["why"]) for row in rows]


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with open_rig(database) as rig:
        yield Desk(rig)


async def test_an_answer_goes_back_from_the_address_that_was_written_to(desk: Desk) -> None:
    await desk.owe()
    assert await desk.worker.answer_due() == 1
    [(sending, request, key)] = desk.sent
    assert (request.to, request.sender, request.category) == (f"+{ANNA}", "36111", "transactional")
    assert request.text is not None
    assert request.text.startswith("boutique: c'est noté")
    assert (sending.shop.name, sending.is_test, sending.looks_up_people) == ("boutique", False, True)
    assert key.shop_id == sending.shop.id
    assert await desk.owed() == 0
    assert await desk.worker.answer_due() == 0


async def test_an_answer_whose_fate_is_open_is_sent_again_under_the_same_key(desk: Desk) -> None:
    inbound_id = await desk.owe()
    desk.outcomes = [StoreUnavailable("away")]
    with pytest.raises(StoreUnavailable):
        await desk.worker.answer_due()
    assert await desk.owed() == 1
    await desk.worker.answer_due()
    assert {key.key for _, _, key in desk.sent} == {f"stop-confirmation:{inbound_id}"}
    assert len({key.body_sha256 for _, _, key in desk.sent}) == 1
    assert await desk.owed() == 0


async def test_an_answer_that_is_refused_is_noted_and_not_tried_again(desk: Desk) -> None:
    await desk.owe()
    desk.outcomes = [REFUSED]
    await desk.worker.answer_due()
    assert await desk.owed() == 0
    assert await desk.events() == [("inbound.reply_not_sent", "recipient_opted_out")]
    await desk.worker.answer_due()
    assert len(desk.sent) == 1


async def test_an_answer_that_cannot_be_sent_yet_waits_ever_longer(desk: Desk) -> None:
    await desk.owe()
    desk.outcomes = [IN_USE, IN_USE, IN_USE]
    pauses = []
    for _ in range(4):
        began = desk.now
        while not await desk.worker.answer_due():
            desk.now += timedelta(seconds=1)
        pauses.append((desk.now - began).total_seconds())
    assert pauses == [0, 1, 2, 4]
    assert await desk.owed() == 0


async def test_an_answer_that_comes_too_late_is_given_up(desk: Desk) -> None:
    await desk.owe()
    desk.now += GIVEN_UP_AFTER + timedelta(minutes=1)
    await desk.worker.answer_due()
    assert desk.sent == []
    assert await desk.events() == [("inbound.reply_not_sent", "too_late")]


async def test_a_closed_shop_answers_nobody(desk: Desk) -> None:
    await desk.owe()
    await desk.rig.execute("UPDATE shop SET closed_at = now()")
    await desk.worker.answer_due()
    assert desk.sent == []
    assert await desk.events() == [("inbound.reply_not_sent", "shop_closed")]

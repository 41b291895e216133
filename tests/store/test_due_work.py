"""One statement says for all workers whether there is anything to look at."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from gateway.domain.campaign import CampaignState
from gateway.store.database import Database
from gateway.store.due_work import FRESH_SECONDS, DueWork, Work
from gateway.store.errors import StoreUnavailable
from tests.store.rig import Rig

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Answers:
    """A database that counts the questions, and says of each kind of work whether there is some."""

    def __init__(self) -> None:
        self.asked = 0
        self.found = dict.fromkeys([work.value for work in Work], False)
        self.fault: StoreUnavailable | None = None

    async def fetch_row(self, name: str, *arguments: object) -> dict[str, Any]:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return dict(self.found)


class Desk:
    def __init__(self) -> None:
        self.answers = Answers()
        self.monotonic = 100.0
        self.due = DueWork(
            cast(Database, self.answers),
            slots=lambda: (3,),
            clock=lambda: NOW,
            monotonic=lambda: self.monotonic,
        )


async def test_one_answer_serves_everybody_for_a_moment() -> None:
    desk = Desk()
    desk.answers.found["replies"] = True
    assert [await desk.due.has(work) for work in Work] == [work is Work.REPLIES for work in Work]
    desk.monotonic += FRESH_SECONDS * 0.9
    assert await desk.due.of(Work.REPLIES)()
    assert desk.answers.asked == 1


async def test_an_answer_that_is_old_is_not_used() -> None:
    desk = Desk()
    assert not await desk.due.has(Work.HOLDS)
    desk.answers.found["holds"] = True
    desk.monotonic += FRESH_SECONDS
    assert await desk.due.has(Work.HOLDS)


async def test_what_cannot_be_asked_is_not_taken_for_nothing() -> None:
    desk = Desk()
    assert not await desk.due.has(Work.HOLDS)
    desk.monotonic += FRESH_SECONDS
    desk.answers.fault = StoreUnavailable("away")
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await desk.due.has(Work.HOLDS)


_PUT = {
    Work.QUEUED: "INSERT INTO queue VALUES (1, 2, 2, $1, 3, 1, 0, 0, 1, $2)",
    Work.SCHEDULED: "INSERT INTO schedule VALUES (1, $1, 3, 1, 2, 2, 0, 0, 1, $2, $2)",
    Work.DELIVERIES: """INSERT INTO outbox
        VALUES (1, $1, 3, 1, 1, 0, 1, 0, NULL, 'x', $2, $2, NULL, NULL, '{}')""",
    Work.REPLIES: "INSERT INTO reply_due VALUES (1, $1, 3, 1, 0, $2, '331', '332', 'fr')",
    Work.CAMPAIGNS: """INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, created_at,
        updated_at, state_changed_at, created_by, name, text, links, audience)
        VALUES (1, $1, 1, 2, 0, 1, $2, $2, $2, 'x', 'x', 'x', '[]', '{}')""",
    Work.HOLDS: "INSERT INTO hold SELECT $1::int8 % 9, 1, $2, 'x', 'x'",
    Work.OVERRIDES: "INSERT INTO connector_override SELECT $1::int8 % 9, 1, 1, 'x', 'x', $2, NULL",
    Work.IMPORTS: """INSERT INTO import_job (shop_id, id, state, size_octets, created_at, updated_at,
        created_by, file_name, settings, detected, counts, progress)
        VALUES (1, $1, 3, 0, $2, $2, 'x', 'x', '{}', '{}', '{}', '{}')""",
}


def look(rig: Rig, *, slots: tuple[int, ...] = (3, 4)) -> DueWork:
    return DueWork(rig.database, slots=lambda: slots, clock=lambda: NOW)


@pytest.mark.integration
@pytest.mark.parametrize("work", Work)
async def test_each_kind_of_work_is_seen_by_its_row_alone(rig: Rig, work: Work) -> None:
    async def find() -> set[Work]:
        due = look(rig)
        return {each for each in Work if await due.has(each)}

    assert await find() == set()
    await rig.execute(_PUT[work], rig.new_message().id, NOW)
    assert await find() == {work}


@pytest.mark.integration
@pytest.mark.parametrize("work", [Work.SCHEDULED, Work.DELIVERIES, Work.REPLIES])
async def test_what_is_not_due_yet_is_no_work(rig: Rig, work: Work) -> None:
    await rig.execute(_PUT[work], rig.new_message().id, NOW + timedelta(microseconds=1))
    assert not await look(rig).has(work)


@pytest.mark.integration
@pytest.mark.parametrize("work", [Work.SCHEDULED, Work.DELIVERIES, Work.REPLIES])
async def test_what_is_of_another_nodes_slots_is_no_work(rig: Rig, work: Work) -> None:
    await rig.execute(_PUT[work], rig.new_message().id, NOW)
    assert not await look(rig, slots=(4, 5)).has(work)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("state", "is_wound_up", "found"),
    [
        (CampaignState.DRAFT, False, set()),
        (CampaignState.RUNNING, False, {Work.CAMPAIGNS}),
        (CampaignState.PAUSED, False, {Work.CAMPAIGNS, Work.HOLDS}),
        (CampaignState.FINISHED, False, set()),
        (CampaignState.CANCELLED, False, {Work.CAMPAIGNS, Work.HOLDS}),
        (CampaignState.CANCELLED, True, set()),
    ],
)
async def test_a_campaign_is_work_until_it_is_over_and_holds_what_may_not_leave(
    rig: Rig, state: CampaignState, is_wound_up: bool, found: set[Work]
) -> None:
    await rig.execute(_PUT[Work.CAMPAIGNS], rig.new_message().id, NOW)
    await rig.execute("UPDATE campaign SET state = $1, wound_up_at = $2", state, NOW if is_wound_up else None)
    due = look(rig)
    assert {work for work in Work if await due.has(work)} == found

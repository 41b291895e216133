"""What time does to messages, on a real Postgres: the intents of a process that died."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.dispatch.timetable import ResendsUnanswered, Timetable
from gateway.domain.inference import CarrierAddresses
from gateway.domain.lanes import Category
from tests.store.desk import ALL_SLOTS, Desk, S
from tests.store.rig import Rig, open_rig, running, take_node

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with open_rig(database) as rig:
        yield Desk(rig)


def otp_only(connector_id: int, shop_id: int, category: int) -> bool:
    return category == Category.OTP


def timetable(desk: Desk, *, resends: ResendsUnanswered = otp_only, decides: bool = True) -> Timetable:
    return Timetable(
        desk.rig.database,
        desk.outcomes,
        slots=lambda: ALL_SLOTS,
        on_queued=desk.rig.queued.update,
        find_lookup_id=lambda _, written: written,
        find_addresses=lambda _: CarrierAddresses(),
        join_seconds=lambda: 60.0,
        draw=lambda: 0.5,
        resends=resends,
        decides=lambda: decides,
    )


async def die(rig: Rig, desk: Desk) -> None:
    """The process is killed and starts again: its epoch is over."""
    rig.node = await take_node(rig.database)
    desk.restart()


async def test_abandoned_intents_go_by_the_policy_and_their_validity(desk: Desk) -> None:
    rig = desk.rig
    held, again, too_late = await desk.begin(
        rig.new_message(),
        rig.new_message(category=Category.OTP),
        rig.new_message(category=Category.OTP, expires_in=timedelta(seconds=2)),
    )
    await die(rig, desk)
    idle, looking = timetable(desk, decides=False), timetable(desk)
    async with running(desk.outcomes.run):
        assert await idle.write_off_abandoned() == 0
        assert await looking.write_off_abandoned() == 3
    states = [await desk.state(flight.id) for flight in (held, again, too_late)]
    assert states == [S.UNKNOWN, S.QUEUED, S.UNKNOWN]
    assert await desk.count("unknown_message") == 2
    [wait] = await rig.fetch("SELECT due_at - now() BETWEEN '1 second' AND '5 seconds' FROM schedule")
    assert wait == (True,)
    await desk.assert_balanced()


async def test_intents_are_looked_for_when_an_epoch_has_ended_and_not_before(desk: Desk) -> None:
    rig = desk.rig
    other = await take_node(rig.database, "second")
    looking = timetable(desk)
    async with running(desk.outcomes.run):
        assert await looking.write_off_abandoned() == 0
        await rig.execute(
            "UPDATE node_lease SET expires_at = now() - interval '1 minute' WHERE node_key = 'second'"
        )
        [flight] = await desk.begin(rig.new_message())
        await rig.execute(
            "UPDATE message_state SET node_no = $1, epoch = $2", other.fence.node_no, other.fence.epoch
        )
        assert await looking.write_off_abandoned() == 0, "its lease is late, and it may still store answers"
        await rig.execute("UPDATE node_lease SET epoch = epoch + 1 WHERE node_key = 'second'")
        assert await looking.write_off_abandoned() == 1
        assert await looking.write_off_abandoned() == 0
    assert await desk.state(flight.id) is S.UNKNOWN
    await desk.assert_balanced()

"""The second look at receipts without a message, on a real Postgres."""

import pytest

from gateway.dispatch.receipt_retries import ReceiptRetries
from tests.store.desk import Desk, S
from tests.store.flight_values import receipt
from tests.store.rig import open_rig, running

pytestmark = pytest.mark.integration


async def test_none_is_passed_over_however_many_newer_ones_are_hopeless(database: str) -> None:
    async with open_rig(database) as rig:
        desk = Desk(rig)
        [flight] = await desk.begin(rig.new_message())
        for carrier_id in ("ours", *(f"hopeless {n}" for n in range(9))):
            await desk.tell(receipt(carrier_id))
        desk.restart()
        await desk.tell(desk.answered(flight, carrier_id="ours", remember=False))
        retries = ReceiptRetries(rig.database, desk.outcomes, lambda _, written: written, batch=3)
        looked_at = []
        async with running(desk.outcomes.run):
            while await desk.state(flight.id) is S.SENT and len(looked_at) < 9:
                looked_at.append(await retries.look())
        assert await desk.state(flight.id) is S.DELIVERED
        assert looked_at == [6, 6, 4], "the three newest each time, and behind them three older ones"
        async with running(desk.outcomes.run):
            assert await retries.look() == 6, "the sweep begins anew"
        assert await desk.count("receipt_unmatched") == 10, "and nothing is kept twice"
        await desk.assert_balanced()

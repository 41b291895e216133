"""The console on a running server with a carrier: what an operator does to a connector, and sees pass."""

from datetime import UTC, datetime
from time import monotonic

import pytest

from admin_tui.app import ConsoleApp
from admin_tui.client import ApiClient, ServerAddress
from admin_tui.desk import Desk
from admin_tui.words import Words
from gateway.simulator.profile import Profile
from gateway.simulator.smsc import Simulator
from tests.admin_tui.console import press, text_of, wait_for
from tests.e2e.running import DEADLINE_SECONDS, Running, connector, run_gateway

pytestmark = pytest.mark.integration


def open_console(running: Running) -> ConsoleApp:
    client = ApiClient(ServerAddress(socket_path=running.gateway.admin_socket))
    desk = Desk(client, Words("en"), clock=lambda: datetime.now(UTC), monotonic=monotonic, zone=UTC)
    return ConsoleApp(desk, first_screen="carriers")


async def test_a_connector_is_taken_down_and_brought_up_and_its_trace_shows_what_is_sent_meanwhile(
    database: str,
) -> None:
    async with (
        Simulator(Profile()) as carrier,
        run_gateway(database, [connector("one", carrier.port)]) as running,
    ):
        app = open_console(running)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:

            async def until_seen(words: str) -> None:
                try:
                    await wait_for(pilot, lambda: words in text_of(app), seconds=DEADLINE_SECONDS)
                except TimeoutError:
                    raise AssertionError(f"never {words!r}, but:\n{text_of(app)}") from None

            await wait_for(pilot, lambda: text_of(app).count("● bound") == 2, seconds=DEADLINE_SECONDS)
            await pilot.press("p")
            await until_seen("Take one down?")
            await pilot.press("y")
            await until_seen("‖ taken down")
            message_id = await running.shop.send("Bonjour", to="+33639981234")
            await press(pilot, app, "p")
            await wait_for(pilot, lambda: text_of(app).count("● bound") == 2, seconds=DEADLINE_SECONDS)
            await running.shop.until(message_id, "delivered")

            await press(pilot, app, "enter")
            await until_seen("● following")
            await running.shop.until(await running.shop.send("Encore", to="+33639981235"), "delivered")
            await until_seen("submit_sm ")
            await until_seen("BOUTIQUE → 33639981235")
            assert "Encore" not in text_of(app), "operators do not read what shops write"
            await press(pilot, app, "escape")

            await app.open_screen("messages", {"id": message_id})
            await until_seen(f"{message_id} · ")
            await wait_for(pilot, lambda: app.is_settled and "81235" not in text_of(app))
            await press(pilot, app, "enter")
            await until_seen("Timeline")
            await press(pilot, app, "end")
            await until_seen("receipt of")

"""A carrier that takes submits and answers none: what goes again by itself, and what a person decides."""

import asyncio
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commands.errors import ExitStatus
from gateway.simulator.profile import Profile
from gateway.simulator.profile_submits import Answer, SubmitRules
from gateway.simulator.smsc import Simulator
from tests.e2e.running import connector, free_port, run_gateway

pytestmark = pytest.mark.integration

VANISHES = Profile(submit=SubmitRules(answers=(Answer(command_status=0x08, answered=False),)))


async def test_codes_go_again_by_themselves_and_the_rest_when_somebody_says_so(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    silent = connector("one", port, response_timeout_seconds=1, late_answer_seconds=0)

    async def say(folder: Path, *words: str, expect: ExitStatus = ExitStatus.DONE) -> str:
        socket = str(folder / "state" / "admin.sock")
        assert await asyncio.to_thread(main, [*words, "--socket", socket]) == expect
        return capsys.readouterr().out

    async with Simulator(VANISHES, port=port) as carrier, run_gateway(database, [silent]) as running:
        shop, folder = running.shop, running.folder
        code = await shop.send("1234", category="otp")
        first, second = await shop.send_many(["Your parcel", "has left"], category="transactional")
        for message_id in (first, second):
            assert (await shop.until(message_id, "unknown"))["reason"] == "no_response"
        await carrier.aclose()
        async with Simulator(Profile(), port=port):
            listed = await say(folder, "unknown", "list")
            assert first in listed
            assert second in listed
            assert code not in listed, "it waits for its second try"
            await running.until_bound()
            assert "1 sent again" in await say(folder, "unknown", "resend", first, "--reason", "lost")
            assert "1 closed" in await say(folder, "unknown", "close", "--connector", "one", "--yes")
            assert "Every message was answered" in await say(folder, "unknown", "list")
            for message_id in (first, code):
                await shop.until(message_id, "delivered")
            closed = await shop.show(second)
            assert (closed["state"], closed["reason"]) == ("unknown", "closed_by_operator")
            refused = await say(folder, "unknown", "resend", second, expect=ExitStatus.REFUSED)
            assert "1 refused" in refused
            await running.assert_balanced()

"""Kannel's bearerbox as a client of our SMSC role."""

from pathlib import Path

import pytest

from gateway.simulator import Simulator, load_profile
from gateway.simulator.mo import MoRequest

from .kannel_boxes import run_kannel

pytestmark = pytest.mark.peers

LONG = "Il était une fois une boutique qui écrivait à ses clients, et ses clients répondaient. " * 4


async def test_it_sends_and_holds_every_text_for_delivered(tmp_path: Path) -> None:
    async with (
        Simulator(load_profile("default")) as simulator,
        run_kannel(simulator.port, tmp_path) as kannel,
    ):
        tags = {f"t{number}" for number in range(50)}
        for number, tag in enumerate(sorted(tags)):
            await kannel.send(f"Ça va @ €? {tag}", to=f"336399855{number:02}", tag=tag)
        await kannel.send(LONG, to="33639985099", tag="long")
        await kannel.send("Привет 👋", to="33639985098", tag="unicode", unicode=True)
        await kannel.until(lambda: kannel.delivered() >= tags | {"long", "unicode"})
        assert not {status for _, status in kannel.receipts} & {"2", "16"}  # none failed, none refused
        assert simulator.stats.submits == 52 + 2  # the long one has three parts
        assert simulator.stats.bad_pdus == 0


async def test_it_is_throttled_and_still_everything_arrives(tmp_path: Path) -> None:
    async with (
        Simulator(load_profile("throttled")) as simulator,
        run_kannel(simulator.port, tmp_path) as kannel,
    ):
        simulator.throttle(5)
        tags = {f"t{number}" for number in range(15)}
        for number, tag in enumerate(sorted(tags)):
            await kannel.send(f"text {tag}", to=f"33639985{number:03}", tag=tag)
        await kannel.until(lambda: kannel.delivered() >= tags)
        assert simulator.stats.refused.get(0x58, 0) > 0


async def test_it_reads_texts_from_handsets(tmp_path: Path) -> None:
    async with (
        Simulator(load_profile("default")) as simulator,
        run_kannel(simulator.port, tmp_path) as kannel,
    ):
        await kannel.send("hello", to="33639985001", tag="first")
        await kannel.until(lambda: "first" in kannel.delivered())  # it is bound
        for text in ("STOP", "Été à Genève", "Été à Genève 🏖️ " * 8):
            outcome = await simulator.deliver_mo(
                MoRequest(sender="33639981234", recipient="36180", text=text)
            )
            assert outcome.is_acknowledged
        await kannel.until(lambda: len(kannel.texts) == 3)
        assert [text for _, _, text in kannel.texts] == [
            "STOP", "Été à Genève", "Été à Genève 🏖️ " * 8,
        ]  # fmt: skip
        assert {(sender, ours) for sender, ours, _ in kannel.texts} == {("+33639981234", "36180")}


async def test_it_comes_back_after_an_unbind(tmp_path: Path) -> None:
    async with (
        Simulator(load_profile("default")) as simulator,
        run_kannel(simulator.port, tmp_path) as kannel,
    ):
        await kannel.send("before", to="33639985001", tag="before")
        await kannel.until(lambda: "before" in kannel.delivered())
        assert simulator.unbind() == 1
        await kannel.send("after", to="33639985002", tag="after")
        await kannel.until(lambda: "after" in kannel.delivered())

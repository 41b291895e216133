"""`estafette campaign` against a running gateway, as an operator types it."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.campaigns.acting import add_people, gateway_and_carrier, submits
from tests.e2e.running import Running, until

pytestmark = pytest.mark.integration


async def estafette(running: Running, *words: str) -> tuple[int, str]:
    """Exit status, and what it printed for the eye or said went wrong."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "ESTAFETTE_CONFIG": str(running.folder / "config.yaml")},
    )
    printed, complained = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, (printed or complained).decode()


async def test_a_campaign_goes_from_a_file_to_its_report(database: str) -> None:
    async with gateway_and_carrier(database, speed=200) as (running, carrier):
        list_id = await add_people(running, 300)
        draft = running.folder / "soldes.json"
        draft.write_text(
            json.dumps({"name": "Soldes", "text": "Allo {{ first_name }}", "audience": {"lists": [list_id]}})
        )
        status, said = await estafette(running, "campaign", "create", str(draft))
        assert (status, "is a draft: cmp_" in said) == (0, True), said
        status, said = await estafette(running, "campaign", "estimate", "Soldes")
        assert (status, "300 of 300 people would get it" in said) == (0, True), said
        assert "cost: 15 EUR" in said
        status, said = await estafette(running, "campaign", "start", "Soldes", "--recipients", "12")
        assert (status, "300 recipients now, and 12 were agreed to" in said) == (1, True), said
        status, said = await estafette(running, "campaign", "start", "Soldes", "--recipients", "300")
        assert (status, said) == (0, "campaign Soldes is planned\n")
        await until(lambda: len(submits(carrier)) > 0)
        status, said = await estafette(running, "campaign", "pause", "Soldes")
        assert (status, said) == (0, "campaign Soldes is paused\n")
        status, said = await estafette(running, "campaign", "show", "Soldes", "--json")
        assert json.loads(said)["pause_reason"] == "person"
        status, said = await estafette(running, "campaign", "resume", "Soldes")
        assert (status, said) == (0, "campaign Soldes is running\n")
        await until(lambda: len(submits(carrier)) == 300)
        status, said = await estafette(running, "campaign", "report", "Soldes")
        assert status == 0, said
        assert "recipients  300" in " ".join(said.split("\n")), said
        status, said = await estafette(running, "campaign", "list", "--state", "paused")
        assert (status, "No campaign is paused." in said) == (0, True)

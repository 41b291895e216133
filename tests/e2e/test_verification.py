"""The full verification of a server that lived and was killed, beside the log of its carrier."""

import asyncio
import json
import signal

import pytest

from e2e.running import until
from e2e.test_process import keep_sending, server_and_carrier, texts_taken, until_settled

pytestmark = pytest.mark.integration


async def test_after_a_kill_every_total_and_every_submit_of_the_carrier_is_accounted_for(
    database: str,
) -> None:
    async with server_and_carrier(database) as (server, shop, carrier):
        accepted: list[str] = []
        load = [asyncio.create_task(keep_sending(shop, accepted, f"text {n}")) for n in range(4)]
        await until(lambda: len(texts_taken(carrier)) > 60)
        server.signal(signal.SIGKILL)
        await asyncio.gather(*load)
        await server.wait()
        status, output, words = await server.run_command("ledger", "--verify", "--json")
        assert status == 0, output + words  # without a server, in the database itself
        await server.start()
        await until_settled(server)
        log = server.folder / "carrier.log"
        log.write_bytes(b"".join(line + b"\n" for line in carrier.read_log(0, most=10_000)))
        status, output, words = await server.run_command(
            "ledger", "--verify", "--carrier-log", f"one={log}", "--json"
        )
        assert status == 0, output + words
        report = json.loads(output)
        (beside,) = report["carrier_logs"]
        assert beside["taken"] == sum(texts_taken(carrier).values())
        assert beside["answered"] + beside["unanswered"] == beside["taken"]
        assert 0 < beside["receipts_acknowledged"] <= beside["taken"]

        taken = json.loads(next(line for line in log.read_bytes().splitlines() if b'"submit"' in line))
        taken["at"] -= 3_600  # what is younger than some seconds may be just under way
        with log.open("a") as file:
            file.write(json.dumps(taken) + "\n")
        status, output, _ = await server.run_command("ledger", "--verify", "--carrier-log", str(log))
        assert status == 1, output
        assert "UNEXPLAINED 1: submits that the carrier took and no attempt of ours stands for" in output

"""A list brought into `estafette serve`: by the command, and through kills of the whole server."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from e2e.running import ServerProcess, Shop
from e2e.test_process import server_and_carrier

pytestmark = pytest.mark.integration

PEOPLE = 60_000
CONSENT = {"state": "opted_in", "source": "till", "wording": "I agree to receive offers by text."}


def write_list(people: int) -> bytes:
    rows = (f"+336{10_000_000 + place},Name {place}\n" for place in range(people))
    return ("number,first_name\n" + "".join(rows)).encode()


async def start_import(shop: Shop, octets: bytes) -> str:
    headers = {"Authorization": f"Bearer {shop.live}", "Content-Type": "text/csv"}
    async with shop.session.post(
        f"{shop.url}/v1/imports?file_name=a.csv", data=octets, headers=headers
    ) as reply:
        assert reply.status == 201, await reply.text()
        import_id = str((await reply.json())["id"])
    status, answer = await shop.call(
        "POST", f"/v1/imports/{import_id}/start", {"new_list": "all", "consent": CONSENT}
    )
    assert status == 200, answer
    return import_id


async def until_import(shop: Shop, import_id: str, *phases: str, people: int = 0) -> dict[str, Any]:
    """The import once it is in one of the phases, with so many people or rows done."""
    async with asyncio.timeout(40):
        while True:
            _, job = await shop.call("GET", f"/v1/imports/{import_id}")
            progress = job["progress"]
            if progress["phase"] in phases and progress["rows_done"] >= people:
                return dict(job)
            await asyncio.sleep(0.02)


async def test_kills_of_the_whole_server_leave_everybody_there_once(database: str) -> None:
    async with server_and_carrier(database) as (server, shop, _):
        import_id = await start_import(shop, write_list(PEOPLE))
        for phase in ("reading", "merging"):
            await until_import(shop, import_id, phase, people=1)
            server.signal(signal.SIGKILL)
            await server.wait()
            await server.start()
        job = await until_import(shop, import_id, "done")
        assert (job["state"], job["counts"]["new"], job["counts"]["consents"]) == ("finished", PEOPLE, PEOPLE)
        connection = await asyncpg.connect(database)
        try:
            for table in ("contact", "list_member", "consent"):
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == PEOPLE
            assert await connection.fetchval("SELECT count(DISTINCT address) FROM contact") == PEOPLE
            assert await connection.fetchval("SELECT member_count FROM contact_list") == PEOPLE
        finally:
            await connection.close()
        assert "Traceback" not in server.log


async def run_import(server: ServerProcess, *words: str, given: bytes = b"") -> tuple[int, str, str]:
    return await server.run_command("contact", "import", *words, "--shop", "boutique", given=given)


async def test_the_command_tries_a_file_brings_it_in_and_reads_standard_input(
    database: str, tmp_path: Path
) -> None:
    path, faults = tmp_path / "people.csv", tmp_path / "faults.csv"
    path.write_bytes(write_list(20) + b"06 12,Nobody\n")
    async with server_and_carrier(database) as (server, shop, _):
        status, output, _ = await run_import(server, str(path), "--list", "Customers", "--dry-run")
        assert status == 0, output
        assert "Nobody was changed" in output
        _, contacts = await shop.call("GET", "/v1/contacts")
        assert contacts["contacts"] == []

        words = ("--list", "Customers", "--faults", str(faults))
        agreed = ("--consent-source", "till", "--wording", "I agree to offers.")
        status, output, fault = await run_import(server, str(path), *words, *agreed, "--json")
        assert status == 0, fault
        counts = json.loads(output)["counts"]
        assert (counts["new"], counts["refused"], counts["consents"]) == (20, 1, 20)
        assert faults.read_text("utf-8-sig").splitlines()[1].startswith("22,not_a_number,")

        status, output, fault = await run_import(
            server, "-", "--list", "Customers", "--json", given=write_list(25)
        )
        assert status == 0, fault
        counts = json.loads(output)["counts"]
        assert (counts["new"], counts["unchanged"]) == (5, 20)
        _, lists = await shop.call("GET", "/v1/lists")
        assert [(one["name"], one["member_count"]) for one in lists["lists"]] == [("Customers", 25)]

        status, output, _ = await run_import(server, "-", given=b"number,first_name\n")
        assert status == 1
        assert "no rows of people" in output

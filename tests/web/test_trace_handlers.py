"""Traces over the admin socket and the command line, with a whole gateway and a pretend carrier behind."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.cli import main
from gateway.commands.errors import ExitStatus
from gateway.config import AdminRole
from gateway.simulator.profile import Profile
from gateway.simulator.smsc import Simulator
from gateway.web.admin_access import Caller
from tests.e2e.running import Running, connector, run_gateway, until

pytestmark = pytest.mark.integration

TO = "+33639981234"
CODE = "Votre code 7788"
CODE_IN_HEX = CODE.encode().hex(" ")


class Door:
    """The admin socket of a running gateway."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.socket = running.folder / "state" / "admin.sock"
        self._session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.socket)))

    async def aclose(self) -> None:
        await self._session.close()

    async def get(self, path: str) -> tuple[int, Any]:
        async with self._session.get(f"http://admin/admin{path}") as answer:
            return answer.status, await answer.json(content_type=None)

    @asynccontextmanager
    async def watch(self, query: str = "") -> AsyncIterator[Callable[[int], Any]]:
        """A live trace of connector `one`; call what it gives for the next so many PDUs."""
        url = f"http://admin/admin/connectors/one/trace{query}"
        async with self._session.get(url) as answer:
            assert (answer.status, answer.content_type) == (200, "application/x-ndjson")

            async def take(count: int) -> list[dict[str, Any]]:
                async with asyncio.timeout(10):
                    return [json.loads(await answer.content.readline()) for _ in range(count)]

            yield take

    def become(self, role: AdminRole, *shops: str, reads_all_texts: bool = False) -> None:
        """Whoever runs the tests, in a role that it could not have by configuration."""
        of_shops = frozenset(shops) if shops else None
        caller = Caller(os.geteuid(), role, of_shops, reads_all_texts=reads_all_texts)
        self.running.gateway.rooms.access.callers = {os.geteuid(): caller}

    async def run(self, *words: str) -> int:
        return await asyncio.to_thread(main, [*words, "--socket", str(self.socket)])


@pytest.fixture
async def door(database: str) -> AsyncIterator[Door]:
    async with (
        Simulator(Profile()) as carrier,
        run_gateway(database, [connector("one", carrier.port)]) as running,
    ):
        opened = Door(running)
        yield opened
        await opened.aclose()


def commands(pdus: list[dict[str, Any]]) -> list[str]:
    return [f"{pdu['direction']} {pdu['command']}" for pdu in pdus]


EXCHANGE = ["sent submit_sm", "received submit_sm_resp", "received deliver_sm", "sent deliver_sm_resp"]


async def test_a_message_is_followed_live_and_found_again_with_its_texts_the_shops_own(door: Door) -> None:
    async with door.watch(f"?number={TO}") as take:
        await door.running.shop.send("somebody else")
        message_id = await door.running.shop.send(CODE, to=TO)
        live = await take(4)
    assert commands(live) == EXCHANGE
    assert [pdu["status"] for pdu in live] == [None, "0x00 ESME_ROK", None, "0x00 ESME_ROK"]
    assert live[0]["summary"] == "BOUTIQUE → 33639981234"
    assert "text hidden" in " ".join(live[0]["words"])
    assert CODE_IN_HEX not in live[0]["hex"]

    await door.running.shop.until(message_id, "delivered")
    await door.running.until_answered()
    status, answer = await door.get(f"/messages/{message_id}/trace")
    assert (status, answer["pdus"], answer["id"]) == (200, live, message_id)
    assert answer["kept_since"] < live[0]["at"]

    door.become(AdminRole.SHOP_ADMIN, "demo")
    _, answer = await door.get(f"/messages/{message_id}/trace")
    assert f'"{CODE}"' in " ".join(answer["pdus"][0]["words"])
    assert CODE_IN_HEX in answer["pdus"][0]["hex"]
    secret = await door.running.shop.send(CODE, to="+33639980000", sensitive=True)
    await door.running.shop.until(secret, "delivered")
    await door.running.until_answered()
    _, answer = await door.get(f"/messages/{secret}/trace")
    assert commands(answer["pdus"]) == EXCHANGE
    assert "7788" not in json.dumps(answer)


async def test_an_operator_who_reads_texts_does_not_read_sensitive_ones(door: Door) -> None:
    door.become(AdminRole.OPERATOR, reads_all_texts=True)
    async with door.watch() as take:
        await door.running.shop.send(CODE, to=TO)
        plain, *_ = await take(4)
        await door.running.shop.send(CODE, to="+33639980000", sensitive=True)
        sensitive = await take(4)
    assert CODE in " ".join(plain["words"])
    assert commands(sensitive) == EXCHANGE
    assert "7788" not in json.dumps(sensitive)
    assert CODE_IN_HEX not in json.dumps(sensitive)


async def test_who_is_no_operator_watches_nobody_and_other_shops_have_no_messages(door: Door) -> None:
    message_id = await door.running.shop.send()
    for role in (AdminRole.SHOP_ADMIN, AdminRole.READ_ONLY, AdminRole.AGENT):
        door.become(role, "another")
        assert (await door.get("/connectors/one/trace"))[1]["code"] == "forbidden"
        assert (await door.get(f"/messages/{message_id}/trace"))[1]["code"] == "not_found"
    door.become(AdminRole.OPERATOR)
    assert (await door.get("/connectors/two/trace"))[1]["code"] == "not_found"
    assert (await door.get("/connectors/one/trace?number=shop"))[1]["code"] == "invalid_parameter"
    assert (await door.get("/connectors/one/trace?numbre=1"))[1]["code"] == "invalid_parameter"


async def test_eight_may_watch_and_a_place_is_free_when_one_leaves(door: Door) -> None:
    watches = [door.watch() for _ in range(8)]
    for watch in watches:
        await watch.__aenter__()
    assert (await door.get("/connectors/one/trace"))[1]["code"] == "too_many_traces"
    await watches[0].__aexit__(None, None, None)
    book = door.running.gateway.rooms.traffic.trace.book
    await until(lambda: book.watches < 8)
    async with door.watch():
        pass
    for watch in watches[1:]:
        await watch.__aexit__(None, None, None)


async def test_a_server_that_stops_does_not_wait_for_those_who_watch(database: str) -> None:
    async with Simulator(Profile()) as carrier:
        async with run_gateway(database, [connector("one", carrier.port)]) as running:
            door = Door(running)
            watch = door.watch()
            await watch.__aenter__()
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < 4.0
        await watch.__aexit__(None, None, None)
        await door.aclose()


async def test_the_command_line_prints_what_passes_and_ends_by_itself(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    book = door.running.gateway.rooms.traffic.trace.book
    tracing = asyncio.create_task(
        door.run("connector", "trace", "one", "--number", TO, "--for", "2", "--hex")
    )
    await until(lambda: book.watches)
    message_id = await door.running.shop.send(CODE, to=TO)
    await door.running.shop.until(message_id, "delivered")
    assert await tracing == ExitStatus.DONE
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if "  bind 1  " in line]  # the gateway's log is printed here too
    assert [head.split("  ")[2:4] for head in heads] == [
        ["→", heads[0].split("  ")[3]],
        ["←", heads[0].split("  ")[3].replace("sm", "sm_resp")],
        ["←", heads[2].split("  ")[3]],
        ["→", heads[2].split("  ")[3].replace("sm", "sm_resp")],
    ]
    assert heads[0].endswith("BOUTIQUE → 33639981234")
    assert "DELIVRD" in heads[2]
    assert '    destination_addr "33639981234"' in lines
    assert any(line.startswith("    0010  00 05 00 42 4f 55") for line in lines)

    await door.running.until_answered()
    assert await door.run("message", "trace", message_id, "--brief") == ExitStatus.DONE
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if "  bind 1  " in line] == heads
    assert await door.run("connector", "trace", "two") == ExitStatus.REFUSED
    assert "There is no connector two." in capsys.readouterr().err


async def test_a_message_that_memory_has_forgotten_is_told_so(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    message_id = await door.running.shop.send()
    await door.running.shop.until(message_id, "delivered")
    door.running.gateway.rooms.traffic.trace.book.change_keep_octets(0)
    assert await door.run("message", "trace", message_id) == ExitStatus.DONE
    words = f"No PDU of {message_id} is in memory; none are kept. See trace.keep_octets."
    assert words in capsys.readouterr().out

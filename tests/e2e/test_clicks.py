"""Links opened on a server that is killed: whoever was led on has a click."""

import asyncio
import signal
import tempfile
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from e2e.running import ServerProcess, configuration, free_port
from gateway.domain.link_codes import LinkCodes

pytestmark = pytest.mark.integration

LINKS = 5_000
KILLED_AFTER = 250
"""Visitors led on when the server is killed; the others are on their way then."""


async def fill_links(dsn: str) -> LinkCodes:
    """Links of one campaign; their messages are of a day that was dropped."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "INSERT INTO link_target VALUES (1, 7, 9, now(), 'link', 'https://shop.example/')"
        )
        await connection.execute(
            "INSERT INTO link (seq, shop_id, slot, message_id, target_id, campaign_id, contact_id, country)"
            " SELECT seq, 1, seq & 255, seq, 7, 9, seq, 'FR' FROM generate_series(1, $1::int) AS seq",
            LINKS,
        )
        return LinkCodes(await connection.fetchval("SELECT instance_secret FROM instance"))
    finally:
        await connection.close()


async def read_clicked(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        people = await connection.fetchval("SELECT sum(people) FROM stat_click")
        rows = await connection.fetch("SELECT link_seq FROM click ORDER BY 1")
        assert people == len(rows)
        return [row["link_seq"] for row in rows]
    finally:
        await connection.close()


async def test_no_click_of_a_visitor_who_was_led_on_is_lost_by_a_kill(database: str) -> None:
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        public = {"port": free_port(), "click_wait_ms": 5_000, "trusted_proxies": ["127.0.0.1"]}
        server = ServerProcess(Path(name), configuration(database, Path(name), [], routes=[], public=public))
        led_on: set[int] = set()
        try:
            await server.start()
            codes = await fill_links(database)
            seqs = iter(range(1, LINKS + 1))

            async def open_links(session: aiohttp.ClientSession) -> None:
                for seq in seqs:
                    headers = {
                        "User-Agent": f"Mozilla/5.0 (iPhone) {seq}",
                        "X-Forwarded-For": f"10.1.{seq % 250}.9",
                    }
                    url = f"http://127.0.0.1:{public['port']}/{codes.encode(seq)}"
                    async with session.get(url, headers=headers, allow_redirects=False) as answer:
                        assert answer.status == 302
                        led_on.add(seq)
                    if len(led_on) == KILLED_AFTER:
                        server.signal(signal.SIGKILL)

            async with aiohttp.ClientSession() as session:
                visitors = [open_links(session) for _ in range(16)]
                outcomes = await asyncio.gather(*visitors, return_exceptions=True)
            assert all(isinstance(outcome, aiohttp.ClientError) for outcome in outcomes), outcomes
            await server.wait()
        finally:
            await server.aclose()
        clicked = await read_clicked(database)
        assert KILLED_AFTER <= len(led_on) < LINKS
        assert led_on <= set(clicked)
        assert len(clicked) == len(set(clicked))

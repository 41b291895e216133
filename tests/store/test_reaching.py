"""A server that is not there yet is waited for, in words; one that refuses us for good is not."""

import asyncio

import asyncpg
import pytest

from gateway.store.reaching import NotPostgresItself, wait_for_server
from tests.store.rig import CutProxy

pytestmark = pytest.mark.integration


async def test_a_server_that_is_away_is_waited_for_and_said(database: str) -> None:
    said: list[str] = []
    async with CutProxy(database) as proxy:
        proxy.is_closed = True
        waiting = asyncio.create_task(wait_for_server(proxy.dsn, report=said.append))
        async with asyncio.timeout(10):
            while proxy.connections < 2:  # noqa: ASYNC110 - a count of the proxy's
                await asyncio.sleep(0.01)
        assert not waiting.done()
        proxy.is_closed = False
        async with asyncio.timeout(10):
            await waiting
    assert len(said) == 1
    assert said[0].startswith("waiting for the database: ")


async def test_a_server_that_answers_is_not_spoken_of(database: str) -> None:
    said: list[str] = []
    await wait_for_server(database, report=said.append)
    assert said == []


async def test_what_waiting_does_not_cure_is_raised(database: str) -> None:
    async with CutProxy(database) as proxy:
        nowhere = proxy.dsn.rpartition("/")[0] + "/no_such_database"
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await wait_for_server(nowhere, report=lambda _: None)


async def test_a_pooler_is_refused_in_words() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As pgbouncer 1.18 does with settings that it does not know."""
        octets = await reader.read(1024)
        if octets[4:8] == bytes.fromhex("04d2162f"):  # SSLRequest
            writer.write(b"N")
            await reader.read(1024)
        words = b"SFATAL\0C08P01\0Munsupported startup parameter: tcp_user_timeout\0\0"
        writer.write(b"E" + (4 + len(words)).to_bytes(4, "big") + words)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotPostgresItself, match="pgbouncer"):
            await wait_for_server(f"postgresql://nobody@127.0.0.1:{port}/any", report=lambda _: None)

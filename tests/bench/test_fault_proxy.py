"""The proxy does to a line exactly what it was told, and nothing to a line that it was told nothing about."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from bench.fault_connection import UNHURT, End, Manner, Toward, Tripwire
from bench.fault_proxy import FaultProxy

pytestmark = pytest.mark.integration

DEADLINE_SECONDS = 5


class Server:
    """Keeps what arrives, and answers each read with `answer`."""

    def __init__(self) -> None:
        self.answer = b""
        self.got = b""
        self.has_ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(65_536):
                self.got += octets
                writer.write(self.answer)
            self.has_ended.set()
        except OSError:
            self.has_ended.set()
        finally:
            writer.close()

    async def wait_for(self, octets: bytes) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while self.got != octets:  # noqa: ASYNC110 - what arrives sets no event
                await asyncio.sleep(0.001)


Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def line() -> AsyncIterator[tuple[FaultProxy, Server, Client]]:
    """A client connected to a server by way of a proxy; "hello" has passed."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening, FaultProxy(listening.sockets[0].getsockname(), Random(1)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")
        await server.wait_for(b"hello")
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                yield proxy, server, (reader, writer)
        finally:
            writer.close()


async def test_a_healthy_line_passes_octets_and_ends_both_ways() -> None:
    async with line() as (_, server, (reader, writer)):
        server.answer = b"answer"
        writer.write(b" again")
        assert await reader.readexactly(6) == b"answer"
        writer.write_eof()
        assert await reader.read() == b""
        assert server.got == b"hello again"


async def test_a_reset_reaches_the_client_as_a_reset() -> None:
    async with line() as (proxy, server, (reader, _)):
        proxy.cut(End.RESET)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await server.has_ended.wait()


async def test_a_close_reaches_the_client_as_an_end() -> None:
    async with line() as (proxy, server, (reader, _)):
        proxy.cut(End.CLOSE)
        assert await reader.read() == b""
        await server.has_ended.wait()


async def test_not_one_octet_more_than_the_wire_allows_passes() -> None:
    async with line() as (proxy, server, (reader, writer)):
        proxy.trip(Tripwire(Toward.SERVER, End.CLOSE, after_octets=3))
        writer.write(b"abcdef")
        await proxy.tripped.wait()
        assert await reader.read() == b""
        await server.has_ended.wait()
        assert server.got == b"helloabc"


async def test_a_pattern_is_carried_out_and_its_answer_is_not_heard() -> None:
    async with line() as (proxy, server, (reader, writer)):
        server.answer = b"done"
        proxy.trip(Tripwire(Toward.SERVER, End.CLOSE, pattern=b"COMMIT", skips=1, passes=True))
        writer.write(b"COMMIT")
        assert await reader.readexactly(4) == b"done"
        writer.write(b"COMMIT")
        assert await reader.read() == b""
        assert server.got == b"helloCOMMITCOMMIT"


async def test_a_pattern_that_is_not_to_pass_does_not() -> None:
    async with line() as (proxy, server, (reader, writer)):
        proxy.trip(Tripwire(Toward.SERVER, End.CLOSE, pattern=b"COMMIT"))
        writer.write(b"COMMIT")
        assert await reader.read() == b""
        await server.has_ended.wait()
        assert server.got == b"hello"


async def test_a_half_closed_line_still_passes_the_other_way() -> None:
    async with line() as (proxy, server, (reader, writer)):
        proxy.half_close(Toward.CLIENT)
        assert await reader.read() == b""
        writer.write(b" still")
        await server.wait_for(b"hello still")


async def test_a_black_hole_takes_connections_and_says_nothing_until_it_is_mended() -> None:
    async with line() as (proxy, server, (reader, writer)):
        proxy.swallow_all()
        late_reader, late_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for each in (writer, late_writer):
            each.write(b"swallowed")
        while proxy.lines < 2:  # noqa: ASYNC110 - the proxy's own loop takes it
            await asyncio.sleep(0.001)
        proxy.mend()
        for broken in (reader, late_reader):
            with pytest.raises(ConnectionResetError):
                await broken.read()
        late_writer.close()
        assert server.got == b"hello"


async def test_what_is_held_passes_at_once_when_the_hold_ends() -> None:
    async with line() as (proxy, server, (_, writer)):
        proxy.shape(Manner(is_held=True))
        for piece in (b"a", b"b", b"c"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        assert server.got == b"hello"
        proxy.shape(UNHURT)
        await server.wait_for(b"helloabc")


async def test_single_octets_and_chance_keep_the_order() -> None:
    async with line() as (proxy, server, (_, writer)):
        proxy.shape(Manner(is_octetwise=True, jitter_seconds=0.005))
        sent = bytes(range(256)) * 8
        for first in range(0, len(sent), 100):
            writer.write(sent[first : first + 100])
            await asyncio.sleep(0)
        await server.wait_for(b"hello" + sent)


async def test_nobody_gets_through_while_connections_are_refused() -> None:
    async with line() as (proxy, _, _):
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.mend()
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.close()

"""A broken line to the carrier: nothing lost, nothing doubled, and the binds come back by themselves."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from session.certificates import SERVER_NAME, make_certificates

from bench.fault_connection import End, Toward
from bench.line_faults import (
    HELD,
    OCTETWISE,
    Line,
    LineFault,
    carrier_faults,
    cut,
    cut_inside,
    in_turn,
    shape,
)

from .lines import PATIENT, assert_nothing_amiss, open_lines

pytestmark = pytest.mark.integration

SHORT = LineFault(
    Line.CARRIER,
    "a reset, and a cut inside a PDU",
    3,
    in_turn(cut(End.RESET, times=1), cut_inside(Toward.SERVER, End.CLOSE, times=1)),
    lines_lost=3,
)
HARMLESS = LineFault(
    Line.CARRIER, "single octets, and a stall", 1, in_turn(shape(OCTETWISE, 0.3), shape(HELD, 0.3))
)
BY_TLS = LineFault(
    Line.CARRIER,
    "cut inside a record",
    1.5,
    cut_inside(Toward.SERVER, End.CLOSE, times=1),
    lines_lost=1,
)


async def test_a_line_that_breaks_in_several_ways_loses_and_doubles_nothing(database: str) -> None:
    async with open_lines(database, **PATIENT) as lines:
        outcomes = [await lines.suffer(fault, messages=150) for fault in (HARMLESS, SHORT)]
        assert_nothing_amiss(outcomes)


@asynccontextmanager
async def behind_tls(context: ssl.SSLContext, smsc_port: int) -> AsyncIterator[int]:
    """A port that ends TLS and leads to the SMSC."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while octets := await reader.read(65_536):
                writer.write(octets)
                await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        smsc_reader, smsc_writer = await asyncio.open_connection("127.0.0.1", smsc_port)
        await asyncio.gather(copy(reader, smsc_writer), copy(smsc_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


@pytest.mark.slow
async def test_a_line_by_tls_that_is_cut_inside_a_record(database: str, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    tls = {"enabled": True, "ca_file": certificates.ca, "server_name": SERVER_NAME}
    context = certificates.server_context()
    async with open_lines(
        database, before_smsc=lambda port: behind_tls(context, port), tls=tls, **PATIENT
    ) as lines:
        assert_nothing_amiss([await lines.suffer(BY_TLS, messages=100)])


@pytest.mark.slow
@pytest.mark.parametrize("fault", carrier_faults(), ids=lambda fault: fault.name)
async def test_each_fault_of_the_line_to_a_carrier(database: str, fault: LineFault) -> None:
    async with open_lines(database) as lines:
        outcome = await lines.suffer(fault, messages=400)
        print(outcome.summary)
        assert_nothing_amiss([outcome])

"""`estafette simulator` as a process."""

import argparse
import asyncio
import json
import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from gateway.simulator.command import add_arguments, run

from .esme import DEADLINE_SECONDS, bound

pytestmark = pytest.mark.integration

PROGRAM = """
import argparse, sys
from gateway.simulator.command import add_arguments, run
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(run(parser.parse_args()))
"""


async def start(*arguments: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
    ports = ("--port", "0", "--control-port", "0", "--json")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *ports, *arguments, stdin=stdin, stdout=asyncio.subprocess.PIPE
    )


async def read_json(process: asyncio.subprocess.Process) -> dict[str, int]:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer: dict[str, int] = json.loads(await process.stdout.readline())
        return answer


async def end(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await process.wait()


async def test_it_serves_logs_and_stops_in_order_on_sigterm(tmp_path: Path) -> None:
    process = await start("--log", str(tmp_path / "log"))
    ports = await read_json(process)
    async with bound(ports["port"]) as esme:
        esme.submit(1, b"33600000001")
        await esme.until(lambda: bool(esme.deliveries))
        process.send_signal(signal.SIGTERM)
        counts = await read_json(process)
        assert await end(process) == 0
        assert (counts["submits"], counts["taken"]) == (1, 1)
        await esme.until(lambda: esme.closed is not None)
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert events == ["bind", "submit", "receipt", "accepted", "close"]


async def test_commands_are_typed_at_a_terminal() -> None:
    keyboard, terminal = pty.openpty()
    try:
        process = await start(stdin=terminal)
        assert process.stdout is not None
        await read_json(process)
        os.write(keyboard, b"\nthrottle 7\nfly\nquit\n")
        assert await end(process) == 0
        said = (await process.stdout.read()).decode()
        assert "  parts_per_second 7\n" in said
        assert "! no command is called 'fly'" in said
    finally:
        os.close(keyboard)
        os.close(terminal)


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--list-profiles")) == 0
    assert "hex-ids" in capsys.readouterr().out


def test_a_bad_profile_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--profile", "defualt")) == 1
    assert "did you mean 'default'" in capsys.readouterr().err

"""A process forked out of a running loop, and what it leaves alone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.hosting.errors import HostingError
from gateway.hosting.forking import fork

pytestmark = pytest.mark.integration

SCRIPT = """
import asyncio, os, signal, socket, sys, time
from gateway.hosting.forking import fork

async def live(channel):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    channel.send(b"up")
    await stop.wait()
    return 7

def run(channel):
    if sys.argv[1] == "raise":
        raise ValueError("broken")
    if sys.argv[1] == "killed":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    return asyncio.run(live(channel))

async def main():
    loop = asyncio.get_running_loop()
    heard = []
    loop.add_signal_handler(signal.SIGTERM, heard.append, "parent")
    child = fork(run, death_signal=signal.SIGKILL if sys.argv[1] == "killed" else signal.SIGTERM)
    if sys.argv[1] in ("orphan", "killed"):
        while not heard:
            try:
                heard.append(child.channel.recv(10))
            except BlockingIOError:
                await asyncio.sleep(0.01)
        print(child.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    ready = asyncio.Event()
    loop.add_reader(child.channel, ready.set)
    await ready.wait()
    child.signal(signal.SIGTERM)
    status = await child.wait()
    child.signal(signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)
    while not heard:
        await asyncio.sleep(0.01)
    print(status, heard, flush=True)

asyncio.run(main())
"""


def run(how: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own: the one of the tests has threads."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, how],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=Path(__file__).parents[2],
    )


def test_a_child_has_a_loop_and_signals_of_its_own_and_the_parent_keeps_its_own() -> None:
    done = run("stay")
    assert done.stdout == "7 ['parent']\n", done.stderr


def test_a_child_that_raises_ends_with_a_status_and_a_traceback_and_unwinds_nothing() -> None:
    done = run("raise")
    assert done.stdout == "70 ['parent']\n", done.stderr
    assert done.stderr.count("ValueError: broken") == 1


@pytest.mark.parametrize("how", ["orphan", "killed"])  # asked to stop, and not asked
async def test_a_child_does_not_outlive_its_parent(how: str) -> None:
    done = await asyncio.to_thread(run, how)
    pid = int(done.stdout)
    async with asyncio.timeout(10):
        while is_running(pid):  # noqa: ASYNC110 - a process that is not our child sets no event
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether it is more than a name in the table of processes."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_a_process_with_threads_is_not_forked() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with pytest.raises(HostingError, match="threads"):
            fork(lambda channel: signal.SIGKILL)
    finally:
        done.set()
        other.join()

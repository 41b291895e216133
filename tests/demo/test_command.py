"""The demonstration as a newcomer runs it: the real thing in a process of its own, ended by Ctrl-C."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

_LAST_WORDS = "Ctrl-C stops everything"
_PATIENCE_SECONDS = 60.0


@pytest.fixture
def folder(open_folder: Path) -> Path:
    return open_folder / "demo"


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gateway.cli", "demo", "--folder", str(folder), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command of an operator beside the demonstration."""
    command = [sys.executable, "-m", "gateway.cli", *words, "--config", str(folder / "config.yaml")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    seen = ""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
        assert time.monotonic() < deadline, seen
    raise AssertionError(seen)


def live_servers(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().split("\0")
        except OSError:
            continue
        if str(folder / "postgres" / "data") in words:
            found.append(" ".join(words))
    return found


def test_it_sends_balances_shows_the_next_steps_and_stops_in_order(folder: Path) -> None:
    process = start(folder)
    shown = read_until(process, _LAST_WORDS)
    assert re.search(r"100%  \d+ delivered", shown)
    assert re.search(r"The ledger balances: 6\d\d messages", shown)
    key = re.search(r"Bearer (est_live_\w+)", shown)
    assert key is not None
    url = re.search(r"curl -s (http://127\.0\.0\.1:\d+)/v1/messages", shown)
    assert url is not None
    assert live_servers(folder)

    status = run(folder, "status")
    assert status.returncode == 0, status.stderr
    assert "demo-carrier" in status.stdout
    # A campaign with visitors, orders and opt-outs: every total agrees with its rows.
    verified = run(folder, "ledger", "--verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    process.send_signal(signal.SIGINT)
    assert process.wait(_PATIENCE_SECONDS) == 0
    assert process.stdout is not None
    assert process.stdout.read().endswith("Stopping …\nStopped.\n")
    assert not live_servers(folder)


def test_ctrl_c_before_the_end_stops_everything_too(folder: Path) -> None:
    process = start(folder, "--fresh")
    read_until(process, "It writes to each of them")
    process.send_signal(signal.SIGINT)
    assert process.wait(_PATIENCE_SECONDS) == 130
    assert not live_servers(folder)

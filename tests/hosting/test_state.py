"""The state folder: where it is, that one process holds it, and that its identity stays."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.hosting.errors import HostingError, StateDirectoryBusy
from gateway.hosting.state import StateDirectory, resolve_state_directory

HOLD_AND_WAIT = """
import sys
from pathlib import Path
from gateway.hosting.state import StateDirectory
held = StateDirectory.acquire(Path(sys.argv[1]))
print(held.identity, flush=True)
sys.stdin.read()
"""

ACQUIRE = """
import sys
from pathlib import Path
from gateway.errors import EstafetteError
from gateway.hosting.state import StateDirectory
try:
    StateDirectory.acquire(Path(sys.argv[1]))
except EstafetteError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(
    ("configured", "environ", "uid", "expected"),
    [
        ("/srv/est", {"STATE_DIRECTORY": "/var/lib/a", "HOME": "/home/u"}, 1000, "/srv/est"),
        (None, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "HOME": "/home/u"}, 1000, "/var/lib/a"),
        (None, {"HOME": "/root"}, 0, "/var/lib/estafette"),
        (None, {"HOME": "/home/u"}, 1000, "/home/u/.local/state/estafette"),
        (None, {"HOME": "/home/u", "XDG_STATE_HOME": "/home/u/state"}, 1000, "/home/u/state/estafette"),
        (None, {"HOME": "/home/u", "XDG_STATE_HOME": "relative"}, 1000, "/home/u/.local/state/estafette"),
    ],
)
def test_the_folder_is_found_in_the_documented_order(
    configured: str | None, environ: dict[str, str], uid: int, expected: str
) -> None:
    assert resolve_state_directory(configured, environ, uid) == Path(expected)


def test_a_user_without_a_home_is_told_what_to_set() -> None:
    with pytest.raises(HostingError, match=r"set node\.state_directory"):
        resolve_state_directory(None, {}, 1000)


def test_the_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    with StateDirectory.acquire(tmp_path / "a") as first:
        identity = first.identity
    with StateDirectory.acquire(tmp_path / "a") as again, StateDirectory.acquire(tmp_path / "b") as other:
        assert again.identity == identity
        assert other.identity != identity


def test_the_folder_shows_nobody_what_is_in_it(tmp_path: Path) -> None:
    with StateDirectory.acquire(tmp_path / "deep" / "state") as state:
        mode = stat.S_IMODE(state.path.stat().st_mode)
        assert mode & 0o066 == 0, "others may pass through at most"
        for name in ("lock", "node-identity"):
            assert stat.S_IMODE((state.path / name).stat().st_mode) == 0o600


def test_a_second_hold_names_the_holder(tmp_path: Path) -> None:
    with StateDirectory.acquire(tmp_path), pytest.raises(StateDirectoryBusy) as caught:
        StateDirectory.acquire(tmp_path)
    assert caught.value.pid == os.getpid()


def test_a_hold_that_outlived_its_process_is_told_as_such(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with StateDirectory.acquire(tmp_path):
        (tmp_path / "lock").write_text(f"{gone.pid}\n")
        with pytest.raises(StateDirectoryBusy, match=f"what process {gone.pid} started .*fuser"):
            StateDirectory.acquire(tmp_path)


def test_a_damaged_identity_is_not_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / "node-identity").write_text("not hexadecimal")
    with pytest.raises(HostingError, match="does not hold a node identity"):
        StateDirectory.acquire(tmp_path)
    (tmp_path / "node-identity").unlink()
    StateDirectory.acquire(tmp_path).close()  # the refusal above held no lock


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostingError, match=f"{tmp_path}/file/state cannot be used: Not a directory"):
        StateDirectory.acquire(tmp_path / "file" / "state")


@pytest.mark.integration
def test_a_second_start_exits_with_a_sentence_and_a_killed_holder_frees_the_folder(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_AND_WAIT, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    identity = holder.stdout.readline().strip()
    second = subprocess.run(
        [sys.executable, "-c", ACQUIRE, tmp_path], capture_output=True, text=True, timeout=20, check=False
    )
    assert second.returncode == 1
    assert f"the state folder {tmp_path} is in use by process {holder.pid}; stop that one" in second.stderr
    assert "Traceback" not in second.stderr
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with StateDirectory.acquire(tmp_path) as state:
        assert state.identity == identity

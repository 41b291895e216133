"""The demonstration's folder: it keeps, it starts over, and it never touches what is not its own."""

import os
import socket
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.demo.errors import DemoError
from gateway.demo.folder import DemoFolder, DemoKeys, DemoPorts, choose_ports, default_folder
from gateway.hosting.state import StateDirectory

KEYS = DemoKeys(live="est_live_x", test="est_test_x")


def test_keys_are_kept_from_start_to_start_and_closed_to_others(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    folder.prepare(is_fresh=False)
    assert folder.read_keys() is None
    folder.write_keys(KEYS)
    folder.prepare(is_fresh=False)
    assert folder.read_keys() == KEYS
    assert (folder.path / "demo.json").stat().st_mode & 0o077 == 0


def test_a_fresh_start_removes_what_the_demo_made(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    folder.prepare(is_fresh=False)
    folder.write_keys(KEYS)
    (folder.path / "postgres").mkdir()
    folder.prepare(is_fresh=True)
    assert folder.read_keys() is None
    assert not (folder.path / "postgres").exists()


@pytest.mark.parametrize("is_fresh", [False, True])
def test_a_running_demo_keeps_its_folder(tmp_path: Path, is_fresh: bool) -> None:
    folder = DemoFolder(tmp_path / "demo")
    folder.prepare(is_fresh=False)
    folder.write_keys(KEYS)
    with StateDirectory.acquire(folder.path), pytest.raises(DemoError, match="a demo is running in"):
        folder.prepare(is_fresh=is_fresh)
    assert folder.read_keys() == KEYS


@pytest.mark.parametrize("is_fresh", [False, True])
def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path, is_fresh: bool) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("six years")
    with pytest.raises(DemoError, match="was not made by the demo"):
        DemoFolder(tmp_path).prepare(is_fresh=is_fresh)
    assert precious.read_text() == "six years"


def test_the_written_configuration_is_a_good_one(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    folder.prepare(is_fresh=False)
    folder.write_config(DemoPorts(api=18080, public=18081, smsc=12775))
    config = load_config(folder.config_path, {})
    assert config.http.port == 18080
    assert config.node.state_directory == str(folder.path)
    assert [str(host) for host in config.connectors[0].hosts] == ["127.0.0.1:12775"]


def test_another_port_is_taken_when_the_usual_one_is_in_use() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
        except OSError:
            pass  # somebody else has it, which serves as well
        else:
            taken.listen()
        ports = choose_ports(smsc_port=1)
    assert ports.api != 8080
    assert not ports.are_usual


def test_it_lies_beside_the_state_of_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/somewhere")
    assert default_folder() == Path("/var/lib/somewhere-demo")
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/x/.local/state")
    expected = "/var/lib/estafette-demo" if os.geteuid() == 0 else "/home/x/.local/state/estafette-demo"
    assert default_folder() == Path(expected)

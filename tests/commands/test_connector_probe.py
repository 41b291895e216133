"""`estafette connector probe`: from the command line to a fragment to paste, and all that it refuses."""

import asyncio
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from gateway.cli import main
from gateway.commands.errors import ExitStatus
from gateway.config import load_config
from gateway.doctor.report import current_value
from gateway.simulator.profile import BindRules, Profile
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

pytestmark = pytest.mark.integration

TO = ["--to", "+33 6 39 98 12 34"]


@contextmanager
def carrier(profile: Profile) -> Iterator[int]:
    """A simulated carrier on a thread of its own, since the command runs its own loop; its port."""
    started = threading.Event()
    ports: list[int] = []
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def serve() -> None:
        async with Simulator(profile) as simulator:
            ports.append(simulator.port)
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        loop.close()


def write_config(folder: Path, port: int, **connector: object) -> Path:
    path = folder / "config.yaml"
    path.touch(mode=0o600)
    entry = {
        "name": "carrier-a",
        "hosts": [f"127.0.0.1:{port}"],
        "system_id": "shop",
        "password": "secret",
        "prices": [{"price": "0.05"}],
        **connector,
    }
    tree = {
        "node": {"state_directory": str(folder / "state")},
        "defaults": {"sender": "SHOP"},
        "connectors": [entry],
    }
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def probe(path: Path, *words: str) -> int:
    return main(["connector", "probe", "carrier-a", *TO, "--config", str(path), "--wait", "1", *words])


def test_the_fragment_pasted_into_the_configuration_makes_it_say_all_that_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with carrier(load_profile("hex-ids")) as port:
        path = write_config(tmp_path, port)
        assert probe(path, "--yes", "--json") == ExitStatus.DONE
    found = json.loads(capsys.readouterr().out)
    assert found["parts"] == 13
    settings = {each["path"]: (each["now"], each["value"]) for each in found["settings"]}
    assert settings["id_form.response"] == ("as_is", "hex_to_dec")
    path.write_text(
        path.read_text() + found["fragment"].replace("\n  ", "\n")[2:]
    )  # YAML was dumped less deep
    pasted = load_config(path, {}).connectors[0]
    assert {key: current_value(pasted, key) for key in settings} == {
        key: value for key, (_, value) in settings.items()
    }


def test_nothing_is_sent_without_a_yes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_config(tmp_path, 1)
    assert probe(path) == ExitStatus.REFUSED
    said = capsys.readouterr().err
    assert "up to 15 real messages (0.75 EUR at most) to +33639981234" in said
    assert "--yes" in said


def test_an_account_that_is_refused_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with carrier(Profile(bind=BindRules(refuse_with=0x0E))) as port:
        assert probe(write_config(tmp_path, port), "--yes") == ExitStatus.REFUSED
    said = capsys.readouterr().err
    assert "carrier-a could not be bound" in said
    assert "wrong password" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["connector", "probe", "carier-a", *TO], "did you mean 'carrier-a'"),
        (["connector", "probe", "carrier-a", "--to", "12"], "too short"),
        (["connector", "probe", "carrier-a", *TO, "--sender", "a name far too long"], "sender"),
        (["connector", "probe", "carrier-a", *TO, "--host", "nonsense"], "--host"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--yes", "--config", str(write_config(tmp_path, 1))]) == ExitStatus.REFUSED
    assert said in capsys.readouterr().err


class HoldingServer(BaseHTTPRequestHandler):
    """A server whose connector has a bind up."""

    def do_GET(self) -> None:
        body = json.dumps({"connectors": [{"name": "carrier-a", "binds": [{"state": "bound"}]}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"


def test_a_running_server_that_holds_the_bind_is_named_with_the_way_to_take_it_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, 1)
    (tmp_path / "state").mkdir(mode=0o700)
    with socketserver.UnixStreamServer(str(tmp_path / "state" / "admin.sock"), HoldingServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            assert probe(path, "--yes") == ExitStatus.REFUSED
        finally:
            server.shutdown()
            thread.join(10)
    said = capsys.readouterr().err
    assert "estafette connector down carrier-a" in said
    assert "estafette connector up carrier-a" in said

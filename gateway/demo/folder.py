"""The demonstration's folder: its configuration, its keys, its database; and how it starts over.

Deletes nothing but a folder that carries the demonstration's own mark.
"""

import json
import os
import shutil
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.demo.errors import DemoError
from gateway.demo.shop import SENDER
from gateway.hosting.errors import StateDirectoryBusy
from gateway.hosting.state import StateDirectory, resolve_state_directory

_MARK: Final = "demo.json"
STOP_NUMBER: Final = "36180"
"""Where the shop's customers send their STOP, for its sender is a name."""
_PREFERRED_API_PORT: Final = 8080
_PREFERRED_PUBLIC_PORT: Final = 8081


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """The shop's keys in the clear, for a second start to show again. Both only reach a simulator."""

    live: str
    test: str


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """Where the demonstration listens, all on 127.0.0.1."""

    api: int
    public: int
    smsc: int

    @property
    def are_usual(self) -> bool:
        return self.api == _PREFERRED_API_PORT


class DemoFolder:
    """One folder below which everything of the demonstration is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.yaml"
        self._mark_path = path / _MARK

    def prepare(self, *, is_fresh: bool) -> None:
        """Make the folder, afresh if `is_fresh`. Raises `DemoError` for one of somebody else or in use."""
        if self.path.is_dir() and any(self.path.iterdir()) and not self._mark_path.exists():
            raise DemoError(
                f"{self.path} is not empty and was not made by the demo; name another with --folder"
            )
        if self._mark_path.exists():
            try:
                with StateDirectory.acquire(self.path):
                    if is_fresh:
                        shutil.rmtree(self.path)
            except StateDirectoryBusy as exc:
                raise DemoError(
                    f"a demo is running in {self.path}; stop it with Ctrl-C, or name another with --folder"
                ) from exc
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._mark_path.exists():
            self._write_mark({})

    def read_keys(self) -> DemoKeys | None:
        """The keys of an earlier start; None at the first."""
        marked = json.loads(self._mark_path.read_text(encoding="utf-8"))
        return DemoKeys(**marked) if marked else None

    def write_keys(self, keys: DemoKeys) -> None:
        self._write_mark(asdict(keys))

    def write_config(self, ports: DemoPorts) -> None:
        """The configuration of this start, so that `estafette status --config …` finds the server."""
        text = yaml.safe_dump(_configuration(self.path, ports), sort_keys=False, allow_unicode=True)
        self.config_path.write_text(
            f"# Written by `estafette demo` at each start; changes are lost.\n{text}", encoding="utf-8"
        )

    def _write_mark(self, content: dict[str, Any]) -> None:
        descriptor = os.open(self._mark_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)


def default_folder() -> Path:
    """Beside the state folder of a real server, never inside it."""
    state = resolve_state_directory(None, os.environ, os.geteuid())
    return state.with_name(f"{state.name}-demo")


def choose_ports(smsc_port: int) -> DemoPorts:
    """The usual ports where they are free, else others that are."""
    return DemoPorts(
        api=_free_port(_PREFERRED_API_PORT), public=_free_port(_PREFERRED_PUBLIC_PORT), smsc=smsc_port
    )


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as channel:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                channel.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(channel.getsockname()[1])
    raise DemoError("this machine has no free TCP port on 127.0.0.1")


def _configuration(path: Path, ports: DemoPorts) -> dict[str, Any]:
    return {
        "node": {"state_directory": str(path)},
        "http": {"port": ports.api},
        "public": {"port": ports.public},
        "admin": {"operators_read_texts": True},
        "webhooks": {"allow_private": True},
        "defaults": {"country": "FR", "sender": SENDER},
        "logging": {"level": "warning", "format": "text"},
        "connectors": [
            {
                "name": "demo-carrier",
                "hosts": [f"127.0.0.1:{ports.smsc}"],
                "system_id": "demo",
                "password": "demo",
                "window": 100,
                "parts_per_second": 200,
                "prices": [{"country": "*", "price": "0.0450"}],
                "inbound_addresses": [{"address": STOP_NUMBER, "shop": "demo"}],
            }
        ],
        # A newcomer may look on a Sunday evening, and the people are invented.
        "country_rules": [
            {
                "country": "FR",
                "stop_number": STOP_NUMBER,
                "skip_holidays": False,
                "hours": [
                    {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "hours": "00:00-24:00"}
                ],
            }
        ],
        "routes": [{"name": "everything", "connectors": [{"name": "demo-carrier"}]}],
    }

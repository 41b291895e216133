"""The gateway under measurement: `estafette serve` as a process of its own, on a state folder of its own.

Speaks to it as anyone would, over the API and the admin socket, so that the figures are those of the product.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.cost import Costs
from bench.errors import BenchError
from bench.postgres import PostgresProbe
from bench.processes import list_tree
from bench.recipients import COUNTRIES
from bench.smsc import Smsc
from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import ServerUnreachable

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_HOLD_SECONDS = 1.5
_LEDGER_SECONDS = 3_600.0
"""Of ten million messages it takes minutes."""
_LOG_TAIL_OCTETS = 2000
MOST_OF_A_ROUTE = 64
"""Connectors, as the configuration has it."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """How the gateway is connected to the SMSC of the measurement."""

    connectors: int
    binds: int
    window: int
    parts_per_second: float


class Server:
    """One running gateway with one shop and its live key."""

    def __init__(self, folder: Path, http_port: int, smsc: Smsc, carrier: Carrier, workers: int) -> None:
        self._folder = folder
        self._binds_in_all = carrier.connectors * carrier.binds
        self.workers = workers
        self._process = self._start()
        self.http_port = http_port
        self.admin = AdminClient(folder / "admin.sock", timeout_seconds=120)
        self._patient_admin = AdminClient(folder / "admin.sock", timeout_seconds=_LEDGER_SECONDS)
        self.postgres = PostgresProbe(folder)
        self.key = ""
        self.costs = Costs(
            gateway_pid=lambda: self._process.pid,
            postgres_pid=lambda: self.postgres.pid,
            smsc_pid=smsc.pid,
            sizes=self.postgres.sizes,
        )

    def _start(self) -> subprocess.Popen[bytes]:
        with open(self._folder / "server.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "serve", "--config", str(self._folder / "config.yaml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def kill(self) -> None:
        """End it as a crash does, without a word, its workers too."""
        postgres = None
        with contextlib.suppress(FileNotFoundError):
            postgres = self.postgres.pid
        for process in list_tree(self._process.pid, without=postgres):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Start it again on what it left; returns once it is ready."""
        self._process = self._start()
        self.wait_ready()

    def end(self) -> None:
        """See that it is gone, however the measurement went."""
        if self._process.poll() is None:
            self.kill()
            time.sleep(2)  # its Postgres shuts itself down

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Return once the admin API answers and every bind is up."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(f"the gateway ended with {self._process.returncode}: {self._log_tail()}")
            with contextlib.suppress(ServerUnreachable):
                if self._is_up():
                    return
            time.sleep(0.05)
        raise BenchError(f"the gateway was not ready within {_START_SECONDS:.0f} s: {self._log_tail()}")

    def _is_up(self) -> bool:
        """Whether all workers are there and have divided the binds of the carrier among them, all up."""
        nodes = [node for node in self.admin.get("/admin/nodes")["nodes"] if node["state"] == "alive"]
        up = [sum(bind["is_up"] for bind in node["binds"]) for node in nodes]
        return len(nodes) == self.workers and sum(up) == self._binds_in_all and max(up) - min(up) <= 1

    def create_shop(self) -> None:
        """One shop that may send to every country of the measurement, and its live key."""
        self.admin.post("/admin/shops", {"name": "bench", "country": "FR", "countries": list(COUNTRIES)})
        answer = self.admin.post("/admin/keys", {"shop": "bench", "label": "bench", "mode": "live"})
        self.key = answer["key"]

    def hold(self) -> None:
        """Nothing is sent once this returns: workers that were not asked see it a moment later."""
        self.admin.post("/admin/hold", {"scope": "all", "reason": "bench: filling"})
        if self.workers > 1:
            time.sleep(_HOLD_SECONDS)

    def release(self) -> None:
        self.admin.post("/admin/release", {"scope": "all"})

    def send_batches(self, bodies: Iterator[bytes]) -> None:
        """Post each body and see that all of it was taken in."""
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=120)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            for body in bodies:
                connection.request("POST", "/v1/messages/batch", body=body, headers=headers)
                response = connection.getresponse()
                content = response.read()
                if response.status != 202 or b'"refused":0,' not in content:
                    raise BenchError(f"a batch was answered {response.status}: {content[:500].decode()}")

    def ledger(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._patient_admin.get("/admin/ledger")
        return answer

    def is_balanced(self) -> bool:
        """Whether the ledger of this server balances now; what differs is told on stderr."""
        ledger = self.ledger()
        for pair in ledger["pairs"]:
            if not pair["agrees"]:
                print(f"ledger: {pair}", file=sys.stderr)
        return bool(ledger["balanced"])

    def _log_tail(self) -> str:
        path = self._folder / "server.log"
        return path.read_bytes()[-_LOG_TAIL_OCTETS:].decode(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Ask it to stop in order; a gateway that does not is killed and the run refused."""
        if self._process.poll() is not None:
            raise BenchError(f"the gateway ended by itself ({self._process.returncode}): {self._log_tail()}")
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError(f"the gateway did not stop within {_STOP_SECONDS:.0f} s") from None


@contextlib.contextmanager
def start_server(
    smsc: Smsc, carrier: Carrier, settings: Mapping[str, object] | None = None, *, workers: int = 1
) -> Iterator[Server]:
    """A gateway of `workers` processes bound to `smsc`, with its own empty bundled Postgres; all of it is
    gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="estafette-bench-"))
    folder.chmod(0o711)  # root's Postgres runs as another user and must pass through
    http_port, public_port = free_ports(2)
    content = make_configuration(folder, smsc, carrier, http_port, public_port) | dict(settings or {})
    content["node"] = {"state_directory": str(folder), "workers": workers}
    (folder / "config.yaml").write_text(json.dumps(content))
    try:
        server = Server(folder, http_port, smsc, carrier, workers)
        try:
            server.wait_ready()
            server.create_shop()
            yield server
            server.stop()
        finally:
            server.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for channel in found:
            channel.bind(("127.0.0.1", 0))
        return [channel.getsockname()[1] for channel in found]


def make_configuration(
    folder: Path, smsc: Smsc, carrier: Carrier, http_port: int, public_port: int
) -> dict[str, object]:
    """A whole configuration of a gateway whose state is in `folder` and whose carrier is `smsc`."""
    names = [f"bench-{number}" for number in range(carrier.connectors)]
    prices = [{"country": country, "price": "0.0450"} for country in COUNTRIES]
    return {
        "node": {"state_directory": str(folder)},
        "http": {"port": http_port},
        "public": {"port": public_port},
        "test_mode": {"simulator": False},
        "logging": {"level": "warning", "format": "text"},
        "connectors": [
            {
                "name": name,
                "hosts": [f"{smsc.host}:{smsc.port}"],
                "system_id": name,
                "password": "bench",
                "binds": carrier.binds,
                "window": carrier.window,
                "parts_per_second": carrier.parts_per_second,
                "prices": prices,
            }
            for name in names
        ],
        "routes": make_routes(names),
    }


def make_routes(names: Sequence[str]) -> list[dict[str, object]]:
    """One route over all connectors; where that is more than a route may have, one for each country."""
    if len(names) <= MOST_OF_A_ROUTE:
        return [{"name": "all", "choose": "weighted", "connectors": [{"name": name} for name in names]}]
    return [
        {
            "name": country.lower(),
            "choose": "weighted",
            "match": {"country": [country]},
            "connectors": [{"name": name} for name in names[index :: len(COUNTRIES)]],
        }
        for index, country in enumerate(COUNTRIES)
    ]

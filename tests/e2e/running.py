"""The whole gateway for a test: a real Postgres, real sockets, a shop with keys that calls over HTTP.

`run_gateway` runs it in this process; `ServerProcess` runs `estafette serve`, for what is done to a process.
"""

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gateway.config import load_config
from gateway.demo.people import open_shop
from gateway.node.gateway import Gateway
from gateway.store.database import Database

DEADLINE_SECONDS = 60.0
"""Far above what any step takes, so that only a fault reaches it."""

Answer = tuple[int, dict[str, Any]]
Configuration = dict[str, Any]


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        return int(channel.getsockname()[1])


def connector(name: str, smsc_port: int, **settings: object) -> Configuration:
    """A connector of `config.yaml`, quick to notice and to come back."""
    return {
        "name": name,
        "hosts": [f"127.0.0.1:{smsc_port}"],
        "system_id": name,
        "password": "secret",
        "parts_per_second": 500,
        "prices": [{"country": "*", "price": "0.05"}],
        **settings,
    }


def configuration(
    dsn: str, folder: Path, connectors: Sequence[Configuration], **settings: object
) -> Configuration:
    """A whole configuration; without `routes` the connectors are tried in their order."""
    names = [{"name": each["name"]} for each in connectors]
    return {
        "node": {"state_directory": str(folder / "state")},
        "database": {"dsn": dsn},
        "http": {"port": free_port()},
        "public": {"port": free_port()},
        "webhooks": {"allow_private": True},
        "defaults": {"country": "FR", "sender": "BOUTIQUE"},
        "logging": {"level": "info", "format": "text"},
        "connectors": list(connectors),
        "routes": [{"name": "all", "connectors": names}],
        **settings,
    }


def write_configuration(folder: Path, content: Configuration) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    path.chmod(0o600)
    return path


@dataclass(slots=True)
class Shop:
    """A shop with a key: calls the API as any shop would."""

    session: aiohttp.ClientSession
    url: str
    live: str
    test: str

    async def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """Status and JSON of one request; `headers` with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {key or self.live}"
        async with self.session.request(method, self.url + path, json=body, headers=named) as response:
            is_empty = response.status == 204
            return response.status, {} if is_empty else await response.json(content_type=None)

    async def send(self, text: str = "Bonjour", *, key: str | None = None, **fields: object) -> str:
        """Send one message to a number of its own, if `to` says nothing else; its id."""
        wanted = {"to": f"+33612{secrets.randbelow(10**6):06}", "text": text, **fields}
        status, answer = await self.call("POST", "/v1/messages", wanted, key=key)
        assert status == 202, answer
        return str(answer["id"])

    async def send_many(self, texts: Sequence[str], **fields: object) -> list[str]:
        """Send one message for each text, in one batch, to numbers in ascending order; their ids."""
        items = [{"to": f"+33612{n:06}", "text": text, **fields} for n, text in enumerate(texts)]
        status, answer = await self.call("POST", "/v1/messages/batch", {"messages": items})
        assert (status, answer["refused"]) == (202, 0), answer
        return [item["message"]["id"] for item in answer["messages"]]

    async def show(self, message_id: str, *, key: str | None = None) -> dict[str, Any]:
        status, message = await self.call("GET", f"/v1/messages/{message_id}", key=key)
        assert status == 200, message
        return message

    async def until(self, message_id: str, *states: str, key: str | None = None) -> dict[str, Any]:
        """The message once it is in one of these states."""
        message: dict[str, Any] = {}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while (message := await self.show(message_id, key=key))["state"] not in states:  # noqa: ASYNC110 - as a shop would
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never {states}, but {message['state']}: {message['timeline']}") from None
        return message

    async def count_states(self, ids: Sequence[str]) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for message_id in ids:
            state = (await self.show(message_id))["state"]
            counts[state] = counts.get(state, 0) + 1
        return counts


async def until(fact: Callable[[], object], *, seconds: float = DEADLINE_SECONDS) -> None:
    """Look until something is true."""
    async with asyncio.timeout(seconds):
        while not fact():  # noqa: ASYNC110 - looks at rows, logs and peers alike, which set no event
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class Running:
    """A gateway in this process and its shop."""

    gateway: Gateway
    shop: Shop
    folder: Path

    async def assert_balanced(self) -> None:
        report = await self.gateway.read_ledger()
        assert report.is_balanced, report.as_json()

    async def reconfigure(self, connectors: Sequence[Configuration], **settings: object) -> None:
        """What SIGHUP does, with these connectors in the file; waits until all are up."""
        content = configuration(self.gateway.ground.dsn, self.folder, connectors, **settings)
        await self.gateway.apply(load_config(write_configuration(self.folder, content), {}))
        await self.until_bound()

    async def until_answered(self) -> None:
        """Until every submit has its answer, and what was seen is stored."""
        await until(
            lambda: not any(each.in_flight for each in self.gateway.rooms.traffic.dispatcher.report())
        )
        await self.gateway.rooms.traffic.outcomes.drained()

    async def until_bound(self) -> None:
        await until(lambda: all(each["is_up"] for each in self.gateway.rooms.status.list_connectors()))


@asynccontextmanager
async def open_keyed_shop(database: Database, port: int) -> AsyncIterator[Shop]:
    """The shop `demo`, which may send anywhere and uses webhooks, over HTTP."""
    keys = await open_shop(database, datetime.now(UTC), with_keys=True)
    assert keys is not None
    async with aiohttp.ClientSession() as session:
        yield Shop(session, f"http://127.0.0.1:{port}", keys.live, keys.test)


@asynccontextmanager
async def run_gateway(
    dsn: str, connectors: Sequence[Configuration], *, waits: bool = True, **settings: object
) -> AsyncIterator[Running]:
    """A gateway with these connectors; waits until all are up, unless told otherwise."""
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        folder = Path(name)
        path = write_configuration(folder, configuration(dsn, folder, connectors, **settings))
        async with (
            Gateway(load_config(path, {})) as gateway,
            open_keyed_shop(gateway.ground.database, gateway.http_port) as shop,
        ):
            running = Running(gateway, shop, folder)
            if waits:
                await running.until_bound()
            failing = asyncio.create_task(gateway.wait_failed())
            try:
                yield running
            finally:
                if failing.done():
                    failing.result()  # what ended the gateway explains whatever the test saw
                failing.cancel()


@asynccontextmanager
async def run_another(
    first: Running, connectors: Sequence[Configuration], **settings: object
) -> AsyncIterator[Gateway]:
    """A second gateway on the database of the first, once both have their half of the slots."""
    with tempfile.TemporaryDirectory(prefix="e2e-") as name:
        folder = Path(name)
        content = configuration(first.gateway.ground.dsn, folder, connectors, **settings)
        async with Gateway(load_config(write_configuration(folder, content), {})) as second:
            gateways = (first.gateway, second)
            await until(lambda: [len(each.rooms.traffic.ownership.slots) for each in gateways] == [128, 128])
            yield second


class ServerProcess:
    """`estafette serve` as a process, for signals; its log is in `log`."""

    def __init__(self, folder: Path, config: Configuration) -> None:
        self.folder = folder
        self.config_path = write_configuration(folder, config)
        self.log_path = folder / "serve.log"
        self.port = int(config["http"]["port"])
        self.workers = int(config["node"].get("workers", 1))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    async def start(self) -> None:
        """Start it and wait until it is ready, all of its workers."""
        before = self.count_starts() if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.cli", "serve", "--config", str(self.config_path)),
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )
        await until(lambda: self.count_starts() >= before + self.workers or self._has_ended())
        assert not self._has_ended(), self.log

    def count_starts(self) -> int:
        """How often a node of it came up."""
        return self.log.count("node.started")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), DEADLINE_SECONDS)

    async def run_command(self, *words: str, given: bytes = b"") -> tuple[int, str, str]:
        """`estafette WORDS` on this server's configuration, `given` on its standard input: status, output,
        words for people."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "ESTAFETTE_CONFIG": str(self.config_path)},
        )
        async with asyncio.timeout(DEADLINE_SECONDS):
            output, words_for_people = await process.communicate(given)
        assert process.returncode is not None
        return process.returncode, output.decode(), words_for_people.decode()

    async def aclose(self) -> None:
        if self._process is not None and not self._has_ended():
            self._process.kill()
            await self._process.wait()

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.returncode is not None

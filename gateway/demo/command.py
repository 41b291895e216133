"""`estafette demo`: starts everything on this machine, has a shop write to its customers, shows the ledger.

Owns the order of things and the words around them. What runs is the real server, bound to the simulator.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

import aiohttp

from gateway.commands.ledger_words import describe_ledger
from gateway.commands.logs import configure_logging
from gateway.config import load_config
from gateway.demo.customers import Customer, read_customers, write_texts
from gateway.demo.folder import DemoFolder, DemoKeys, choose_ports, default_folder
from gateway.demo.people import open_shop
from gateway.demo.progress import Progress
from gateway.demo.season import DemoSeason
from gateway.demo.shop import ENDED, DemoShop
from gateway.node.gateway import Gateway
from gateway.simulator.profile import Profile
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator

T = TypeVar("T")

_PROFILE: Final = "carrier.yaml"
_WATCH_SECONDS: Final = 45.0
"""The simulator's slowest receipt takes seconds; after this the demonstration goes on with what there is."""

_NEXT_STEPS: Final = """\
Look at all of it, with the keys that it shows (in another terminal):

  {command} admin --config {config}

Send a message of your own:

  curl -s {url}/v1/messages -H 'Authorization: Bearer {live}' \\
    -H 'Content-Type: application/json' \\
    -d '{{"to": "06 39 98 12 34", "from": "ECLUSES", "text": "Bonjour 👋"}}'

See what became of it, with the id from the answer:

  curl -s {url}/v1/messages/ID -H 'Authorization: Bearer {live}'

Or look inside by single commands:

  {command} status --config {config}
  {command} ledger --config {config}

A test key, whose messages never leave the simulator: {test}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fresh", action="store_true", help="delete the demo's own data first")
    parser.add_argument(
        "--once", action="store_true", help="stop after the ledger; exit status 0 only if it balances"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="where its data is kept (default: beside a server's state)"
    )
    parser.epilog = "Nothing leaves this machine: the carrier is a simulator, the numbers are fictitious."


def run(arguments: argparse.Namespace) -> int:
    folder = DemoFolder((arguments.folder or default_folder()).absolute())
    folder.prepare(is_fresh=arguments.fresh)
    return asyncio.run(_Demo(folder, is_once=arguments.once, out=sys.stdout).play())


class _Demo:
    """One run of the demonstration, told to `out`."""

    def __init__(self, folder: DemoFolder, *, is_once: bool, out: TextIO) -> None:
        self._folder = folder
        self._is_once = is_once
        self._out = out
        self._keys = DemoKeys(live="", test="")

    async def play(self) -> int:
        """Play until the end, or until Ctrl-C or SIGTERM, which stop everything in order; the exit status."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._say(f"Starting in {self._folder.path} …")
        async with Simulator(_load_carrier()) as smsc:
            ports = choose_ports(smsc.port)
            if not ports.are_usual:
                self._say(f"Port 8080 is taken; the API is on {ports.api}.")
            self._folder.write_config(ports)
            config = load_config(self._folder.config_path, os.environ)
            configure_logging(config.logging)
            async with Gateway(config) as gateway:
                url = f"http://127.0.0.1:{gateway.http_port}"
                self._say(f"The server is up on {url}, bound to a pretend carrier on port {smsc.port}.")
                is_balanced = await _first(stop, _while_up(gateway, self._send_all(gateway, smsc, url)))
                if is_balanced is None:
                    self._say("\nStopping …")
                    return 130
                if not self._is_once:
                    self._say(self._next_steps(url))
                    self._say("Ctrl-C stops everything; the data stays until `estafette demo --fresh`.")
                    await _first(stop, gateway.wait_failed())
                    self._say("\nStopping …")
        self._say("Stopped.")
        return 0 if is_balanced else 1

    async def _send_all(self, gateway: Gateway, carrier: Simulator, url: str) -> bool:
        """The shop, its customers, their texts, at the first start its campaigns, and the ledger; whether it
        balances."""
        known_keys = self._folder.read_keys()
        new_keys = await open_shop(gateway.ground.database, datetime.now(UTC), with_keys=known_keys is None)
        if new_keys is not None:
            self._folder.write_keys(new_keys)
        self._keys = new_keys or known_keys or self._keys
        customers = read_customers()
        self._say(f"Shop `demo` has {len(customers)} customers. It writes to each of them:")
        texts = list(write_texts(customers))
        reference = f"demo-{secrets.token_hex(4)}"
        async with aiohttp.ClientSession() as session:
            shop = DemoShop(session, url, self._keys.live)
            total = await shop.send(texts, reference)
            progress = Progress(self._out, total)
            counts = await shop.watch(reference, total, progress.show, deadline_seconds=_WATCH_SECONDS)
            progress.end()
            if under_way := total - sum(counts[state] for state in ENDED):
                self._say(f"After {_WATCH_SECONDS:.0f} s {under_way} are still under way.")
            if new_keys is not None:
                public_url = f"http://127.0.0.1:{gateway.public_port}"
                await self._play_season(DemoSeason(shop, session, carrier, public_url), customers)
        report = await gateway.read_ledger()
        self._say(f"\n{describe_ledger(report.as_json(), shows_all=False)}\n")
        return report.is_balanced

    async def _play_season(self, season: DemoSeason, customers: Sequence[Customer]) -> None:
        """A campaign with everything that follows from one, and others at work."""
        self._say(
            "\nIt puts everyone on a list and sends a campaign; people visit, order, and some say STOP:"
        )
        list_id = await season.enrol(customers)
        result = await season.follow(await season.send(list_id))
        self._say(
            f"  {result.messages} texts, {result.visits} visitors, {result.orders} orders, "
            f"{result.stops} opt-outs"
        )
        if not self._is_once:
            await season.leave_work(list_id)

    def _next_steps(self, url: str) -> str:
        return _NEXT_STEPS.format(
            url=url,
            live=self._keys.live,
            test=self._keys.test,
            command=sys.argv[0],
            config=self._folder.config_path,
        )

    def _say(self, words: str) -> None:
        print(words, file=self._out, flush=True)


async def _first(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`, or None when `stop` is set before; the work is cancelled then."""
    return await _race(work, stop.wait())


async def _while_up(gateway: Gateway, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`; a server that fails meanwhile ends it with its own error."""
    return await _race(work, gateway.wait_failed())


async def _race(work: Coroutine[Any, Any, T], end: Coroutine[Any, Any, Any]) -> T | None:
    """The result of `work`, or None when `end` comes before it; an error of either is raised, and what still
    goes on is cancelled."""
    working, ending = asyncio.create_task(work), asyncio.create_task(end)
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        ending.result()
        return None
    finally:
        for task in (working, ending):
            task.cancel()
        await asyncio.wait((working, ending))


def _load_carrier() -> Profile:
    with as_file(files("gateway.demo").joinpath(_PROFILE)) as path:
        return load_profile(str(path))

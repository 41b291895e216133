"""The newcomer's first campaign: from a list in a file to the result on one page, by keys the console shows.

The console runs against a real gateway over its admin socket; carrier, handsets and visitors are played here.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from admin_tui.app import ConsoleApp
from admin_tui.client import ApiClient, ServerAddress
from admin_tui.desk import Desk
from admin_tui.keys import KEYS_BY_ID
from admin_tui.screens.registry import SCREENS
from admin_tui.words import Words
from e2e.running import Configuration, Running, connector, free_port, run_gateway, until
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile_reading import load_profile
from gateway.simulator.smsc import Simulator
from tests.admin_tui.console import text_of, wait_for

pytestmark = pytest.mark.integration

STOP_NUMBER: Final = "36180"
OWN_NUMBER: Final = "+33639981200"
PEOPLE: Final = 240
SPEED: Final = 60
"""Parts a second of the carrier: the campaign takes four seconds, long enough to be paused."""
SLOWEST_SECONDS: Final = 15.0
"""How long a step may take on a busy machine; none takes more than two."""

PHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
READING_SECONDS: Final = 2.6
"""A visit sooner after the receipt is taken for a machine's."""

WINDOW_SECONDS: Final = 0.6
"""What was on its way to the carrier when the pause was committed."""

FREE_KEYS: Final = frozenset({"tab", "shift+tab", "enter", "escape", "up", "down", "left", "right"})
"""What every program has: they need not be shown."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the console. Presses no key that the screen does not show."""

    app: ConsoleApp
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        for key in keys:
            assert key in FREE_KEYS or is_shown(key, self.screen), f"nothing shows {key}:\n{self.screen}"
            await self.pilot.press(key)
            await self.pilot.pause(0.05)

    async def type(self, text: str) -> None:
        """Into the field that has the focus."""
        assert isinstance(self.app.focused, Input | TextArea), self.screen
        await self.pilot.press(*text)

    async def paste(self, text: str) -> None:
        """As a terminal hands on what its person pasted."""
        assert isinstance(self.app.focused, Input | TextArea), self.screen
        self.app.screen.post_message(Paste(text))
        await self.pilot.pause()

    async def see(self, *sentences: str) -> None:
        """Until all this stands on the screen."""
        try:
            await wait_for(
                self.pilot,
                lambda: all(re.search(sentence, self.screen) for sentence in sentences),
                seconds=SLOWEST_SECONDS,
            )
        except TimeoutError:
            raise AssertionError(f"never seen together: {sentences}\n{self.screen}") from None

    @property
    def screen(self) -> str:
        return text_of(self.app)


def is_shown(key: str, screen: str) -> bool:
    """Whether a line of the screen tells the key: `i import`, `2 Campaigns`, `^N next`, `␣ chooses`."""
    signs = {"space": "␣", "question_mark": "?"}
    sign = f"^{key[-1].upper()}" if key.startswith("ctrl+") else signs.get(key, key)
    if any(KEYS_BY_ID[numbered.name].keys == key for numbered in SCREENS):
        return re.search(rf" {key} [A-Z]\w+ ", screen.splitlines()[1]) is not None
    return re.search(rf"(?<!\S)\(?{re.escape(sign)} \w+", screen) is not None


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def submitted(carrier: Simulator, *, to: str = "") -> list[dict[str, Any]]:
    """What the carrier took, to one number or to all."""
    lines = [json.loads(line) for line in carrier.read_log(0, most=10_000)]
    return [line for line in lines if line["event"] == "submit" and to.lstrip("+") in line["destination"]]


def number_of(place: int) -> str:
    return f"+336399813{place:02}" if place < 100 else f"+33639982{place:03}"


def configure(carrier: Simulator) -> tuple[list[Configuration], Configuration]:
    """One carrier, slow enough to be paused, and no closing time: the test may run on a Sunday night."""
    every_day = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "hours": "00:00-24:00"}
    inbound = [{"address": STOP_NUMBER, "shop": "demo"}]
    france = {"country": "FR", "stop_number": STOP_NUMBER, "skip_holidays": False, "hours": [every_day]}
    return (
        [connector("one", carrier.port, parts_per_second=SPEED, inbound_addresses=inbound)],
        {"country_rules": [france], "public": {"port": free_port()}},
    )


def write_list(path: Path) -> None:
    """A shop's list as a spreadsheet writes it in France, with one number that is none."""
    people = [
        ("Ștefan", "Iași"),
        ("مريم", "Rabat"),
        ("Zoé 🎉", "Lyon"),
        *((f"Client {place}", "Tours") for place in range(3, PEOPLE)),
    ]
    rows = [f"{number_of(place)};{name};{city}" for place, (name, city) in enumerate(people)]
    path.write_text("\r\n".join(["Téléphone;Prénom;Ville", *rows, "inconnu;Personne;"]), encoding="utf-8-sig")


@asynccontextmanager
async def sit_down(running: Running) -> AsyncIterator[Person]:
    """The console on 120 columns, at the admin socket of a gateway that runs."""
    address = ServerAddress(socket_path=running.folder / "state" / "admin.sock")
    desk = Desk(
        ApiClient(address, language="en"),
        Words("en"),
        clock=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
    )
    app = ConsoleApp(desk)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, lambda: bool(desk.access.role) and app.is_settled, seconds=SLOWEST_SECONDS)
        yield Person(app, pilot)


async def bring_in_the_list(person: Person, path: Path) -> None:
    """Audience: the file, its columns, the permission, the dry run, the import."""
    await person.press("4")
    await person.see(r"i import")
    await person.press("i")
    await person.see(r"Step 1 of 6: The file", "Path")
    await person.paste(str(path))
    await person.press("ctrl+n")
    await person.see(r"Step 2 of 6: Columns", r"Téléphone +number", r"Prénom +first name", r"Zoé 🎉")
    await person.press("ctrl+n")
    await person.see(r"Step 3 of 6: List and permission", "a new list", path.stem)
    await person.press("tab", "tab", "down", "space")
    await person.see("Where did they agree?")
    await person.type("at the till")
    await person.press("tab")
    await person.paste("I want offers by text message")
    await person.press("ctrl+n")
    await person.see(r"Step 4 of 6", rf"{PEOPLE} new people", r"1 row rejected", "inconnu")
    await person.press("ctrl+n")
    await person.see(r"Step 6 of 6: Result", "The import is finished", rf"{PEOPLE} new people")
    await person.press("escape")
    await person.see(rf"{path.stem} +{PEOPLE}")


async def write_the_campaign(person: Person) -> None:
    """Campaigns: name, list, text with a field and a link, sender, and what it would come to."""
    await person.press("2")
    await person.see("n new")
    await person.press("n")
    await person.see(r"Step 1 of 8")
    await person.type("Spring sale")
    await person.press("ctrl+n")
    await person.see(r"Step 2 of 8", r"send to|Send to these lists", str(PEOPLE))
    await person.press("space", "ctrl+n")
    await person.see(r"Step 3 of 8")
    await person.paste("Boutique: l’offre du jour, ")
    await person.type("{{ fir")
    await person.see("Tab → first_name", "70-character alphabet", r"\^R")
    await person.press("tab", "ctrl+r")
    await person.type(" ")
    await person.press("ctrl+l")
    await person.see("where does it lead")
    await person.paste("boutique.example/sale")
    await person.press("enter")
    await person.see(r"http://\S+/\w{7}", rf"STOP au {STOP_NUMBER}", "1 part", "160-character alphabet")
    await person.press("ctrl+n", "ctrl+n", "ctrl+n")
    await person.see(r"Step 6 of 8", rf"{PEOPLE} get the message", "EUR cost", "finishes", "Nothing to worry")


async def try_it(person: Person, carrier: Simulator) -> None:
    """The text on one's own phone, before anybody else has it."""
    await person.press("ctrl+n")
    await person.see(r"Step 7 of 8")
    await person.type(OWN_NUMBER)
    await person.press("enter")
    await person.see(rf"Sent to {re.escape(OWN_NUMBER)}")
    await until(lambda: submitted(carrier, to=OWN_NUMBER))
    assert len(submitted(carrier)) == 1


async def start_pause_and_resume(person: Person, carrier: Simulator) -> None:
    """By the number of recipients; while it is paused nothing leaves."""
    await person.press("ctrl+n")
    await person.see(r"Step 8 of 8", rf"Type the number of recipients, {PEOPLE}")
    await person.type(str(PEOPLE))
    await person.press("enter")
    await person.see("You may close this console", "running", "p pause")
    await until(lambda: len(submitted(carrier)) > SPEED // 2)
    await person.press("p")
    await person.see("‖ paused")
    await asyncio.sleep(WINDOW_SECONDS)
    had = len(submitted(carrier))
    assert had < PEOPLE
    await asyncio.sleep(1.0)
    assert len(submitted(carrier)) == had
    await person.press("p")
    await person.see(r"finished", rf"delivered +{PEOPLE} +100")
    assert len({line["destination"] for line in submitted(carrier)}) == PEOPLE + 1


async def do_what_people_do(running: Running, carrier: Simulator) -> None:
    """One opens the link on a phone and orders, another has had enough."""
    status, listed = await running.shop.call("GET", f"/v1/messages?to={quote(number_of(2))}")
    assert status == 200, listed
    (text,) = (message["text"] for message in listed["messages"])
    link = re.search(r"http://127\S+/\w{7}(?!\w)", text)
    assert link is not None, text
    await asyncio.sleep(READING_SECONDS)
    async with running.shop.session.get(
        link.group(), headers={"User-Agent": PHONE}, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "https://boutique.example/sale")
    order = {"id": "A-1001", "number": number_of(2), "amount": "59.90", "currency": "EUR"}
    status, placed = await running.shop.call("POST", "/v1/orders", order)
    assert (status, placed["attributed"]) == (201, "last_click"), placed
    stop = MoRequest(sender=number_of(0).removeprefix("+"), recipient=STOP_NUMBER, text="Stop svp")
    assert (await carrier.deliver_mo(stop)).is_acknowledged


async def test_a_newcomer_gets_from_a_file_to_the_result_by_the_keys_that_the_console_shows(
    database: str, tmp_path: Path
) -> None:
    path = tmp_path / "clients.csv"
    write_list(path)
    async with Simulator(load_profile("default")) as carrier:
        connectors, settings = configure(carrier)
        async with (
            run_gateway(database, connectors, **settings) as running,
            sit_down(running) as person,
        ):
            await bring_in_the_list(person, path)
            await write_the_campaign(person)
            await try_it(person, carrier)
            await start_pause_and_resume(person, carrier)
            await do_what_people_do(running, carrier)
            await person.see(
                r"clicked \(people\) +1", r"orders +1", r"by a STOP text +1", r"revenue +59.90 EUR"
            )
            await running.assert_balanced()

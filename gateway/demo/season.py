"""The demonstration's season: campaigns that the shop runs over the API, and what people do on receiving one.

Owns who visits, opts out and orders, so that every figure of a campaign's page has something behind it. The
visits are real requests to the public port, the STOPs come through the pretend carrier, the orders through
the API; nothing is written into the database from here.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

import aiohttp
import yaml

from gateway.demo.customers import Customer
from gateway.demo.folder import STOP_NUMBER
from gateway.demo.shop import SENDER, DemoShop
from gateway.simulator.mo import MoRequest
from gateway.simulator.smsc import Simulator

_FIELDS: Final = ("city", "order")
_PEOPLE_PER_STOP: Final = 40
_PEOPLE_PER_VISIT: Final = 4
_VISITS_PER_ORDER: Final = 3
_PEOPLE_PER_PREVIEW: Final = 25
_READING_SECONDS: Final = 2.6
"""Between the last receipt and the first visit: sooner ones are taken for a machine's."""
_LOOK_SECONDS: Final = 0.25
_BETWEEN_VISITS_SECONDS: Final = 0.02
_PRICES: Final = ("24.90", "39.00", "59.90", "18.50", "112.00")
_STOPS: Final = ("STOP", "Stop svp", "arrêt", "stop.", "STOP")
_PREVIEWER: Final = "WhatsApp/2.23.20.0"
_PHONES: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
)


@dataclass(frozen=True, slots=True)
class SeasonResult:
    """What people did, in numbers."""

    messages: int
    visits: int
    orders: int
    stops: int


class DemoSeason:
    """One season of the demonstration's shop. `public_url` is where links lead."""

    def __init__(
        self, shop: DemoShop, session: aiohttp.ClientSession, carrier: Simulator, public_url: str
    ) -> None:
        self._shop = shop
        self._session = session
        self._carrier = carrier
        self._public_url = public_url
        self._plan: dict[str, Any] = yaml.safe_load(
            files("gateway.demo").joinpath("campaigns.yaml").read_text(encoding="utf-8")
        )

    async def enrol(self, customers: Sequence[Customer]) -> str:
        """Put everyone on the shop's list with the consent that they gave; the list's id."""
        contact_list = await self._shop.call("POST", "/v1/lists", json={"name": self._plan["list"]})
        consent = {"state": "opted_in", "source": "till", "wording": self._plan["opt_in"]}
        people = [
            {
                "number": customer.phone,
                "first_name": customer.first_name,
                "last_name": customer.last_name,
                "language": customer.language,
                "attributes": {name: getattr(customer, name) for name in _FIELDS},
                "consent": consent,
                "lists": [contact_list["id"]],
            }
            for customer in customers
        ]
        await self._shop.call("POST", "/v1/contacts/batch", json={"contacts": people, "new_fields": True})
        return str(contact_list["id"])

    async def send(self, list_id: str) -> str:
        """Send the first campaign to everyone and wait until it is finished; its id."""
        campaign = await self._start("sent", list_id)
        while True:
            if (await self._read(campaign))["state"] in ("finished", "paused", "cancelled"):
                return campaign
            await asyncio.sleep(_LOOK_SECONDS)

    async def follow(self, campaign: str) -> SeasonResult:
        """People get it, look, order, and some have had enough."""
        texts = dict([each async for each in self._read_texts(campaign)])
        people = sorted(texts)
        await self._preview(texts, people[::_PEOPLE_PER_PREVIEW])
        await self._wait_delivered(campaign)
        visitors = people[1::_PEOPLE_PER_VISIT]
        for place, number in enumerate(visitors):
            await self._visit(texts[number], _PHONES[place % len(_PHONES)])
        buyers = visitors[::_VISITS_PER_ORDER]
        for place, number in enumerate(buyers):
            await self._order(f"E-{campaign[-5:]}-{place + 1:03}", number, _PRICES[place % len(_PRICES)])
        leaving = people[3::_PEOPLE_PER_STOP]
        for place, number in enumerate(leaving):
            request = MoRequest(
                sender=number.removeprefix("+"), recipient=STOP_NUMBER, text=_STOPS[place % len(_STOPS)]
            )
            await self._carrier.deliver_mo(request)
        return SeasonResult(len(people), len(visitors), len(buyers), len(leaving))

    async def leave_work(self, list_id: str) -> None:
        """A campaign that runs on, one that waits for tomorrow, and a draft."""
        await self._start("running", list_id)
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
        await self._start("planned", list_id, start_at=tomorrow.isoformat())
        await self._create("draft", list_id)

    async def _create(self, name: str, list_id: str, **more: Any) -> Mapping[str, Any]:
        body = {**self._plan[name], "sender": SENDER, "language": "fr", "audience": {"lists": [list_id]}}
        created: Mapping[str, Any] = await self._shop.call("POST", "/v1/campaigns", json={**body, **more})
        return created

    async def _start(self, name: str, list_id: str, **more: Any) -> str:
        campaign = await self._create(name, list_id, **more)
        path = f"/v1/campaigns/{campaign['id']}"
        estimate = await self._shop.call("POST", f"{path}/estimate", json={})
        start = {"recipients": estimate["recipients"], "version": campaign["version"]}
        await self._shop.call("POST", f"{path}/start", json=start)
        return str(campaign["id"])

    async def _read(self, campaign: str) -> Mapping[str, Any]:
        read: Mapping[str, Any] = await self._shop.call("GET", f"/v1/campaigns/{campaign}")
        return read

    async def _read_texts(self, campaign: str) -> Any:
        """(number, text) of every message of a campaign."""
        async for message in self._shop.list_messages({"campaign_id": campaign}):
            yield message["to"], message["text"]

    async def _wait_delivered(self, campaign: str) -> None:
        """Until receipts stop coming, and then as long as reading takes."""
        delivered = -1
        while True:
            progress = (await self._read(campaign))["progress"]
            if progress["delivered"] == delivered:
                break
            delivered = progress["delivered"]
            await asyncio.sleep(1.0)
        await asyncio.sleep(_READING_SECONDS)

    async def _preview(self, texts: Mapping[str, str], numbers: Sequence[str]) -> None:
        for number in numbers:
            await self._visit(texts[number], _PREVIEWER)

    async def _visit(self, text: str, agent: str) -> None:
        for url in _find_links(text, self._public_url):
            headers = {"User-Agent": agent}
            async with self._session.get(url, headers=headers, allow_redirects=False):
                pass
        await asyncio.sleep(_BETWEEN_VISITS_SECONDS)

    async def _order(self, order_id: str, number: str, amount: str) -> None:
        order = {"id": order_id, "number": number, "amount": amount, "currency": "EUR"}
        await self._shop.call("POST", "/v1/orders", json=order)


def _find_links(text: str, public_url: str) -> Iterator[str]:
    """The short links in a text; an unsubscribe link is longer and left alone."""
    for found in re.finditer(re.escape(public_url) + r"/[0-9A-Za-z]{7}(?![0-9A-Za-z])", text):
        yield found.group()

"""One shop's campaign on a real store: people, messages, receipts, clicks, opt-outs and orders by the writers
that the server has. Decides nothing that they decide."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gateway.analytics.orders import OrderBook, OrderConflict, OrderPost, Recorded
from gateway.domain.clicks import Device, Verdict
from gateway.domain.identifiers import slot_of_id
from gateway.domain.orders import OrderState
from gateway.domain.people import OptoutWay
from gateway.domain.phone import Number
from gateway.store.campaigns import Campaign, CampaignContent, add_campaign
from gateway.store.clicks import Click, ClickWriter
from gateway.store.intake import NewMessage
from gateway.store.links import Link
from gateway.store.optouts import Withdrawal, withdraw_people
from gateway.store.orders import OrderRecord
from gateway.store.rollups import Tallies
from tests.store.desk import SECRET, Desk
from tests.store.rig import SHOP, Rig, running

DAY = timedelta(days=1)


class Visit(NamedTuple):
    """Somebody or something at a link."""

    link: Link
    at: datetime
    verdict: Verdict


class Shopkeeper:
    """Shop 1 and what it does."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.desk = Desk(rig)
        self.attribution = 7 * DAY
        self.book = OrderBook(rig.database, ids=rig.node.ids, clock=now, attribution=lambda: self.attribution)
        self.seqs = 0
        self.posts = 0

    @classmethod
    async def open(cls, rig: Rig) -> "Shopkeeper":
        await rig.execute("INSERT INTO link_counter (next_seq) VALUES (1) ON CONFLICT DO NOTHING")
        return cls(rig)

    async def add_campaign(self, name: str = "Soldes") -> Campaign:
        content = CampaignContent(name=name, text="Bonjour {{ link }}")
        return await add_campaign(
            self.rig.database, SHOP, self.rig.node.ids.next_id(0), content, now=now(), actor="test"
        )

    async def add_target(self, campaign: Campaign, name: str = "link") -> int:
        target_id = self.rig.node.ids.next_id(0)
        await self.rig.execute(
            "INSERT INTO link_target (shop_id, id, campaign_id, created_at, name, url)"
            " VALUES ($1, $2, $3, now(), $4, 'https://shop.example.com/')",
            SHOP,
            target_id,
            campaign.id,
            name,
        )
        return target_id

    def message(self, campaign: Campaign, address: str, contact_id: int, **changes: Any) -> NewMessage:
        return self.rig.new_message(
            campaign_id=campaign.id, contact_id=contact_id, to_address=address, **changes
        )

    def link(self, campaign_id: int, target_id: int, message: NewMessage) -> Link:
        self.seqs += 1
        assert message.contact_id is not None
        return Link(
            self.seqs,
            SHOP,
            message.slot,
            message.id,
            target_id,
            campaign_id,
            message.contact_id,
            message.country,
        )

    def visit(self, link: Link, *, at: datetime, verdict: Verdict = Verdict.PERSON) -> Visit:
        """A visit of a link; people come long enough after the message."""
        return Visit(link, at, verdict)

    async def store_visits(self, visits: Sequence[Visit]) -> None:
        """As the redirector stores them."""
        writer = ClickWriter(self.rig.dsn, self.rig.queries, self.rig.node.fence)
        async with running(writer.run), asyncio.timeout(10):
            stored = [asyncio.Event() for _ in visits]
            for visit, event in zip(visits, stored, strict=True):
                writer.put(
                    Click(
                        self.rig.node.ids.next_id(visit.link.slot),
                        visit.link,
                        visit.at,
                        visit.verdict,
                        Device.PHONE,
                        "192.0.2.0",
                        "Mozilla/5.0",
                        event.set,
                    )
                )
            for event in stored:
                await event.wait()

    async def insert_click(
        self, campaign_id: int, contact_id: int, at: datetime, *, verdict: int = 0
    ) -> None:
        """A visit of some time ago, its row alone."""
        slot = slot_of_id(contact_id)
        await self.rig.execute(
            "INSERT INTO click (shop_id, id, slot, verdict, device, is_first, campaign_id, contact_id,"
            " message_id, target_id, link_seq, at, country, agent)"
            " VALUES ($1, $2, $3, $4, 1, true, $5, $6, 1, 1, 1, $7, 'FR', '')",
            SHOP,
            self.rig.node.ids.next_id(slot),
            slot,
            verdict,
            campaign_id,
            contact_id,
            at,
        )

    async def opt_out(self, address: str, campaign_id: int, way: OptoutWay = OptoutWay.TEXT) -> None:
        person = Withdrawal(SHOP, address, way, "STOP", now(), campaign_id=campaign_id, country="FR")
        async with self.rig.database.transaction() as connection:
            tallies = Tallies()
            await withdraw_people(
                connection,
                [person],
                ids=self.rig.node.ids,
                now=now(),
                instance_secret=SECRET,
                tallies=tallies,
            )
            await tallies.write(connection)

    def post(self, address: str | None = None, **changes: Any) -> OrderPost:
        self.posts += 1
        values: dict[str, Any] = {
            "external_id": f"A-{self.posts}",
            "number": None if address is None else Number(address, "FR"),
            "state": OrderState.PLACED,
            "amount_micros": 60_000_000,
            "currency": "EUR",
            "ordered_at": now(),
        }
        return OrderPost(**{**values, **changes})

    async def tell(self, post: OrderPost, **options: Any) -> OrderRecord:
        (outcome,) = await self.book.record(SHOP, [post], source="test", **options)
        assert isinstance(outcome, Recorded), outcome
        return outcome.order

    async def tell_many(self, posts: list[OrderPost]) -> list[Recorded | OrderConflict]:
        return await self.book.record(SHOP, posts, source="test")


def now() -> datetime:
    return datetime.now(UTC)

"""The public application on a real Postgres, as the node makes it, and links of people to open there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from gateway.config import Config
from gateway.config.tree import PublicConfig
from gateway.domain.identifiers import slot_of_address
from gateway.domain.link_codes import LinkCodes, OptoutTokens
from gateway.domain.message import MessageState
from gateway.node.link_rooms import LinkRooms
from gateway.store.database import Database
from gateway.store.evidence import Ending
from gateway.store.links import LINK_COLUMNS, OPTOUT_TARGET, Link, LinkSeqs, put_targets
from gateway.store.shops import NewShop, create_shop
from tests.store.rig import Rig, running, silent_teller

SECRET = b"0123456789abcdef"
CODES = LinkCodes(SECRET)
TOKENS = OptoutTokens(SECRET)
CAMPAIGN = 9_000_000_000
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
CONFIG = Config(
    public=PublicConfig(
        base_url="https://l.example.com",
        trusted_proxies=("127.0.0.0/8",),
        click_wait_ms=5_000,  # a loaded machine must not make a click late where a test counts on it
    )
)


@dataclass(slots=True)
class Public:
    """The running application; visits come from `address` unless they say otherwise."""

    rig: Rig
    rooms: LinkRooms
    session: aiohttp.ClientSession
    url: str
    endings: list[Ending]
    shop_id: int
    links: list[Link] = field(default_factory=list)
    contacts: int = 0

    async def add_link(
        self,
        url: str = "https://shop.example/spring",
        *,
        target_id: int | None = None,
        campaign_id: int = CAMPAIGN,
        contact_id: int | None = None,
        address: str | None = None,
        sent_ago: timedelta | None = timedelta(minutes=5),
        is_delivered: bool = True,
    ) -> Link:
        """A person's link, whose message went out a while ago."""
        self.contacts += 1
        address = address or f"3361234{self.contacts:04}"
        slot = slot_of_address(address)
        ids = self.rig.node.ids
        message_id = ids.next_id(slot)
        if target_id is None:
            async with self.rig.database.transaction() as connection:
                targets = await put_targets(
                    connection, shop_id=self.shop_id, campaign_id=campaign_id, links=[("link", url)],
                    ids=ids, now=now_utc(),
                )  # fmt: skip
            target_id = targets["link"]
        (seq,) = await LinkSeqs(self.rig.database, block_seqs=1).take(1)
        contact_id = ids.next_id(slot) if contact_id is None else contact_id
        link = Link(seq, self.shop_id, slot, message_id, target_id, campaign_id, contact_id, "FR")
        async with self.rig.database.connection() as connection:
            await connection.copy("link", LINK_COLUMNS, [link])
        if sent_ago is not None:
            state = MessageState.DELIVERED if is_delivered else MessageState.SENT
            await self.rig.execute(
                "INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt,"
                " node_no, entered, epoch, changed_at, sent_at, part_states)"
                " VALUES ($1, $2, $3, $4, 0, 0, 1, 0, 0, 1, now(), $5, '')",
                self.shop_id, message_id, slot, int(state), now_utc() - sent_ago,
            )  # fmt: skip
        self.links.append(link)
        return link

    async def add_optout_link(self, address: str, contact_id: int, message_id: int = 0) -> Link:
        link = await self.add_link(
            target_id=OPTOUT_TARGET, address=address, contact_id=contact_id, sent_ago=None
        )
        if message_id:
            link = link._replace(message_id=message_id)
            await self.rig.execute("UPDATE link SET message_id = $1 WHERE seq = $2", message_id, link.seq)
        return link

    async def visit(
        self,
        path: str,
        *,
        method: str = "GET",
        address: str = "198.51.100.7",
        agent: str = PHONE,
        **more: Any,
    ) -> tuple[int, str, Any]:
        """(status, body, headers); redirects are not followed."""
        headers = {"User-Agent": agent, "X-Forwarded-For": address, **more.pop("headers", {})}
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            return answer.status, await answer.text(), answer.headers

    async def open(self, link: Link, **more: Any) -> int:
        status, _, _ = await self.visit("/" + CODES.encode(link.seq), **more)
        return status

    async def clicks(self) -> Sequence[tuple[Any, ...]]:
        """(verdict, is_first) in the order in which they came."""
        return await self.rig.fetch("SELECT verdict, is_first FROM click ORDER BY id")


@asynccontextmanager
async def run_public(rig: Rig, config: Config = CONFIG, *, dsn: str | None = None) -> AsyncIterator[Public]:
    """`dsn` leads to the same database another way."""
    shop = await create_shop(
        rig.database, NewShop("boutique", "FR", "EUR", webhook_secret="whsec_x"), now_utc()
    )
    assert shop is not None
    database = rig.database if dsn is None else await Database.open(dsn, rig.queries)
    endings: list[Ending] = []
    rooms = LinkRooms(
        database,
        rig.node,
        config,
        secret=SECRET,
        put_endings=endings.extend,
        clock=now_utc,
        teller=silent_teller(rig.node.ids),
    )
    works = [lambda work=work: work for _, work in rooms.list_work()]
    async with (
        running(*works),
        TestServer(rooms.make_app()) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        url = str(server.make_url("")).rstrip("/")
        yield Public(rig, rooms, session, url, endings, shop.id)
    if database is not rig.database:
        await database.aclose()


def now_utc() -> datetime:
    return datetime.now(UTC)

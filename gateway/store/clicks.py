"""Clicks: every visit of a link kept, people counted once, in one transaction with the totals.

Owns the writer. What a visit is comes judged but for its timing, which only the message's row can tell.
Clicks of test messages are kept without being counted.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from gateway.domain.clicks import Device, Verdict, judge_timing
from gateway.domain.delays import DelayKind
from gateway.domain.lanes import Lane
from gateway.domain.message import MessageState
from gateway.store.database import Connection
from gateway.store.fence import Fence
from gateway.store.links import TEST_CAMPAIGN, Link
from gateway.store.queries import Query
from gateway.store.rollups import Tallies
from gateway.store.writer import GroupWriter
from gateway.store.writer_connection import Joins

BATCH_ROWS: Final = 1_000
_COLUMNS: Final = (
    "shop_id", "id", "slot", "verdict", "device", "is_first", "campaign_id", "contact_id", "message_id",
    "target_id", "link_seq", "at", "country", "address", "agent",
)  # fmt: skip

_Person = tuple[int, int, int, int]
"""(shop_id, campaign_id, slot, contact_id), the key of click_person."""


class Click(NamedTuple):
    """One visit. `id` carries the slot; `verdict` is what the visit brought with it; `on_stored` is called
    once it is durable, or never will be; it must not raise."""

    id: int
    link: Link
    at: datetime
    verdict: Verdict
    device: Device
    address: str | None
    agent: str
    on_stored: Callable[[], None]


class ClickWriter:
    """The one writer of this process for clicks."""

    def __init__(self, dsn: str, queries: dict[str, Query], fence: Fence) -> None:
        self._work = _ClickWork()
        self._writer: GroupWriter[Click, None] = GroupWriter(
            dsn, queries, fence, self._work, name="clicks", batch_rows=BATCH_ROWS, joins=Joins.BY_ARRAY
        )

    @property
    def is_away(self) -> bool:
        return self._writer.is_away

    @property
    def refused(self) -> int:
        """Clicks that Postgres refused for their data, which is a fault of the program."""
        return self._work.refused_clicks

    def put(self, click: Click) -> None:
        self._writer.put(click)

    async def run(self) -> None:
        await self._writer.run()

    async def drained(self) -> None:
        await self._writer.drained()


class _Sending(NamedTuple):
    """What is known of the message that a link came with."""

    sent_at: datetime | None
    is_delivered: bool


class _ClickWork:
    def __init__(self) -> None:
        self.refused_clicks = 0

    async def write(self, connection: Connection, items: Sequence[Click]) -> None:
        sendings = await _find_sendings(connection, items)
        judged = [(click, _judge(click, sendings.get(_message_of(click)))) for click in items]
        firsts = await _note_people(connection, judged)
        tallies = Tallies()
        rows = []
        for click, verdict in judged:
            link = click.link
            is_first = click.id in firsts
            rows.append((
                link.shop_id, click.id, link.slot, verdict, click.device, is_first, link.campaign_id,
                link.contact_id, link.message_id, link.target_id, link.seq, click.at, link.country,
                click.address, click.agent,
            ))  # fmt: skip
            if link.campaign_id != TEST_CAMPAIGN:
                _count(tallies, click, verdict, is_first, sendings.get(_message_of(click)))
        await connection.copy("click", _COLUMNS, rows)
        await tallies.write(connection)

    def committed(self, items: Sequence[Click], result: None) -> None:
        for click in items:
            click.on_stored()

    def refused(self, item: Click, error: Exception) -> None:
        self.refused_clicks += 1
        item.on_stored()


def _message_of(click: Click) -> tuple[int, int]:
    return (click.link.shop_id, click.link.message_id)


def _judge(click: Click, sending: _Sending | None) -> Verdict:
    """A message without a moment of sending has not left yet as far as is known: too soon, then."""
    if sending is None:
        return click.verdict
    seconds = 0.0 if sending.sent_at is None else (click.at - sending.sent_at).total_seconds()
    return judge_timing(click.verdict, seconds_since_sent=seconds, is_delivered=sending.is_delivered)


async def _find_sendings(connection: Connection, items: Sequence[Click]) -> dict[tuple[int, int], _Sending]:
    """By (shop_id, message id), for the visits that may be a person's."""
    links = [click.link for click in items if click.verdict is Verdict.PERSON]
    if not links:
        return {}
    ids = sorted({link.message_id for link in links})
    rows = await connection.fetch(
        "find_sending_times",
        sorted({link.shop_id for link in links}),
        ids,
        sorted({link.slot for link in links}),
        ids[0],
        ids[-1],
        MessageState.DELIVERED,
    )
    return {(row["shop_id"], row["id"]): _Sending(row["sent_at"], row["is_delivered"]) for row in rows}


async def _note_people(connection: Connection, judged: Sequence[tuple[Click, Verdict]]) -> set[int]:
    """The ids of clicks that are the first of their person; keys in order, so that two nodes cannot wait for
    each other in a circle."""
    earliest: dict[_Person, Click] = {}
    for click, verdict in judged:
        link = click.link
        if verdict is not Verdict.PERSON or link.campaign_id == TEST_CAMPAIGN:
            continue
        person = (link.shop_id, link.campaign_id, link.slot, link.contact_id)
        held = earliest.get(person)
        if held is None or click.at < held.at:
            earliest[person] = click
    if not earliest:
        return set()
    people = sorted(earliest)
    shop_ids, campaign_ids, slots, contact_ids = zip(*people, strict=True)
    moments = [earliest[person].at for person in people]
    rows = await connection.fetch("add_click_people", shop_ids, campaign_ids, slots, contact_ids, moments)
    return {earliest[row["shop_id"], row["campaign_id"], row["slot"], row["contact_id"]].id for row in rows}


def _count(
    tallies: Tallies, click: Click, verdict: Verdict, is_first: bool, sending: _Sending | None
) -> None:
    link = click.link
    tallies.add_click(
        shop_id=link.shop_id,
        campaign_id=link.campaign_id,
        target_id=link.target_id,
        at=click.at,
        country=link.country,
        verdict=int(verdict),
        device=int(click.device),
        is_first_of_person=is_first,
    )
    if is_first and sending is not None and sending.sent_at is not None:
        tallies.add_delay(
            shop_id=link.shop_id,
            campaign_id=link.campaign_id,
            lane=Lane.BULK,
            kind=DelayKind.FIRST_CLICK,
            seconds=(click.at - sending.sent_at).total_seconds(),
        )

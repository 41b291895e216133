"""How long a visitor waits for the click to be stored, and what is counted when that does not come about."""

import asyncio
from datetime import UTC, datetime

from gateway.domain.clicks import Verdict
from gateway.domain.identifiers import IdSource
from gateway.links.agents import Agents
from gateway.links.bursts import BurstWatch
from gateway.links.clicks import ClickDesk, Visit
from gateway.store.clicks import Click
from gateway.store.links import Link

LINK = Link(5, 1, 7, 100, 9, 11, 13, "FR")
VISIT = Visit("Mozilla/5.0 (iPhone)", "198.51.100.7", "198.51.100.0", is_head=False, is_prefetch=False)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Sink:
    """Keeps clicks, and stores them at once, later or never."""

    def __init__(self) -> None:
        self.is_away = False
        self.stores_at_once = True
        self.clicks: list[Click] = []

    def put(self, click: Click) -> None:
        self.clicks.append(click)
        if self.stores_at_once:
            asyncio.get_running_loop().call_soon(click.on_stored)


def make_desk(sink: Sink, *, wait_seconds: float) -> ClickDesk:
    ids = IdSource(1, lambda: 1_772_366_400_000)
    return ClickDesk(sink, Agents(), BurstWatch(), ids=ids, clock=lambda: NOW, wait_seconds=wait_seconds)


async def test_a_visitor_is_led_on_as_soon_as_the_click_is_stored() -> None:
    sink = Sink()
    desk = make_desk(sink, wait_seconds=30)
    await asyncio.wait_for(desk.note(LINK, VISIT), 5)
    (click,) = sink.clicks
    assert (click.link, click.at, click.verdict, click.address) == (LINK, NOW, Verdict.PERSON, "198.51.100.0")
    counts = desk.counts()
    assert (counts.noted, counts.waiting, counts.late, counts.lost) == (1, 0, 0, 0)


async def test_a_visitor_is_led_on_after_the_wait_and_the_click_is_late_not_lost() -> None:
    sink = Sink()
    sink.stores_at_once = False
    desk = make_desk(sink, wait_seconds=0.001)
    await asyncio.wait_for(desk.note(LINK, VISIT), 5)
    counts = desk.counts()
    assert (counts.waiting, counts.late) == (1, 1)
    sink.clicks[0].on_stored()
    assert desk.counts().waiting == 0


async def test_nobody_waits_for_a_database_that_is_known_to_be_away() -> None:
    sink = Sink()
    sink.is_away, sink.stores_at_once = True, False
    desk = make_desk(sink, wait_seconds=30)
    await asyncio.wait_for(desk.note(LINK, VISIT), 5)
    assert (desk.counts().waiting, desk.counts().late) == (1, 1)


async def test_what_an_agent_brings_can_be_stored_as_text() -> None:
    sink = Sink()
    desk = make_desk(sink, wait_seconds=30)
    await desk.note(LINK, Visit("Mozilla \udcff\0 é" + "x" * 900, "", None, is_head=True, is_prefetch=False))
    (click,) = sink.clicks
    assert click.agent.startswith("Mozilla ? é")
    assert len(click.agent) <= 300
    assert click.agent.encode()

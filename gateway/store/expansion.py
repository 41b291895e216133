"""Freezing and expanding campaigns: one fenced transaction after another, each whole or not at all.

Owns what a chunk consists of: messages with their queue or schedule rows, links, the recipients' ends of
them, how far each slot is, and the counts. So a crash at any moment leaves every recipient with one message
or none, and the next look goes on where the last commit ended. What a message says is the caller's work, done
inside the transaction by `MakeMessages`. Knows no template, no route and no hour.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from gateway.domain.campaign import CampaignState, Exclusion
from gateway.domain.message import MessageState, entered_bit
from gateway.store.campaigns import Campaign
from gateway.store.database import UNREACHABLE, Connection
from gateway.store.errors import MessagesNotMade, RecipientsMoved, StoreUnavailable
from gateway.store.fence import Fence
from gateway.store.intake import NewMessage, Stream, copy_messages, find_lowest_queued
from gateway.store.links import LINK_COLUMNS, Link
from gateway.store.queries import Query
from gateway.store.recipients import AudienceTerms, Person, QueuedGroup, SlotProgress, first_id_of
from gateway.store.rollups import Tallies
from gateway.store.writer import GroupWriter

MOST_DEFERRED = 10_000
"""Messages that are put off in one transaction: about half a second."""


class SlotWish(NamedTuple):
    """What is wanted of one slot: at most `most` recipients after a contact. `is_rest` says that the slot has
    no more than that."""

    slot: int
    after: int
    most: int
    is_rest: bool


class Made(NamedTuple):
    """What became of one recipient: the message, or why there is none after all."""

    slot: int
    contact_id: int
    message_id: int | None
    exclusion: Exclusion


@dataclass(slots=True)
class Expanded:
    """What was made of some recipients, in their order. `is_cut`: those after the last are left for later."""

    made: list[Made]
    messages: list[NewMessage]
    links: list[Link]
    is_cut: bool = False


MakeMessages = Callable[[Sequence[Person]], Awaitable[Expanded]]
"""Makes messages of recipients. May be called again with the same people, when a batch is repeated."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a freeze did: people in each slot by exclusion. None: the campaign does not run any more."""

    slots: dict[int, dict[Exclusion, int]] | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What an expansion did. None of it when the campaign does not run any more."""

    is_running: bool
    slots: tuple[SlotProgress, ...] = ()
    """Where the touched slots are now; `frozen` is 0 in these."""
    messages: int = 0
    queued: int = 0
    parts: int = 0
    excluded: int = 0
    is_cut: bool = False


class CampaignWriter:
    """The one writer of campaigns' rows of this process. `on_queued` hears, after the commit, the lowest new
    id of each stream."""

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        fence: Fence,
        *,
        on_queued: Callable[[dict[Stream, int]], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._clock = clock
        self._on_queued = on_queued
        # One job a transaction: jobs are batches already.
        self._writer: GroupWriter[_Job, Any] = GroupWriter(
            dsn, queries, fence, _Work(), name="campaigns", batch_rows=1
        )

    async def freeze(self, campaign: Campaign, terms: AudienceTerms, slots: Sequence[int]) -> Frozen:
        """Fix who the campaign is for in slots that are not frozen yet; returns after the commit.

        Raises `RecipientsMoved` when one of them is.
        """
        job = _FreezeJob(campaign, terms, slots, self._clock)
        frozen: Frozen = await self._see_through(job)
        return frozen

    async def expand(self, campaign: Campaign, wishes: Sequence[SlotWish], make: MakeMessages) -> Chunk:
        """Give the next recipients of these slots their messages; returns after the commit.

        Raises `MessagesNotMade` for whatever `make` raises, except that the database is away: then the chunk
        is repeated. Raises `RecipientsMoved` when a slot is not where its wish says.
        """
        job = _ExpandJob(campaign, wishes, make, self._clock, self._on_queued)
        chunk: Chunk = await self._see_through(job)
        return chunk

    async def defer(
        self,
        campaign: Campaign,
        group: QueuedGroup,
        due_at: datetime,
        *,
        connector_ids: Sequence[int],
        slots: Sequence[int],
    ) -> int:
        """Put queued messages to these people off; returns how many, at most 10,000, after the
        commit."""
        deferred: int = await self._see_through(_DeferJob(campaign, group, due_at, connector_ids, slots))
        return deferred

    async def run(self) -> None:
        await self._writer.run()

    async def _see_through(self, job: "_Job") -> Any:
        self._writer.put(job)
        return await job.done


class _Job:
    """One transaction; `done` tells what it did, or what the database refused in it."""

    def __init__(self) -> None:
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def write(self, connection: Connection) -> Any:
        raise NotImplementedError

    def committed(self, result: Any) -> None:
        if not self.done.done():
            self.done.set_result(result)


class _Work:
    async def write(self, connection: Connection, items: Sequence[_Job]) -> Any:
        return await items[0].write(connection)

    def committed(self, items: Sequence[_Job], result: Any) -> None:
        items[0].committed(result)

    def refused(self, item: _Job, error: Exception) -> None:
        if not item.done.done():
            item.done.set_exception(error)


async def _is_running(connection: Connection, campaign: Campaign) -> bool:
    state = await connection.fetch_value("share_campaign_state", campaign.shop_id, campaign.id)
    return bool(state == CampaignState.RUNNING)


class _FreezeJob(_Job):
    def __init__(
        self, campaign: Campaign, terms: AudienceTerms, slots: Sequence[int], clock: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._campaign = campaign
        self._terms = terms
        self._slots = slots
        self._clock = clock

    async def write(self, connection: Connection) -> Frozen:
        campaign, terms = self._campaign, self._terms
        if not await _is_running(connection, campaign):
            return Frozen(None)
        lists, excluded, is_marketing, countries, recent, recent_from = terms.arguments()
        try:
            rows = await connection.fetch(
                "freeze_slots",
                campaign.shop_id,
                campaign.id,
                list(self._slots),
                lists,
                excluded,
                is_marketing,
                countries,
                recent,
                recent_from,
                self._clock(),
            )
        except asyncpg.UniqueViolationError as exc:
            raise RecipientsMoved(campaign.id, "slots that are not frozen", "frozen ones") from exc
        slots: dict[int, dict[Exclusion, int]] = {slot: {} for slot in self._slots}
        tallies = Tallies()
        for row in rows:
            exclusion = Exclusion(row["exclusion"])
            slots[row["slot"]][exclusion] = row["people"]
            if exclusion is not Exclusion.NONE:
                tallies.add_exclusion(campaign.shop_id, campaign.id, exclusion, row["people"])
        await tallies.write(connection)
        return Frozen(slots)


class _ExpandJob(_Job):
    def __init__(
        self,
        campaign: Campaign,
        wishes: Sequence[SlotWish],
        make: MakeMessages,
        clock: Callable[[], datetime],
        on_queued: Callable[[dict[Stream, int]], None],
    ) -> None:
        super().__init__()
        self._campaign = campaign
        self._wishes = wishes
        self._make = make
        self._clock = clock
        self._on_queued = on_queued
        self._lowest: dict[Stream, int] = {}

    async def write(self, connection: Connection) -> Chunk | MessagesNotMade:
        campaign, wishes = self._campaign, self._wishes
        if not await _is_running(connection, campaign):
            return Chunk(is_running=False)
        rows = await connection.fetch(
            "take_recipients",
            campaign.shop_id,
            campaign.id,
            [wish.slot for wish in wishes],
            [wish.after for wish in wishes],
            [wish.most for wish in wishes],
        )
        try:
            expanded = await self._make(list(map(Person._make, rows)))
        except (*UNREACHABLE, StoreUnavailable):
            raise
        except Exception as exc:
            # Nothing is written yet. The data of one shop must not end the writer of all.
            failure = MessagesNotMade(campaign.id, f"{type(exc).__name__}: {exc}")
            failure.__cause__ = exc
            return failure
        tallies = Tallies()
        slots = _advance(wishes, rows, expanded)
        await self._note_recipients(connection, expanded, tallies)
        await self._note_slots(connection, slots)
        await copy_messages(connection, expanded.messages, tallies)
        if expanded.links:
            await connection.copy("link", LINK_COLUMNS, expanded.links)
        await tallies.write(connection)
        self._lowest = find_lowest_queued(expanded.messages)
        return Chunk(
            is_running=True,
            slots=tuple(slots),
            messages=len(expanded.messages),
            queued=sum(message.due_at is None for message in expanded.messages),
            parts=sum(message.parts for message in expanded.messages),
            excluded=len(expanded.made) - len(expanded.messages),
            is_cut=expanded.is_cut,
        )

    def committed(self, result: Chunk | MessagesNotMade) -> None:
        if isinstance(result, MessagesNotMade):
            if not self.done.done():
                self.done.set_exception(result)
            return
        if self._lowest:
            self._on_queued(self._lowest)
        super().committed(result)

    async def _note_recipients(self, connection: Connection, expanded: Expanded, tallies: Tallies) -> None:
        made, campaign = expanded.made, self._campaign
        if not made:
            return
        for each in made:
            if each.exclusion is not Exclusion.NONE:
                tallies.add_exclusion(campaign.shop_id, campaign.id, each.exclusion)
        slots, contacts, messages, exclusions = zip(*made, strict=True)
        tag = await connection.execute(
            "note_expanded", campaign.shop_id, campaign.id, slots, contacts, messages, exclusions
        )
        _expect(tag, f"INSERT 0 {len(made)}", campaign)

    async def _note_slots(self, connection: Connection, slots: Sequence[SlotProgress]) -> None:
        if not slots:
            return
        after = {wish.slot: wish.after for wish in self._wishes}
        tag = await connection.execute(
            "advance_slots",
            self._campaign.shop_id,
            self._campaign.id,
            [slot.slot for slot in slots],
            [after[slot.slot] for slot in slots],
            [slot.expanded_to for slot in slots],
            [slot.expanded for slot in slots],
            [slot.is_done for slot in slots],
            self._clock(),
        )
        _expect(tag, f"UPDATE {len(slots)}", self._campaign)


class _DeferJob(_Job):
    def __init__(
        self,
        campaign: Campaign,
        group: QueuedGroup,
        due_at: datetime,
        connector_ids: Sequence[int],
        slots: Sequence[int],
    ) -> None:
        super().__init__()
        self._campaign = campaign
        self._group = group
        self._due_at = due_at
        self._connector_ids = connector_ids
        self._slots = slots

    async def write(self, connection: Connection) -> int:
        campaign, group = self._campaign, self._group
        tag = await connection.execute(
            "defer_campaign_queued",
            campaign.shop_id,
            campaign.id,
            campaign.content.category,
            list(self._connector_ids),
            first_id_of(campaign),
            list(self._slots),
            group.country,
            group.time_zone,
            group.digits,
            self._due_at,
            entered_bit(MessageState.SCHEDULED),
            MOST_DEFERRED,
        )
        return int(tag.rpartition(" ")[2])


def _expect(tag: str, expected: str, campaign: Campaign) -> None:
    """Only one node at a time expands a slot. Its last chunk may still be on the way when another node has
    the slot, and then the later of the two is not written."""
    if tag != expected:
        raise RecipientsMoved(campaign.id, expected, tag)


def _advance(wishes: Sequence[SlotWish], rows: Sequence[Any], expanded: Expanded) -> list[SlotProgress]:
    """Where the slots are after what was made; `expanded` counts the messages of this chunk only."""
    found: dict[int, int] = {}
    for row in rows:
        found[row["slot"]] = found.get(row["slot"], 0) + 1
    seen: dict[int, tuple[int, int, int]] = {}
    for made in expanded.made:
        people, messages, _ = seen.get(made.slot, (0, 0, 0))
        has_message = made.message_id is not None
        seen[made.slot] = (people + 1, messages + has_message, made.contact_id)
    slots = []
    for wish in wishes:
        people, messages, last = seen.get(wish.slot, (0, 0, wish.after))
        given = found.get(wish.slot, 0)
        is_done = people == given and (wish.is_rest or given < wish.most)
        if people or is_done:
            slots.append(SlotProgress(wish.slot, 0, messages, last, is_done))
    return slots

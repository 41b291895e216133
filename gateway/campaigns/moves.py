"""A campaign's moves from state to state: one transaction with its event, its audit row and its webhooks.

Owns what is written with a move and who hears of it afterwards. Whether a move is wanted is decided by people
(`desk`) and by the runner; whether there is such a move, by `domain.campaign`.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway.campaigns.errors import CampaignRefused
from gateway.domain.campaign import CAMPAIGN_MOVES, CampaignState, PauseReason
from gateway.domain.identifiers import IdSource
from gateway.domain.public_ids import encode_public_id
from gateway.store.audit import AuditNote, add_audit
from gateway.store.campaigns import Campaign, add_event, move_campaign, read_figures
from gateway.store.database import Connection, Database
from gateway.store.outbox import OUTBOX_COLUMNS, outbox_record

log = structlog.get_logger("campaigns")

GATEWAY_ITSELF: Final = "gateway"
"""The actor of moves that nobody asked for just then: a start at its time, the end, a pause by itself."""

WORD_OF_MOVE: Final = {
    CampaignState.DRAFT: "unplanned",
    CampaignState.PLANNED: "planned",
    CampaignState.RUNNING: "started",
    CampaignState.PAUSED: "paused",
    CampaignState.FINISHED: "finished",
    CampaignState.CANCELLED: "cancelled",
}
_TOLD_BY_WEBHOOK: Final = frozenset(
    {CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED}
)

FindEndpoints = Callable[[int, str], Awaitable[Sequence[int]]]
"""(shop_id, event kind) → ids of the webhook endpoints that want it."""
Within = Callable[[Connection, Campaign], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MoveDeps:
    """What moves need. `on_moved` is awaited after the commit: dispatch must know at once what is stopped."""

    database: Database
    ids: IdSource
    clock: Callable[[], datetime]
    find_endpoints: FindEndpoints
    on_moved: Callable[[], Awaitable[None]]


class CampaignMoves:
    """Carries moves out."""

    def __init__(self, deps: MoveDeps) -> None:
        self._deps = deps

    async def move(
        self,
        campaign: Campaign,
        state: CampaignState,
        *,
        actor: str,
        reason: PauseReason = PauseReason.NONE,
        version: int | None = None,
        data: dict[str, object] | None = None,
        within: Within | None = None,
    ) -> Campaign | None:
        """Bring the campaign to `state`. None when it is no longer as `campaign` says (or not of `version`):
        somebody else was first, and nothing was written.

        `within` runs in the transaction, after the move. Raises `CampaignRefused` for a move that there is
        not, `StoreUnavailable`.
        """
        if state not in CAMPAIGN_MOVES[campaign.state]:
            raise refuse_move(campaign, state)
        deps = self._deps
        now = deps.clock()
        kind = f"campaign.{WORD_OF_MOVE[state]}"
        endpoints = await deps.find_endpoints(campaign.shop_id, kind) if state in _TOLD_BY_WEBHOOK else ()
        async with self._transaction() as connection:
            moved = await move_campaign(connection, campaign, state, now=now, reason=reason, version=version)
            if moved is None:
                return None
            if within is not None:
                await within(connection, moved)
            await self._write_news(connection, moved, kind, actor, data or {}, endpoints)
        log.info(kind, campaign=encode_public_id("cmp", moved.id), actor=actor, reason=reason.word)
        await deps.on_moved()
        return moved

    async def note(self, actor: str, action: str, campaign_id: int, data: dict[str, object]) -> None:
        """Write an audit row of a change that is no move; `data` must be JSON."""
        deps = self._deps
        await add_audit(
            deps.database,
            AuditNote(
                deps.ids.next_id(0),
                deps.clock(),
                actor,
                action,
                encode_public_id("cmp", campaign_id),
                msgspec.json.encode(data).decode(),
            ),
        )

    def _transaction(self) -> AbstractAsyncContextManager[Connection]:
        return self._deps.database.transaction()

    async def _write_news(
        self,
        connection: Connection,
        campaign: Campaign,
        kind: str,
        actor: str,
        data: dict[str, object],
        endpoints: Sequence[int],
    ) -> None:
        deps = self._deps
        now = campaign.state_changed_at
        subject = encode_public_id("cmp", campaign.id)
        said = {
            "by": actor,
            **({"reason": campaign.pause_reason.word} if campaign.pause_reason else {}),
            **data,
        }
        encoded = msgspec.json.encode(said).decode()
        event_id = deps.ids.next_id(0)
        await add_event(
            connection,
            event_id=event_id,
            shop_id=campaign.shop_id,
            now=now,
            kind=kind,
            subject=subject,
            data=said,
        )
        await add_audit(connection, AuditNote(deps.ids.next_id(0), now, actor, kind, subject, encoded))
        if endpoints:
            # On this connection: to wait for a second one while holding a first could be for ever.
            figures = await read_figures(connection, campaign.shop_id, [campaign.id])
            is_held = campaign.pause_reason is not PauseReason.NONE
            moment = {
                "name": campaign.content.name,
                "state": campaign.state.word,
                "pause_reason": campaign.pause_reason.word if is_held else None,
                "recipients": figures[campaign.id].recipients,  # so far: all once everyone is frozen
            }
            records = [
                outbox_record(
                    shop_id=campaign.shop_id,
                    event_id=deps.ids.next_id(0),
                    subject_id=campaign.id,
                    sequence=campaign.version,
                    endpoint_id=endpoint_id,
                    kind=kind,
                    occurred_at=now,
                    data=msgspec.json.encode(moment).decode(),
                )
                for endpoint_id in endpoints
            ]
            await connection.copy("outbox", OUTBOX_COLUMNS, records)


def refuse_move(campaign: Campaign, state: CampaignState) -> CampaignRefused:
    """Why a campaign in its state cannot come to another."""
    wanted = {
        CampaignState.PLANNED: "start",
        CampaignState.RUNNING: "go on",
        CampaignState.PAUSED: "be paused",
        CampaignState.CANCELLED: "be cancelled",
    }.get(state, f"become {state.word}")
    if state is CampaignState.PLANNED:
        return CampaignRefused(
            "campaign_not_draft",
            f"The campaign is {campaign.state.word}; only a draft can {wanted}.",
            "Duplicate it to send it again.",
        )
    return CampaignRefused(
        "campaign_state",
        f"The campaign is {campaign.state.word}, so it cannot {wanted}.",
        "Read the campaign again to see where it stands.",
    )

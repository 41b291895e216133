"""Keeping what is written: on the server as soon as it answers, on this machine until then.

Owns the order of saves and what each outcome means. Knows no widget: the screen shows `status`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum
from urllib.parse import quote

from admin_tui.client import ApiClient, Failure, FailureKind, Json
from admin_tui.screens.writer.draft import Draft
from admin_tui.screens.writer.kept_drafts import KeptDrafts


class SaveStatus(Enum):
    """Where the newest version of the text is."""

    NEW = "new"
    SAVING = "saving"
    SAVED = "saved"
    LOCAL = "local"
    REFUSED = "refused"
    LOST = "lost"
    """Neither the server nor this machine took it: the screen is the only copy."""


class DraftSaver:
    """Saves one draft of one shop, one request at a time. A draft without a name is `unnamed` on the server.
    `on_conflict` is told when somebody else's version stands there and the text went on as a new draft."""

    def __init__(
        self,
        client: ApiClient,
        shop: str,
        kept: KeptDrafts,
        *,
        clock: Callable[[], datetime],
        unnamed: str,
        on_conflict: Callable[[], None],
    ) -> None:
        self._client = client
        self._shop = shop
        self._kept = kept
        self._clock = clock
        self._unnamed = unnamed
        self._on_conflict = on_conflict
        self._lock = asyncio.Lock()
        self._saved: Draft | None = None
        self.status = SaveStatus.NEW
        self.failure: Failure | None = None

    def take_saved(self, draft: Draft) -> None:
        """The server has exactly this."""
        self._saved = draft
        self.status = SaveStatus.SAVED

    def keep_here(self, draft: Draft) -> None:
        """Put a draft that the server may not have on this machine's disk."""
        if draft == self._saved or draft.is_blank():
            return
        is_kept = self._kept.keep(self._shop, draft, now=self._clock())
        if self.status in (SaveStatus.SAVED, SaveStatus.NEW, SaveStatus.LOCAL, SaveStatus.LOST):
            self.status = SaveStatus.LOCAL if is_kept else SaveStatus.LOST

    async def save(self, draft: Draft) -> Draft:
        """The draft with the id and version that the server gave, or as it was when it could not be saved."""
        async with self._lock:
            if self._saved is not None:
                draft = replace(draft, id=self._saved.id, version=self._saved.version)
            if draft == self._saved or (draft.id is None and draft.is_blank()):
                return draft
            self.keep_here(draft)
            self.status = SaveStatus.SAVING
            answer = await self._send(draft)
            if isinstance(answer, Failure) and answer.kind is FailureKind.CONFLICT and draft.id is not None:
                self._kept.drop(self._shop, draft.id)
                draft = replace(draft, id=None, version=None)
                self._kept.keep(self._shop, draft, now=self._clock())
                answer = await self._send(draft)
                if not isinstance(answer, Failure):
                    self._on_conflict()
            return self._settle(draft, answer)

    def forget(self, draft: Draft) -> None:
        """Nothing of it needs to stay on this machine."""
        self._kept.drop(self._shop, draft.id)
        self._kept.drop(self._shop, None)

    async def _send(self, draft: Draft) -> Json | Failure:
        path = f"/admin/shops/{quote(self._shop, safe='')}/campaigns"
        body = {**draft.body(), "name": draft.name.strip() or self._unnamed}
        if draft.id is None:
            return await self._client.post(path, body)
        return await self._client.patch(f"{path}/{draft.id}", {**body, "version": draft.version})

    def _settle(self, draft: Draft, answer: Json | Failure) -> Draft:
        if not isinstance(answer, Failure):
            was = draft.id
            draft = replace(draft, id=answer["id"], version=answer.get("version"))
            self._kept.drop(self._shop, was)
            self._saved, self.status, self.failure = draft, SaveStatus.SAVED, None
            return draft
        self.failure = answer
        if answer.kind is not FailureKind.AWAY:
            self.status = SaveStatus.REFUSED
        elif self._kept.keep(self._shop, draft, now=self._clock()):
            self.status = SaveStatus.LOCAL
        else:
            self.status = SaveStatus.LOST
        return draft

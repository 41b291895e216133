"""What a person may do to a connector while the server runs: take it down, bring it up, change its speed or
window for a while, have it try again.

Owns the rows and the audit note of each wish. `OverrideBoard` follows them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from gateway.domain.identifiers import IdSource
from gateway.oncall.errors import NotRunning, UnknownConnector
from gateway.oncall.overrides import OverrideBoard
from gateway.store.audit import AuditNote, add_audit
from gateway.store.database import Database
from gateway.store.overrides import Override, OverrideKey, lift_overrides, put_overrides


@dataclass(frozen=True, slots=True)
class Terms:
    """Who wants a change, why, and for how long (None: until somebody undoes it)."""

    actor: str
    reason: str = ""
    for_seconds: int | None = None


class ConnectorDesk:
    """Takes wishes about connectors. `connector_ids` gives the numbers of the configured ones by name.

    `retry_now` has this node's binds tried at once, `retry_elsewhere` those of other nodes; each says whether
    there are any.
    """

    def __init__(
        self,
        database: Database,
        board: OverrideBoard,
        *,
        connector_ids: Callable[[], Mapping[str, int]],
        retry_now: Callable[[int], bool],
        retry_elsewhere: Callable[[int], bool],
        ids: IdSource,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._board = board
        self._connector_ids = connector_ids
        self._retry_now = retry_now
        self._retry_elsewhere = retry_elsewhere
        self._ids = ids
        self._clock = clock

    async def take_down(self, name: str, terms: Terms) -> Sequence[Override]:
        """Have it drain and unbind in order; its messages wait, or go where the routes lead.

        Returns what is changed of the connector now. Raises `UnknownConnector` and `StoreUnavailable`, as do
        the others.
        """
        return await self._put(name, "connector.down", {OverrideKey.DOWN: 0.0}, terms)

    async def bring_up(self, name: str, terms: Terms) -> bool:
        """End a taking down before its time; False when it was not taken down."""
        connector_id = self._find(name)
        note = self._note("connector.up", name, terms, {})
        was_down = await lift_overrides(
            self._database, connector_id, (OverrideKey.DOWN,), self._clock(), note
        )
        await self._board.refresh()
        return bool(was_down)

    async def change(
        self, name: str, values: Mapping[OverrideKey, float | None], terms: Terms
    ) -> Sequence[Override]:
        """Set speed or window; None lets the configuration's value hold again. Returns what is changed of the
        connector now."""
        wanted = {key: value for key, value in values.items() if value is not None}
        lifted = [key for key, value in values.items() if value is None]
        if lifted:
            note = self._note("connector.change", name, terms, dict.fromkeys(map(_word, lifted)))
            await lift_overrides(self._database, self._find(name), lifted, self._clock(), note)
            await self._board.refresh()
        if wanted:
            return await self._put(name, "connector.change", wanted, terms)
        return self._board.of(self._find(name))

    async def retry(self, name: str, terms: Terms) -> None:
        """Have the binds that are down try again at once, on whatever node. Raises `NotRunning` as well."""
        connector_id = self._find(name)
        has_own, has_others = self._retry_now(connector_id), self._retry_elsewhere(connector_id)
        if not has_own and not has_others:
            raise NotRunning(name)
        await add_audit(self._database, self._note("connector.retry", name, terms, {}))

    async def _put(
        self, name: str, action: str, values: Mapping[OverrideKey, float], terms: Terms
    ) -> Sequence[Override]:
        connector_id = self._find(name)
        now = self._clock()
        ends = None if terms.for_seconds is None else now + timedelta(seconds=terms.for_seconds)
        overrides = [
            Override(connector_id, key, value, terms.actor, terms.reason, now, ends)
            for key, value in values.items()
        ]
        noted = {_word(key): value for key, value in values.items() if key is not OverrideKey.DOWN}
        await put_overrides(self._database, overrides, self._note(action, name, terms, noted))
        await self._board.refresh()
        return self._board.of(connector_id)

    def _find(self, name: str) -> int:
        connector_id = self._connector_ids().get(name)
        if connector_id is None:
            raise UnknownConnector(name)
        return connector_id

    def _note(self, action: str, name: str, terms: Terms, values: Mapping[str, object]) -> AuditNote:
        data = {**values, "reason": terms.reason, "for_seconds": terms.for_seconds}
        return AuditNote(
            self._ids.next_id(0),
            self._clock(),
            terms.actor,
            action,
            f"connector {name}",
            msgspec.json.encode(data).decode(),
        )


def _word(key: OverrideKey) -> str:
    return key.name.lower()

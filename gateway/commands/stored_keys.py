"""API keys in the database itself, for the moments when no server runs; the answers are the admin API's.

Each action leaves the same audit row as a server's.
"""

import asyncio
import getpass
import json
import os
import secrets
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.commands.errors import CommandError
from gateway.commands.local_database import open_database
from gateway.commands.version import read_version
from gateway.config import Config
from gateway.intake.keys import RANDOM_OCTETS, SCOPES, make_key
from gateway.store.audit import AuditNote, add_audit
from gateway.store.database import Database
from gateway.store.leases import Node
from gateway.store.shops import ApiKey, create_key, list_keys, list_shops, revoke_key

_NODE_KEY = "command line"
"""Under this name a command leases a node number for the id of its audit row, one command at a time."""


class StoredKeys:
    """The keys in the database of one configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def create(self, shop: str, mode: str, label: str, scopes: Sequence[str] | None) -> dict[str, Any]:
        """A new key with its text. Raises `CommandError` when there is no such shop."""
        return asyncio.run(self._create(shop, mode, label, scopes or SCOPES))

    def list(self, shop: str | None) -> dict[str, Any]:
        return asyncio.run(self._list(shop))

    def revoke(self, key_id: int) -> dict[str, Any]:
        """The revoked key. Raises `CommandError` when there is none, or it was revoked before."""
        return asyncio.run(self._revoke(key_id))

    async def _create(self, shop: str, mode: str, label: str, scopes: Sequence[str]) -> dict[str, Any]:
        async with open_database(self._config) as database:
            names = await _name_shops(database, shop)
            now = datetime.now(UTC)
            key = make_key(secrets.token_bytes(RANDOM_OCTETS), is_test=mode == "test")
            stored = await create_key(
                database,
                next(iter(names)),
                is_test=mode == "test",
                key_hash=key.hash,
                hint=key.hint,
                label=label,
                scopes=scopes,
                now=now,
            )
            shown = _show(stored, shop)
            await _note(database, "key.create", shown, now)
            return {**shown, "key": key.text}

    async def _list(self, shop: str | None) -> dict[str, Any]:
        async with open_database(self._config) as database:
            names = await _name_shops(database, shop)
            keys = await list_keys(database, list(names))
        return {"keys": [_show(key, names[key.shop_id]) for key in keys]}

    async def _revoke(self, key_id: int) -> dict[str, Any]:
        async with open_database(self._config) as database:
            names = await _name_shops(database, None)
            now = datetime.now(UTC)
            key = await revoke_key(database, key_id, list(names), now)
            if key is None:
                raise CommandError(f"there is no live key {key_id}; `estafette key list` shows them")
            shown = _show(key, names[key.shop_id])
            await _note(database, "key.revoke", shown, now)
            return shown


async def _name_shops(database: Database, wanted: str | None) -> dict[int, str]:
    names = {shop.id: shop.name for shop in await list_shops(database) if wanted in (None, shop.name)}
    if wanted is not None and not names:
        raise CommandError(f"there is no shop named {wanted}; `estafette shop list` shows them")
    return names


async def _note(database: Database, action: str, shown: dict[str, Any], now: datetime) -> None:
    node = await Node.take(
        database, node_key=_NODE_KEY, host=socket.gethostname(), pid=os.getpid(), version=read_version()
    )
    try:
        subject = f"key {shown['id']} of shop {shown['shop']}"
        actor = f"uid {os.getuid()} ({getpass.getuser()}), without a server"
        await add_audit(
            database, AuditNote(node.ids.next_id(0), now, actor, action, subject, json.dumps(shown))
        )
    finally:
        await node.release()


def _show(key: ApiKey, shop: str) -> dict[str, Any]:
    return {
        "id": key.id,
        "shop": shop,
        "mode": "test" if key.is_test else "live",
        "hint": key.hint,
        "label": key.label,
        "scopes": list(key.scopes),
        "created_at": key.created_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }

"""What people said about marketing: the rows of `consent` and the wordings they agreed to, each kept once.

Appended and never changed. Which statement is accepted is decided elsewhere (`domain.opt_in`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.opt_in import Recorded
from gateway.domain.people import MarketingConsent, SuppressionScope, address_key
from gateway.store.database import Connection, Database


class NewConsent(NamedTuple):
    """One row to append; `evidence` is a JSON object as text."""

    address: str
    contact_id: int
    state: MarketingConsent
    said_at: datetime
    source: str
    wording: str | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One thing that a person said, as it was recorded."""

    state: MarketingConsent
    said_at: datetime
    recorded_at: datetime
    source: str
    wording: str | None
    evidence: str | None


async def find_recorded(
    reader: Database | Connection, shop_id: int, addresses: Sequence[str], *, instance_secret: bytes
) -> dict[str, Recorded]:
    """What stands about each address: the newest consent and the widest opt-out."""
    by_key = {address_key(instance_secret, address): address for address in addresses}
    slots = [slot_of_address(address) for address in by_key.values()]
    rows = await reader.fetch("find_recorded", shop_id, slots, list(by_key))
    return {
        by_key[row["address_key"]]: Recorded(
            state=MarketingConsent(row["state"] or 0),
            said_at=row["said_at"],
            source=row["source"] or "",
            wording=row["wording"],
            scope=SuppressionScope(row["scope"] or 0),
            opted_out_at=row["opted_out_at"],
        )
        for row in rows
    }


async def append_consents(
    connection: Connection,
    shop_id: int,
    consents: Sequence[NewConsent],
    *,
    ids: IdSource,
    now: datetime,
    instance_secret: bytes,
) -> None:
    """Append rows in the caller's transaction; their wordings are kept once."""
    if not consents:
        return
    wordings = {each.wording for each in consents if each.wording is not None}
    numbers = await _keep_wordings(connection, shop_id, sorted(wordings), ids=ids, now=now)
    slots = [slot_of_address(each.address) for each in consents]
    await connection.execute(
        "append_consents",
        shop_id,
        [ids.next_id(slot) for slot in slots],
        slots,
        [each.contact_id for each in consents],
        [None if each.wording is None else numbers[each.wording] for each in consents],
        [int(each.state) for each in consents],
        [each.said_at for each in consents],
        [address_key(instance_secret, each.address) for each in consents],
        [each.source for each in consents],
        [each.evidence for each in consents],
        now,
    )


async def list_consents(
    database: Database, shop_id: int, address: str, *, instance_secret: bytes
) -> list[ConsentRecord]:
    """Everything the person behind an address said, newest first."""
    rows = await database.fetch(
        "list_consents", shop_id, slot_of_address(address), address_key(instance_secret, address)
    )
    return [
        ConsentRecord(
            MarketingConsent(row["state"]),
            row["said_at"],
            row["recorded_at"],
            row["source"],
            row["wording"],
            row["evidence"],
        )
        for row in rows
    ]


async def _keep_wordings(
    connection: Connection, shop_id: int, wordings: Sequence[str], *, ids: IdSource, now: datetime
) -> Mapping[str, int]:
    if not wordings:
        return {}
    by_hash = {sha256(wording.encode()).digest(): wording for wording in wordings}
    hashes = list(by_hash)
    await connection.execute(
        "add_wordings", shop_id, [ids.next_id(0) for _ in hashes], hashes, list(by_hash.values()), now
    )
    rows = await connection.fetch("find_wordings", shop_id, hashes)
    return {by_hash[row["sha256"]]: row["id"] for row in rows}

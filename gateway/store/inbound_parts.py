"""Parts of texts from handsets within a batch of outcomes: kept until the others come, then made one text.

Owns the rows of `inbound_part`. `domain.joining` decides which text a part belongs to, `smpp.received_text`
how it reads. What another node does to the same text meanwhile is found out by counting what a statement
really wrote; the batch is then tried again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import asyncpg
from msgspec.structs import replace

from gateway.domain.identifiers import IdSource
from gateway.domain.joining import HeldPart, place_part
from gateway.smpp.received_text import Piece, read_pieces
from gateway.smpp.text import ReadAs
from gateway.store.database import Connection, Database
from gateway.store.errors import PartsMoved
from gateway.store.evidence import InboundSeen, PartKey, PartsOverdue

_DIGEST_OCTETS = 16
_Set = tuple[PartKey, int]
"""The parts of one text: their key, and the number that tells it from others under that key."""


class _Fresh(NamedTuple):
    """A part of this batch, where it belongs."""

    key: PartKey
    set_no: int
    seen: InboundSeen
    digest: bytes

    def row(self, inbound_id: int) -> tuple[object, ...]:
        """For `keep_parts`; a part of a text that is stored leaves its digest alone."""
        seen = self.seen
        octets = (b"", b"") if inbound_id else (seen.udh, seen.body)
        return (
            *self.key, self.set_no, seen.part, seen.data_coding, seen.esm_class, seen.read_as,
            seen.destination_port, seen.source_port, inbound_id, seen.at, *octets, self.digest,
        )  # fmt: skip


class Joining:
    """The parts of one batch, and the texts that they complete."""

    def __init__(self, connection: Connection, ids: IdSource) -> None:
        self._connection = connection
        self._ids = ids
        self._fresh: list[_Fresh] = []
        self._stored: dict[_Set, list[InboundSeen]] = {}
        self._became: dict[_Set, int] = {}

    async def gather(
        self, parts: Sequence[InboundSeen], overdue: Sequence[PartsOverdue]
    ) -> list[InboundSeen]:
        """The texts that are complete with `parts`, and what came of the `overdue` ones."""
        self._place(parts, await self._read_held(parts))
        for late in overdue:
            self._finish((late.key, late.set_no))
        if not self._became:
            return []
        await self._read_waiting()
        fresh: dict[_Set, list[InboundSeen]] = {}
        for each in self._fresh:
            fresh.setdefault((each.key, each.set_no), []).append(each.seen)
        return [
            join_parts(came, inbound_id)
            for text, inbound_id in self._became.items()
            if (came := self._stored.get(text, []) + fresh.get(text, []))
        ]

    def _place(self, parts: Sequence[InboundSeen], held: dict[PartKey, list[HeldPart]]) -> None:
        for seen in parts:
            key = key_of(seen)
            known = held.setdefault(key, [])
            digest = sha256(seen.body).digest()[:_DIGEST_OCTETS]
            set_no = place_part(seen.part, digest, seen.at, known)
            if set_no is None:
                continue
            self._fresh.append(_Fresh(key, set_no, seen, digest))
            known.append(HeldPart(set_no, seen.part, 0, digest, seen.at))
            if sum(each.set_no == set_no for each in known) == key.parts:
                inbound_id = self._finish((key, set_no))
                held[key] = [
                    each._replace(inbound_id=inbound_id) if each.set_no == set_no else each for each in known
                ]

    def _finish(self, text: _Set) -> int:
        return self._became.setdefault(text, self._ids.next_id(text[0].slot))

    async def _read_held(self, parts: Sequence[InboundSeen]) -> dict[PartKey, list[HeldPart]]:
        keys = sorted({key_of(seen) for seen in parts})
        held: dict[PartKey, list[HeldPart]] = {}
        for row in await self._connection.fetch("find_held_parts", *_columns(keys)) if keys else ():
            part = HeldPart(row["set_no"], row["part"], row["inbound_id"], row["digest"], row["received_at"])
            held.setdefault(_key_in(row), []).append(part)
        return held

    async def _read_waiting(self) -> None:
        wanted = [(*key, set_no) for key, set_no in sorted(self._became)]
        for row in await self._connection.fetch("read_waiting_parts", *_columns(wanted)):
            key = _key_in(row)
            self._stored.setdefault((key, row["set_no"]), []).append(_seen_in(row, key))

    async def write(self) -> None:
        """Keep what is new and close what became a text, in one order on every node. Raises `PartsMoved`."""
        rows = [
            each.row(self._became.get((each.key, each.set_no), 0))
            for each in sorted(self._fresh, key=_place_of)
        ]
        if rows:
            _expect(len(rows), await self._connection.fetch("keep_parts", *_columns(rows)))
        closing = [(*key, set_no, self._became[key, set_no]) for key, set_no in sorted(self._stored)]
        if closing:
            stored = sum(len(parts) for parts in self._stored.values())
            _expect(stored, await self._connection.fetch("close_parts", *_columns(closing)))


def key_of(seen: InboundSeen) -> PartKey:
    """What this part has in common with the others of its text."""
    return PartKey(
        seen.slot,
        seen.from_address,
        seen.shop_id,
        seen.to_address,
        seen.connector_id,
        seen.reference_bits,
        seen.reference or 0,
        seen.parts,
    )


def join_parts(came: Sequence[InboundSeen], inbound_id: int) -> InboundSeen:
    """One text of the parts that came, at least one; gaps show where others are missing."""
    by_number = {seen.part: seen for seen in came}
    in_order = [by_number[number] for number in sorted(by_number)]
    first = in_order[0]
    pieces = [
        Piece(seen.read_as, seen.udh, seen.body) if seen is not None else None
        for seen in map(by_number.get, range(1, first.parts + 1))
    ]
    return replace(
        first,
        text=read_pieces(pieces),
        body=b"".join(seen.body for seen in in_order),
        at=max(seen.at for seen in in_order),
        acknowledge=None,
        parts_came=len(in_order),
        inbound_id=inbound_id,
    )


async def find_overdue_parts(
    database: Database, slots: Sequence[int], *, since_before: datetime, limit: int
) -> list[PartsOverdue]:
    """Texts that wait for a part since before a moment, or for nothing but to be joined; oldest first."""
    rows = await database.fetch("find_overdue_parts", slots, since_before, limit)
    return [PartsOverdue(_key_in(row), row["set_no"]) for row in rows]


async def forget_closed_parts(database: Database, slots: Sequence[int], *, before: datetime) -> None:
    """Drop what was kept of stored texts to know repeated parts by, where it came before a moment."""
    await database.execute("forget_closed_parts", slots, before)


def _place_of(fresh: _Fresh) -> tuple[object, ...]:
    return (*fresh.key, fresh.set_no, fresh.seen.part)


def _key_in(row: asyncpg.Record) -> PartKey:
    return PartKey(*(row[name] for name in PartKey._fields))


def _seen_in(row: asyncpg.Record, key: PartKey) -> InboundSeen:
    return InboundSeen(
        shop_id=key.shop_id,
        slot=key.slot,
        connector_id=key.connector_id,
        data_coding=row["data_coding"],
        esm_class=row["esm_class"],
        reference=key.reference,
        part=row["part"],
        parts=key.parts,
        from_address=key.from_address,
        to_address=key.to_address,
        text=None,
        body=row["body"],
        at=row["received_at"],
        reference_bits=key.reference_bits,
        read_as=ReadAs(row["read_as"]),
        udh=row["udh"],
        destination_port=row["destination_port"],
        source_port=row["source_port"],
    )


def _columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Parameters of a statement that takes rows as arrays, one for each column."""
    return [list(column) for column in zip(*rows, strict=True)]


def _expect(rows: int, found: Sequence[asyncpg.Record]) -> None:
    if len(found) != rows:
        raise PartsMoved(rows, len(found))

"""People of a file between its reading and their merge: a file of blocks, each with the people of some slots.

Owns its layout, and that of several rows for one person the last counts. A file of our own and no table of
the database: a million rows cost it two seconds to write and to sort, need no clearing away, and a file that
turns out broken has touched nothing.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec

from gateway.audience.importing.errors import ImportingError
from gateway.domain.identifiers import SLOT_COUNT
from gateway.store.import_rows import PeopleColumns, PersonRow

_PEOPLE_OF_A_BLOCK: Final = 8_000
"""A quarter of a second of merging: within it a cancel takes hold, and locks on contacts are let go."""
_ROWS_IN_MEMORY: Final = 8_192
"""Some 8 MB, and as much again while a block is sorted."""
_LENGTH_OCTETS: Final = 8
_ADDRESS: Final = PersonRow._fields.index("address")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_rows: Final = msgspec.msgpack.Decoder(list[tuple[Any, ...]]).decode
"""Of `PersonRow`s: as plain tuples they take half the time."""
_decode_people: Final = msgspec.msgpack.Decoder(PeopleColumns).decode


class StagedFileGone(ImportingError):
    """What was read of a file is not there any more, or not whole."""


class _Block(NamedTuple):
    first_slot: int
    last_slot: int
    offset: int
    octets: int


_decode_index: Final = msgspec.msgpack.Decoder(list[_Block]).decode


class StagedFile:
    """A file of people being written: rows in the order of the shop's file, sorted into blocks at the end.

    Rows beyond `_ROWS_IN_MEMORY` wait in a file without a name, so that a killed process leaves nothing. It
    holds as much as the staged file itself.
    """

    def __init__(self, path: Path, *, rows: int) -> None:
        """`rows` is about how many will come; it settles how many blocks there are."""
        self._path = path
        self._slots_of_a_block = max(1, min(SLOT_COUNT, _PEOPLE_OF_A_BLOCK * SLOT_COUNT // max(1, rows)))
        blocks = -(-SLOT_COUNT // self._slots_of_a_block)
        self._most_waiting = _ROWS_IN_MEMORY // blocks
        self._waiting: list[list[PersonRow]] = [[] for _ in range(blocks)]
        self._runs: list[list[tuple[int, int]]] = [[] for _ in range(blocks)]
        """By block: where its rows stand in the spill, offset and octets, in the order of the shop's file."""
        self._spill: BinaryIO = TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed by `close`
        self._spilled_octets = 0

    def close(self) -> None:
        self._spill.close()

    def add(self, row: PersonRow) -> None:
        block = row.slot // self._slots_of_a_block
        waiting = self._waiting[block]
        waiting.append(row)
        if len(waiting) >= self._most_waiting:
            octets = _encode(waiting)
            self._spill.write(octets)
            self._runs[block].append((self._spilled_octets, len(octets)))
            self._spilled_octets += len(octets)
            waiting.clear()

    def finish(self) -> int:
        """Write the file, whole or not at all; returns how many people there are."""
        partial = self._path.with_name(f"{self._path.name}.part")
        people, offset, index = 0, 0, list[_Block]()
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            for block in range(len(self._runs)):
                # The last row of a person replaces those before it.
                rows = {row[_ADDRESS]: row for row in self._rows_of(block)}
                people += len(rows)
                octets = _encode(PeopleColumns.of(sorted(rows.values())))
                file.write(octets)
                first_slot = block * self._slots_of_a_block
                last_slot = min(SLOT_COUNT, first_slot + self._slots_of_a_block) - 1
                index.append(_Block(first_slot, last_slot, offset, len(octets)))
                offset += len(octets)
            octets = _encode(index)
            file.write(octets + len(octets).to_bytes(_LENGTH_OCTETS, "big"))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._path)
        return people

    def _rows_of(self, block: int) -> Iterator[tuple[Any, ...]]:
        for offset, octets in self._runs[block]:
            self._spill.seek(offset)
            yield from _decode_rows(self._spill.read(octets))
        yield from self._waiting[block]
        self._waiting[block].clear()


def read_block(path: Path, first_slot: int) -> tuple[PeopleColumns, int]:
    """The people of the block that begins at a slot, and its last slot. Raises `StagedFileGone`."""
    try:
        with open(path, "rb") as file:
            file.seek(-_LENGTH_OCTETS, os.SEEK_END)
            length = int.from_bytes(file.read(_LENGTH_OCTETS), "big")
            file.seek(-_LENGTH_OCTETS - length, os.SEEK_END)
            for block in _decode_index(file.read(length)):
                if block.first_slot == first_slot:
                    file.seek(block.offset)
                    return _decode_people(file.read(block.octets)), block.last_slot
    except (OSError, ValueError, msgspec.DecodeError) as exc:  # ValueError: a length beyond all files
        raise StagedFileGone(f"{path.name}: {exc}") from exc
    raise StagedFileGone(f"{path.name}: no block begins at slot {first_slot}")

"""Uploaded files in the state folder, each under the number of its import, closed to everybody else.

Owns writing them without holding up the event loop, and their end. What is inside is for others to read.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Final

from gateway.audience.importing.errors import ImportRefused

_WRITE_OCTETS: Final = 1_048_576
_PART: Final = ".part"
_STAGED: Final = ".people"


class ImportFiles:
    """The folder of uploaded files. It is made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, import_id: int) -> Path:
        return self._folder / str(import_id)

    def staged_path_of(self, import_id: int) -> Path:
        """Where what was read of a file waits for its merge."""
        return self.path_of(import_id).with_suffix(_STAGED)

    def holds(self, import_id: int) -> bool:
        return self.path_of(import_id).exists()

    async def write(self, import_id: int, chunks: AsyncIterable[bytes], *, most_octets: int) -> int:
        """Keep a file as it arrives; returns its size. A file that ends early or is too large leaves nothing.

        Raises `ImportRefused` beyond `most_octets`, and whatever `chunks` raises.
        """
        path = self.path_of(import_id)
        partial = path.with_suffix(_PART)
        descriptor = await asyncio.to_thread(self._open, partial)
        try:
            size = await self._fill(descriptor, chunks, most_octets)
            await asyncio.to_thread(os.fsync, descriptor)
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return size

    def _open(self, path: Path) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    async def _fill(self, descriptor: int, chunks: AsyncIterable[bytes], most_octets: int) -> int:
        size = 0
        held = bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > most_octets:
                raise ImportRefused(
                    "body_too_large",
                    f"The file has more than {most_octets:,} octets.",
                    "Cut it in pieces, or have imports.max_file_octets raised.",
                )
            held += chunk
            if len(held) >= _WRITE_OCTETS:
                await asyncio.to_thread(_write_all, descriptor, bytes(held))
                held.clear()
        await asyncio.to_thread(_write_all, descriptor, bytes(held))
        return size

    def remove(self, import_id: int) -> None:
        self.path_of(import_id).unlink(missing_ok=True)

    def remove_staged(self, import_id: int) -> None:
        self.staged_path_of(import_id).unlink(missing_ok=True)

    def remove_older_than(self, seconds: float) -> None:
        """Remove every file that nobody has touched for so long, whatever import it was of."""
        if not self._folder.is_dir():
            return
        before = time.time() - seconds
        for path in self._folder.iterdir():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


def _write_all(descriptor: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(descriptor, view) :]

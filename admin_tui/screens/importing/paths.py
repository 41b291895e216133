"""Completing a path of a file to import, as a shell does: folders first, then the kinds that can be read.

The console runs on the server; the paths are the server's, read with the rights of the person's own account.
"""

import os
from dataclasses import dataclass
from pathlib import Path

READABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods"})
MAX_ENTRIES = 200
_MAX_SEEN = 5_000


@dataclass(frozen=True, slots=True)
class PathEntry:
    """One way to go on. `path` is what the field holds when it is chosen; folders end in a slash."""

    path: str
    is_folder: bool
    size_octets: int


def list_matches(typed: str) -> list[PathEntry]:
    """Folders and readable files that continue what was typed, by name; empty where nothing may be read.

    Hidden names come only when a dot was typed. At most `MAX_ENTRIES`; blocking, so call it in a thread.
    """
    folder_text, _, beginning = typed.rpartition("/")
    folder = Path(os.path.expanduser(folder_text + "/" if folder_text or typed.startswith("/") else "."))
    entries = []
    try:
        with os.scandir(folder) as found:
            for seen, entry in enumerate(found):
                if seen >= _MAX_SEEN:
                    break
                if _fits(entry, beginning):
                    entries.append(_entry(entry, typed[: len(typed) - len(beginning)]))
    except OSError:
        return []
    entries.sort(key=lambda entry: (not entry.is_folder, entry.path.lower()))
    return entries[:MAX_ENTRIES]


def common_beginning(entries: list[PathEntry]) -> str:
    """What all the matches share: the furthest that Tab can go without choosing."""
    beginning = entries[0].path if entries else ""
    for entry in entries:
        while not entry.path.startswith(beginning):
            beginning = beginning[:-1]
    return beginning


def _fits(entry: "os.DirEntry[str]", beginning: str) -> bool:
    if not entry.name.lower().startswith(beginning.lower()):
        return False
    if entry.name.startswith(".") and not beginning.startswith("."):
        return False
    try:
        return entry.is_dir() or Path(entry.name).suffix.lower() in READABLE_SUFFIXES
    except OSError:
        return False


def _entry(entry: "os.DirEntry[str]", folder_text: str) -> PathEntry:
    try:
        is_folder = entry.is_dir()
        size = 0 if is_folder else entry.stat().st_size
    except OSError:
        is_folder, size = False, 0
    return PathEntry(folder_text + entry.name + ("/" if is_folder else ""), is_folder, size)

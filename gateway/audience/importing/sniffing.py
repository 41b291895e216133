"""What kind of file this is: format, encoding, delimiter, heading, and what its columns seem to hold.

Owns guesses from content, never from the file's name. A guess can be overruled by whoever imports.
"""

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.headings import has_heading, suggest_columns
from gateway.audience.importing.spreadsheets import find_zip_format, read_sheet
from gateway.audience.importing.text_files import DELIMITERS, read_records

_HEAD_OCTETS: Final = 262_144
_SCAN_OCTETS: Final = 1_048_576
_SAMPLE_ROWS: Final = 200
PREVIEW_ROWS: Final = 10
_PREVIEW_CELL_CHARACTERS: Final = 80
_MOST_COLUMNS: Final = 200

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Detected(Struct, frozen=True):
    """What a file looks like. `encoding` and `delimiter` are None for spreadsheets."""

    format: str
    encoding: str | None
    delimiter: str | None
    has_header: bool
    columns: list[str]
    suggested: list[str]


class Look(Struct, frozen=True):
    """A first look at a file, with its first rows for a person to recognise it by."""

    detected: Detected
    preview: list[list[str]]


def look_at(path: Path) -> Look:
    """Detect everything about the file. Raises `BrokenFile` for one that holds no table at all."""
    with open(path, "rb") as file:
        head = file.read(_HEAD_OCTETS)
    if not head.strip(b"\0 \t\r\n"):
        raise BrokenFile("the file is empty; export the list again.")
    format_found, encoding, delimiter = "csv", None, None
    if head.startswith(_ZIP):
        format_found = find_zip_format(path)
    elif head.startswith(_OLE):
        format_found = "xls"
    else:
        encoding = detect_encoding(path, head)
        delimiter = detect_delimiter(_decode_head(head, encoding))
    rows = _read_sample(open_records(path, format_found, encoding, delimiter))
    if not rows:
        raise BrokenFile("the file holds no rows; export the list again.")
    if max(map(len, rows)) > _MOST_COLUMNS:
        raise BrokenFile(f"the file has more than {_MOST_COLUMNS} columns; keep those that matter.")
    with_heading = has_heading(rows)
    heading = [cell.strip() for cell in rows[0]] if with_heading else []
    detected = Detected(
        format=format_found,
        encoding=encoding,
        delimiter=delimiter,
        has_header=with_heading,
        columns=[cell[:_PREVIEW_CELL_CHARACTERS] for cell in heading],
        suggested=suggest_columns(heading, rows[1:] if with_heading else rows),
    )
    preview = [[cell[:_PREVIEW_CELL_CHARACTERS] for cell in row] for row in rows[:PREVIEW_ROWS]]
    return Look(detected, preview)


def open_records(
    path: Path, format_found: str, encoding: str | None, delimiter: str | None
) -> Iterator[list[str]]:
    """The records of a file whose kind is known. Raises `BrokenFile` while they are read."""
    if format_found == "csv":
        return read_records(path, encoding=encoding or "utf-8", delimiter=delimiter or ",")
    return read_sheet(path)


def _read_sample(records: Iterable[list[str]]) -> list[list[str]]:
    """The first rows that are not empty; a fault below the first of them is left for the dry run to tell."""
    rows: list[list[str]] = []
    try:
        for record in islice(records, _SAMPLE_ROWS):
            if any(cell.strip() for cell in record):
                rows.append(record)
    except BrokenFile:
        if not rows:
            raise
    return rows


def detect_encoding(path: Path, head: bytes) -> str:
    """By byte order mark, by the zeros of UTF-16, as UTF-8 if the whole file is; else Windows-1252.

    A file that is plainly UTF-8 up to a bad octet stays UTF-8, so that the fault is told with its row instead
    of turning every accent into two strange characters. Raises `BrokenFile` for what is no text.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    zeros = [head[place::2].count(0) for place in (0, 1)]
    if any(zeros):
        half = len(head) // 2 or 1
        for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if zeros[place] > half * 0.4 and zeros[1 - place] < half * 0.1:
                return encoding
        raise BrokenFile("there are NUL characters, so this is no text file; export the list as CSV or XLSX.")
    return "utf-8" if _is_meant_as_utf8(path) else "windows-1252"


def _is_meant_as_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    has_accents = False
    with open(path, "rb") as file:
        while True:
            octets = file.read(_SCAN_OCTETS)
            try:
                decoded = decoder.decode(octets, final=not octets)
            except UnicodeDecodeError as exc:
                before = exc.object[: exc.start]
                return has_accents or not before.isascii()
            if not octets:
                return True
            has_accents = has_accents or not decoded.isascii()


def _decode_head(head: bytes, encoding: str) -> str:
    """The head as text without its last line, which may be cut."""
    codec = "cp1252" if encoding == "windows-1252" else encoding
    text = head.decode(codec, errors="replace")
    if len(head) < _HEAD_OCTETS:
        return text
    return text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def detect_delimiter(text: str) -> str:
    """The delimiter that cuts the first rows most evenly; a comma where there is a single column."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        score = _score(text, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(text: str, delimiter: str) -> tuple[float, int]:
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)[: 4 * _SAMPLE_ROWS]
    widths: Sequence[int] = []
    try:
        records = csv.reader(lines, delimiter=delimiter)
        widths = [len(record) for record in islice(records, _SAMPLE_ROWS) if record]
    except csv.Error:
        return (0.0, 0)
    several = Counter(width for width in widths if width > 1)
    if not several:
        return (0.0, 0)
    width, rows = several.most_common(1)[0]
    return (round(rows / len(widths), 1), width if len(widths) > 1 else 1)

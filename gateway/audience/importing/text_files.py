"""Delimited text, record by record, in memory that no file can grow.

Owns the limits of a line and a cell, and the sentences for what is not such a file. Which encoding and
delimiter a file has is told by `sniffing`; what a record means is for others.
"""

import csv
import re
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from gateway.audience.importing.errors import BrokenFile

DELIMITERS: Final = ("\t", ";", "|", ",")
ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "windows-1252")

LONGEST_LINE_CHARACTERS: Final = 1_048_576
"""Far beyond any list of people; a file without line ends would be read into memory whole."""

_CODEC: Final = {"utf-8": "utf-8-sig", "windows-1252": "cp1252"}
_READ_OCTETS: Final = 131_072
_find_bad: Final = re.compile("[\udc80-\udcff]").search
"""Octets outside the encoding, as `surrogateescape` marks them."""


class _BadLine(Exception):
    """A line that no record may hold; the reader of records knows its row."""


def read_records(path: Path, *, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Each record of the file; an empty line is an empty list.

    Raises `BrokenFile` with the row: octets outside the encoding, a line or cell that never ends, quotation
    marks that do not pair. What came before was already given.
    """
    row = 0
    with open(path, "rb", buffering=_READ_OCTETS) as file:
        text = TextIOWrapper(file, _CODEC.get(encoding, encoding), errors=_errors_of(encoding), newline="")
        lines = _read_lines(text, encoding)
        try:
            for record in csv.reader(lines, delimiter=delimiter, strict=True):
                row += 1
                yield record
        except csv.Error as exc:
            raise BrokenFile(_explain(str(exc)), row=row + 1) from exc
        except _BadLine as exc:
            raise BrokenFile(str(exc), row=row + 1) from exc
        except UnicodeDecodeError as exc:
            raise BrokenFile(_not_encoded(encoding), row=row + 1) from exc


def _errors_of(encoding: str) -> str:
    # The decoder reads ahead: only a mark within the line tells which row it stands in.
    return "strict" if encoding.startswith("utf-16") else "surrogateescape"


def _read_lines(text: TextIOWrapper, encoding: str) -> Iterator[str]:
    first = text.readline(LONGEST_LINE_CHARACTERS + 1)
    line = first.removeprefix("\ufeff")
    while line:
        if len(line) > LONGEST_LINE_CHARACTERS:
            raise _BadLine(
                f"a line has more than {LONGEST_LINE_CHARACTERS:,} characters, so this is no list with one "
                "person in each row; export it again as CSV."
            )
        if "\0" in line:
            raise _BadLine("there is a NUL character, so this is no text file; export the list again as CSV.")
        if not line.isascii() and _find_bad(line):
            raise _BadLine(_not_encoded(encoding))
        yield line
        line = text.readline(LONGEST_LINE_CHARACTERS + 1)


def _not_encoded(encoding: str) -> str:
    other = "windows-1252" if encoding != "windows-1252" else "utf-8"
    return f"there are octets that are not {encoding}; save the file as UTF-8, or try the encoding {other}."


def _explain(fault: str) -> str:
    """What Python's reader found, in words that help."""
    if "field larger" in fault:
        return "a cell never ends; most likely a quotation mark in this row is not closed."
    if "unexpected end" in fault:
        return "a quotation mark is opened in this row and never closed."
    return (
        "text follows a closing quotation mark; inside a quoted cell a quotation mark is written twice. "
        "Check that the delimiter is right, too."
    )

"""Answers on standard output: tables for people, JSON for scripts.

Columns are as wide as their widest cell and two blanks apart, numbers stand to the right, nothing is cut.
Control characters never reach the terminal: some cells hold what carriers and handsets wrote.
"""

import json
import unicodedata
from collections.abc import Sequence
from typing import Final

_VISIBLE: Final = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\ufffd")
"""C0 and C1: an escape could move the cursor, and 0x9b alone is one."""
_ESCAPED: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""Those that JSON leaves as they are; they stand in its strings only, where this means the same."""


def format_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The rows below their headings. A column of whole numbers stands to the right; None is blank."""
    cells = [["" if value is None else str(value).translate(_VISIBLE) for value in row] for row in rows]
    lines = ["" for _ in range(len(rows) + 1)]
    for place, heading in enumerate(headings):
        column = [heading, *(row[place] for row in cells)]
        width = max(map(count_columns, column))
        is_number = bool(rows) and all(isinstance(row[place], int | None) for row in rows)
        for index, cell in enumerate(column):
            blanks = " " * (width - count_columns(cell))
            lines[index] += (blanks + cell if is_number else cell + blanks) + "  "
    return "\n".join(line.rstrip() for line in lines)


def count_columns(text: str) -> int:
    """Terminal columns that `text` takes: two for East Asian wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def print_answer(answer: object, text: str, *, as_json: bool) -> None:
    """What a command found: the server's own answer for scripts, else the same in words."""
    if as_json:
        print_document(answer)
    else:
        print(text)


def print_document(document: object) -> None:
    """One JSON document on one line."""
    print(json.dumps(document, ensure_ascii=False).translate(_ESCAPED))

"""Reading a whole file: once to know that it can be read and what it holds, then into a staged file.

Runs in a process of its own, which knows no database. Has no effect on people; what it leaves is a file that
the next reading replaces.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.headings import ATTRIBUTE
from gateway.audience.importing.row_reading import FaultReason, RowReader
from gateway.audience.importing.settings import ImportSettings
from gateway.audience.importing.sniffing import Detected, open_records
from gateway.audience.importing.staged_file import StagedFile
from gateway.domain.attributes import AttributeKind, BadAttribute, guess_kind_of_texts, read_value
from gateway.store.imports import FaultRow

MOST_FAULTS_KEPT: Final = 10_000
MOST_NEW_FIELDS: Final = 50
MOST_ROWS: Final = 2**31 - 1
_ROWS_BETWEEN_WORDS: Final = 10_000
_EXAMPLES: Final = 1_000


class ReadingOrder(Struct, frozen=True, kw_only=True):
    """What the reading process is told, on its standard input."""

    instance_secret: bytes
    path: str
    staged_path: str
    settings: ImportSettings
    detected: Detected
    known_fields: dict[str, int]


class ReadingProgress(Struct, frozen=True, tag="progress"):
    """A word of the reading process, on its standard output: how far it came."""

    rows_done: int
    rows_total: int


class ReadingReport(Struct, frozen=True, kw_only=True, tag="report"):
    """Its last word. With a `fault` nothing of the file may be merged."""

    fault: str | None = None
    rows: int = 0
    refused: int = 0
    duplicates: int = 0
    by_reason: dict[str, int] = {}
    new_fields: dict[str, str] = {}
    faults: list[FaultRow] = []


class Survey(Struct, frozen=True):
    """What the first pass found: people's rows, and the kind of each attribute."""

    rows: int
    kinds: dict[str, AttributeKind]
    new_fields: dict[str, AttributeKind]


def _survey_file(order: ReadingOrder) -> Survey:
    """Read the file to its end. Raises `BrokenFile` when that cannot be done, or when there is no person in
    it."""
    roles = order.settings.roles
    known = {name: AttributeKind(kind) for name, kind in order.known_fields.items()}
    guesses = [
        (place, _KindGuess(role.removeprefix(ATTRIBUTE)))
        for place, role in enumerate(roles)
        if role.startswith(ATTRIBUTE) and role.removeprefix(ATTRIBUTE) not in known
    ]
    if len(guesses) > MOST_NEW_FIELDS:
        raise BrokenFile(
            f"the columns would make more than {MOST_NEW_FIELDS} new fields; ignore some of them."
        )
    rows = 0
    for _, cells in _people(order):
        rows += 1
        for place, guess in guesses:
            if place < len(cells) and cells[place] and not cells[place].isspace():
                guess.see(cells[place])
    if rows == 0:
        raise BrokenFile("there are no rows of people in it, only a heading or empty lines.")
    if rows > MOST_ROWS:
        raise BrokenFile("the file has more rows than can be numbered; cut it in pieces.")
    new = {guess.name: guess.kind for _, guess in guesses}
    return Survey(rows, known | new, new)


def _people(order: ReadingOrder) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, by their number, without the heading."""
    records = open_records(
        Path(order.path), order.detected.format, order.settings.encoding, order.settings.delimiter
    )
    numbered = enumerate(records, start=1)
    heading_is_due = bool(order.settings.has_header)
    for row_no, cells in numbered:
        if not cells or ((not cells[0] or cells[0].isspace()) and not any(cell.strip() for cell in cells)):
            continue
        if heading_is_due:
            heading_is_due = False
            if len(cells) != len(order.settings.roles):
                _check_width(row_no, cells, order)
            continue
        yield row_no, cells


def _check_width(row_no: int, cells: list[str], order: ReadingOrder) -> None:
    """A heading of another width means that the settings are for another file, or another delimiter."""
    width = len(order.settings.roles)
    if any(cell.strip() for cell in cells[width:]) or len(cells) < width:
        raise BrokenFile(
            f"the heading has {len(cells)} columns and {width} are described; "
            "check the delimiter and the columns.",
            row=row_no,
        )


class _KindGuess:
    """The kind of a new field: guessed from its first values, text once a later one does not fit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._examples: dict[str, None] = {}
        self._kind: AttributeKind | None = None

    def see(self, text: str) -> None:
        if self._kind is None:
            self._examples[text] = None
            if len(self._examples) >= _EXAMPLES:
                self._kind = guess_kind_of_texts(self._examples)
        elif self._kind is not AttributeKind.TEXT and text not in self._examples and not self._fits(text):
            self._kind = AttributeKind.TEXT

    def _fits(self, text: str) -> bool:
        if self._kind is AttributeKind.NUMBER:
            return guess_kind_of_texts((text,)) is AttributeKind.NUMBER  # 007 is read as one and is none
        try:
            return read_value(self._kind or AttributeKind.TEXT, text) is not None
        except BadAttribute:
            return False

    @property
    def kind(self) -> AttributeKind:
        return self._kind or guess_kind_of_texts(self._examples)


def stage_file(
    order: ReadingOrder, *, now: datetime, tell: Callable[[ReadingProgress], None]
) -> ReadingReport:
    """Read a file into its staged file, telling how far it came; the report says what was found, or why the
    file is refused."""
    try:
        survey = _survey_file(order)
        return _stage_people(order, survey, now=now, tell=tell)
    except BrokenFile as exc:
        return ReadingReport(fault=str(exc))
    except OSError as exc:  # most likely no space is left in the state folder
        return ReadingReport(
            fault=f"The server could not keep what it read ({exc.strerror}); tell the operator."
        )


def _stage_people(
    order: ReadingOrder, survey: Survey, *, now: datetime, tell: Callable[[ReadingProgress], None]
) -> ReadingReport:
    reader = RowReader(
        order.settings.roles,
        default_country=order.settings.default_country or "",
        kinds=survey.kinds,
        instance_secret=order.instance_secret,
        now=now,
    )
    read = reader.read
    kept: list[FaultRow] = []
    by_reason: Counter[str] = Counter()
    tell(ReadingProgress(0, survey.rows))
    with contextlib.closing(StagedFile(Path(order.staged_path), rows=survey.rows)) as staged:
        add = staged.add
        for done, (row_no, cells) in enumerate(_people(order), start=1):
            found = read(row_no, cells)
            if isinstance(found, FaultRow):
                by_reason[found.reason] += 1
                if len(kept) < MOST_FAULTS_KEPT:
                    kept.append(found)
            else:
                add(found)
            if done % _ROWS_BETWEEN_WORDS == 0:
                tell(ReadingProgress(done, survey.rows))
        refused = by_reason.total()
        nothing = refused == survey.rows
        people = 0 if nothing else staged.finish()
    return ReadingReport(
        fault=_explain_nothing(by_reason) if nothing else None,
        rows=survey.rows,
        refused=refused,
        duplicates=survey.rows - refused - people,
        by_reason=dict(by_reason.most_common()),
        new_fields={name: kind.word for name, kind in survey.new_fields.items()},
        faults=kept,
    )


def _explain_nothing(by_reason: Counter[str]) -> str:
    reason, rows = by_reason.most_common(1)[0]
    hint = (
        "the delimiter"
        if reason == FaultReason.RAGGED_ROW.value
        else "which column is the number, and the country"
    )
    return f"None of the {by_reason.total():,} rows can be imported ({rows:,} times {reason}); check {hint}."

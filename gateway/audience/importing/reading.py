"""Reading a whole file into staging: once to know that it can be read and what it holds, then row by row.

Runs in a process of its own. Has no effect on people; what it leaves behind is cleared by the next reading.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from gateway.audience.importing.errors import BrokenFile
from gateway.audience.importing.headings import ATTRIBUTE
from gateway.audience.importing.row_reading import FaultReason, RowReader
from gateway.audience.importing.settings import ImportSettings
from gateway.audience.importing.sniffing import Detected, open_records
from gateway.domain.attributes import AttributeKind, BadAttribute, guess_kind_of_texts, read_value
from gateway.store.import_rows import Staging
from gateway.store.imports import FaultRow, ImportCounts, ImportProgress

MOST_FAULTS_KEPT: Final = 10_000
MOST_NEW_FIELDS: Final = 50
MOST_ROWS: Final = 2**31 - 1
_ROWS_OF_A_BATCH: Final = 10_000
_EXAMPLES: Final = 1_000


class ReadingOrder(Struct, frozen=True, kw_only=True):
    """What the reading process is told, on its standard input."""

    dsn: str
    instance_secret: bytes
    node_no: int
    epoch: int
    shop_id: int
    import_id: int
    path: str
    settings: ImportSettings
    detected: Detected
    known_fields: dict[str, int]
    is_dry_run: bool
    wording_id: int | None


class Survey(Struct, frozen=True):
    """What the first pass found: people's rows, and the kind of each attribute."""

    rows: int
    kinds: dict[str, AttributeKind]
    new_fields: dict[str, AttributeKind]


def survey_file(order: ReadingOrder) -> Survey:
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
            if place < len(cells) and cells[place]:
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
        if not any(cells) or not any(cell.strip() for cell in cells):
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
        elif self._kind is not AttributeKind.TEXT:
            try:
                read_value(self._kind, text)
            except BadAttribute:
                self._kind = AttributeKind.TEXT

    @property
    def kind(self) -> AttributeKind:
        return self._kind or guess_kind_of_texts(self._examples)


async def stage_file(
    order: ReadingOrder, survey: Survey, staging: Staging, *, clock: Callable[[], datetime]
) -> None:
    """Stage every row and fault; the last transaction moves the import to its next phase."""
    reader = RowReader(
        order.settings.roles,
        shop_id=order.shop_id,
        import_id=order.import_id,
        default_country=order.settings.default_country or "",
        kinds=survey.kinds,
        instance_secret=order.instance_secret,
        now=clock(),
    )
    progress = ImportProgress(
        phase="reading",
        is_dry_run=order.is_dry_run,
        is_staged=True,
        wording_id=order.wording_id,
        rows_total=survey.rows,
        phase_started_at=clock(),
    )
    if not await staging.begin(progress, clock()):
        return
    by_reason: Counter[str] = Counter()
    kept = 0
    for rows, faults in _batches(_people(order), reader):
        by_reason.update(fault.reason for fault in faults)
        shown = faults[: MOST_FAULTS_KEPT - kept]
        kept += len(shown)
        progress.rows_done += len(rows) + len(faults)
        if not await staging.put(rows, shown, progress, clock()):
            return
    refused = by_reason.total()
    counts = ImportCounts(
        rows=survey.rows,
        refused=refused,
        by_reason=dict(by_reason.most_common()),
        new_fields={name: kind.word for name, kind in survey.new_fields.items()},
    )
    if refused == survey.rows:
        await staging.fail(_explain_nothing(by_reason), clock(), counts=counts)
        return
    progress.phase = "counting" if order.is_dry_run else "merging"
    progress.rows_done, progress.rows_total = 0, survey.rows - refused
    progress.phase_started_at = clock()
    progress.read_with = order.settings.reading_part()
    await staging.put([], [], progress, clock(), counts=counts)


def _explain_nothing(by_reason: Counter[str]) -> str:
    reason, rows = by_reason.most_common(1)[0]
    hint = (
        "the delimiter"
        if reason == FaultReason.RAGGED_ROW.value
        else "which column is the number, and the country"
    )
    return f"None of the {by_reason.total():,} rows can be imported ({rows:,} times {reason}); check {hint}."


def _batches(
    people: Iterable[tuple[int, list[str]]], reader: RowReader
) -> Iterator[tuple[list[tuple[object, ...]], list[FaultRow]]]:
    rows: list[tuple[object, ...]] = []
    faults: list[FaultRow] = []
    read = reader.read
    for row_no, cells in people:
        found = read(row_no, cells)
        if isinstance(found, FaultRow):
            faults.append(found)
        else:
            rows.append(found)
        if len(rows) + len(faults) >= _ROWS_OF_A_BATCH:
            yield rows, faults
            rows, faults = [], []
    if rows or faults:
        yield rows, faults

"""Spreadsheets, record by record: XLSX, ODS and old XLS, with every cell as the text a person sees.

Owns the bounds of what is unpacked. The library keeps a whole sheet in memory, so this runs in a process with
a limit of its own, and a file that says it unpacks to more than that is refused unread.
"""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, load_workbook

from gateway.audience.importing.errors import BrokenFile

UNPACKED_OCTETS: Final = 400 * 1_048_576
"""About three million rows of five columns; a larger list is better kept as CSV."""

_MEMBERS: Final = 10_000
_TOO_MUCH: Final = "the spreadsheet unpacks to more than can be read; save the sheet as CSV and import that."

Cell = int | float | str | bool | time | date | datetime | timedelta


def find_zip_format(path: Path) -> str:
    """`xlsx` or `ods`. Raises `BrokenFile` for any other archive and for one that unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise BrokenFile("the file is damaged; it begins like a spreadsheet and cannot be opened.") from exc
    if len(members) > _MEMBERS or sum(member.file_size for member in members) > UNPACKED_OCTETS:
        raise BrokenFile(_TOO_MUCH)
    names = {member.filename for member in members}
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    if "content.xml" in names and "mimetype" in names:
        return "ods"
    raise BrokenFile("the file is an archive and no spreadsheet; unpack it and import the list inside.")


def read_sheet(path: Path) -> Iterator[list[str]]:
    """The rows of the first sheet that holds any, from its first row on, so that numbers of rows agree with
    what a person sees. Raises `BrokenFile`."""
    try:
        with load_workbook(str(path)) as workbook:
            sheet = _first_with_rows(workbook)
            if sheet is None:
                return
            for _ in range((sheet.start or (0, 0))[0]):
                yield []
            for row in sheet.iter_rows():
                yield [_write_cell(cell) for cell in row]
    except PasswordError as exc:
        raise BrokenFile("the spreadsheet is protected by a password; save it without one.") from exc
    except (CalamineError, OSError, ValueError) as exc:
        raise BrokenFile("the spreadsheet is damaged; open it, save it again, or save it as CSV.") from exc


def _first_with_rows(workbook: CalamineWorkbook) -> CalamineSheet | None:
    for index in range(len(workbook.sheet_names)):
        sheet = workbook.get_sheet_by_index(index)
        if sheet.height:
            return sheet
    return None


def _write_cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**63 else repr(cell)
    if isinstance(cell, datetime):
        midnight = not (cell.hour or cell.minute or cell.second)
        return cell.date().isoformat() if midnight else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)

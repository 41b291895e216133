"""Readers and guesses, on good files, broken ones and random ones."""

import contextlib
import csv
import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.processes import peak_resident_mb
from gateway.audience.importing.errors import BrokenFile, ImportRefused
from gateway.audience.importing.headings import suggest_columns
from gateway.audience.importing.process import LookOrder
from gateway.audience.importing.reading import ReadingOrder, ReadingReport, stage_file
from gateway.audience.importing.row_reading import RowReader
from gateway.audience.importing.settings import ImportSettings, check_settings
from gateway.audience.importing.sniffing import Detected, look_at, open_records
from gateway.audience.importing.staged_file import StagedFile, StagedFileGone, read_block
from gateway.audience.importing.text_files import DELIMITERS, LONGEST_LINE_CHARACTERS, read_records
from gateway.domain.attributes import AttributeKind
from gateway.domain.identifiers import SLOT_COUNT, slot_of_address
from gateway.store.import_rows import PersonRow
from gateway.store.imports import FaultRow
from gateway.web.import_view import neutralise, write_faults
from tests.audience.sheets import write_ods, write_xlsx

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def keep(folder: Path, octets: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(octets)
    return path


def fault_of(folder: Path, octets: bytes, *, encoding: str = "utf-8", delimiter: str = ",") -> BrokenFile:
    with pytest.raises(BrokenFile) as raised:
        list(read_records(keep(folder, octets), encoding=encoding, delimiter=delimiter))
    return raised.value


@pytest.mark.parametrize(
    ("octets", "row", "words"),
    [
        (b"number\n+33612345678\n\xff\xfe,\n", 3, "not utf-8"),
        (b'number,name\n+33612345678,"Anne\n+33612345679,Bob\n', 2, "never closed"),
        (b'number,name\n+33612345678,"Anne"x\n', 2, "closing quotation mark"),
        (b"number\n+336\x0012345678\n", 2, "NUL"),
        (b"number\n" + b"6" * (LONGEST_LINE_CHARACTERS + 1), 2, "more than 1,048,576 characters"),
        (b'number\n"' + b"6\n" * 100_000, 2, "never ends"),
    ],
)
def test_a_broken_file_is_refused_with_its_row(tmp_path: Path, octets: bytes, row: int, words: str) -> None:
    fault = fault_of(tmp_path, octets)
    assert fault.row == row
    assert words in str(fault)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_encoding_delimiter_and_heading_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [("Téléphone", "Prénom", "Ville"), *((f"+3361234567{i}", "Zoé", "Nîmes") for i in range(9))]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path = keep(tmp_path, text.getvalue().encode(encoding))
    look = look_at(path)
    detected = look.detected
    assert (detected.format, detected.delimiter, detected.has_header) == ("csv", delimiter, True)
    assert detected.suggested == ["number", "first_name", "attribute:ville"]
    assert look.preview[1] == list(rows[1])
    assert detected.encoding is not None
    assert list(read_records(path, encoding=detected.encoding, delimiter=delimiter)) == [
        list(r) for r in rows
    ]


@pytest.mark.parametrize(
    "octets", [b"", b"\n \n", b"\0\0\0", b"PK\x03\x04 not a zip", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_what_holds_no_table_is_refused(tmp_path: Path, octets: bytes) -> None:
    with pytest.raises(BrokenFile):
        look_at(keep(tmp_path, octets))


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/big.xml", "w") as member,
    ):
        for _ in range(410):
            member.write(bytes(1_048_576))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(BrokenFile, match="unpacks to more"):
        look_at(path)


def test_a_column_of_numbers_is_found_without_a_heading() -> None:
    rows = [("Anne", "06 12 34 56 78", "12"), ("Bob", "0612345679", "13")]
    assert suggest_columns([], rows)[1] == "number"
    assert suggest_columns(["Nom", "Nom", "x"], rows) == ["last_name", "number", "attribute:x"]


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12), min_size=2, max_size=4
        ),
        min_size=1,
        max_size=8,
    ),
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    path = keep(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))
    assert list(read_records(path, encoding=encoding, delimiter=delimiter)) == rows


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_octets_raise_anything_but_a_broken_file(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    path = keep(tmp_path_factory.mktemp("bin"), octets)
    try:
        detected = look_at(path).detected
        for record in read_records(path, encoding=detected.encoding or "utf-8", delimiter=","):
            assert all(isinstance(cell, str) for cell in record)
    except BrokenFile:
        return


def reader(*roles: str, country: str = "FR", **kinds: AttributeKind) -> RowReader:
    return RowReader(
        roles,
        default_country=country,
        kinds=kinds,
        instance_secret=b"secret",
        now=NOW,
    )


@pytest.mark.parametrize(
    "text",
    [
        *("0612345678", "612345678", "6.12345678E+08", "6,12345678E+08", "612345678.0", "612345678,00"),
        *("'0612345678", '="0612345678"', "00 33 6 12 34 56 78", "+33\u00a06 12\u202f34 56 78"),
        *("33612345678", "\ufeff0612345678"),
    ],
)
def test_what_spreadsheets_do_to_numbers_is_undone(text: str) -> None:
    row = reader("number").read(2, [text])
    assert not isinstance(row, FaultRow), row
    assert row.address == "33612345678"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("6.12E+08", "number_rounded"),
        ("3.36123E+11", "number_rounded"),
        ("", "no_number"),
        ("0123456789", "not_mobile"),
        ("=1+1", "not_a_number"),
        ("@SUM(A1)", "not_a_number"),
        ("06 12", "not_a_number"),
        ("Anne", "not_a_number"),
    ],
)
def test_what_is_not_certain_is_refused_with_its_reason(text: str, reason: str) -> None:
    fault = reader("number").read(7, [text])
    assert isinstance(fault, FaultRow)
    assert (fault.row_no, fault.reason) == (7, reason)


def test_shifted_columns_are_refused_and_empty_cells_too_many_are_not() -> None:
    one = reader("number", "first_name")
    for cells in (["0612345678"], ["0612345678", "Anne", "x"]):
        fault = one.read(3, cells)
        assert isinstance(fault, FaultRow)
        assert fault.reason == "ragged_row"
    assert not isinstance(one.read(3, ["0612345678", "Anne", "", " "]), FaultRow)


@pytest.mark.parametrize(
    ("cell", "consent"), [("yes", 1), ("OUI", 1), ("", 0), ("no", 0), ("not subscribed", 0)]
)
def test_only_a_plain_yes_is_an_agreement(cell: str, consent: int) -> None:
    row = reader("number", "consent").read(2, ["0612345678", cell])
    assert not isinstance(row, FaultRow)
    assert row.consent == consent


@pytest.mark.parametrize(
    ("roles", "cells", "reason"),
    [
        (("number", "consent"), ["0612345678", "perhaps"], "bad_consent"),
        (("number", "consent_date"), ["0612345678", "2031-01-01"], "bad_date"),
        (("number", "language"), ["0612345678", "klingonese"], "bad_language"),
        (("number", "country"), ["0612345678", "Atlantis"], "bad_country"),
        (("number", "first_name"), ["0612345678", "x" * 201], "too_long"),
        (("number", "attribute:points"), ["0612345678", "many"], "bad_value"),
    ],
)
def test_cells_that_do_not_fit_refuse_the_row(roles: tuple[str, ...], cells: list[str], reason: str) -> None:
    fault = reader(*roles, points=AttributeKind.NUMBER).read(2, cells)
    assert isinstance(fault, FaultRow)
    assert fault.reason == reason


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"columns": ["first_name"]}, "$.columns"),
        ({"columns": ["number", "number"]}, "$.columns"),
        ({"columns": ["number", "first_name", "first_name"]}, "$.columns[2]"),
        ({"columns": ["number", "attribute:Ville!"]}, "$.columns[1]"),
        ({"columns": ["number", "consent"]}, "$.consent"),
        ({"columns": ["number"], "delimiter": "x"}, "$.delimiter"),
        ({"columns": ["number"], "default_country": "XX"}, "$.default_country"),
        ({"columns": ["number"], "contact_list": "lst_1", "new_list": "x"}, "$.new_list"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_their_place(changes: dict[str, object], path: str) -> None:
    with pytest.raises(ImportRefused) as raised:
        check_settings(ImportSettings(**changes), now=NOW)  # type: ignore[arg-type]  # of several kinds
    assert raised.value.path == path


def test_faults_hold_no_formula() -> None:
    faults = [FaultRow(2, "not_a_number", "=HYPERLINK(1)"), FaultRow(3, "no_number", "plain")]
    assert write_faults(faults).decode("utf-8-sig").splitlines()[1:] == [
        "2,not_a_number,'=HYPERLINK(1)",
        "3,no_number,plain",
    ]
    assert neutralise("+33") == "'+33"


SHEET = [
    ["Mobile", "Prénom", "Né le", "Points", "VIP"],
    ["0612345678", "Zoé", date(1990, 2, 28), 12.5, True],
    [612345679, "O'Brien & fils", date(2001, 12, 1), 7, False],
]
AS_READ = [
    ["Mobile", "Prénom", "Né le", "Points", "VIP"],
    ["0612345678", "Zoé", "1990-02-28", "12.5", "true"],
    ["612345679", "O'Brien & fils", "2001-12-01", "7", "false"],
]


@pytest.mark.parametrize("write", [write_xlsx, write_ods])
def test_a_spreadsheet_is_read_as_people_see_it(
    tmp_path: Path, write: Callable[[Sequence[Sequence[object]]], bytes]
) -> None:
    path = keep(tmp_path, write(SHEET))
    look = look_at(path)
    assert look.detected.format == write.__name__.removeprefix("write_")
    assert (look.detected.has_header, look.detected.delimiter) == (True, None)
    assert look.detected.suggested[:2] == ["number", "first_name"]
    assert look.preview == AS_READ
    assert list(open_records(path, look.detected.format, None, None)) == AS_READ


@pytest.mark.integration
def test_a_line_of_100_mb_is_refused_in_memory_that_does_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(b"number,first_name\n+33612345678,")
        for _ in range(100):
            file.write(b"x" * 1_048_576)
    order = ReadingOrder(
        instance_secret=b"secret",
        path=str(path),
        staged_path=str(tmp_path / "people"),
        settings=ImportSettings(columns=["number", "first_name"], has_header=True, encoding="utf-8"),
        detected=Detected("csv", "utf-8", ",", True, [], []),
        known_fields={},
    )
    peak_mb, _ = run_reader("look", LookOrder(str(path)))
    assert 30 < peak_mb < 70
    peak_mb, said = run_reader("read", order)
    report = msgspec.json.decode(said.splitlines()[-1], type=ReadingReport)
    assert report.fault is not None
    assert report.fault.startswith("Row 2: a line has more than 1,048,576 characters")
    assert 30 < peak_mb < 70, "without any file it takes 39 MB"
    assert not (tmp_path / "people").exists()


def test_a_folder_that_takes_no_file_is_told_to_the_operator(tmp_path: Path) -> None:
    order = ReadingOrder(
        instance_secret=b"secret",
        path=str(keep(tmp_path, b"+33612345678\n")),
        staged_path=str(tmp_path / "gone" / "people"),
        settings=ImportSettings(columns=["number"], has_header=False, encoding="utf-8"),
        detected=Detected("csv", "utf-8", ",", False, [], []),
        known_fields={},
    )
    report = stage_file(order, now=NOW, tell=lambda word: None)
    assert "No such file or directory); tell the operator" in str(report.fault)


def run_reader(word: str, order: msgspec.Struct) -> tuple[int, bytes]:
    """The most memory that the reading process took, in MiB, and what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "gateway.audience.importing", word],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, peak_resident_mb(process.pid))
            time.sleep(0.005)
        return round(peak), process.stdout.read()


def person(place: int, row_no: int) -> PersonRow:
    address = f"336{10_000_000 + place}"
    slot = slot_of_address(address)
    return PersonRow(
        slot, address, row_no, 1, NOW, b"key", "FR", None, "é", None, "Europe/Paris", "a\x1fb", "{}"
    )


@pytest.mark.parametrize("rows", [1, 300, 40_000])
def test_people_are_staged_by_slot_once_and_the_last_row_counts(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "people"
    staged = StagedFile(path, rows=rows)
    for row_no in range(rows):
        staged.add(person(row_no, row_no))
    staged.add(person(0, rows))
    assert staged.finish() == rows
    staged.close()
    found, slot = list[tuple[int, str, int]](), 0
    while slot < SLOT_COUNT:
        people, last_slot = read_block(path, slot)
        found += zip(people.slots, people.addresses, people.row_nos, strict=True)
        assert all(slot <= each <= last_slot for each in people.slots)
        slot = last_slot + 1
    assert found == sorted(found)
    assert {address: row_no for _, address, row_no in found} == {
        person(place, 0).address: place or rows for place in range(rows)
    }
    assert [each.name for each in tmp_path.iterdir()] == ["people"]


def test_a_staged_file_that_is_cut_off_is_as_good_as_gone(tmp_path: Path) -> None:
    path = tmp_path / "people"
    with contextlib.closing(StagedFile(path, rows=1)) as staged:
        staged.add(person(1, 2))
        staged.finish()
    octets = path.read_bytes()
    for length in range(0, len(octets), 7):
        path.write_bytes(octets[:length])
        with pytest.raises(StagedFileGone):
            read_block(path, 0)

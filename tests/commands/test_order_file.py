"""Orders as shops and spreadsheets write them."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.commands.errors import CommandError
from gateway.commands.order_file import OrderRow, Reading, open_orders, read_orders

PARIS = Reading("EUR", ZoneInfo("Europe/Paris"), {})


def read(tmp_path: Path, octets: bytes | str, reading: Reading = PARIS) -> list[OrderRow]:
    path = tmp_path / "orders.csv"
    path.write_bytes(octets.encode() if isinstance(octets, str) else octets)
    with open_orders(path) as file:
        return list(read_orders(file, reading))


def only(tmp_path: Path, text: str, reading: Reading = PARIS) -> dict[str, Any]:
    (row,) = read(tmp_path, text, reading)
    assert row.order is not None, row.fault
    return row.order


def test_our_own_headings(tmp_path: Path) -> None:
    text = (
        "id,number,amount,currency,ordered_at,state,refunded\n"
        "A-1,+33612345678,59.90,eur,2026-03-01T10:00:00+01:00,refunded,10.00\n"
    )
    assert only(tmp_path, text) == {
        "id": "A-1",
        "number": "+33612345678",
        "amount": "59.90",
        "currency": "EUR",
        "ordered_at": "2026-03-01T10:00:00+01:00",
        "state": "refunded",
        "refunded": "10.00",
    }


def test_a_french_spreadsheet(tmp_path: Path) -> None:
    text = (
        "N° commande;Téléphone;Montant;Date;Statut\n1001;06 12 34 56 78;1 234,50 €;01/03/2026 10:00;Payée\n"
    )
    order = only(tmp_path, text.encode("cp1252"))  # type: ignore[arg-type]
    assert (order["id"], order["number"], order["amount"]) == ("1001", "06 12 34 56 78", "1234.50")
    assert (order["ordered_at"], order["state"], order["currency"]) == (
        "2026-03-01T10:00:00+01:00",
        "placed",
        "EUR",
    )


def test_an_export_of_a_shop_program(tmp_path: Path) -> None:
    text = (
        '"Name","Email","Financial Status","Paid at","Currency","Total","Phone","Refunded Amount"\n'
        '"#1001","a@example.com","partially_refunded","2026-03-01 10:00:00 +0100","RON","1,234.50",'
        '"\'+40712345678","0.00"\n'
    )
    order = only(tmp_path, text)
    assert (order["id"], order["amount"], order["number"]) == ("#1001", "1234.50", "+40712345678")
    assert (order["currency"], order["state"]) == ("RON", "placed")
    assert order["ordered_at"] == "2026-03-01T10:00:00+01:00"
    assert "refunded" not in order


def test_columns_can_be_named(tmp_path: Path) -> None:
    reading = Reading("EUR", ZoneInfo("UTC"), {"id": "Ref", "amount": "Net"})
    assert only(tmp_path, "Ref,Net,Total\nA-1,5,6\n", reading)["amount"] == "5"
    with pytest.raises(CommandError, match="no column is headed Nett; there are: Ref, Net"):
        read(tmp_path, "Ref,Net\nA-1,5\n", Reading("EUR", ZoneInfo("UTC"), {"amount": "Nett"}))


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "id\nA-1\n"])
def test_a_file_without_the_needed_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CommandError, match="no column is known to be the"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",5,", "there is no id"),
        ("A-1,,", "is no amount"),
        ("A-1,five,", "'five' is no amount"),
        ("A-1,-5,", "'-5' is no amount"),
        ("A-1,5,lost", "'lost' is no known state"),
        ("A-1,5,,tomorrow", "'tomorrow' is no time"),
        ("A-1,5,,31/02/2026", "is no time"),
        (f"A-1,5,{'x' * 20_000}", "longer than anything"),
    ],
)
def test_a_row_that_says_nothing_usable_is_named_and_the_rest_is_read(
    tmp_path: Path, row: str, fault: str
) -> None:
    rows = read(tmp_path, f"id,amount,state,date\n{row}\n\nA-2,6,,\n")
    assert (rows[0].row, rows[0].order) == (2, None)
    assert fault in rows[0].fault
    assert rows[1].order is not None


def test_without_a_currency_anywhere_each_row_says_so(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "id,amount\nA-1,5\n", Reading(None, ZoneInfo("UTC"), {}))
    assert row.fault == "there is no currency; give --currency"


def test_broken_octets_break_nothing(tmp_path: Path) -> None:
    rows = read(tmp_path, b"id,amount\nA-\xff\xfe,5\nA-2,6\n\x00,7\n")
    assert [row.row for row in rows][:2] == [2, 3]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        open_orders(tmp_path / "none.csv")

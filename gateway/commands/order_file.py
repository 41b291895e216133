"""A shop's orders in a CSV file: which column is what, and each row as the API takes it, or what is wrong.

Owns how people and shop programs write orders down: headings in several languages, decimal commas, words for
states, times without an offset. Knows no server.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO
from zoneinfo import ZoneInfo

from gateway.commands.errors import CommandError

FIELDS: Final = ("id", "number", "amount", "currency", "ordered_at", "state", "refunded")
_NEEDED: Final = ("id", "amount")
_LONGEST_CELL: Final = 10_000

# Without accents and marks, in small letters, as `_fold` gives them.
_HEADINGS: Final = {
    "id": ("id", "order", "order id", "order number", "order no", "name", "commande", "no commande",
           "numero de commande", "reference", "ordine", "numero ordine", "comanda", "numar comanda",
           "pedido"),
    "number": ("number", "phone", "phone number", "mobile", "telephone", "tel", "portable", "billing phone",
               "shipping phone", "telefono", "cellulare", "telefon", "mobil"),
    "amount": ("amount", "total", "total price", "order total", "montant", "total ttc", "importo", "totale",
               "suma", "valoare", "importe"),
    "currency": ("currency", "devise", "valuta", "moneda"),
    "ordered_at": ("ordered at", "date", "created at", "order date", "paid at", "date de commande", "data",
                   "data ordine", "data comenzii", "fecha"),
    "state": ("state", "status", "financial status", "statut", "etat", "stato", "stare", "estado"),
    "refunded": ("refunded", "refunded amount", "refund", "rembourse", "rimborsato", "rambursat",
                 "reembolsado"),
}  # fmt: skip
_STATES: Final = {
    "placed": ("placed", "paid", "completed", "processing", "pending", "authorized", "partially paid",
               "partially refunded", "on hold", "fulfilled", "shipped", "delivered", "payee", "livree",
               "pagato", "platita", "pagado", ""),
    "cancelled": ("cancelled", "canceled", "voided", "failed", "annulee", "annule", "annullato", "anulata",
                  "cancelado"),
    "refunded": ("refunded", "remboursee", "rembourse", "rimborsato", "rambursata", "reembolsado"),
}  # fmt: skip
_FIELD_OF_HEADING: Final = {heading: field for field, names in _HEADINGS.items() for heading in names}
_STATE_OF_WORD: Final = {word: state for state, words in _STATES.items() for word in words}

_AMOUNT: Final = re.compile(r"\d{1,9}(?:\.\d{1,6})?").fullmatch
_GROUPED: Final = re.compile(r"(?<=\d)[ \u00a0\u202f'](?=\d{3})")
_EUROPEAN_DATE: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(.*)", re.DOTALL).fullmatch


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row: `order` as the API takes it, or None with the `fault`. `row` counts lines from the heading's,
    which is 1."""

    row: int
    order: dict[str, Any] | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How cells are read: the currency and zone where the file says none, and columns by field."""

    currency: str | None
    zone: ZoneInfo
    columns: Mapping[str, str]


def open_orders(path: Path) -> TextIO:
    """The file as text: UTF-8, or Windows-1252 where it is not. Raises `CommandError`."""
    try:
        with path.open("rb") as file:
            beginning = file.read(1 << 20)
        return path.open(encoding=_guess_encoding(beginning), errors="replace", newline="")
    except OSError as exc:
        raise CommandError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def _guess_encoding(beginning: bytes) -> str:
    try:
        beginning[:-4].decode("utf-8-sig")  # the last character may be cut
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def read_orders(file: TextIO, reading: Reading) -> Iterator[OrderRow]:
    """The rows of a file, one by one. Raises `CommandError` for a heading without what is needed."""
    first_line = file.readline()
    delimiter = max(";,\t", key=first_line.count)
    headings = next(csv.reader([first_line], delimiter=delimiter), [])
    places = find_columns(headings, reading.columns)
    try:
        for row, cells in enumerate(csv.reader(file, delimiter=delimiter), start=2):
            if any(cell.strip() for cell in cells):
                yield read_row(row, cells, places, reading)
    except csv.Error as exc:
        raise CommandError(f"the file cannot be read as CSV: {exc}") from exc


def find_columns(headings: Iterable[str], named: Mapping[str, str]) -> dict[str, int]:
    """Places of fields by heading; `named` gives the heading of a field where ours are not enough."""
    folded = [_fold(heading) for heading in headings]
    places: dict[str, int] = {}
    for place, heading in enumerate(folded):
        field = _FIELD_OF_HEADING.get(heading)
        if field is not None:
            places.setdefault(field, place)
    for field, heading in named.items():
        if _fold(heading) not in folded:
            raise CommandError(f"no column is headed {heading}; there are: {', '.join(headings)}")
        places[field] = folded.index(_fold(heading))
    missing = [field for field in _NEEDED if field not in places]
    if missing:
        raise CommandError(
            f"no column is known to be the {' or the '.join(missing)}; name it, such as --column"
            f" {missing[0]}=HEADING; there are: {', '.join(headings) or 'none'}"
        )
    return places


def read_row(row: int, cells: list[str], places: Mapping[str, int], reading: Reading) -> OrderRow:
    """One row; an empty cell is a value that was not given."""
    values = {
        field: cells[place].strip()
        for field, place in places.items()
        if place < len(cells) and cells[place].strip()
    }
    if any(len(value) > _LONGEST_CELL for value in values.values()):
        return OrderRow(row, None, "a cell is longer than anything an order has")
    order: dict[str, Any] = {"id": values.get("id", ""), "currency": values.get("currency", reading.currency)}
    if not order["id"]:
        return OrderRow(row, None, "there is no id")
    if order["currency"] is None:
        return OrderRow(row, None, "there is no currency; give --currency")
    order["currency"] = order["currency"].upper()
    if "number" in values:
        order["number"] = values["number"].lstrip("'")
    for field in ("amount", "refunded"):
        amount = _read_amount(values.get(field, ""))
        if amount is None and (field == "amount" or values.get(field)):
            return OrderRow(row, None, f"{values.get(field, 'an empty cell')!r} is no {field}")
        if amount is not None:
            order[field] = amount
    state = _STATE_OF_WORD.get(_fold(values.get("state", "")))
    if state is None:
        return OrderRow(
            row, None, f"{values['state']!r} is no known state; write placed, cancelled or refunded"
        )
    order["state"] = state
    if "ordered_at" in values:
        moment = _read_moment(values["ordered_at"], reading.zone)
        if moment is None:
            return OrderRow(row, None, f"{values['ordered_at']!r} is no time")
        order["ordered_at"] = moment
    if order.get("refunded") in ("0", "0.0", "0.00") and state == "placed":
        del order["refunded"]
    return OrderRow(row, order)


def _read_amount(text: str) -> str | None:
    """`1 234,50 €` as `1234.50`: the last of comma and point is the decimal one."""
    plain = _GROUPED.sub("", text.strip(" €$£\u00a0\u202f").removesuffix(" RON").removesuffix(" EUR"))
    if "," in plain and "." in plain:
        group = "." if plain.rfind(",") > plain.rfind(".") else ","
        plain = plain.replace(group, "")
    plain = plain.replace(",", ".")
    return plain if _AMOUNT(plain) else None


def _read_moment(text: str, zone: ZoneInfo) -> str | None:
    """ISO times, and day-first dates; without an offset in `zone`."""
    european = _EUROPEAN_DATE(text)
    if european is not None:
        day, month, year, rest = european.groups()
        text = f"{year}-{month:0>2}-{day:0>2}{rest}"
    text = re.sub(r" (?=[+-]\d{2}:?\d{2}$)", "", text.removesuffix(" UTC"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def _fold(text: str) -> str:
    """Small letters and digits without accents, blanks between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", kept.replace("n°", "no ").replace("nº", "no ")))

"""One row of a file as one person, or the reason why it is none.

Owns what is done to cells: numbers that spreadsheets changed are put right where that is certain and refused
where it is not. Runs once for each row, so look-ups are bound once and values are plain tuples.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Final

import msgspec

from gateway.audience.importing.headings import ATTRIBUTE, IGNORE, NUMBER
from gateway.domain.attributes import AttributeKind, AttributeValue, BadAttribute, read_value
from gateway.domain.countries import COUNTRIES, country_name
from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import address_key
from gateway.domain.phone import InvalidNumber, Number, NumberFault, normalise_number
from gateway.domain.time_zones import zone_of
from gateway.store.import_rows import TAG_MARK, PersonRow
from gateway.store.imports import FaultRow

LONGEST_NAME_CHARACTERS: Final = 200
_LONGEST_TAG_CHARACTERS: Final = 40
_MOST_TAGS: Final = 20
_SHOWN_CHARACTERS: Final = 40

CONSENT_YES, CONSENT_SILENT = 1, 0


class FaultReason(Enum):
    """Why a row is refused; the value is counted and translated by."""

    RAGGED_ROW = "ragged_row"
    NO_NUMBER = "no_number"
    NOT_A_NUMBER = "not_a_number"
    NO_COUNTRY = "no_country"
    NOT_MOBILE = "not_mobile"
    NUMBER_ROUNDED = "number_rounded"
    BAD_VALUE = "bad_value"
    BAD_LANGUAGE = "bad_language"
    BAD_COUNTRY = "bad_country"
    BAD_CONSENT = "bad_consent"
    BAD_DATE = "bad_date"
    TOO_LONG = "too_long"


_NOT_MOBILE: Final = frozenset({
    NumberFault.FIXED_LINE, NumberFault.PREMIUM_RATE, NumberFault.SHARED_COST, NumberFault.TOLL_FREE,
    NumberFault.VOIP, NumberFault.PERSONAL, NumberFault.PAGER, NumberFault.COMPANY, NumberFault.VOICEMAIL,
})  # fmt: skip
_ROUNDED: Final = (
    "A spreadsheet rounded this number; format the column as text, enter it again, and export anew."
)
_EXPONENT: Final = re.compile(r"\+?(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_FRACTION: Final = re.compile(r"(\+?\d{6,})[.,]0+")
_ZERO_FRACTIONS: Final = frozenset((".0", ",0", "00"))
"""Endings that make a look for a fraction of nothing worth while: `612345678.0`, `612345678.00`."""
_FORMULA_TEXT: Final = re.compile(r'="(.*)"')
_LANGUAGE: Final = re.compile(r"([a-z]{2})(?:[-_][a-z]{2,4})?")
_LANGUAGES: Final = {
    name: code
    for code, names in {
        "en": "english anglais inglese engleză engleza inglés englisch",
        "fr": "french français francais francese franceză franceza francés französisch",
        "it": "italian italien italiano italiană italiana italienisch",
        "ro": "romanian roumain rumeno română romana rumano rumänisch",
        "es": "spanish espagnol spagnolo spaniolă spaniola español spanisch",
        "de": "german allemand tedesco germană germana alemán deutsch",
        "wo": "wolof",
    }.items()
    for name in names.split()
}
_YES_WORDS: Final = """yes y true oui vrai sì si vero da adevărat sí ja wahr x ✓ 1 subscribed opted_in opt_in
    optin accepted"""
_NO_WORDS: Final = """no n false non faux falso nu fals nein falsch 0 unsubscribed opted_out opt_out optout
    not_subscribed pending never"""
_YES: Final = frozenset(_YES_WORDS.split())
_NO: Final = frozenset(_NO_WORDS.split())
_TAG_MARKS: Final = re.compile(r"[,;|]")
_CELLS_REMEMBERED: Final = 2_000
"""Of each attribute: cities, dates and tiers repeat themselves, and reading one anew takes 1 µs."""
_encode_json: Final = msgspec.json.Encoder().encode


class _Refused(Exception):
    def __init__(self, reason: FaultReason, detail: str) -> None:
        self.reason = reason
        self.detail = detail


_AttributeColumn = tuple[int, str, AttributeKind, dict[str, AttributeValue | None]]
"""Its place, name and kind, and what its first different cells were read as."""


class RowReader:
    """Reads the rows of one import. `kinds` are those of every attribute among `roles`."""

    def __init__(
        self,
        roles: Sequence[str],
        *,
        default_country: str,
        kinds: Mapping[str, AttributeKind],
        instance_secret: bytes,
        now: datetime,
    ) -> None:
        self._width = len(roles)
        self._default_country = default_country
        self._secret = instance_secret
        self._now = now
        self._number_at = roles.index(NUMBER)
        places = {role: place for place, role in enumerate(roles) if role not in (IGNORE, "tag")}
        self._first_name_at = places.get("first_name")
        self._last_name_at = places.get("last_name")
        self._language_at = places.get("language")
        self._country_at = places.get("country")
        self._consent_at = places.get("consent")
        self._said_at = places.get("consent_date")
        self._tags_at = [place for place, role in enumerate(roles) if role == "tag"]
        self._attributes: list[_AttributeColumn] = [
            (place, role.removeprefix(ATTRIBUTE), kinds[role.removeprefix(ATTRIBUTE)], {})
            for place, role in enumerate(roles)
            if role.startswith(ATTRIBUTE)
        ]

    def read(self, row_no: int, cells: Sequence[str]) -> PersonRow | FaultRow:
        """The person, or the fault of row `row_no` (counted from 1, the heading included)."""
        try:
            return self._read(row_no, cells)
        except _Refused as fault:
            return FaultRow(row_no, fault.reason.value, fault.detail)

    def _read(self, row_no: int, cells: Sequence[str]) -> PersonRow:
        if len(cells) != self._width:
            cells = self._level(cells)
        default = self._default_country if self._country_at is None else self._country_of(cells)
        text = cells[self._number_at]
        try:
            if text[-2:] in _ZERO_FRACTIONS:
                text = _FRACTION.sub(r"\1", text)
            number = normalise_number(text, default_country=default)
        except InvalidNumber as fault:
            number = _read_mangled(text, default, fault)
        address = number.address
        return PersonRow(
            slot_of_address(address),
            address,
            row_no,
            CONSENT_YES if self._consent_at is None else _read_consent(cells[self._consent_at]),
            None if self._said_at is None else self._read_moment(cells[self._said_at]),
            address_key(self._secret, address),
            number.country,
            None if self._first_name_at is None else _read_name(cells[self._first_name_at]),
            None if self._last_name_at is None else _read_name(cells[self._last_name_at]),
            None if self._language_at is None else _read_language(cells[self._language_at]),
            zone_of(address, number.country),
            self._read_tags(cells) if self._tags_at else None,
            self._read_attributes(cells) if self._attributes else "{}",
        )

    def _level(self, cells: Sequence[str]) -> Sequence[str]:
        """Empty cells too many do no harm; anything else means that columns have shifted."""
        if len(cells) > self._width and not any(cell.strip() for cell in cells[self._width :]):
            return cells[: self._width]
        raise _Refused(
            FaultReason.RAGGED_ROW,
            f"The row has {len(cells)} cells where {self._width} are expected; check its delimiters "
            "and quotation marks.",
        )

    def _country_of(self, cells: Sequence[str]) -> str:
        text = cells[self._country_at or 0].strip()
        if not text:
            return self._default_country
        if text.upper() in COUNTRIES:
            return text.upper()
        named = _country_by_name().get(text.casefold())
        if named is None:
            raise _Refused(
                FaultReason.BAD_COUNTRY, f"{_show(text)} is no country; write two letters, such as FR."
            )
        return named

    def _read_moment(self, text: str) -> datetime | None:
        moment = _read_moment(text)
        if moment is not None and moment > self._now:
            raise _Refused(
                FaultReason.BAD_DATE, f"{_show(text)} is in the future; nobody can have agreed then."
            )
        return moment

    def _read_tags(self, cells: Sequence[str]) -> str | None:
        tags: dict[str, None] = {}
        for place in self._tags_at:
            for piece in _TAG_MARKS.split(cells[place]):
                tag = " ".join(piece.split())  # which takes a `TAG_MARK`, too, for a blank
                if len(tag) > _LONGEST_TAG_CHARACTERS:
                    raise _Refused(FaultReason.TOO_LONG, f"The tag {_show(tag)} has more than 40 characters.")
                if tag:
                    tags[tag] = None
        if len(tags) > _MOST_TAGS:
            raise _Refused(FaultReason.TOO_LONG, f"There are more than {_MOST_TAGS} tags in one row.")
        return TAG_MARK.join(tags) or None

    def _read_attributes(self, cells: Sequence[str]) -> str:
        values: dict[str, AttributeValue] = {}
        for place, name, kind, read_before in self._attributes:
            text = cells[place]
            if not text:
                continue
            if text in read_before:
                value = read_before[text]
            else:
                try:
                    value = read_value(kind, text if text.isprintable() else _clean(text))
                except BadAttribute as exc:
                    raise _Refused(FaultReason.BAD_VALUE, f"{name}: {exc}") from exc
                if len(read_before) < _CELLS_REMEMBERED:
                    read_before[text] = value
            if value is not None:
                values[name] = value
        return _encode_json(values).decode() if values else "{}"


def _read_mangled(text: str, default: str, fault: InvalidNumber) -> Number:
    """The number in a form that only spreadsheets write, where it is certain; else why there is none."""
    plain = text.strip().strip("\ufeff").strip()
    formula = _FORMULA_TEXT.fullmatch(plain)
    plain = (formula[1] if formula else plain).removeprefix("'").strip()
    exponent = _EXPONENT.fullmatch(plain)
    if exponent is not None:
        places = exponent[2] or ""
        if len(places) != int(exponent[3]):
            raise _Refused(FaultReason.NUMBER_ROUNDED, f"{_show(text)}: {_ROUNDED}")
        plain = exponent[1] + places
    if not plain:
        raise _Refused(FaultReason.NO_NUMBER, "There is no number in this row.")
    if plain == text:
        raise _number_refused(text, fault)
    try:
        return normalise_number(plain, default_country=default)
    except InvalidNumber as exc:
        raise _number_refused(text, exc) from exc


def _number_refused(text: str, fault: InvalidNumber) -> _Refused:
    if fault.reason in _NOT_MOBILE:
        reason = FaultReason.NOT_MOBILE
    elif fault.reason is NumberFault.NO_COUNTRY:
        reason = FaultReason.NO_COUNTRY
    elif fault.reason is NumberFault.EMPTY:
        reason = FaultReason.NO_NUMBER
    else:
        reason = FaultReason.NOT_A_NUMBER
    return _Refused(reason, f"{_show(text)}: {fault}")


def _read_name(text: str) -> str | None:
    """A name on one line; None for an empty cell."""
    if not text:
        return None
    name = (text if text.isprintable() else _clean(text)).strip()
    if len(name) > LONGEST_NAME_CHARACTERS:
        raise _Refused(
            FaultReason.TOO_LONG,
            f"The name {_show(name)} has more than {LONGEST_NAME_CHARACTERS} characters.",
        )
    return name or None


def _clean(text: str) -> str:
    """Line ends become blanks, control characters go; joiners and direction marks stay: names need them."""
    return " ".join("".join(" " if mark in "\r\n\t" else mark for mark in text if _is_kept(mark)).split())


def _is_kept(mark: str) -> bool:
    return mark in "\r\n\t" or (mark != "\ufeff" and unicodedata.category(mark) not in ("Cc", "Cs"))


def _read_language(text: str) -> str | None:
    word = text.strip().casefold()
    if not word:
        return None
    match = _LANGUAGE.fullmatch(word)
    code = match[1] if match else _LANGUAGES.get(word)
    if code is None:
        raise _Refused(
            FaultReason.BAD_LANGUAGE, f"{_show(text)} is no language; write two letters, such as fr."
        )
    return code


def _read_consent(text: str) -> int:
    """Only a plain yes is an agreement; an empty cell and every kind of no are none."""
    word = "_".join(text.casefold().split())
    if word in _YES:
        return CONSENT_YES
    if not word or word in _NO:
        return CONSENT_SILENT
    raise _Refused(FaultReason.BAD_CONSENT, f"{_show(text)} is neither yes nor no.")


def _read_moment(text: str) -> datetime | None:
    """A moment, or the start of a day; without an offset it is taken as UTC. None for an empty cell."""
    stripped = text.strip()
    if not stripped:
        return None
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        try:
            moment = datetime.fromisoformat(str(read_value(AttributeKind.DATE, stripped.split()[0])))
        except (BadAttribute, ValueError) as exc:
            raise _Refused(
                FaultReason.BAD_DATE, f"{_show(text)} is no date; write it like 2026-03-01 or 01/03/2026."
            ) from exc
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as exc:
        raise _Refused(FaultReason.BAD_DATE, f"{_show(text)} is too far off for a date.") from exc


def _show(text: str) -> str:
    """What stood in the cell, short and on one line."""
    plain = _clean(text)
    return f"“{plain[:_SHOWN_CHARACTERS]}…”" if len(plain) > _SHOWN_CHARACTERS else f"“{plain}”"


@cache
def _country_by_name() -> dict[str, str]:
    return {country_name(code).casefold(): code for code in COUNTRIES}

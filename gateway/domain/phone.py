"""Destination numbers: from any written form to E.164 digits and a country, or a reason in words.

Owns which numbers may be messaged at all, and the sentence for those that may not. Written forms are cleaned
here; `number_plan` recognises mobile numbers fast, and the `phonenumbers` library judges whatever is left.
Knows nothing of senders and short codes (`sender`), prices or routes.
"""

import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberType,
    ValidationResult,
)

from gateway.domain.countries import (
    COUNTRIES,
    UNKNOWN_COUNTRY,
    UnknownCountry,
    country_in_sentence,
    main_country_of_calling_code,
)
from gateway.domain.errors import DomainError
from gateway.domain.number_plan import country_of_mobile, write_internationally

LONGEST_WRITTEN_CHARACTERS = 40
"""15 digits with generous punctuation fit; anything longer is refused before it is looked at."""


class Number(NamedTuple):
    """A destination: E.164 digits without `+`, and its country (ISO alpha-2, `ZZ` for no country).

    A tuple, for one is made of every message: 0.2 µs less than a frozen dataclass.
    """

    address: str
    country: str


class NumberFault(Enum):
    """Why a number is refused. The value is the stable code that translations are looked up by."""

    EMPTY = "empty"
    TOO_LONG_TEXT = "too_long_text"
    STRANGE_CHARACTER = "strange_character"
    NO_COUNTRY = "no_country"
    UNKNOWN_CALLING_CODE = "unknown_calling_code"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_LENGTH = "wrong_length"
    UNASSIGNED = "unassigned"
    FIXED_LINE = "fixed_line"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    TOLL_FREE = "toll_free"
    VOIP = "voip"
    PERSONAL = "personal"
    PAGER = "pager"
    COMPANY = "company"
    VOICEMAIL = "voicemail"


_SENTENCES = {
    NumberFault.EMPTY: "There is no number here; write it like +33612345678.",
    NumberFault.TOO_LONG_TEXT: f"A number has at most {LONGEST_WRITTEN_CHARACTERS} characters; write one.",
    NumberFault.STRANGE_CHARACTER: "{detail} does not belong in a number; write digits, like +33612345678.",
    NumberFault.NO_COUNTRY: "The number names no country; write it like +33612345678, or set a country.",
    NumberFault.UNKNOWN_CALLING_CODE: "No country has this calling code; check the first digits after the +.",
    NumberFault.TOO_SHORT: "The number is too short for {country}; digits are missing.",
    NumberFault.TOO_LONG: "The number is too long for {country}; it has digits too many.",
    NumberFault.WRONG_LENGTH: "No number of {country} has this many digits; check it.",
    NumberFault.UNASSIGNED: "{country} has no numbers that begin like this; check for a typing error.",
    NumberFault.FIXED_LINE: "This is a landline of {country}, which takes no messages; use a mobile number.",
    NumberFault.PREMIUM_RATE: "This is a premium-rate number of {country}; use a mobile number.",
    NumberFault.SHARED_COST: "This is a shared-cost service number of {country}; use a mobile number.",
    NumberFault.TOLL_FREE: "This is a toll-free number of {country}; use a mobile number.",
    NumberFault.VOIP: "This is an internet telephony number of {country}; use a mobile number.",
    NumberFault.PERSONAL: "This is a personal forwarding number of {country}; use a mobile number.",
    NumberFault.PAGER: "This is a pager number of {country}; use a mobile number.",
    NumberFault.COMPANY: "This is a company service number of {country}; use a mobile number.",
    NumberFault.VOICEMAIL: "This is a voicemail access number of {country}; use a mobile number.",
}

# Accepted: MOBILE and FIXED_LINE_OR_MOBILE. Refused with the reason: all others, among them
# - VOIP ranges: boxes at home (France 09, Germany 032) that drop texts silently but bill them. Internet
#   numbers that do take texts (North America) stand in the mixed ranges and are accepted there.
# - personal numbers (UK 070, US 5xx): forwarding at premium prices, a favourite of traffic-pumping fraud.
_FAULT_OF_TYPE = {
    PhoneNumberType.FIXED_LINE: NumberFault.FIXED_LINE,
    PhoneNumberType.PREMIUM_RATE: NumberFault.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: NumberFault.SHARED_COST,
    PhoneNumberType.TOLL_FREE: NumberFault.TOLL_FREE,
    PhoneNumberType.VOIP: NumberFault.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberFault.PERSONAL,
    PhoneNumberType.PAGER: NumberFault.PAGER,
    PhoneNumberType.UAN: NumberFault.COMPANY,
    PhoneNumberType.VOICEMAIL: NumberFault.VOICEMAIL,
}
_MESSAGEABLE = frozenset((PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE))
_ALL_TYPES = _MESSAGEABLE | _FAULT_OF_TYPE.keys()

_FAULT_OF_LENGTH = {
    ValidationResult.TOO_SHORT: NumberFault.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberFault.TOO_SHORT,
    ValidationResult.TOO_LONG: NumberFault.TOO_LONG,
    ValidationResult.INVALID_LENGTH: NumberFault.WRONG_LENGTH,
}


class InvalidNumber(DomainError):
    """Text that is no number one can message.

    `reason` is the fault, `country` the country it was judged by (`ZZ` when that is not known). The sentence
    leaves the number itself out, so that a logged error shows no one's number; `text` holds it.
    """

    def __init__(
        self, text: str, reason: NumberFault, *, country: str = UNKNOWN_COUNTRY, detail: str = ""
    ) -> None:
        name = country_in_sentence(country) if country != UNKNOWN_COUNTRY else "this calling code"
        sentence = _SENTENCES[reason].format(country=name, detail=detail)
        super().__init__(sentence[0].upper() + sentence[1:])
        self.text = text
        self.reason = reason
        self.country = country


def normalise_number(text: str, *, default_country: str | None = None) -> Number:
    """The number that `text` writes, in any customary form, as a destination for messages.

    International forms begin with `+` or `00`; forms without either are national numbers of `default_country`
    (two capital letters), or already E.164 digits where no default is given. Raises `InvalidNumber` for
    everything that is not a mobile number, or in countries whose plan mixes both, a mobile-or-fixed one, and
    `UnknownCountry` for a default that is no country.
    """
    country = country_of_mobile(text)
    if country is not None:
        return Number(text[1:], country)
    return _normalise_written(text, default_country, _MESSAGEABLE)


def normalise_any_number(text: str, *, default_country: str | None = None) -> Number:
    """Like `normalise_number` for senders: a valid number of any type, landlines and toll-free too."""
    return _normalise_written(text, default_country, _ALL_TYPES)


def _normalise_written(text: str, default_country: str | None, accepted: frozenset[int]) -> Number:
    if default_country is not None and default_country not in COUNTRIES:
        raise UnknownCountry(default_country)
    compact = _strip_punctuation(text)
    first_fault: InvalidNumber | None = None
    for candidate in _readings(text, compact, default_country):
        try:
            return _judge(text, candidate, default_country, accepted)
        except InvalidNumber as fault:
            first_fault = first_fault or fault
    raise first_fault or InvalidNumber(text, NumberFault.NO_COUNTRY)


def _strip_punctuation(text: str) -> str:
    """`text` as ASCII digits with at most a leading `+`; raises `InvalidNumber` for anything else in it."""
    if len(text) > LONGEST_WRITTEN_CHARACTERS:
        raise InvalidNumber(text, NumberFault.TOO_LONG_TEXT)
    compact = text.translate(_COMMON_PUNCTUATION)
    if not (compact.isascii() and compact.removeprefix("+").isdigit()):
        compact = "".join(_keep_digits(text.removeprefix("tel:")))
    if compact in ("", "+"):
        raise InvalidNumber(text, NumberFault.EMPTY)
    return compact


def _keep_digits(text: str) -> Iterator[str]:
    """The digits of any script as ASCII, and a `+` before the first of them."""
    at_start = True
    for character in text:
        digit = unicodedata.decimal(character, -1)
        if digit >= 0:
            at_start = False
            yield str(digit)
        elif character in "+＋" and at_start:
            at_start = False
            yield "+"
        elif character not in _PUNCTUATION and unicodedata.category(character) not in _IGNORED_CATEGORIES:
            raise InvalidNumber(text, NumberFault.STRANGE_CHARACTER, detail=_describe(character))


_PUNCTUATION = frozenset("()（）[].．·/／\t\r\n−")
_IGNORED_CATEGORIES = frozenset(("Zs", "Pd", "Cf"))
"""Spaces of any width, dashes of any length, and the invisible direction marks that address books paste."""
_COMMON_PUNCTUATION = dict.fromkeys(map(ord, " \u00a0\u202f().-/"))


def _describe(character: str) -> str:
    return f"“{character}”" if character.isprintable() else f"character U+{ord(character):04X}"


def _readings(text: str, compact: str, default_country: str | None) -> list[str]:
    """What the digits may mean, likeliest first; the first that is a mobile number counts."""
    if default_country is None:
        if compact[0] == "+":
            readings = [compact]
        elif compact.startswith("00"):
            readings = ["+" + compact[2:]]
        elif compact[0] == "0":
            return []  # a trunk prefix, so a national number of we know not where
        else:
            readings = ["+" + compact]
    else:
        readings = [compact]
        if compact.startswith("00"):
            # 00 is dialled in most countries; the library knows only the one prefix of the default country.
            readings.append("+" + compact[2:])
    # “+33 (0)6 …” names a trunk zero to leave out. The library does so where such a zero exists; elsewhere
    # the zero is dropped here, but only after the reading that keeps it, as zeros are real in some plans.
    if "(0)" in text:
        without_zero = _strip_punctuation(text.replace("(0)", "", 1))
        readings.extend(_readings("", without_zero, default_country))
    return readings


def _judge(text: str, reading: str, default_country: str | None, accepted: frozenset[int]) -> Number:
    """The number of one reading, by the fast path where that is sure of it, else by the library."""
    international = reading if default_country is None else write_internationally(reading, default_country)
    country = None if international is None else country_of_mobile(international)
    if international is None or country is None:
        return _judge_by_library(text, reading, default_country, accepted)
    return Number(international[1:], country)


def _judge_by_library(
    text: str, compact: str, default_country: str | None, accepted: frozenset[int]
) -> Number:
    """The judgement of `phonenumbers` on digits with an optional `+`; a test holds the fast path equal."""
    try:
        parsed = phonenumbers.parse(compact, default_country)
    except NumberParseException as exc:
        raise InvalidNumber(text, _FAULT_OF_PARSING[exc.error_type]) from exc
    kind = phonenumbers.number_type(parsed)
    region = phonenumbers.region_code_for_number(parsed)
    if kind in accepted and region is not None:
        country = region if region in COUNTRIES else UNKNOWN_COUNTRY
        address = f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
        return Number(address, country)
    raise InvalidNumber(text, _explain(parsed, kind), country=_country_of(parsed, region))


_FAULT_OF_PARSING = {
    NumberParseException.INVALID_COUNTRY_CODE: NumberFault.UNKNOWN_CALLING_CODE,
    NumberParseException.NOT_A_NUMBER: NumberFault.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: NumberFault.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: NumberFault.TOO_SHORT,
    NumberParseException.TOO_LONG: NumberFault.TOO_LONG,
}


def _explain(parsed: PhoneNumber, kind: int) -> NumberFault:
    by_type = _FAULT_OF_TYPE.get(kind)
    if by_type is not None:
        return by_type
    length = phonenumbers.is_possible_number_with_reason(parsed)
    return _FAULT_OF_LENGTH.get(length, NumberFault.UNASSIGNED)


def _country_of(parsed: PhoneNumber, region: str | None) -> str:
    if region in COUNTRIES:
        return str(region)
    return main_country_of_calling_code(parsed.country_code or 0)

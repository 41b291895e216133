"""Addresses as carriers write them: to the form that one wants, and from whatever form one sends.

Owns the forms of quirks 83, 84 and 62. Inside, an address is E.164 digits without `+`, a short code, or a
name; nothing but this file knows that a carrier writes it otherwise. Judges no number: who may be messaged is
known in `phone`.
"""

from enum import Enum
from typing import Final

from gateway.domain.number_plan import country_of_mobile, write_internationally, write_nationally
from gateway.domain.phone import InvalidNumber, normalise_any_number


class AddressForm(Enum):
    """How a carrier wants an international number written."""

    DIGITS = "digits"
    PLUS = "plus"
    ZEROS = "zeros"
    NATIONAL = "national"


LONGEST_ADDRESS_OCTETS: Final = 20
"""source_addr and destination_addr without their NUL. SMPP 3.4 §5.2.8, §5.2.9."""

_LONGEST_SHORT_CODE_DIGITS: Final = 8
"""`00` in front of fewer digits than a number has is no prefix but part of a code."""

_PRINTABLE: Final = bytes(octet if 0x20 <= octet < 0x7F else ord("?") for octet in range(256))


def write_number(digits: str, form: AddressForm, country: str | None = None) -> str:
    """E.164 `digits` in the form that a carrier wants.

    The national form is for numbers of `country` only; those of others, and all when it is None, stay
    digits: in the national form of another country they would be a stranger's number.
    """
    if form is AddressForm.PLUS:
        return "+" + digits
    if form is AddressForm.ZEROS:
        return "00" + digits
    if form is AddressForm.NATIONAL and country is not None:
        return write_nationally(digits, country)
    return digits


def read_address(field: bytes, country: str | None = None) -> str:
    """An address from a carrier as we keep it: E.164 digits, a short code, or a name in the letters it has.

    `+` and `00` are dropped. National forms are read as numbers of `country` where one is given;
    international digits and short codes stay. Whatever is not printable ASCII shows as `?`. Never fails: what
    makes no number is kept as it stands. 0.3 µs, with a country 1 µs for a mobile number.
    """
    text = field.translate(_PRINTABLE).decode("ascii").strip()
    if text[:1] == "+":
        rest = text[1:]
        return rest if rest.isdigit() else text
    if not text.isdigit():
        return text
    if text[:2] == "00" and len(text) > _LONGEST_SHORT_CODE_DIGITS:
        return text[2:]
    if country is None or country_of_mobile("+" + text) == country:
        return text
    return _read_nationally(text, country)


def _read_nationally(digits: str, country: str) -> str:
    international = write_internationally(digits, country)
    if international is not None and country_of_mobile(international) == country:
        return international[1:]
    if country_of_mobile("+" + digits) is not None:
        return digits  # plainly a mobile number of another country
    try:
        return normalise_any_number(digits, default_country=country).address
    except InvalidNumber:
        return digits

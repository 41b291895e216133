"""The carrier's message ids, brought to the one form under which responses and receipts meet.

Carriers write the id of a submit_sm_resp and of its receipt in different bases, cases and widths, and some
put a prefix before one of them (quirk 50). Nothing is converted unless the connector says so: "10" and "16"
may be two messages.
"""

from enum import Enum


class IdConversion(Enum):
    """What the digits of an id mean."""

    AS_IS = "as_is"
    HEX_TO_DEC = "hex_to_dec"
    DEC_TO_HEX = "dec_to_hex"


_LONGEST_NUMBER = 20
"""Digits of an id that is still read as a number: 64 bits in decimal. Longer ones are names."""


def fold_carrier_id(text: str) -> str:
    """The form of an id that needs no conversion. Neither case nor spaces around it distinguish two ids: some
    carriers pad a field of fixed width, in the response or in the receipt."""
    return text.strip(" ").lower()


def normalise_carrier_id(
    text: str,
    *,
    conversion: IdConversion = IdConversion.AS_IS,
    strip_zeros: bool = False,
    strip_prefix: str = "",
) -> str:
    """The form to store and look up; an id that does not fit the conversion stays as it is.

    Spaces around it go first, then `strip_prefix`, which never takes all of an id. Case never distinguishes
    two ids, or a prefix.
    """
    text = text.strip(" ")
    if strip_prefix and len(text) > len(strip_prefix):
        head = text[: len(strip_prefix)]
        if head.lower() == strip_prefix.lower():
            text = text[len(strip_prefix) :]
    if conversion is not IdConversion.AS_IS and len(text) <= _LONGEST_NUMBER and text.isascii():
        base = 16 if conversion is IdConversion.HEX_TO_DEC else 10
        if text.isalnum():
            try:
                number = int(text, base)
            except ValueError:
                pass
            else:
                text = str(number) if base == 16 else f"{number:x}"
    if strip_zeros:
        text = text.lstrip("0") or text[:1]
    return text.lower()

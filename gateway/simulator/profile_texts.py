"""Profile keys of texts and addresses: what the SMSC reads in octets, and how it writes numbers.

The text below each field is what `docs/simulator.md` repeats. Nothing here acts on a value.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct


class Charset(Enum):
    GSM = "gsm"
    GSM_PACKED = "gsm_packed"
    """Eight septets in seven octets."""
    LATIN1 = "latin1"
    ASCII = "ascii"
    UTF8 = "utf8"


class OctetOrder(Enum):
    BIG = "big"
    LITTLE = "little"


class AddressForm(Enum):
    ANY = "any"
    DIGITS = "digits"
    PLUS = "plus"
    ZEROS = "zeros"
    NATIONAL = "national"


class TextRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the octets of a text mean. The log and the receipts show each text as it was understood."""

    default_charset: Charset = Charset.GSM
    """What is read in `data_coding` 0 of submits."""
    default_charset_sent: Charset | None = None
    """What is written in `data_coding` 0 of messages from handsets and in the text that receipts repeat.
    Absent: the same, never packed."""
    latin1_loses: bool = False
    """Turns `data_coding` 3 into GSM and drops what that lacks."""
    ucs2: OctetOrder = OctetOrder.BIG
    """Order of the two octets of a character in `data_coding` 8 of submits."""
    ucs2_sent: OctetOrder | None = None
    """The same in messages from handsets. Absent: the same."""
    byte_order_mark: bool = False
    """Begins UCS-2 of messages from handsets with a byte order mark."""


class AddressRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How numbers are written. Names and short codes stay as they are."""

    reads: AddressForm = AddressForm.ANY
    """The one form in which a submit may write a number: `digits` 33612345678, `plus` +33612345678, `zeros`
    0033612345678, `national` 0612345678 where the number is of `country_code`. Else 0x0b for the recipient,
    0x0a for the sender."""
    writes: AddressForm = AddressForm.ANY
    """How receipts and messages from handsets write numbers. `any`: as they came."""
    country_code: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,3}$")] = "33"
    """Country of national numbers, whose trunk prefix is 0."""
    source_replaced_by: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    """Sends everything under this sender, and says so in receipts only. Absent: as it came."""

"""How a person stands with a shop: consent, what is kept away, and the hash that stands for an address.

Owns the closed sets as stored and the keyed hash that names nobody. Knows no table, and no way in which a
consent or an opt-out came about.
"""

from enum import IntEnum
from hashlib import blake2b
from typing import Final


class MarketingConsent(IntEnum):
    """What a person said about marketing. Stored; never renumber."""

    UNKNOWN = 0
    OPTED_IN = 1
    OPTED_OUT = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class SuppressionScope(IntEnum):
    """What is kept from a person. Stored; never renumber. A larger one includes the smaller."""

    NONE = 0
    MARKETING = 1
    ALL = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class OptoutWay(IntEnum):
    """How an opt-out came, or its end. Stored; never renumber."""

    TEXT = 1
    """A text from the handset: STOP and its words."""
    PAGE = 2
    """The unsubscribe page."""
    SHOP = 3
    """A person at the shop or an operator."""
    API = 4
    """The shop's program."""

    @property
    def word(self) -> str:
        return self.name.lower()


OWN_WAYS: Final = (OptoutWay.TEXT, OptoutWay.PAGE)
"""What people do themselves: these they may also take back themselves."""

_KEY_OCTETS: Final = 16


def address_key(instance_secret: bytes, address: str) -> bytes:
    """The hash that stands for a canonical address: 128 bits, of use only with the instance's secret."""
    return blake2b(
        address.encode("ascii"), key=instance_secret[:64], digest_size=_KEY_OCTETS, person=b"suppression"
    ).digest()

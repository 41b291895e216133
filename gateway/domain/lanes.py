"""Closed sets that decide how a message is treated: its category, its lane, and the stream it waits in.

The integers are stored in Postgres; never renumber them.
"""

from enum import IntEnum


class Category(IntEnum):
    """What a message is for. Decides consent, hours and caps."""

    __hash__ = int.__hash__  # the enumeration's own is written in Python: 0.2 µs each time one is a key

    OTP = 1
    TRANSACTIONAL = 2
    MARKETING = 3

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {category: category.name.lower() for category in Category}
"""Looked up for every message: 0.1 µs, where the enumeration's own `name` in lower case takes 0.4 µs."""


class Lane(IntEnum):
    """The order of sending: a lower lane goes first. Every campaign is bulk."""

    __hash__ = int.__hash__

    OTP = 1
    TRANSACTIONAL = 2
    BULK = 3


LANE_OF_CATEGORY = {
    Category.OTP: Lane.OTP,
    Category.TRANSACTIONAL: Lane.TRANSACTIONAL,
    Category.MARKETING: Lane.BULK,
}
"""The lane of a single send; campaigns choose bulk whatever their category."""

STREAMS = (
    (Lane.OTP, Category.OTP),
    (Lane.TRANSACTIONAL, Category.TRANSACTIONAL),
    (Lane.BULK, Category.TRANSACTIONAL),
    (Lane.BULK, Category.MARKETING),
)
"""What a connector's queue is read by, first to last. Marketing waits apart, so that a hold of it skips
no rows of others."""


class HoldScope(IntEnum):
    """What an operator's hold stops."""

    MARKETING = 1
    ALL = 2

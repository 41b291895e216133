"""Ids as the outside sees them: `msg_` and eleven base62 characters for the bigint inside.

Owns the spelling in both directions. The length is fixed and the alphabet is in ASCII order, so that public
ids sort like the ids they spell: by time. Knows nothing of slots (`identifiers`) or of who may see what.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from gateway.domain.errors import DomainError
from gateway.domain.identifiers import HIGHEST_ID

PublicPrefix = Literal[
    "msg", "cmp", "ctc", "evt", "whk", "key", "mo", "lst", "imp", "ord", "clk", "lnk", "rct"
]  # fmt: skip
"""message, campaign, contact, event, webhook endpoint, API key, inbound message, contact list, import, order,
click, link target, receipt without a message."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 11
"""62¹¹ exceeds 2⁶³; one character less does not."""

# Two characters at a time: 0.8 µs each way, where one at a time takes 1.4 µs.
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_PAIR_VALUES: Final = {pair: value for value, pair in enumerate(_PAIRS)}
_BASE: Final = len(_PAIRS)
_TAIL_LENGTH: Final = 4
_TAIL: Final = _BASE**2


class InvalidPublicId(DomainError):
    """Text that is no public id of the kind asked for. To a caller it is an id that does not exist."""

    def __init__(self, prefix: PublicPrefix, text: str) -> None:
        example = f"{prefix}_{'0' * _LENGTH}"
        super().__init__(f"{text[:24]!r} is not an id like {example}; copy the id that the API gave.")
        self.text = text


def encode_public_id(prefix: PublicPrefix, identifier: int) -> str:
    """The public spelling of an id. Raises `ValueError` outside 0 … 2⁶³ - 1, which no id of ours is."""
    if not 0 <= identifier <= HIGHEST_ID:
        raise ValueError(f"id {identifier} does not fit 63 bits")
    rest, a = divmod(identifier, _BASE)
    rest, b = divmod(rest, _BASE)
    rest, c = divmod(rest, _BASE)
    rest, d = divmod(rest, _BASE)
    first, e = divmod(rest, _BASE)
    return f"{prefix}_{_ALPHABET[first]}{_PAIRS[e]}{_PAIRS[d]}{_PAIRS[c]}{_PAIRS[b]}{_PAIRS[a]}"


def encode_public_ids(prefix: PublicPrefix, identifiers: Iterable[int]) -> Iterator[str]:
    """`encode_public_id` of ids made about the same time, whose first characters are alike: 0.25 µs each."""
    heads: dict[int, str] = {}
    for identifier in identifiers:
        front, rest = divmod(identifier, _TAIL)
        head = heads.get(front)
        if head is None:
            head = heads[front] = encode_public_id(prefix, front * _TAIL)[:-_TAIL_LENGTH]
        first, second = divmod(rest, _BASE)
        yield f"{head}{_PAIRS[first]}{_PAIRS[second]}"


def decode_public_id(prefix: PublicPrefix, text: str) -> int:
    """The id that `text` spells. Raises `InvalidPublicId` for another prefix, length or character."""
    head = len(prefix) + 1
    if len(text) != head + _LENGTH or not text.startswith(prefix) or text[head - 1] != "_":
        raise InvalidPublicId(prefix, text)
    try:
        identifier = _PAIR_VALUES["0" + text[head]]
        for start in range(head + 1, head + _LENGTH, 2):
            identifier = identifier * _BASE + _PAIR_VALUES[text[start : start + 2]]
    except KeyError:
        raise InvalidPublicId(prefix, text) from None
    if identifier > HIGHEST_ID:
        raise InvalidPublicId(prefix, text)
    return identifier

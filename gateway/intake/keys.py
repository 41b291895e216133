"""What an API key looks like: `est_live_` or `est_test_`, 32 random characters, 6 that check them.

Owns the spelling and what is stored of it. The check refuses typing errors and blind guesses without asking
the database; it protects nothing else. Knows no shop.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Literal, get_args

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARACTERS = 32
_CHECK_CHARACTERS = 6
RANDOM_OCTETS = 24
"""32 base62 characters hold 190.5 bits; 24 octets fill them."""

_FORM = re.compile(r"est_(?:live|test)_[0-9A-Za-z]{38}")

Scope = Literal[
    "messages:write",
    "messages:read",
    "webhooks",
    "audience:write",
    "audience:read",
    "campaigns:write",
    "campaigns:read",
    "orders",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a key may be allowed: send, cancel and resend; read and estimate; manage endpoints and deliveries;
change and read people, lists and opt-outs; change and read campaigns and results; tell of orders."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment it is known: shown once, then only its hash and hint are kept."""

    text: str
    hash: bytes
    hint: str

    def __repr__(self) -> str:
        return f"NewKey(hint={self.hint!r})"


def make_key(random_octets: bytes, *, is_test: bool) -> NewKey:
    """A key from `RANDOM_OCTETS` octets of a cryptographic source."""
    if len(random_octets) != RANDOM_OCTETS:
        raise ValueError(f"a key is made of {RANDOM_OCTETS} octets, not {len(random_octets)}")
    secret = _spell(int.from_bytes(random_octets), _SECRET_CHARACTERS + 1)[-_SECRET_CHARACTERS:]
    stem = f"est_{'test' if is_test else 'live'}_{secret}"
    text = stem + _check_of(stem)
    return NewKey(text, hash_key(text), f"{text[:13]}…{text[-4:]}")


def is_well_formed(text: str) -> bool:
    """Whether `text` can be a key at all."""
    return (
        _FORM.fullmatch(text) is not None
        and _check_of(text[:-_CHECK_CHARACTERS]) == text[-_CHECK_CHARACTERS:]
    )


def hash_key(text: str) -> bytes:
    """SHA-256; the key has 190 bits of its own, so nothing slower is needed against guessing."""
    return hashlib.sha256(text.encode()).digest()


def _check_of(stem: str) -> str:
    return _spell(zlib.crc32(stem.encode()), _CHECK_CHARACTERS)


def _spell(value: int, characters: int) -> str:
    digits = []
    for _ in range(characters):
        value, digit = divmod(value, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

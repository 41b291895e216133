"""Idempotency keys as they are stored: which values stand under one, and in which slot.

Knows neither when a key is claimed (`intake.py`) nor how its answer is replayed (`idempotency.py`).
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

IDEMPOTENCY_HOURS = 24


@dataclass(frozen=True, slots=True)
class KeyedAnswer:
    """An idempotency key and the answer that a repeat of the same body gets for 24 h."""

    shop_id: int
    key: str
    body_sha256: bytes
    status: int
    answer: bytes


def key_slot(key: str) -> int:
    """The slot of a lookup key: any text, by its UTF-8 bytes."""
    return zlib.crc32(key.encode()) & 0xFF


def columns_of_keys(answers: Iterable[KeyedAnswer]) -> tuple[list[Any], ...]:
    """What the statements that claim keys take of them: a list for each column."""
    answers = list(answers)
    return (
        [key_slot(answer.key) for answer in answers],
        [answer.shop_id for answer in answers],
        [answer.key for answer in answers],
        [answer.body_sha256 for answer in answers],
        [answer.status for answer in answers],
        [answer.answer for answer in answers],
    )

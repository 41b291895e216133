"""docs/webhooks.md says what the code does."""

from pathlib import Path

import pytest

from gateway.store.outbox import EVENT_KINDS
from gateway.store.webhook_endpoints import ENDPOINTS_PER_SHOP
from gateway.webhooks.events import EVERY_EVENT, FAMILY_PATTERNS
from gateway.webhooks.schedule import attempt_limit
from gateway.webhooks.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER
from gateway.webhooks.targets import MAX_URL_CHARACTERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*EVENT_KINDS, ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER])
def test_every_event_and_header_has_a_row(word: str) -> None:
    assert f"| `{word}` |" in PAGE


@pytest.mark.parametrize("pattern", [*FAMILY_PATTERNS, EVERY_EVENT])
def test_every_pattern_is_named(pattern: str) -> None:
    assert f"`{pattern}`" in PAGE


@pytest.mark.parametrize(
    "sentence",
    [
        f"up to {ENDPOINTS_PER_SHOP})",
        f"at most {attempt_limit(259_200)} attempts",
        f"up to {MAX_URL_CHARACTERS} characters",
    ],
)
def test_every_limit_is_the_real_one(sentence: str) -> None:
    assert sentence in PAGE

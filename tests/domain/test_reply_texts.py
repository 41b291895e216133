"""Answers to keywords: one part each, in the person's language."""

import pytest

from gateway.domain.reply_texts import LANGUAGES, ReplyKind, choose_language, write_reply
from gateway.smpp.gsm import encode_gsm
from gateway.smpp.split import plan_text

LONGEST_SHOP_NAME = "m" * 32


@pytest.mark.parametrize("kind", ReplyKind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_is_one_part_and_says_whose_it_is(kind: ReplyKind, language: str) -> None:
    text = write_reply(kind, language, shop=LONGEST_SHOP_NAME)
    assert text.startswith(LONGEST_SHOP_NAME)
    assert "START" in text
    plan = plan_text(text)
    assert len(plan.parts) == 1
    assert encode_gsm(text) is not None


@pytest.mark.parametrize(
    ("language", "country", "chosen"),
    [
        ("fr", "en", "fr"),
        ("fr-CA", "en", "fr"),
        ("RO", "en", "ro"),
        ("pt_BR", "fr", "fr"),
        (None, "it", "it"),
        ("", "pl", "en"),
        ("xx", "xx", "en"),
    ],
)
def test_the_persons_language_comes_first_then_the_countrys(
    language: str | None, country: str, chosen: str
) -> None:
    assert choose_language(language, country) == chosen


def test_a_language_that_nobody_wrote_is_answered_in_english() -> None:
    kind = ReplyKind.STOP_CONFIRMATION
    assert write_reply(kind, "xx", shop="a") == write_reply(kind, "en", shop="a")

"""What people type to find messages, and the command line."""

import pytest

from admin_tui.commands import Argument, Command, complete, parse_command
from admin_tui.search import read_search, show_search


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("+33612345678", {"to": "+33612345678"}),
        ("33612345678", {"to": "+33612345678"}),
        ("0033612345678", {"to": "+33612345678"}),
        ("0612345678", {"to": "0612345678"}),
        ("code 4711", {"q": "code 4711"}),
        ("msg_4fG7", {"id": "msg_4fG7"}),
        ("cmp_1 state:failed country:FR soldes", {
            "campaign_id": "cmp_1", "state": "failed", "country": "FR", "q": "soldes"
        }),
        ("https://x.example", {"q": "https://x.example"}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_search_is_read_by_what_it_looks_like(typed: str, query: dict[str, str]) -> None:
    assert read_search(typed) == query


def test_a_search_is_shown_as_it_would_be_typed() -> None:
    query = {"campaign_id": "cmp_1", "state": "failed", "q": "soldes"}
    assert read_search(show_search(query)) == query


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("to +33612", Command("to", "+33612")),
        (":msg msg_1", Command("msg", "msg_1")),
        ("aud", Command("audience")),
        ("hold price error", Command("hold", "price error")),
        ("hold", Command("hold")),
        ("language fr", Command("language", "fr")),
        ("c", None),
        ("msg", None),
        ("quit now", None),
        ("", None),
    ],
)
def test_a_command_is_understood_from_its_beginning(line: str, command: Command | None) -> None:
    assert parse_command(line) == command


def test_words_and_names_complete() -> None:
    choices = {Argument.SHOP: ("boutique", "officina")}
    assert complete("sh", choices) == "shop "
    assert complete("qu", choices) == "quit"
    assert complete("shop of", choices) == "shop officina"
    assert complete("shop x", choices) is None
    assert complete("", choices) is None

"""Keywords: every word of every country, how people really write them, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.keywords import Keyword, fold_words, read_keyword

STOP, PERHAPS, START, HELP, NONE = (
    Keyword.STOP,
    Keyword.PERHAPS_STOP,
    Keyword.START,
    Keyword.HELP,
    Keyword.NONE,
)


@pytest.mark.parametrize(
    ("country", "words"),
    [
        ("FR", "STOP ARRET ARRÊT arrêtez Désabonner Désinscription"),
        ("US", "STOP QUIT END REVOKE OPTOUT CANCEL UNSUBSCRIBE STOPALL"),
        ("CA", "STOP ARRET TD"),
        ("IT", "STOP CANCELLA BASTA"),
        ("ES", "STOP ALTO BAJA"),
        ("RO", "STOP DEZABONARE"),
        ("DE", "STOP STOPP ABMELDEN"),
        ("PL", "STOP REZYGNUJ"),
        ("SN", "STOP ARRET"),
        ("BG", "СТОП"),
        ("ZZ", "STOP"),
    ],
)
def test_each_country_has_its_words(country: str, words: str) -> None:
    for word in words.split():
        assert read_keyword(word, country).keyword is STOP, word


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        " Stop. ",
        "STOP!!!",
        "«STOP»",
        "S.T.O.P",
        "s t o p",
        "STOP STOP STOP",
        "Stop SVP",
        "Please stop",
        "STOP 36111",
        "stop sms",
        "STOP PUB merci",
        "\u200bSTOP\ufeff",
        "ＳＴＯＰ",
        "Arrêt",
        "ARRE\u0302T",
        "stop all",
        "opt-out",
        "Opt out",
        "STOP 👎",
        "stop\n\n",
        "STOP\u2026",
    ],
)
def test_people_write_stop_in_many_ways(text: str) -> None:
    assert read_keyword(text, "FR").keyword is STOP


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Je veux que ça stop", "STOP"),
        ("stop sending me this rubbish", "STOP"),
        ("Remove me, unsubscribe, whatever", "UNSUBSCRIBE"),
        ("Sotp", "SOTP"),
        ("stpo", "STPO"),
        ("STO", "STO"),
        ("STOOP", "STOOP"),
        ("ztop", "ZTOP"),
        ("arrrêt", "ARRRET"),
        ("dezabonre", "DEZABONRE"),
    ],
)
def test_a_stop_word_among_others_or_a_slip_is_perhaps_one(text: str, word: str) -> None:
    assert read_keyword(text, "FR") == (PERHAPS, word)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?!",
        "ok merci",
        "top",
        "Shop",
        "oui",
        "The end of the week suits me",
        "nonstop",
        "36111",
        "👍",
        "Quelle est l'adresse du magasin ?",
        "Les autostoppeurs",
        "موافق",
        "我要订单",
    ],
)
def test_everything_else_is_none(text: str) -> None:
    assert read_keyword(text, "FR").keyword is NONE
    assert read_keyword(text, None).keyword is NONE


def test_everyday_words_are_heard_only_where_they_are_the_custom() -> None:
    for word, country in (("END", "US"), ("CANCEL", "US"), ("ALTO", "ES"), ("BASTA", "IT"), ("TD", "CA")):
        assert read_keyword(word, country).keyword is STOP
        assert read_keyword(word, "FR").keyword is NONE, word
    assert read_keyword("Will you cancel my order?", "US").keyword is PERHAPS
    assert read_keyword("When does it end?", "US").keyword is NONE, "too short to be guessed"


@pytest.mark.parametrize(
    ("text", "country", "keyword"),
    [
        ("START", "FR", START),
        ("unstop!", "US", START),
        ("Yes", "US", START),
        ("Yes", "FR", NONE),
        ("start please", "GB", START),
        ("when do you start", "GB", NONE),
        ("HELP", "US", HELP),
        ("info", "US", HELP),
        ("Aide", "FR", HELP),
        ("AJUTOR", "RO", HELP),
        ("aiuto", "IT", HELP),
    ],
)
def test_start_and_help_stand_alone(text: str, country: str, keyword: Keyword) -> None:
    assert read_keyword(text, country).keyword is keyword


def test_no_text_at_all_asks_for_nothing() -> None:
    assert read_keyword(None, "FR") == (NONE, "")


@given(st.text(max_size=300), st.sampled_from(["FR", "US", "TR", None]))
def test_any_text_can_be_read(text: str, country: str | None) -> None:
    read = read_keyword(text, country)
    assert (read.keyword is NONE) == (read.word == "")


@given(st.text(alphabet=" .,!?-_'\"…\n\t", max_size=8), st.text(alphabet=" .,!?-_'\"…\n\t", max_size=8))
def test_what_stands_around_a_stop_does_not_matter(before: str, after: str) -> None:
    for word in ("stop", "STOP", "Arrêt"):
        assert read_keyword(before + word + after, "FR").keyword is STOP


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=12))
def test_only_words_one_letter_from_a_stop_word_are_slips(word: str) -> None:
    """Asked the slow way: every edit of the word is tried."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    edits = {a + b[1:] for a, b in splits if b}
    edits |= {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    edits |= {a + c + b[1:] for a, b in splits if b for c in letters}
    edits |= {a + c + b for a, b in splits for c in letters}
    near_a_stop = any(read_keyword(edit, "ZZ").keyword is STOP for edit in edits if len(edit) > 3)
    if read_keyword(word, "ZZ").keyword is PERHAPS:
        assert near_a_stop


def test_a_very_long_text_costs_no_more_than_its_beginning() -> None:
    assert read_keyword("x " * 1_000_000 + "stop", "FR").keyword is NONE


def test_words_are_folded_to_their_letters() -> None:
    assert fold_words("  L'ARRÊT—Ñandú, Straße ŁÓDŹ ") == ["l", "arret", "nandu", "strasse", "lodz"]


@given(st.text(st.characters(max_codepoint=127)))
def test_a_text_in_ascii_has_the_same_words_as_beside_an_accent(text: str) -> None:
    assert fold_words(text) == fold_words(text + " é")[:-1]

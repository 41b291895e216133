"""The catalogues: every language says everything, with the same values in place, in its own letters."""

import re
import tomllib
from pathlib import Path

import pytest

from admin_tui.keys import KEYS, QUESTION_KEYS
from admin_tui.words import LANGUAGES, Sentence, Words, choose_language, plural_form, read_catalogue
from gateway.dispatch.limits import LimitCause
from gateway.oncall.alerts import AlertKind
from gateway.session.bind import BindPhase
from gateway.store.overrides import OverrideKey

PLACEHOLDER = re.compile(r"\{(\w+)\}")
SOURCES = Path(__file__).resolve().parents[2] / "admin_tui"
FORMS = {
    "en": {"one", "other"},
    "fr": {"one", "other"},
    "it": {"one", "other"},
    "ro": {"one", "few", "other"},
}


def forms_of(sentence: Sentence) -> list[str]:
    return list(sentence.values()) if isinstance(sentence, dict) else [sentence]


@pytest.mark.parametrize("language", ["fr", "it", "ro"])
def test_a_language_has_every_sentence_of_english_and_no_other(language: str) -> None:
    english, other = set(read_catalogue("en")), set(read_catalogue(language))
    assert english - other == set(), "missing"
    assert other - english == set(), "left over"


@pytest.mark.parametrize("language", ["fr", "it", "ro"])
def test_a_translation_puts_the_same_values_in_place(language: str) -> None:
    english = read_catalogue("en")
    for key, sentence in read_catalogue(language).items():
        wanted = set(PLACEHOLDER.findall(forms_of(english[key])[-1]))
        for form in forms_of(sentence):
            assert set(PLACEHOLDER.findall(form)) - {"count"} == wanted - {"count"}, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_every_form_of_the_language(language: str) -> None:
    for key, sentence in read_catalogue(language).items():
        if isinstance(sentence, dict):
            assert set(sentence) == FORMS[language], key


def test_romanian_is_written_with_commas_below_not_cedillas() -> None:
    wrong = [key for key, text in read_catalogue("ro").items() if set("şţŞŢ") & set("".join(forms_of(text)))]
    assert wrong == []


def test_every_key_of_the_console_has_a_label_and_a_sentence() -> None:
    words = Words("en")
    for key in KEYS:
        assert words.has(f"frame.keys.{key.id}")
        assert key.id in QUESTION_KEYS or words.has(f"frame.meanings.{key.id}")


def test_every_sentence_that_the_code_names_is_there() -> None:
    catalogue = read_catalogue("en")
    areas = {key.partition(".")[0] for key in catalogue}
    named = re.compile(rf'"((?:{"|".join(areas)})\.[a-z0-9_.]+)"')
    missing = {
        (path.name, key)
        for path in SOURCES.rglob("*.py")
        for key in named.findall(path.read_text(encoding="utf-8"))
        if key not in catalogue and not any(known.startswith(f"{key}.") for known in catalogue)
    }
    assert missing == set()


def test_numbers_get_the_separators_of_the_language() -> None:
    assert Words("en").number(1_234_567.5, decimals=1) == "1,234,567.5"
    assert Words("fr").number(1_234_567.5, decimals=1) == "1 234 567,5"
    assert Words("it").number(1_234_567.5, decimals=1) == "1.234.567,5"
    assert Words("ro").say("frame.alerts", count=1_000) == "1.000 de alerte"


@pytest.mark.parametrize(
    ("language", "count", "form"),
    [
        ("en", 0, "other"),
        ("en", 1, "one"),
        ("fr", 0, "one"),
        ("fr", 2, "other"),
        ("it", 1, "one"),
        ("ro", 0, "few"),
        ("ro", 1, "one"),
        ("ro", 19, "few"),
        ("ro", 20, "other"),
        ("ro", 101, "few"),
        ("ro", 120, "other"),
    ],
)
def test_plural_forms_are_those_of_the_language(language: str, count: int, form: str) -> None:
    assert plural_form(language, count) == form


def test_the_language_is_the_wished_one_else_that_of_the_environment() -> None:
    assert choose_language("ro", {"LANG": "fr_FR.UTF-8"}) == "ro"
    assert choose_language(None, {"LANG": "fr_FR.UTF-8"}) == "fr"
    assert choose_language(None, {"LC_ALL": "it_IT", "LANG": "fr_FR"}) == "it"
    assert choose_language("", {"LANG": "C"}) == "en"


def test_a_key_that_is_missing_says_itself() -> None:
    assert Words("en").say("frame.no_such_word") == "frame.no_such_word"


def test_catalogues_are_toml_with_plain_tables() -> None:
    for path in (SOURCES / "words").rglob("*.toml"):
        assert tomllib.loads(path.read_text(encoding="utf-8")), path


def test_every_kind_of_alert_and_every_cause_of_a_limit_has_its_words() -> None:
    words = Words("en")
    for kind in AlertKind:
        assert words.has(f"alerts.kinds.{kind.value}")
        assert words.has(f"alerts.remedies.{kind.value}")
    for cause in LimitCause:
        assert words.has(f"carriers.limit.{cause.value}")
    for key in OverrideKey:
        assert words.has(f"carriers.changed.{key.name.lower()}")
    for phase in BindPhase:
        assert words.has(f"frame.state.{phase.value}")

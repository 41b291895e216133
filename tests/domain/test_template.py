import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.template import (
    InvalidTemplate,
    MissingValue,
    ValueTooLong,
    compile_template,
)

AMINA = {"first_name": "amina ndiaye", "city": "Saint-Louis", "blank": "  "}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("no fields", "no fields"),
        ("", ""),
        ("{ single } braces {", "{ single } braces {"),
        ("Hi {{ first_name }}!", "Hi amina ndiaye!"),
        ("{{first_name}}{{city}}", "amina ndiayeSaint-Louis"),
        ("{{ first_name | first | title }}", "Amina"),
        ("{{ first_name|title }}", "Amina Ndiaye"),
        ("{{ city | upper }}", "SAINT-LOUIS"),
        ("{{ blank | default('you') }}", "you"),
        ("{{ absent | default('there') | upper }}", "THERE"),
        ('{{ absent | default("l\'ami") }}', "l'ami"),
        ("{{ first_name | default('there') }}", "amina ndiaye"),
        ("{{\n  city\n}}", "Saint-Louis"),
    ],
)
def test_fields_and_filters_render(text: str, rendered: str) -> None:
    assert compile_template(text).render(AMINA) == rendered


@pytest.mark.parametrize(
    ("value", "titled"),
    [
        ("it's MARIE-CLAIRE", "It's Marie-Claire"),
        ("élodie d'arc", "Élodie D'arc"),
        ("o'neil  de la cruz", "O'neil  De La Cruz"),
    ],
)
def test_title_capitalises_words_and_not_what_follows_an_apostrophe(value: str, titled: str) -> None:
    assert compile_template("{{ name | title }}").render({"name": value}) == titled


def test_trim_drops_outer_space_and_first_takes_a_word() -> None:
    template = compile_template("[{{ a | trim }}][{{ a | first }}]")
    assert template.render({"a": "  two words "}) == "[two words][two]"


def test_fields_are_listed_once_in_order_of_appearance() -> None:
    assert compile_template("{{ b }}{{ a }}{{ b | upper }}").fields == ("b", "a")


def test_values_are_never_read_as_template() -> None:
    assert compile_template("{{ a }}").render({"a": "{{ b }}"}) == "{{ b }}"


@pytest.mark.parametrize("values", [{}, {"name": ""}, {"name": " \n"}])
def test_a_field_without_value_and_default_names_itself(values: dict[str, str]) -> None:
    with pytest.raises(MissingValue, match="name") as missing:
        compile_template("Hi {{ name }}").render(values)
    assert missing.value.field == "name"


def test_a_value_of_a_novels_length_is_refused() -> None:
    template = compile_template("{{ name }}")
    assert len(template.render({"name": "x" * 500})) == 500
    with pytest.raises(ValueTooLong) as refused:
        template.render({"name": "x" * 501})
    assert (refused.value.field, refused.value.characters) == ("name", 501)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("Hi {{ name", 4, "never closed"),
        ("Hi }} there", 4, "closes nothing"),
        ("{% for x in y %}", 1, "is not available"),
        ("{# note #}", 1, "is not available"),
        ("Hi {{ }}", 6, "field name is missing"),
        ("{{ Name }}", 3, "small letters"),
        ("{{ 9lives }}", 3, "field name is missing"),
        ("{{ ''.__class__ }}", 3, "field name is missing"),
        ("{{ a.b }}", 5, "cannot be read"),
        ("{{ a*9 }}", 5, "cannot be read"),
        ("{{ a b }}", 6, "cannot be read"),
        ("{{ a | }}", 6, "cannot be read"),
        ("{{ a || b }}", 6, "cannot be read"),
        ("{{ a | eval }}", 8, "no filter called eval"),
        ("{{ a | uper }}", 8, "did you mean upper"),
        ("{{ a | upper('x') }}", 8, "takes nothing in brackets"),
        ("{{ a | default }}", 8, "default needs its text"),
        ("{{ a | default('') }}", 8, "1 to 60 characters"),
        ("{{ a | default('" + "x" * 61 + "') }}", 8, "1 to 60 characters"),
        ("{{ a | default(x) }}", 8, "default needs its text"),
        ("{{ a | default('{{') }}", 8, "default needs its text"),
        ("{{ " + "a" * 41 + " }}", 3, "field name is missing"),
        ("x" * 2001, 2001, "2001 characters"),
    ],
)
def test_a_fault_carries_its_place_and_what_to_do(text: str, position: int, words: str) -> None:
    with pytest.raises(InvalidTemplate, match=re.escape(words)) as refused:
        compile_template(text)
    assert refused.value.position == position
    assert str(refused.value).startswith(f"At character {refused.value.position}: ")
    assert str(refused.value).endswith((".", "?"))


def test_a_field_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(InvalidTemplate, match="did you mean first_name") as refused:
        compile_template("Hi {{ firstname }}", known_fields=["first_name", "city"])
    assert refused.value.position == 7


@given(st.text(max_size=300))
def test_any_text_compiles_or_is_refused_with_a_place_inside_it(text: str) -> None:
    try:
        compile_template(text)
    except InvalidTemplate as refused:
        assert 1 <= refused.position <= len(text) + 1  # noqa: PT017 the other outcome is as good


@given(st.text(alphabet="{}%#|()'\" ab", max_size=200))
def test_any_text_of_the_grammars_own_characters_compiles_or_is_refused(text: str) -> None:
    try:
        template = compile_template(text)
    except InvalidTemplate:
        return
    assert "{{" not in template.render(dict.fromkeys(template.fields, "v"))


@pytest.mark.parametrize(
    "text",
    [
        "{{ a" + " |a" * 600 + "! }}",
        "{{" + " " * 1900 + "!}}",
        "{{ a" + " " * 1900 + "!}}",
        "{{ a|default('" + "x" * 1900,
        "{{" * 1000,
        "{{ a" + "|upper" * 300 + " ! }}",
        "{{ a | default(" + " " * 1900 + "x) }}",
        "{{a}}" * 400,
    ],
)
def test_no_text_stalls_the_compiler(text: str) -> None:
    before = time.process_time()
    with suppress(InvalidTemplate):
        compile_template(text)
    assert time.process_time() - before < 2.0  # a stall takes minutes; a busy machine takes its time

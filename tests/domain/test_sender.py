import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.addresses import AddressForm
from gateway.domain.sender import (
    InvalidSender,
    Sender,
    SenderKind,
    SenderRule,
    SenderStyle,
    WrittenSender,
    check_sender,
    type_sender,
)
from gateway.smpp.gsm import encode_gsm


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("Estafette", Sender("Estafette", 5, 0, SenderKind.NAME)),
        (" My Shop-24 ", Sender("My Shop-24", 5, 0, SenderKind.NAME)),
        ("3Suisses", Sender("3Suisses", 5, 0, SenderKind.NAME)),
        ("36105", Sender("36105", 3, 0, SenderKind.SHORT_CODE)),
        ("118", Sender("118", 3, 0, SenderKind.SHORT_CODE)),
        ("12345678", Sender("12345678", 3, 0, SenderKind.SHORT_CODE)),
        ("+33 6 12 34 56 78", Sender("33612345678", 1, 1, SenderKind.NUMBER)),
        ("33612345678", Sender("33612345678", 1, 1, SenderKind.NUMBER)),
        ("+33 1 23 45 67 89", Sender("33123456789", 1, 1, SenderKind.NUMBER)),
        ("+1 800 234 5678", Sender("18002345678", 1, 1, SenderKind.NUMBER)),
    ],
)
def test_the_kind_gives_the_type_of_number(text: str, sender: Sender) -> None:
    assert check_sender(text) == sender


def test_a_connector_overrules_the_automatic_type() -> None:
    assert check_sender("36105", ton=0, npi=1) == Sender("36105", 0, 1, SenderKind.SHORT_CODE)
    assert check_sender("36105", npi=9).ton == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "name of up to 11"),
        ("   ", "name of up to 11"),
        ("x" * 41, "name of up to 11"),
        ("TwelveLetter", "has 12 characters"),
        ("Café", "“é”"),
        ("Shop€", "“€”"),
        ("Shop[1]", "“\\[”"),
        ("a\x00b", "U\\+0000"),
        ("a\nb", "U\\+000A"),
        ("店铺", "“店”"),
        ("12", "too short|names no country|calling code"),
        ("+331234", "too short for France"),
        ("0612345678", "names no country"),
        ("---", "no number here"),
        ("🙂", "needs at least one letter"),
        ("\ud800", "needs at least one letter"),
    ],
)
def test_each_fault_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(InvalidSender, match=words):
        check_sender(text)


@given(st.text(max_size=50))
def test_an_accepted_sender_is_ascii_and_accepted_again_as_it_is(text: str) -> None:
    try:
        sender = check_sender(text)
    except InvalidSender:
        return
    assert sender.address.isascii()
    assert 1 <= len(sender.address) <= 15
    written = f"+{sender.address}" if sender.kind is SenderKind.NUMBER else sender.address
    assert check_sender(written) == sender


@pytest.mark.parametrize("text", ["Estafette", "36105", "+33612345678"])
def test_typing_a_checked_sender_repeats_the_rule(text: str) -> None:
    sender = check_sender(text)
    assert type_sender(sender.address) == (sender.ton, sender.npi)
    assert type_sender(sender.address, ton=6) == (6, sender.npi)


@given(st.text(max_size=50))
def test_every_name_is_of_the_gsm_alphabet_without_an_escape(text: str) -> None:
    try:
        sender = check_sender(text)
    except InvalidSender:
        return
    septets = encode_gsm(sender.address)
    assert septets is not None
    assert len(septets) == len(sender.address)


SHOP, CODE, NUMBER = "Estafette", "36105", "33612345678"


@pytest.mark.parametrize(
    ("address", "written"),
    [(SHOP, (SHOP, 5, 0)), (CODE, (CODE, 3, 0)), (NUMBER, (NUMBER, 1, 1))],
)
def test_without_rules_a_sender_goes_as_it_is_typed_by_kind(
    address: str, written: tuple[str, int, int]
) -> None:
    assert SenderStyle().write(address) == WrittenSender(*written)


def test_a_rule_goes_before_the_carriers_values_and_those_before_the_kind() -> None:
    rules = (SenderRule(kind=SenderKind.SHORT_CODE, ton=0), SenderRule(address=NUMBER, npi=8))
    style = SenderStyle(rules, ton=6, npi=9)
    assert style.write(CODE) == WrittenSender(CODE, 0, 9)
    assert style.write(NUMBER) == WrittenSender(NUMBER, 6, 8)
    assert style.write(SHOP) == WrittenSender(SHOP, 6, 9)


def test_the_first_rule_that_fits_is_the_one_used() -> None:
    rules = (
        SenderRule(kind=SenderKind.NUMBER, address=SHOP, send_as="never"),
        SenderRule(address=SHOP, send_as="Shop"),
        SenderRule(kind=SenderKind.NAME, send_as="Other"),
    )
    style = SenderStyle(rules)
    assert style.write(SHOP) == WrittenSender("Shop", 5, 0)
    assert style.write("Bakery") == WrittenSender("Other", 5, 0)
    assert style.write(NUMBER) == WrittenSender(NUMBER, 1, 1)


def test_a_sender_put_in_place_is_typed_by_what_it_is_itself() -> None:
    style = SenderStyle((SenderRule(send_as="+33612345678"),))
    assert style.write(SHOP) == WrittenSender(NUMBER, 1, 1)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (AddressForm.PLUS, ("+33612345678", 1, 1)),
        (AddressForm.ZEROS, ("0033612345678", 1, 1)),
        (AddressForm.NATIONAL, ("0612345678", 2, 1)),
    ],
)
def test_only_numbers_take_the_form_of_the_carrier(form: AddressForm, written: tuple[str, int, int]) -> None:
    style = SenderStyle(form=form, country="FR")
    assert style.write(NUMBER) == WrittenSender(*written)
    assert style.write(SHOP) == WrittenSender(SHOP, 5, 0)
    assert style.write(CODE) == WrittenSender(CODE, 3, 0)
    assert style.write("4915112345678").ton == 1

import msgspec
import pytest

from gateway.simulator.addresses import NumberForm
from gateway.simulator.errors import CommandRefused
from gateway.simulator.mo import MoRequest, build_mo
from gateway.simulator.profile import AddressForm, AddressRules, Charset, OctetOrder, TextRules
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DeliverSm, find_tlv
from gateway.smpp.text import decode_text
from gateway.smpp.udh import find_concatenation, split_user_data

LONG = "Été à la plage, 🏖️ et plus encore. " * 10


def build(next_reference: int = 300, **fields: object) -> list[DeliverSm]:
    raw = {"from": "+33639981234", "to": "36180"} | fields
    return build_mo(msgspec.convert(raw, MoRequest), next_reference=next_reference)


def join(parts: list[DeliverSm]) -> tuple[str, set[int]]:
    bodies, references = {}, set()
    for part in parts:
        user_data = split_user_data(part.esm_class, part.short_message)
        found = find_concatenation(user_data, part.tlvs)
        assert found is not None
        bodies[found.number] = user_data.body
        references.add(found.reference)
    joined = b"".join(bodies[number] for number in range(1, len(bodies) + 1))
    return decode_text(joined, parts[0].data_coding), references


def test_a_short_text_is_one_part_in_the_default_alphabet() -> None:
    (part,) = build(text="STOP")
    assert (part.short_message, part.data_coding, part.esm_class) == (b"STOP", 0, 0)
    assert (part.source_addr, part.source_addr_ton, part.source_addr_npi) == (b"33639981234", 1, 1)
    assert (part.destination_addr, part.dest_addr_ton) == (b"36180", 3)


@pytest.mark.parametrize(("concat", "reference"), [("udh8", 44), ("udh16", 300), ("sar", 300)])
def test_a_long_text_comes_in_parts_that_join_to_the_same_text(concat: str, reference: int) -> None:
    parts = build(text=LONG, concat=concat)
    assert len(parts) > 3
    assert parts[0].data_coding == 8
    assert join(parts) == (LONG, {reference})


def test_a_payload_carries_the_whole_text() -> None:
    (part,) = build(text=LONG, concat="payload")
    payload = find_tlv(part.tlvs, Tag.MESSAGE_PAYLOAD)
    assert payload is not None
    assert decode_text(payload, part.data_coding) == LONG
    assert part.short_message == b""


def test_parts_can_be_turned_around_repeated_and_lost() -> None:
    whole = build(text="x" * 400)
    assert build(text="x" * 400, order=[3, 1, 1]) == [whole[2], whole[0], whole[0]]


def test_octets_go_out_as_given() -> None:
    (part,) = build(hex="050003010101 41", data_coding=0, esm_class=0x40)
    assert (part.short_message, part.data_coding, part.esm_class) == (b"\x05\0\x03\x01\x01\x01A", 0, 0x40)


def test_a_wrong_label_can_be_given_to_a_text() -> None:
    (part,) = build(text="héllo", data_coding=3)
    assert (part.short_message, part.data_coding) == (b"h\x05llo", 3)


def test_an_empty_text_is_legal() -> None:
    (part,) = build(text="")
    assert part.short_message == b""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "text"),
        ({"text": "a", "hex": "00"}, "text"),
        ({"hex": "0g"}, "hexadecimal"),
        ({"text": "a", "order": [2]}, "part 2"),
        ({"text": "\ud800"}, "U\\+D800"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(fields: dict[str, object], words: str) -> None:
    with pytest.raises(CommandRefused, match=words):
        build(**fields)


def test_elements_of_a_header_stand_before_those_of_a_long_text() -> None:
    (single,) = build(hex="00", data_coding=0, udh="250101")
    assert (single.esm_class, single.short_message) == (0x40, bytes.fromhex("03250101 00"))
    first, _ = build(text="x" * 200, udh="05040b8423f0", reference=7)
    assert first.short_message.startswith(bytes.fromhex("0b 05040b8423f0 0003070201"))
    with pytest.raises(CommandRefused, match="udh"):
        build(text="a", udh="0")


def test_texts_are_written_in_the_alphabets_of_the_carrier() -> None:
    request = msgspec.convert({"from": "33639981234", "to": "36180", "text": "é@"}, MoRequest)
    rules = TextRules(default_charset=Charset.UTF8)
    (part,) = build_mo(request, next_reference=1, rules=rules)
    assert (part.short_message, part.data_coding) == ("é@".encode(), 0)
    request = msgspec.structs.replace(request, text="Ж")
    rules = TextRules(ucs2=OctetOrder.LITTLE, byte_order_mark=True)
    (part,) = build_mo(request, next_reference=1, rules=rules)
    assert (part.short_message, part.data_coding) == (b"\xff\xfe\x16\x04", 8)


def test_a_handsets_number_is_written_as_the_carrier_writes_numbers() -> None:
    request = msgspec.convert({"from": "+33639981234", "to": "36180", "text": "STOP"}, MoRequest)
    national = NumberForm(AddressRules(reads=AddressForm.NATIONAL, writes=AddressForm.NATIONAL))
    (part,) = build_mo(request, next_reference=1, numbers=national)
    assert (part.source_addr, part.destination_addr) == (b"0639981234", b"36180")

"""Contents in words: headers, texts, and what of them is open to everybody."""

import pytest

from gateway.smpp.pdus import DeliverSm
from gateway.smpp.receipts import parse_receipt
from gateway.smpp.text import ReadAs
from gateway.smpp.text_words import Alphabets, describe_content, describe_receipt

STANDARD = Alphabets()


def content(octets, *, esm_class=0x40, data_coding=0, is_receipt=False, shows_text=True, alphabets=STANDARD):
    return describe_content(
        octets,
        esm_class=esm_class,
        data_coding=data_coding,
        is_receipt=is_receipt,
        alphabets=alphabets,
        shows_text=shows_text,
    )


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("05 0003 2a0201", "part 1 of 2, reference 42"),
        ("06 0804 01000302", "part 2 of 3, reference 256 (16 bits)"),
        ("06 0504 0b8423f0", "from port 9200 to port 2948"),
        ("03 240101", "Turkish single shift table"),
        ("08 250102 0003 010101", "Spanish locking shift table; part 1 of 1, reference 1"),
        ("04 700291 92", "SIM toolkit 0x70 91 92"),
        ("02 0000", "element 0x00 empty"),
    ],
)
def test_a_header_is_told_element_by_element(header, words):
    octets = bytes.fromhex(header)
    told = content(octets + b"hi")
    assert told.words == (f"header of {len(octets)} octets: {words}", 'text "hi"')
    assert told.open_spans == ((0, len(octets)),)


def test_a_header_that_is_none_is_told_as_text():
    assert content(b"\x50hello").words[0] == "esm_class announces a header, and these octets are none"
    assert content(b"").words == ("no text",)


def test_a_text_is_read_by_its_data_coding_and_hidden_on_demand():
    assert content("é€".encode("utf-16-be"), esm_class=0, data_coding=8).words == ('text "é€"',)
    assert content(b"secret", esm_class=0, shows_text=False).words == ("text hidden",)


def test_what_a_data_coding_leaves_open_is_read_as_this_smsc_writes_it():
    latin = Alphabets(default=ReadAs.LATIN1, is_little_endian=True)
    assert content(b"caf\xe9", esm_class=0, alphabets=latin).words == ('text "café"',)
    assert content(b"h\0i\0", esm_class=0, data_coding=8, alphabets=latin).words == ('text "hi"',)
    packed = Alphabets(default=ReadAs.GSM7_PACKED)
    assert content(bytes.fromhex("e8329bfd06"), esm_class=0, alphabets=packed).words == ('text "hello"',)
    assert content(b"\1\2", esm_class=0, data_coding=4).words == ("data that is no text",)


def test_of_a_receipt_the_keys_stay_open_and_what_they_quote_does_not():
    octets = b"\3\x24\1\1Dear you id:7f stat:DELIVRD err:000 text:id:secret"
    told = content(octets, is_receipt=True, shows_text=False)
    assert told.words[1] == 'text "id:7f stat:DELIVRD err:000", the rest hidden'
    shown = b"".join(octets[start:end] for start, end in told.open_spans)
    assert shown == b"\3\x24\1\1id:7f stat:DELIVRD err:000"


def test_a_receipt_is_told_with_its_raw_values_beside_their_meaning():
    pdu = DeliverSm(esm_class=4, short_message=b"id:12 stat:BLOCKED err:5 done date:2501311200")
    assert describe_receipt(parse_receipt(pdu)) == (
        'receipt: id "12", stat "BLOCKED" of no known meaning, err "5", done 2501311200'
    )
    pdu = DeliverSm(esm_class=0x20, tlvs=((0x001E, b"9\0"), (0x0427, b"\1")))
    assert describe_receipt(parse_receipt(pdu)) == 'intermediate notification: id "9", stat "1" ENROUTE'

import pytest

from gateway.simulator.profile import Charset, OctetOrder, TextRules
from gateway.simulator.reading import TextReader, unpack_septets


def test_packed_septets_are_read_as_every_handset_writes_them() -> None:
    assert unpack_septets(bytes.fromhex("e8329bfd06")) == b"hello"  # 3GPP TS 23.038 §6.1.2.1.1


def test_a_cr_that_fills_the_last_octet_is_no_part_of_the_text() -> None:
    assert unpack_septets(_pack(b"Testing\r")) == b"Testing"
    assert unpack_septets(b"") == b""


def _pack(septets: bytes, fill_bits: int = 0) -> bytes:
    bits = "".join(f"{septet:07b}"[::-1] for septet in septets)
    bits = "0" * fill_bits + bits
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[start : start + 8][::-1], 2) for start in range(0, len(bits), 8))


@pytest.mark.parametrize(("header_octets", "fill_bits"), [(6, 1), (7, 0), (3, 4)])
def test_septets_begin_on_a_septet_border_behind_a_header(header_octets: int, fill_bits: int) -> None:
    assert unpack_septets(_pack(b"hello you", fill_bits), header_octets=header_octets) == b"hello you"


def test_an_alphabet_set_wrong_shows_as_it_does_on_a_handset() -> None:
    latin1 = TextReader(TextRules(default_charset=Charset.LATIN1))
    gsm = TextReader(TextRules())
    assert latin1.read(b"\x00 \x11 \x02", 0) == "\x00 \x11 \x02"  # "@ _ $" sent in GSM 03.38
    assert gsm.read(b"@ _ $", 0) == "¡ § ¤"  # the same sent in Latin-1


@pytest.mark.parametrize(
    ("rules", "data_coding", "octets", "text"),
    [
        (TextRules(default_charset=Charset.UTF8), 0, "é€".encode(), "é€"),
        (TextRules(default_charset=Charset.ASCII), 0, b"caf\xe9", "caf\ufffd"),
        (TextRules(default_charset=Charset.GSM_PACKED), 0, bytes.fromhex("e8329bfd06"), "hello"),
        (TextRules(ucs2=OctetOrder.LITTLE), 8, "Ж😀".encode("utf-16-le"), "Ж😀"),
        (TextRules(), 8, "Ж😀".encode("utf-16-be"), "Ж😀"),
        (TextRules(latin1_loses=True), 3, "çà©".encode("latin-1"), "à"),
        (TextRules(), 3, "çà©".encode("latin-1"), "çà©"),
        (TextRules(), 4, b"\x00\xff", "00 ff"),
    ],
)
def test_octets_are_read_as_the_profile_says(
    rules: TextRules, data_coding: int, octets: bytes, text: str
) -> None:
    assert TextReader(rules).read(octets, data_coding) == text


@pytest.mark.parametrize(
    ("rules", "octets"),
    [
        (TextRules(), b"\x00\x1be?"),
        (TextRules(default_charset=Charset.LATIN1), b"@??"),
        (TextRules(default_charset=Charset.UTF8), "@€Ж".encode()),
        (TextRules(default_charset=Charset.GSM_PACKED), b"\x00\x1be?"),
        (TextRules(default_charset_sent=Charset.ASCII), b"@??"),
    ],
)
def test_texts_are_written_as_the_profile_says_and_never_packed(rules: TextRules, octets: bytes) -> None:
    assert TextReader(rules).write_default("@€Ж") == octets


def test_a_byte_order_mark_stands_before_the_first_part_only() -> None:
    reader = TextReader(TextRules(byte_order_mark=True, ucs2_sent=OctetOrder.LITTLE))
    assert reader.write_ucs2("Ж", is_first=True) == b"\xff\xfe\x16\x04"
    assert reader.write_ucs2("Ж", is_first=False) == b"\x16\x04"

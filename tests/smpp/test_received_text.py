"""Texts from handsets as a person reads them: every alphabet, national languages, parts put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.gsm import encode_gsm, pack_septets
from gateway.smpp.received_text import GAP, Piece, read_pieces
from gateway.smpp.text import ReadAs, reading_of

CONCATENATED = bytes.fromhex("050003070201")


def piece(body: bytes, read_as: ReadAs = ReadAs.GSM7, header: bytes = b"") -> Piece:
    return Piece(read_as, header, body)


def test_the_numbers_of_readings_are_stored_and_so_fixed() -> None:
    assert [(each.name, each.value) for each in ReadAs] == [
        ("GSM7", 0), ("GSM7_PACKED", 1), ("LATIN1", 2), ("EIGHT_BIT", 3), ("UCS2", 4), ("UCS2_LITTLE", 5),
        ("JIS", 6), ("JIS_EXTENDED", 7), ("CYRILLIC", 8), ("HEBREW", 9), ("KOREAN", 10), ("BINARY", 11),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0x00, b"caf\x05 \x00", "café @"),
        (0x00, "café ș".encode(), "café ș"),
        (0x00, "café".encode("latin-1"), "café"),
        (0x01, b"a@b_$", "a@b_$"),
        (0x03, "façade".encode("latin-1"), "façade"),
        (0x05, "こんにちは".encode("shift_jis"), "こんにちは"),
        (0x05, "こんにちは".encode("iso2022_jp"), "こんにちは"),
        (0x06, "Привет".encode("iso8859-5"), "Привет"),
        (0x07, "שלום".encode("iso8859-8"), "שלום"),
        (0x08, "ș😀".encode("utf-16-be"), "ș😀"),
        (0x09, "絵".encode("cp932"), "絵"),
        (0x0A, "音楽".encode("iso2022_jp"), "音楽"),
        (0x0D, "漢字".encode("euc_jp"), "漢字"),
        (0x0E, "안녕".encode("euc_kr"), "안녕"),
        (0x10, b"flash \x00", "flash @"),
        (0x18, "flaș".encode("utf-16-be"), "flaș"),
        (0xC8, b"2 new \x00", "2 new @"),
        (0xE0, "mesaj".encode("utf-16-be"), "mesaj"),
        (0xF1, b"\x02 5", "$ 5"),
        (0x04, b"\x06\x05", None),
        (0x02, b"\x06\x05", None),
        (0xF5, b"\x06\x05", None),
        (0x24, b"\x06\x05", None),
        (0x04, b"", ""),
        (0x00, b"", ""),
    ],
)
def test_each_data_coding_is_read_as_what_it_announces(
    data_coding: int, octets: bytes, text: str | None
) -> None:
    assert read_pieces([piece(octets, reading_of(data_coding))]) == text


@pytest.mark.parametrize("data_coding", [0x00, 0x10, 0xC0, 0xF0])
def test_the_charset_of_a_carrier_stands_wherever_the_default_alphabet_is_announced(data_coding: int) -> None:
    read_as = reading_of(data_coding, default=ReadAs.LATIN1)
    assert read_pieces([piece(b"a@b_$ caf\xe9", read_as)]) == "a@b_$ café"


def test_declared_latin1_is_not_guessed_to_be_utf8() -> None:
    octets = "Ã©".encode("latin-1")
    assert read_pieces([piece(octets, ReadAs.LATIN1)]) == "Ã©"
    assert read_pieces([piece(octets, ReadAs.EIGHT_BIT)]) == "é"


def test_a_text_longer_than_one_sms_under_data_coding_0_is_one_text() -> None:
    assert read_pieces([piece(b"x" * 254)]) == "x" * 254


@pytest.mark.parametrize(
    ("octets", "is_little_endian", "text"),
    [
        ("hé".encode("utf-16-le"), True, "hé"),
        (b"\xff\xfe" + "hé".encode("utf-16-le"), False, "hé"),
        (b"\xfe\xff" + "hé".encode("utf-16-be"), True, "hé"),
        ("hé".encode("utf-16-be") + b"\x00", False, "hé"),
        ("hé".encode("utf-16-be") + b"\x41", False, "hé"),
        ("hé\0".encode("utf-16-be"), False, "hé"),
    ],
)
def test_ucs2_in_either_order_with_a_mark_or_a_stray_octet(
    octets: bytes, is_little_endian: bool, text: str
) -> None:
    assert read_pieces([piece(octets, reading_of(8, is_little_endian=is_little_endian))]) == text


def test_a_nul_ends_a_text_of_octets_and_never_reaches_the_database() -> None:
    assert read_pieces([piece(b"hello\0\0", ReadAs.EIGHT_BIT)]) == "hello"
    assert read_pieces([piece(b"he\0llo", ReadAs.EIGHT_BIT)]) == "he\ufffdllo"


@pytest.mark.parametrize("text", ["1234567", "12345678", "a" * 160, "é{€}", "x"])
@pytest.mark.parametrize("header", [b"", CONCATENATED, bytes.fromhex("06080400070201")])
def test_packed_septets_are_read_from_the_border_behind_the_header(text: str, header: bytes) -> None:
    septets = encode_gsm(text)
    assert septets is not None
    body = pack_septets(septets, fill_bits=-8 * len(header) % 7)
    assert read_pieces([piece(body, ReadAs.GSM7_PACKED, header)]) == text


def test_seven_spare_bits_show_no_at_sign_and_a_carriage_return_before_one_stays() -> None:
    unfilled = pack_septets(b"1234567")[:6] + bytes([pack_septets(b"1234567")[6] & 0x01])
    assert read_pieces([piece(unfilled, ReadAs.GSM7_PACKED)]) == "1234567"
    assert read_pieces([piece(pack_septets(b"123456\0"), ReadAs.GSM7_PACKED)]) == "123456@"


def test_a_language_of_the_header_chooses_the_table() -> None:
    turkish_single, hindi_locking = bytes.fromhex("03240101"), bytes.fromhex("03250106")
    assert read_pieces([piece(b"ba\x1bs\x1bI", ReadAs.GSM7, turkish_single)]) == "başİ"
    assert read_pieces([piece(b"ab", ReadAs.GSM7, hindi_locking)]) == "ab"
    assert read_pieces([piece(b"\x5b\x40", ReadAs.GSM7, hindi_locking)]) == "\u0949\u092c"
    both = bytes.fromhex("06250103 240103")
    assert read_pieces([piece(b"\x0c\x1b\x0b", ReadAs.GSM7, both)]) == "ôÔ"


def test_a_language_reads_packed_parts_too() -> None:
    header = bytes.fromhex("0824010100030702 01".replace(" ", ""))
    body = pack_septets(b"\x1bs", fill_bits=-8 * len(header) % 7)
    assert read_pieces([piece(body, ReadAs.GSM7_PACKED, header)]) == "ş"


def test_parts_are_joined_before_they_are_read() -> None:
    octets = "a😀b".encode("utf-16-be")
    assert read_pieces([piece(octets[:4], ReadAs.UCS2), piece(octets[4:], ReadAs.UCS2)]) == "a😀b"
    assert read_pieces([piece(b"5 \x1b"), piece(b"e")]) == "5 €", "an escape cut from what it is for"


def test_parts_in_two_alphabets_are_read_each_in_its_own() -> None:
    assert read_pieces([piece(b"caf\x05"), piece("ș".encode("utf-16-be"), ReadAs.UCS2)]) == "caféș"


def test_a_gap_shows_once_for_parts_that_are_missing() -> None:
    assert read_pieces([None, None, piece(b"b"), None]) == f"{GAP}b{GAP}"


def test_parts_of_which_one_is_binary_have_no_text() -> None:
    assert read_pieces([piece(b"a"), piece(b"b", ReadAs.BINARY)]) is None


@given(
    st.lists(
        st.none() | st.builds(Piece, st.sampled_from(ReadAs), st.binary(max_size=9), st.binary(max_size=30))
    )
)
def test_any_pieces_give_a_text_that_can_be_stored(pieces: list[Piece | None]) -> None:
    text = read_pieces(pieces)
    assert text is None or "\0" not in text.encode().decode()

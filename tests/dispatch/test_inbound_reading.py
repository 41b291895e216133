"""A deliver_sm or data_sm with a text, read as the connector's settings have it."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.carriers import ConnectorConfig
from gateway.config.values import HostPort
from gateway.dispatch.inbound_reading import InboundReader
from gateway.domain.identifiers import slot_of_address
from gateway.smpp.gsm import pack_septets
from gateway.smpp.pdus import DataSm, DeliverSm, Tlvs
from gateway.smpp.text import ReadAs
from gateway.store.evidence import InboundSeen

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONCAT_1_OF_2 = bytes.fromhex("050003070201")


def read(
    octets: bytes = b"hello",
    *,
    data_coding: int = 0,
    esm_class: int = 0,
    tlvs: Tlvs = (),
    source: bytes = b"33639981111",
    destination: bytes = b"36111",
    **settings: Any,
) -> InboundSeen:
    config = msgspec.convert(
        {
            "name": "a",
            "hosts": [HostPort("127.0.0.1", 2775)],
            "system_id": "x",
            "inbound_addresses": [{"address": "36111", "shop": "toys"}],
            **settings,
        },
        ConnectorConfig,
    )
    pdu = DeliverSm(
        sequence_number=1,
        source_addr=source,
        destination_addr=destination,
        esm_class=esm_class,
        data_coding=data_coding,
        short_message=octets,
        tlvs=tlvs,
    )
    return InboundReader(4, config, {"toys": 9}).read(pdu, "seat", NOW)


def test_a_text_says_who_wrote_to_whom_and_whose_the_address_is() -> None:
    seen = read(b"caf\x05 \x00")
    assert (seen.text, seen.shop_id, seen.connector_id) == ("café @", 9, 4)
    assert (seen.from_address, seen.to_address) == ("33639981111", "36111")
    assert (seen.slot, seen.acknowledge, seen.at) == (slot_of_address("33639981111"), "seat", NOW)
    assert (seen.part, seen.parts, seen.reference) == (1, 1, None)
    assert read(destination=b"36999").shop_id == 0


@pytest.mark.parametrize("source", [b"33639981111", b"+33639981111", b"0033639981111", b"0639981111"])
def test_a_person_has_one_number_however_the_carrier_writes_it(source: bytes) -> None:
    assert read(source=source, address_form={"country": "FR"}).from_address == "33639981111"


def test_a_national_number_of_ours_is_the_one_in_the_file() -> None:
    settings: dict[str, Any] = {
        "address_form": {"country": "FR"},
        "inbound_addresses": [{"address": "+33644631234", "shop": "toys"}],
    }
    assert read(destination=b"0644631234", **settings).shop_id == 9
    assert read(destination=b"33644631234", **settings).shop_id == 9


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("gsm", b"\x00\x11\x02", "@_$"),
        ("gsm_packed", pack_septets(b"\x00\x11\x02"), "@_$"),
        ("latin1", b"@_$\xe9", "@_$é"),
        ("ascii", b"@_$", "@_$"),
        ("utf8", "@_$ș".encode(), "@_$ș"),
        ("utf8", b"\xe9", "é"),
    ],
)
def test_data_coding_0_is_read_in_the_charset_that_this_carrier_writes(
    charset: str, octets: bytes, text: str
) -> None:
    assert read(octets, default_charset={"receive": charset}).text == text


def test_a_charset_to_this_carrier_says_nothing_of_what_it_sends() -> None:
    assert read(b"\x00", default_charset={"send": "latin1"}).text == "@"


def test_little_endian_ucs2_is_a_setting() -> None:
    octets = "ș".encode("utf-16-le")
    assert read(octets, data_coding=8, ucs2={"receive": "little"}).text == "ș"
    assert read(octets, data_coding=8).text == "\u1902"


def test_an_odd_octet_of_ucs2_is_kept_beside_the_text() -> None:
    seen = read("hé".encode("utf-16-be") + b"\x21", data_coding=8)
    assert (seen.text, seen.body[-1:]) == ("hé", b"\x21")


def test_a_part_has_no_text_yet_and_its_header_beside_its_body() -> None:
    seen = read(CONCAT_1_OF_2 + b"bon", esm_class=0x40)
    assert (seen.text, seen.body, seen.udh) == (None, b"bon", CONCAT_1_OF_2)
    assert (seen.part, seen.parts, seen.reference, seen.reference_bits) == (1, 2, 7, 8)


def test_sar_tlvs_make_a_part_too_and_packed_septets_are_read_later() -> None:
    tlvs = ((0x020C, b"\x00\x07"), (0x020E, b"\x02"), (0x020F, b"\x02"))
    seen = read(b"x", tlvs=tlvs, default_charset={"receive": "gsm_packed"})
    assert (seen.part, seen.parts, seen.reference_bits, seen.read_as) == (2, 2, 16, ReadAs.GSM7_PACKED)


@pytest.mark.parametrize(("total", "number"), [(1, 1), (2, 0), (2, 3), (0, 0)])
def test_a_part_number_that_cannot_be_makes_a_text_of_its_own(total: int, number: int) -> None:
    seen = read(bytes((5, 0, 3, 7, total, number)) + b"STOP", esm_class=0x40)
    assert (seen.text, seen.parts, seen.reference) == ("STOP", 1, None)


def test_a_header_longer_than_the_text_is_none_and_stays_in_the_text() -> None:
    seen = read(b"\x20hi", esm_class=0x40)
    assert (seen.text, seen.body, seen.udh) == (" hi", b"\x20hi", b"")


def test_a_national_language_and_a_reference_stand_in_one_header() -> None:
    header = bytes.fromhex("08 240101 0003070201")
    assert read(header + b"x", esm_class=0x40).parts == 2
    assert read(bytes.fromhex("03240101") + b"\x1bs", esm_class=0x40).text == "ş"


def test_ports_of_a_push_are_told() -> None:
    seen = read(bytes.fromhex("0605040b8423f0") + b"\x01\x06", esm_class=0x40, data_coding=4)
    assert (seen.destination_port, seen.source_port, seen.text) == (2948, 9200, None)
    assert read().destination_port is None


def test_an_empty_text_is_a_text() -> None:
    assert (read(b"").text, read(b"").body) == ("", b"")


def test_a_long_text_under_data_coding_0_and_one_in_message_payload_are_read_whole() -> None:
    assert read(b"x" * 254).text == "x" * 254
    assert read(b"", tlvs=((0x0424, b"y" * 4_000),)).text == "y" * 4_000


def test_a_text_may_come_as_data_sm() -> None:
    reader = InboundReader(
        4, msgspec.convert({"name": "a", "hosts": [HostPort("h", 1)], "system_id": "x"}, ConnectorConfig), {}
    )
    pdu = DataSm(sequence_number=1, source_addr=b"33639981111", tlvs=((0x0424, b"hello"),))
    assert reader.read(pdu, "seat", NOW).text == "hello"


@given(
    st.binary(max_size=80),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=21),
    st.sampled_from(["gsm", "gsm_packed", "latin1", "ascii", "utf8"]),
)
def test_whatever_comes_is_a_text_that_can_be_stored(
    octets: bytes, data_coding: int, esm_class: int, source: bytes, charset: str
) -> None:
    seen = read(
        octets,
        data_coding=data_coding,
        esm_class=esm_class,
        source=source,
        default_charset={"receive": charset},
    )
    assert seen.udh + seen.body == octets
    assert "\0" not in (seen.text or "").encode().decode()

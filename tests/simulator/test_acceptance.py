from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from gateway.simulator.acceptance import Acceptance, read_absolute_time
from gateway.simulator.profile_reading import parse_profile
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.udh import Concatenation

NOW = datetime(2025, 1, 31, 12, 0, tzinfo=UTC).timestamp()
SUBMIT = SubmitSm(source_addr=b"SHOP", destination_addr=b"33612345678", short_message=b"x")


def refuse(yaml: str, submit: SubmitSm, part: Concatenation | None = None) -> int:
    profile = parse_profile(yaml, source="test")
    return Acceptance(profile, wall_clock=lambda: NOW).refuse(submit, part)


def validity(period: str) -> SubmitSm:
    return replace(SUBMIT, validity_period=period.encode())


def to(destination: str, source: str = "SHOP") -> SubmitSm:
    return replace(SUBMIT, destination_addr=destination.encode(), source_addr=source.encode())


@pytest.mark.parametrize(
    ("yaml", "submit", "status"),
    [
        ("", SUBMIT, 0),
        ("accepts: {tlvs: false}", replace(SUBMIT, tlvs=((0x20C, b"\0\1"),)), 0xC1),
        ("accepts: {tlvs: false}", SUBMIT, 0),
        ("accepts: {udh: false}", replace(SUBMIT, esm_class=0x40), 0x43),
        ("accepts: {udh: false}", SUBMIT, 0),
        ("accepts: {service_type: CMT}", SUBMIT, 0x15),
        ("accepts: {service_type: CMT}", replace(SUBMIT, service_type=b"CMT"), 0),
        ("accepts: {sources: [OTHER]}", SUBMIT, 0x0A),
        ("accepts: {sources: [OTHER, SHOP]}", SUBMIT, 0),
        ("accepts: {validity: none}", validity("000001000000000R"), 0x62),
        ("accepts: {validity: none}", SUBMIT, 0),
        ("accepts: {validity: absolute}", validity("000001000000000R"), 0x62),
        ("accepts: {validity: absolute}", validity("250131130000000+"), 0),
        ("accepts: {validity: relative}", validity("250131130000000+"), 0x62),
        ("accepts: {validity: relative}", validity("000001000000000R"), 0),
        ("", validity("250131110000000+"), 0x62),
        ("", validity("250131133000004+"), 0),
        ("", validity("250131123000004+"), 0x62),
        ("addresses: {reads: plus}", to("33612345678"), 0x0B),
        ("addresses: {reads: plus}", to("+33612345678"), 0),
        ("addresses: {reads: plus}", to("+33612345678", "33644000001"), 0x0A),
        ("addresses: {reads: plus}", to("+33612345678", "36180"), 0),
        ("addresses: {reads: digits}", to("+33612345678"), 0x0B),
        ("addresses: {reads: digits}", to("0033612345678"), 0x0B),
        ("addresses: {reads: digits}", to("0612345678"), 0x0B),
        ("addresses: {reads: zeros}", to("0033612345678"), 0),
        ("addresses: {reads: national}", to("0612345678"), 0),
        ("addresses: {reads: national}", to("33612345678"), 0x0B),
        ("addresses: {reads: national}", to("447700900123"), 0),
    ],
)
def test_a_form_that_the_carrier_cannot_take_is_refused(yaml: str, submit: SubmitSm, status: int) -> None:
    assert refuse(yaml, submit) == status


def test_each_part_of_a_text_with_too_many_is_refused() -> None:
    yaml = "accepts: {parts_most: 2, parts_refused_with: 0x45}"
    assert refuse(yaml, SUBMIT, Concatenation(1, 8, 3, 1)) == 0x45
    assert refuse(yaml, SUBMIT, Concatenation(1, 8, 2, 1)) == 0


@pytest.mark.parametrize(
    ("period", "hour"),
    [("250131130000000+", 13), ("250131130000008+", 11), ("250131130000008-", 15)],
)
def test_absolute_times_are_brought_to_utc(period: str, hour: int) -> None:
    at = datetime(2025, 1, 31, hour, 0, tzinfo=UTC).timestamp()
    assert read_absolute_time(period.encode()) == at


@pytest.mark.parametrize("period", ["", "250131", "251331130000000+", "250131130000000R", "x50131130000000+"])
def test_what_is_no_absolute_time_is_none(period: str) -> None:
    assert read_absolute_time(period.encode()) is None

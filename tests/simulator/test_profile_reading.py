from pathlib import Path

import msgspec
import pytest

from gateway.simulator.errors import ProfileError
from gateway.simulator.profile import Answer, IdForm, Profile, Range
from gateway.simulator.profile_reading import load_profile, parse_profile, shipped_profiles

PROMISED = {"default", "realistic", "errors", "throttled", "hex-ids", "early-receipts", "tlv-only", "flaky"}


def test_the_promised_profiles_are_shipped_and_say_what_they_are_for() -> None:
    assert set(shipped_profiles()) >= PROMISED
    for name in shipped_profiles():
        assert load_profile(name).description


def test_the_default_profile_is_the_defaults() -> None:
    assert msgspec.structs.replace(load_profile("default"), description="") == Profile()


def test_an_empty_file_is_the_defaults() -> None:
    assert parse_profile("", source="empty") == Profile()


def test_a_profile_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("submit: {latency_ms: {least: 5, most: 9}, answers: [{command_status: 0x0b}]}\n")
    profile = load_profile(path)
    assert profile.submit.latency_ms == Range(least=5, most=9)
    assert profile.submit.answers == (Answer(command_status=0x0B),)
    assert load_profile(str(path)) == profile


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("receipts: {dely_seconds: 3}", ["receipts.dely_seconds", "'delay_seconds'"]),
        ("receipts: {delay_seconds: {least: 3, mst: 4}}", ["receipts.delay_seconds.mst", "'most'"]),
        ("submit: {answers: [{wight: 3}]}", ["submit.answers[0].wight", "'weight'"]),
        ("receipts: {delay_seconds: -1}", ["receipts.delay_seconds", ">= 0"]),
        ("receipts: {form: tlvs}", ["receipts.form", "tlvs"]),
        ("receipts: {data_coding: 4}", ["receipts.data_coding"]),
        ("receipts: {delay_seconds: {least: 4, most: 3}}", ["receipts.delay_seconds", "above"]),
        ("submit: {answers: [{weight: 0}]}", ["submit.answers", "weight"]),
        ("receipts: {outcomes: []}", ["receipts.outcomes"]),
        ("ids: {response: uuid, receipt: hex}", ["ids", "uuid"]),
        ("ids: {response: uuid, receipt_tlv: hex}", ["ids", "uuid"]),
        ("ids: {response: long, receipt_prefix: x}", ["ids", "long", "prefix"]),
        ("faults: {half_open_every_seconds: {least: 2, most: 1}}", ["faults.half_open_every_seconds"]),
        ("bind: {}\nbind: {}", ["'bind'", "twice"]),
        ("bind: [", ["YAML"]),
        ("[]", ["array"]),
    ],
)
def test_a_faulty_profile_is_refused_with_the_key_and_what_is_allowed(text: str, words: list[str]) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, source="bad.yaml")
    assert "bad.yaml" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ProfileError, match="hex-ids"):
        load_profile("hexids")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "nothing.yaml")


def test_a_file_that_is_no_profile_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * 200_000)
    with pytest.raises(ProfileError, match="larger than"):
        load_profile(path)


def test_a_receipt_without_a_form_of_its_own_has_that_of_the_response() -> None:
    ids = parse_profile("ids: {response: hex}", source="x").ids
    assert (ids.response, ids.receipt) == (IdForm.HEX, None)

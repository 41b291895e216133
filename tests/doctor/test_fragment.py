"""The fragment: YAML that says what was proposed, each key below its evidence."""

import pytest
import yaml

from gateway.doctor.findings import Confidence, Proposal
from gateway.doctor.fragment import write_fragment


def test_groups_are_nested_and_evidence_stands_above_the_key() -> None:
    text = write_fragment(
        [
            Proposal("id_form.response", "hex_to_dec", "14 match so"),
            Proposal("id_form.strip_zeros", True, "14 match so"),
            Proposal("window", 8, "8 of 16 taken", Confidence.LIKELY),
        ]
    )
    assert text.splitlines() == [
        "    id_form:",
        "      # 14 match so",
        "      response: hex_to_dec",
        "      strip_zeros: true",
        "    # 8 of 16 taken (likely)",
        "    window: 8",
    ]


@pytest.mark.parametrize(
    "value",
    ["3.4", "Europe/Paris", "Etc/GMT-2", "smsc1-", 'a"b\\', "", "true", "NO", "0x10", "12", "udh8", 7, False],
)
def test_every_value_comes_back_from_yaml_as_it_was(value: str | int | bool) -> None:
    loaded = yaml.safe_load(write_fragment([Proposal("key", value, "why")]))["key"]
    assert (type(loaded), loaded) == (type(value), value)


def test_nothing_proposed_is_nothing_written() -> None:
    assert write_fragment([]) == ""


def test_long_evidence_is_wrapped_into_comments() -> None:
    lines = write_fragment([Proposal("window", 8, "word " * 60)]).splitlines()
    assert len(lines) > 2
    assert all(line.startswith("    # ") for line in lines[:-1])
    assert max(map(len, lines)) <= 110

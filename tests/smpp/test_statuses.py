"""Every status has a sentence, in the code and in the document."""

from pathlib import Path

import pytest

from gateway.smpp.statuses import CommandStatus, describe_status, label_status, name_status, write_status

DOCUMENT = Path(__file__).parents[2] / "docs" / "smpp-core.md"


@pytest.mark.parametrize("status", CommandStatus)
def test_every_status_is_described_and_documented(status):
    assert "does not define" not in describe_status(status)
    row = f"| `0x{status.value:02x}` | {status.name} | {describe_status(status)} |"
    assert row in DOCUMENT.read_text(encoding="utf-8")


def test_unknown_numbers_keep_their_value():
    assert name_status(0x0E) == "ESME_RINVPASWD"
    assert name_status(0x45F) == "0x0000045f"
    assert "0x45f" in describe_status(0x45F)
    assert "0xabcd" in describe_status(0xABCD)


def test_statuses_are_written_as_manuals_have_them():
    assert [write_status(status) for status in (0x05, 0x4A1)] == ["0x05", "0x4a1"]
    assert [label_status(status) for status in (0x58, 0x4A1)] == ["0x58 ESME_RTHROTTLED", "0x4a1"]

"""What an event about a text from a handset carries."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.keywords import Keyword
from gateway.store.inbound_reads import InboundRecord
from gateway.web.subjects import show_inbound

WHOLE = InboundRecord(
    shop_id=1,
    id=7,
    received_at=datetime(2026, 3, 1, tzinfo=UTC),
    from_address="33639981111",
    to_address="36111",
    text="STOP",
    body=b"STOP",
    data_coding=0,
    reference=None,
    parts_came=1,
    parts=1,
    destination_port=None,
    source_port=None,
    keyword=Keyword.STOP,
    campaign_id=None,
)


def test_a_short_text_is_complete_and_for_nobody_but_the_shop() -> None:
    shown = show_inbound(WHOLE)
    assert (shown["from"], shown["to"], shown["keyword"]) == ("+33639981111", "36111", "stop")
    assert (shown["parts"], shown["parts_came"], shown["complete"]) == (1, 1, True)
    assert (shown["ports"], shown["binary"]) == (None, None)


def test_a_text_of_which_a_part_is_missing_says_so() -> None:
    shown = show_inbound(replace(WHOLE, text="un […]", parts=3, parts_came=2, reference=9))
    assert (shown["parts"], shown["parts_came"], shown["complete"], shown["reference"]) == (3, 2, False, 9)


def test_a_push_names_its_ports() -> None:
    shown = show_inbound(replace(WHOLE, destination_port=2948, source_port=9200))
    assert shown["ports"] == {"destination": 2948, "source": 9200}


@pytest.mark.parametrize(
    ("text", "body", "binary"), [(None, b"\x01\x02", "AQI="), ("", b"", None), (None, b"", None)]
)
def test_octets_are_given_only_where_there_is_no_text(
    text: str | None, body: bytes, binary: str | None
) -> None:
    shown = show_inbound(replace(WHOLE, text=text, body=body, data_coding=4))
    assert (shown["text"], shown["binary"], shown["data_coding"]) == (text, binary, 4)


def test_every_field_is_described() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert not [field for field in show_inbound(WHOLE) if f"`{field}`" not in page]

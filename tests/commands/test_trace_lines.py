"""A traced PDU on a terminal."""

from typing import Any

from gateway.commands.trace_lines import format_pdu

PDU: dict[str, Any] = {
    "at": "2025-11-22T12:00:00.250000Z",
    "connector": "orange",
    "bind": 1,
    "mode": "transceiver",
    "session": 3,
    "direction": "received",
    "command": "submit_sm_resp",
    "sequence_number": 7,
    "status": "0x58 ESME_RTHROTTLED",
    "summary": "",
    "words": ["command_status 0x58 ESME_RTHROTTLED: Too fast."],
    "hex": "00 00 00 10 80 00 00 04 00 00 00 58 00 00 00 07 ··",
    "left_out": 0,
}


def shown(*, is_brief: bool = True, shows_hex: bool = False, **changes: object) -> list[str]:
    return format_pdu({**PDU, **changes}, is_brief=is_brief, shows_hex=shows_hex).splitlines()


def test_a_line_says_when_where_which_way_and_what() -> None:
    assert shown() == ["12:00:00.250  bind 1  ←  submit_sm_resp 7  0x58 ESME_RTHROTTLED"]
    [line] = shown(
        at="2025-11-22T12:00:00Z", direction="sent", mode="transmitter", status=None, summary="A → B"
    )
    assert line == "12:00:00.000  bind 1 TX  →  submit_sm_resp 7  A → B"


def test_words_and_octets_stand_below() -> None:
    assert shown(is_brief=False, shows_hex=True)[1:] == [
        "    command_status 0x58 ESME_RTHROTTLED: Too fast.",
        "    0000  00 00 00 10 80 00 00 04 00 00 00 58 00 00 00 07",
        "    0010  ··",
    ]


def test_what_was_left_out_before_it_is_said() -> None:
    assert shown(left_out=12)[0] == "… 12 PDUs left out"

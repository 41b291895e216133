"""Whoever counts serials finds what was lost, doubled or left unknown; and nothing else."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.fault_account import Reckoning, read_taken, reckon, text_of_serial
from gateway.domain.message import MessageState

NOTHING = Reckoning((), (), ())


@pytest.mark.parametrize(
    ("taken", "states", "found"),
    [
        (1, [MessageState.DELIVERED], NOTHING),
        (0, [MessageState.FAILED], NOTHING),
        (0, [MessageState.UNKNOWN], Reckoning((), (), (7,))),
        (1, [MessageState.UNKNOWN], Reckoning((), (), (7,), (7,))),
        (0, [], Reckoning((7,), (), ())),
        (1, [], Reckoning((7,), (), ())),
        (0, [MessageState.DELIVERED], Reckoning((7,), (), ())),
        (0, [MessageState.QUEUED], Reckoning((7,), (), ())),
        (1, [MessageState.SENT], Reckoning((7,), (), ())),
        (1, [MessageState.FAILED], Reckoning((7,), (), ())),
        (2, [MessageState.DELIVERED], Reckoning((), (7,), ())),
        (2, [MessageState.UNKNOWN], Reckoning((), (7,), ())),
        (1, [MessageState.DELIVERED, MessageState.UNKNOWN], Reckoning((), (7,), ())),
    ],
)
def test_what_became_of_a_serial(taken: int, states: list[MessageState], found: Reckoning) -> None:
    assert reckon([7], Counter({7: taken}), [(7, state) for state in states]) == found


def test_only_submits_that_were_taken_count(tmp_path: Path) -> None:
    log = tmp_path / "carrier.log"
    lines = [
        {"event": "submit", "text": text_of_serial(1), "command_status": 0},
        {"event": "submit", "text": text_of_serial(1), "command_status": 0},
        {"event": "submit", "text": text_of_serial(2), "command_status": 0x58},
        {"event": "submit", "text": "somebody else's", "command_status": 0},
        {"event": "receipt", "text": text_of_serial(3), "command_status": 0},
    ]
    log.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    assert read_taken(log) == Counter({1: 2})

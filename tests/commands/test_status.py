"""The status screen: what is up, what waits, and what limits sending, in words."""

import copy
from typing import Any

from gateway.commands.connector import describe_binds
from gateway.commands.status import describe_status

BIND: dict[str, Any] = {
    "bind": 1,
    "mode": "transceiver",
    "state": "bound",
    "since": "2026-03-01T09:30:00.123Z",
    "endpoint": "127.0.0.1:2775",
    "last_error": "",
    "failures": 0,
    "next_retry_at": None,
    "window": 50,
    "in_flight": 12,
    "submitted": 900,
    "bad_pdus": 0,
}
CONNECTOR: dict[str, Any] = {
    "name": "smsc-a",
    "is_up": True,
    "parts_per_second": 42.0,
    "parts_per_second_limit": 50.0,
    "binds": [BIND],
}
STATUS: dict[str, Any] = {
    "node": {
        "node_no": 0,
        "epoch": 3,
        "host": "sms1",
        "version": "0.1.0",
        "started_at": "2026-03-01T09:29:58.000Z",
        "holds_lease": True,
    },
    "database": "up",
    "binds_up": 1,
    "binds": 1,
    "parts_per_second": 41.5,
    "queue": [],
    "clicks": {"noted": 0, "waiting": 0, "late": 0, "lost": 0},
    "holds": [],
    "limits": [],
    "connectors": [CONNECTOR],
}


def test_a_quiet_server_says_that_nothing_waits() -> None:
    screen = describe_status(STATUS)
    assert "binds 1 of 1 up; 41.5 parts/s leave; database up" in screen
    assert "smsc-a" in screen
    assert "12/50" in screen
    assert "42/50" in screen
    assert screen.endswith("Nothing waits, nothing limits sending.")


def test_limits_stand_last_in_the_words_of_the_server() -> None:
    status = copy.deepcopy(STATUS)
    status["queue"] = [
        {
            "connector": "smsc-a",
            "lane": "bulk",
            "category": "marketing",
            "messages": 100_000,
            "is_at_least": True,
            "oldest_seconds": 75,
        }
    ]
    status["limits"] = ["smsc-a: limited by carrier: 0x58, 42/s of 50/s."]
    screen = describe_status(status)
    assert "100,000 or more" in screen
    assert "75 s" in screen
    assert screen.endswith("What limits sending now:\n  smsc-a: limited by carrier: 0x58, 42/s of 50/s.")


def test_clicks_that_were_lost_are_told() -> None:
    status = copy.deepcopy(STATUS)
    status["clicks"] = {"noted": 12_000, "waiting": 10_000, "late": 10_003, "lost": 4}
    lines = describe_status(status).splitlines()
    told = "clicks 12,000 since the start; 10,000 wait to be stored, 10,003 were stored late, 4 lost"
    assert told in lines


def test_a_bind_that_is_down_says_why_and_when_it_tries_again() -> None:
    connector = copy.deepcopy(CONNECTOR)
    connector["binds"][0] |= {
        "state": "backing_off",
        "last_error": "the carrier refused our password (0x0e)",
        "next_retry_at": "2026-03-01T09:31:00.000Z",
    }
    assert describe_binds([connector]).splitlines()[-1] == (
        "  smsc-a, bind 1: the carrier refused our password (0x0e); tries again at 2026-03-01T09:31:00.000Z"
    )


def test_the_screen_is_at_most_as_wide_as_a_wide_terminal() -> None:
    assert max(map(len, describe_status(STATUS).splitlines())) <= 120


def test_no_connector_is_said_in_words() -> None:
    assert "No connector is configured" in describe_binds([])

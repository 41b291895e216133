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
    "overrides": [],
    "binds": [BIND],
    "elsewhere": [],
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
    "nodes_alive": 1,
    "database": "up",
    "binds_up": 1,
    "binds": 1,
    "parts_per_second": 41.5,
    "waiting_to_be_stored": 0,
    "webhooks": {"due": 0},
    "alerts": [],
    "receipts_unmatched": 0,
    "unknown_messages": 0,
    "disk": {"free_percent": 71.0},
    "queue": [],
    "clicks": {"noted": 0, "waiting": 0, "late": 0, "lost": 0},
    "holds": [],
    "limits": [],
    "connectors": [CONNECTOR],
}


STREAM: dict[str, Any] = {
    "connector": "smsc-a",
    "lane": "bulk",
    "category": "marketing",
    "messages": 100_000,
    "is_at_least": True,
    "oldest_seconds": 75,
}
DOWN: dict[str, Any] = {
    "key": "down",
    "value": None,
    "author": "uid 0",
    "reason": "line test",
    "made_at": "2026-03-01T09:00:00.000Z",
    "expires_at": "2026-03-01T11:30:00.000Z",
}


def describe(**changes: Any) -> list[str]:
    return describe_status({**copy.deepcopy(STATUS), **changes}).splitlines()


def test_a_quiet_server_says_first_that_nothing_waits() -> None:
    lines = describe()
    assert lines[:2] == ["Nothing waits, nothing limits sending; 41.5 parts/s leave.", "No alert stands."]
    assert ["smsc-a", "1/1", "12/50", "42/50"] in [line.split() for line in lines]
    assert lines[-2:] == [
        "database up; disk 71 % free",
        "node 0 on sms1, version 0.1.0, up since 2026-03-01 09:29 UTC",
    ]


def test_what_limits_sending_stands_first_in_the_words_of_the_server() -> None:
    lines = describe(queue=[STREAM], limits=["smsc-a: limited by carrier: 0x58, 42/s of 50/s."])
    assert lines[:2] == [
        "What limits sending now (41.5 parts/s leave):",
        "  smsc-a: limited by carrier: 0x58, 42/s of 50/s.",
    ]
    assert any("100,000 or more" in line and "75 s" in line for line in lines)
    assert describe(queue=[STREAM])[0] == "Nothing limits sending now; 41.5 parts/s leave."


def test_alerts_stand_below_the_limits_with_their_kind() -> None:
    alert = {"kind": "disk_low", "sentence": "/var: 4.0 % of the disk are free (2.1 GB)."}
    assert describe(alerts=[{**alert, "gone_since": None}])[1:3] == [
        "1 alert:",
        "  /var: 4.0 % of the disk are free (2.1 GB). [disk_low]",
    ]
    gone = " ".join(describe(alerts=[{**alert, "gone_since": "2026-03-01T09:30:05.123Z"}])[2:4]).strip()
    assert gone.endswith("[disk_low, gone since 09:30:05 UTC]")


def test_what_somebody_changed_by_hand_is_shown_with_its_end() -> None:
    connector = {**CONNECTOR, "binds": [], "is_up": False, "overrides": [DOWN]}
    [line] = [line for line in describe(connectors=[connector]) if line.startswith("smsc-a")]
    assert line.endswith("down until 03-01 11:30")
    assert describe_binds([connector]).splitlines()[-1] == (
        "  smsc-a: taken down by uid 0 until 2026-03-01 11:30 UTC: line test"
    )


def test_what_is_lost_or_behind_is_told() -> None:
    clicks = {"noted": 12_000, "waiting": 10_000, "late": 10_003, "lost": 4}
    told = " ".join(describe(clicks=clicks, receipts_unmatched=7, waiting_to_be_stored=2_100))
    assert "7 receipts without a message" in told
    assert "2,100 outcomes to be stored" in told
    assert "1 receipt without a message;" in " ".join(describe(receipts_unmatched=1, waiting_to_be_stored=1))
    assert "3 messages of unknown outcome;" in " ".join(describe(unknown_messages=3, waiting_to_be_stored=1))
    assert "clicks: 10,000 to be stored, 4 lost" in told


def test_a_usual_setup_in_trouble_fits_a_terminal_of_24_lines() -> None:
    """Three carriers of two binds, four streams, three limits, two alerts and a change by hand."""
    connectors = [
        {**CONNECTOR, "name": f"carrier-{n}", "binds": [BIND, BIND], "overrides": [DOWN] if n == 2 else []}
        for n in range(3)
    ]
    limits = [
        "Marketing of shop boutique is held by uid 1000: complaints from Lyon.",
        "carrier-0: limited by carrier: 0x58, 42/s of 50/s.",
        "carrier-1: 50 submits await their answer, the oldest for 12 s.",
    ]
    alerts = [
        {"kind": "bind_down", "sentence": "carrier-1: bind 2 is down since 09:31 UTC: no answer in time."},
        {"kind": "disk_low", "sentence": "/var: 4.0 % of the disk are free (2.1 GB); 10 % are the least."},
    ]
    alerts = [{**alert, "gone_since": None} for alert in alerts]
    lines = describe(connectors=connectors, limits=limits, alerts=alerts, queue=[STREAM] * 4)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_long_lists_are_cut_and_say_where_the_rest_is() -> None:
    many = [{**CONNECTOR, "name": f"carrier-with-a-long-name-{n}"} for n in range(30)]
    alerts = [
        {"kind": "bind_down", "sentence": f"carrier {n} is down.", "gone_since": None} for n in range(30)
    ]
    lines = describe(connectors=many, alerts=alerts, limits=["x" * 200] * 9, queue=[STREAM] * 9)
    assert len(lines) <= 48
    assert max(map(len, lines)) <= 80
    for command in ("estafette alerts", "estafette connector list", "estafette status --json"):
        assert any(line.endswith(f"more: {command}") for line in lines)


def test_a_bind_that_is_down_says_why_and_when_it_tries_again() -> None:
    connector = copy.deepcopy(CONNECTOR)
    connector["binds"][0] |= {
        "state": "backing_off",
        "last_error": "the carrier refused our password (0x0e)",
        "next_retry_at": "2026-03-01T09:31:00.000Z",
    }
    assert describe_binds([connector]).splitlines()[-1] == (
        "  smsc-a, bind 1: the carrier refused our password (0x0e); tries again at 2026-03-01 09:31:00 UTC"
    )


def test_binds_on_other_nodes_are_told_apart_from_those_of_this_node() -> None:
    elsewhere = [
        {"bind": 2, "node": 1, "host": "sms2", "is_up": True, "parts_per_second": 25.0},
        {"bind": 3, "node": 1, "host": "sms2", "is_up": False, "parts_per_second": 0.0},
    ]
    pair = [{**BIND, "mode": "transmitter"}, {**BIND, "mode": "receiver"}]
    connector = {**CONNECTOR, "binds": pair, "elsewhere": elsewhere}
    lines = describe(connectors=[connector], nodes_alive=2)
    assert ["smsc-a", "2/2", "1/2", "24/100", "42/50"] in [line.split() for line in lines]
    assert lines[-2] == "database up; 2 nodes; disk 71 % free"
    assert max(map(len, lines)) <= 80
    _, *own, second, third = describe_binds([connector]).splitlines()
    assert [line.split()[1:4] for line in own] == [["1", "transmitter", "bound"], ["1", "receiver", "bound"]]
    assert "bound" in second
    assert "on node 1, sms2" in second
    assert "down" in third


def test_no_connector_is_said_in_words() -> None:
    assert "No connector is configured" in describe_binds([])

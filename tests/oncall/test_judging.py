"""Which alerts hold: each kind at its limit, just below it, and when it may end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.config import AlertsConfig
from gateway.oncall.alerts import AlertKind
from gateway.oncall.judging import find_unseen, judge, tell_seconds
from gateway.oncall.observations import (
    BindSeen,
    BurstSeen,
    DeliverySeen,
    DiskSeen,
    GoneSeen,
    HaltedSeen,
    Observations,
    QueueSeen,
    SpendSeen,
    UnknownSeen,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WELL = Observations(NOON, "sms1", "node 0 on sms1", is_database_away=False, holds_lease=True)
LIMITS = AlertsConfig()


def told(standing: Any = (), **seen: Any) -> list[tuple[str, str]]:
    alerts = judge(replace(WELL, **seen), LIMITS, standing)
    return [(alert.kind.value, alert.sentence) for alert in alerts]


def kinds(standing: Any = (), **seen: Any) -> list[str]:
    return [kind for kind, _ in told(standing, **seen)]


def bind(seconds: float | None, **changes: Any) -> BindSeen:
    since = None if seconds is None else NOON - timedelta(seconds=seconds)
    return BindSeen("smsc-a", 1, "transceiver", since, **changes)


def test_all_well_is_silent() -> None:
    assert told(binds=[bind(None)], disk=DiskSeen("/var", 50, 100)) == []


def test_a_database_that_is_away_is_told_and_the_lease_that_runs_out_with_it_is_not() -> None:
    assert kinds(is_database_away=True, holds_lease=False) == ["database_away"]
    assert kinds(holds_lease=False) == ["lease_lost"]


def test_a_node_that_died_is_told_of_with_since_when() -> None:
    gone = GoneSeen("node 1 on sms2", NOON - timedelta(minutes=3))
    assert told(gone_nodes=[gone]) == [
        ("node_gone", "node 1 on sms2 has let its lease run out at 11:57 UTC; other nodes do its work.")
    ]


def test_a_bind_is_told_after_its_time_with_since_when_and_why() -> None:
    assert kinds(binds=[bind(59)]) == []
    assert told(binds=[bind(60, last_error="refu\0sed")]) == [
        ("bind_down", "smsc-a: bind 1 is down since 11:59 UTC: refu sed.")
    ]


def test_wrong_credentials_are_told_at_once() -> None:
    refused = bind(1, is_refused=True, last_error="invalid password (0x0e)")
    assert told(binds=[refused]) == [
        (
            "credentials_refused",
            "smsc-a: bind 1 is not accepted by the carrier: invalid password (0x0e).",
        )
    ]


def test_the_two_binds_of_a_pair_are_two_alerts() -> None:
    pair = [BindSeen("a", 1, mode, NOON - timedelta(hours=1)) for mode in ("transmitter", "receiver")]
    assert len({alert.key for alert in judge(replace(WELL, binds=pair), LIMITS)}) == 2


@pytest.mark.parametrize(("lane", "limit"), [("otp", 30), ("transactional", 300), ("bulk", 3600)])
def test_each_lane_has_its_own_patience(lane: str, limit: int) -> None:
    assert kinds(queue=[QueueSeen("smsc-a", lane, limit - 1, 1)]) == []
    assert kinds(queue=[QueueSeen("smsc-a", lane, limit, 1)]) == ["queue_age"]


def test_few_receipts_say_nothing_and_a_drop_among_many_does() -> None:
    assert kinds(deliveries=[DeliverySeen("smsc-a", 0, 99)]) == []
    assert kinds(deliveries=[DeliverySeen("smsc-a", 50, 100)]) == []
    assert told(deliveries=[DeliverySeen("smsc-a", 49, 100)]) == [
        (
            "delivery_drop",
            "smsc-a: 49 % of the last 100 receipts within 15 minutes say delivered; 50 % are the least.",
        )
    ]


def test_a_figure_that_hovers_at_its_limit_does_not_come_and_go() -> None:
    drop, low = (AlertKind.DELIVERY_DROP, "smsc-a"), (AlertKind.DISK_LOW, "sms1:/var")
    assert kinds([drop], deliveries=[DeliverySeen("smsc-a", 55, 100)]) == ["delivery_drop"]
    assert kinds([drop], deliveries=[DeliverySeen("smsc-a", 60, 100)]) == []
    assert kinds(disk=DiskSeen("/var", 9, 100)) == ["disk_low"]
    assert kinds([low], disk=DiskSeen("/var", 11, 100)) == ["disk_low"]
    assert kinds([low], disk=DiskSeen("/var", 12, 100)) == []
    burst = (AlertKind.OTP_BURST, "33612345")
    assert kinds(bursts=[BurstSeen("33612345", 500)]) == []
    assert kinds(bursts=[BurstSeen("33612345", 501)]) == ["otp_burst"]
    assert kinds([burst], bursts=[BurstSeen("33612345", 401)]) == ["otp_burst"]


def test_messages_of_unknown_outcome_are_told_above_the_limit_until_most_are_decided() -> None:
    key = (AlertKind.UNKNOWN_MESSAGES, "smsc-a")
    assert kinds(unknown=[UnknownSeen("smsc-a", 100)]) == []
    assert kinds(unknown=[UnknownSeen("smsc-a", 101)]) == ["unknown_messages"]
    assert kinds([key], unknown=[UnknownSeen("smsc-a", 81)]) == ["unknown_messages"]
    assert kinds([key], unknown=[UnknownSeen("smsc-a", 80)]) == []
    assert judge(replace(WELL, unknown=[UnknownSeen("smsc-a", 5)]), AlertsConfig(unknown_messages=0)) == []


def test_a_cap_of_spend_is_told_near_it_and_at_it_to_that_shop_alone() -> None:
    def spend(micros: int) -> list[SpendSeen]:
        return [SpendSeen("boutique", "day", micros, 10_000_000, "EUR")]

    assert kinds(spend=spend(7_990_000)) == []
    near = judge(replace(WELL, spend=spend(8_000_000)), LIMITS)
    assert [(alert.kind, alert.shop) for alert in near] == [(AlertKind.SPEND_NEAR_CAP, "boutique")]
    assert kinds(spend=spend(9_960_000)) == ["spend_cap"], "the last cents buy no message"


def test_a_limit_of_zero_is_silent() -> None:
    limits = AlertsConfig(delivery_percent=0, disk_free_percent=0)
    seen = replace(WELL, disk=DiskSeen("/var", 0, 100), deliveries=[DeliverySeen("smsc-a", 0, 1000)])
    assert judge(seen, limits) == []


def test_what_does_not_agree_in_the_ledger_is_told_once_with_the_first_differences() -> None:
    [(kind, sentence)] = told(ledger_faults=[f"difference {n}" for n in range(5)])
    assert kind == "ledger_difference"
    assert sentence.endswith("difference 0; difference 1; difference 2; and 2 more.")


def test_everything_at_once_is_told_the_worst_first() -> None:
    seen = kinds(
        is_database_away=True,
        binds=[bind(99), bind(1, is_refused=True)],
        missing_connectors=["smsc-b"],
        halted=[HaltedSeen("boutique", "Soldes", "Campaign Soldes has paused.")],
        clicks_lost=3,
        unknown=[UnknownSeen("smsc-a", 101)],
        ledger_faults=["x"],
    )
    assert seen == [
        "database_away",
        "credentials_refused",
        "bind_down",
        "connector_missing",
        "unknown_messages",
        "ledger_difference",
        "campaign_halted",
        "clicks_lost",
    ]


def test_what_could_not_be_looked_at_is_known_to_be_unseen() -> None:
    assert find_unseen(WELL) == frozenset()
    unseen = find_unseen(replace(WELL, queue=None, unknown=None, spend=None, ledger_faults=None))
    assert {kind.value for kind in unseen} == {
        "queue_age",
        "unknown_messages",
        "spend_cap",
        "spend_near_cap",
        "ledger_difference",
    }


@pytest.mark.parametrize(
    ("seconds", "words"), [(30, "30 s"), (300, "5 min"), (7200, "2 h"), (200_000, "2 days")]
)
def test_lengths_of_time_are_told_in_a_unit_that_fits(seconds: int, words: str) -> None:
    assert tell_seconds(seconds) == words

"""Counts in memory that alerts and figures are made of."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from gateway.domain.message import MessageState
from gateway.oncall.deliveries import DeliveryMeter, RecentLosses
from gateway.oncall.observations import BurstSeen, DeliverySeen
from gateway.oncall.otp_bursts import MOST_BLOCKS, OtpWatch
from gateway.oncall.state_counts import StateCounts
from gateway.store.oncall_reads import StateSum

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DELIVERED, FAILED = int(MessageState.DELIVERED), int(MessageState.FAILED)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def test_receipts_are_compared_with_those_of_a_quarter_of_an_hour_ago() -> None:
    meter, counts = DeliveryMeter(), Counter({(1, DELIVERED): 1_000})
    assert meter.look(counts, {1: "a"}, NOON) == []
    counts[1, FAILED] += 30
    counts[1, DELIVERED] += 10
    assert meter.look(counts, {1: "a"}, minutes(5)) == [DeliverySeen("a", 10, 40)]
    counts[1, DELIVERED] += 5
    assert meter.look(counts, {1: "a"}, minutes(15.5)) == [DeliverySeen("a", 15, 45)]
    assert meter.look(counts, {1: "a"}, minutes(20.6)) == [DeliverySeen("a", 5, 5)]
    assert meter.look(counts, {1: "a"}, minutes(31)) == []


def test_losses_are_those_of_the_last_hour() -> None:
    losses = RecentLosses()
    assert losses.look(0, NOON) == 0
    assert losses.look(3, NOON) == 3
    assert losses.look(5, minutes(30)) == 5
    assert losses.look(5, minutes(60)) == 2
    assert losses.look(5, minutes(90)) == 0


def test_one_time_passwords_count_by_a_thousand_numbers_within_the_hour() -> None:
    watch = OtpWatch()
    for n in range(300):
        watch.note(f"33612345{n:03}", minutes(n / 10))
    watch.note("33699999999", NOON)
    assert watch.find_bursts(100, minutes(30)) == [BurstSeen("33612345", 300)]
    assert watch.find_bursts(100, minutes(61))[0].messages < 300
    assert watch.find_bursts(5, minutes(120)) == []


def test_a_flood_over_too_many_blocks_counts_by_wider_ones() -> None:
    watch = OtpWatch()
    for n in range(MOST_BLOCKS + 400):
        watch.note(f"33{n:06}000", NOON)
    assert watch.find_bursts(300, NOON) == [BurstSeen("33100", 400)]
    watch.note("33000000000", minutes(60))
    assert watch.find_bursts(300, minutes(60)) == []


def test_counters_of_states_grow_and_lose_nothing_at_the_turn_of_the_hour() -> None:
    counts, key = StateCounts(), (1, 2, 4)
    first = counts.hours_to_ask(NOON)
    assert first == (NOON - timedelta(hours=24),) * 2
    counts.look(first, [StateSum(*key, 100, 100)])
    assert counts.counts[key] == 0, "they were there before this process"
    counts.look(counts.hours_to_ask(minutes(1)), [StateSum(*key, 130, 130)])
    turn = counts.hours_to_ask(minutes(61))
    assert turn == (NOON - timedelta(hours=24), NOON - timedelta(hours=23))
    counts.look(turn, [StateSum(*key, 150, 60)])
    counts.look(counts.hours_to_ask(minutes(62)), [StateSum(*key, 75, 75)])
    assert counts.counts[key] == 65

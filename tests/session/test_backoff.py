"""Waits by what went wrong."""

from random import Random

import pytest

from gateway.session.backoff import Backoff, FailureKind, classify_close
from gateway.session.owner import CloseKind, CloseReason


@pytest.mark.parametrize(
    ("kind", "command_status", "expected"),
    [
        (CloseKind.BIND_REFUSED, 0x0E, FailureKind.CREDENTIALS),
        (CloseKind.BIND_REFUSED, 0x0F, FailureKind.CREDENTIALS),
        (CloseKind.BIND_REFUSED, 0x0D, FailureKind.CREDENTIALS),
        (CloseKind.BIND_REFUSED, 0x05, FailureKind.ALREADY_BOUND),
        (CloseKind.BIND_REFUSED, 0x08, FailureKind.REFUSED),
        (CloseKind.PEER_UNBOUND, None, FailureKind.PEER_UNBOUND),
        (CloseKind.PEER_CLOSED, None, FailureKind.NETWORK),
        (CloseKind.TLS, None, FailureKind.TLS),
        (CloseKind.ENQUIRE_LINK_UNANSWERED, None, FailureKind.NETWORK),
    ],
)
def test_what_an_end_means(kind, command_status, expected):
    assert classify_close(CloseReason(kind, "", command_status)) is expected


def waits(kind, count, seed=1):
    backoff = Backoff(Random(seed))
    return [backoff.next_delay_seconds(kind) for _ in range(count)]


def test_credentials_wait_a_minute_and_the_network_a_second():
    assert 45 <= waits(FailureKind.CREDENTIALS, 1)[0] <= 75
    assert 0.75 <= waits(FailureKind.NETWORK, 1)[0] <= 1.25


def test_repeats_double_up_to_the_most_for_ever():
    seconds = waits(FailureKind.ALREADY_BOUND, 2000)
    assert all(5 * 2**n * 0.75 <= wait <= 5 * 2**n * 1.25 for n, wait in enumerate(seconds[:3]))
    assert 30 * 0.75 <= min(seconds[5:]) <= max(seconds) <= 30 * 1.25


def test_chance_spreads_binds():
    assert waits(FailureKind.NETWORK, 1, seed=1) != waits(FailureKind.NETWORK, 1, seed=2)


def test_another_kind_starts_over_and_a_healthy_session_forgets():
    backoff = Backoff(Random(1))
    for _ in range(5):
        backoff.next_delay_seconds(FailureKind.NETWORK)
    assert backoff.next_delay_seconds(FailureKind.PEER_UNBOUND) <= 2.5
    assert backoff.failures == 6
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_delay_seconds(FailureKind.NETWORK) <= 1.25

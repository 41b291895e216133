"""Matching, expiry and the late table."""

from gateway.session import window as window_module
from gateway.session.window import Window

RESP = 0x80000004


def make_window(**entries):
    window = Window(response_timeout_seconds=10, keep_late_seconds=100)
    window.pending.update({int(n[1:]): (n, at, RESP) for n, at in entries.items()})
    return window


def test_only_the_oldest_expire():
    window = make_window(n1=0.0, n2=5.0, n3=6.0)
    assert window.expire(15.0) == ["n1", "n2"]
    assert list(window.pending) == [3]


def test_a_late_response_finds_its_request_once():
    window = make_window(n1=0.0)
    window.expire(10.0)
    assert window.take_late(1, 0x80000005) is None
    assert window.take_late(1, RESP) == "n1"
    assert window.take_late(1, RESP) is None


def test_numbers_stay_in_use_while_a_late_response_may_come():
    window = make_window(n1=0.0)
    window.expire(10.0)
    assert 1 in window
    window.expire(110.0)
    assert 1 not in window


def test_the_late_table_is_bounded_and_all_contexts_are_told(monkeypatch):
    monkeypatch.setattr(window_module, "_MOST_LATE", 2)
    window = make_window(n1=0.0, n2=0.0, n3=0.0)
    assert window.expire(10.0) == ["n1", "n2", "n3"]
    assert window.take_late(1, RESP) is None
    assert window.take_late(3, RESP) == "n3"


def test_taking_all_empties_the_window():
    window = make_window(n1=0.0, n2=1.0)
    assert window.take_all() == ["n1", "n2"]
    assert not window.pending

"""Timers are told the time; nothing here waits."""

from gateway.smpp.timers import SessionTimers, TimerSettings, TimerVerdict

SETTINGS = TimerSettings(
    session_init_seconds=10, enquire_link_seconds=30, enquire_link_timeout_seconds=15, inactivity_seconds=300
)


def bound(at=0.0, settings=SETTINGS):
    timers = SessionTimers(settings, opened_at=0.0)
    timers.bind(at)
    return timers


def test_a_session_that_never_binds_is_closed():
    timers = SessionTimers(SETTINGS, opened_at=100.0)
    assert timers.tick(109.9) is TimerVerdict.NOTHING
    timers.hear(109.9)
    assert timers.tick(110) is TimerVerdict.SESSION_INIT_EXPIRED


def test_silence_is_asked_about_once_and_then_ends_the_session():
    timers = bound()
    assert timers.tick(29.9) is TimerVerdict.NOTHING
    assert timers.tick(30) is TimerVerdict.SEND_ENQUIRE_LINK
    assert timers.tick(31) is TimerVerdict.NOTHING
    assert timers.tick(44.9) is TimerVerdict.NOTHING
    assert timers.tick(45) is TimerVerdict.ENQUIRE_LINK_UNANSWERED


def test_anything_heard_is_a_sign_of_life():
    timers = bound()
    assert timers.tick(30) is TimerVerdict.SEND_ENQUIRE_LINK
    timers.hear(44)
    assert timers.tick(45) is TimerVerdict.NOTHING
    assert timers.tick(74) is TimerVerdict.SEND_ENQUIRE_LINK


def test_enquire_links_do_not_count_as_traffic():
    timers = bound()
    timers.hear(299)
    assert timers.tick(300) is TimerVerdict.INACTIVE


def test_traffic_keeps_a_session():
    timers = bound()
    timers.note_traffic(299)
    timers.hear(299)
    assert timers.tick(300) is TimerVerdict.NOTHING


def test_zero_turns_a_timer_off():
    off = TimerSettings(0, 0, 0, 0)
    assert SessionTimers(off, opened_at=0).tick(1e9) is TimerVerdict.NOTHING
    assert bound(settings=off).tick(1e9) is TimerVerdict.NOTHING

"""The book of alerts: told when it begins, now and then while it lasts, and when it has ended."""

from datetime import UTC, datetime, timedelta

from gateway.oncall.alerts import Alert, AlertKind
from gateway.oncall.book import CLEAR_SECONDS, MOST_STANDING, AlertBook, NoticeKind

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DOWN = Alert(AlertKind.BIND_DOWN, "smsc-a bind 1", "smsc-a: bind 1 is down.")
REPEAT = 3600.0


def everything(kind: AlertKind, subject: str, told_by: int | None) -> bool:
    """One node judges it all."""
    return True


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def turn(book: AlertBook, seconds: float, *alerts: Alert, **options: object) -> list[NoticeKind]:
    notices = book.turn(alerts, at(seconds), repeat_seconds=REPEAT, **options)  # type: ignore[arg-type]  # unseen
    return [notice.kind for notice in notices]


def test_an_alert_is_raised_once_repeated_and_cleared() -> None:
    book = AlertBook()
    assert turn(book, 0, DOWN) == [NoticeKind.RAISED]
    assert turn(book, 5, DOWN) == []
    assert turn(book, REPEAT, DOWN) == [NoticeKind.REPEATED]
    assert turn(book, REPEAT + 5) == [], "it may be back in a moment"
    assert turn(book, REPEAT + CLEAR_SECONDS) == [NoticeKind.CLEARED]
    assert turn(book, REPEAT + 3 * CLEAR_SECONDS) == []
    [ended] = book.ended
    assert (ended.times_told, ended.cleared_at) == (3, at(REPEAT + CLEAR_SECONDS))


def test_what_is_gone_but_not_yet_ended_is_known_as_such() -> None:
    book = AlertBook()
    turn(book, 0, DOWN)
    turn(book, 5, unseen={AlertKind.BIND_DOWN})
    assert not book.standing[0].is_gone, "nothing is known of it"
    turn(book, 10)
    assert (book.standing[0].is_gone, book.standing[0].held_at) == (True, at(0))
    turn(book, 15, DOWN)
    assert not book.standing[0].is_gone
    turn(book, 20)
    turn(book, 15 + CLEAR_SECONDS)
    assert not book.standing
    assert not book.ended[0].is_gone


def test_what_flickers_is_one_alert() -> None:
    book = AlertBook()
    kinds = [kind for n in range(60) for kind in turn(book, n * 20, *([DOWN] if n % 2 else []))]
    assert kinds == [NoticeKind.RAISED]


def test_the_sentence_follows_the_figures_without_a_word_to_anybody() -> None:
    book = AlertBook()
    turn(book, 0, DOWN)
    longer = Alert(DOWN.kind, DOWN.subject, "smsc-a: bind 1 is down for long.")
    assert turn(book, 5, longer) == []
    assert [entry.alert.sentence for entry in book.standing] == [longer.sentence]


def test_what_cannot_be_seen_now_does_not_end() -> None:
    book = AlertBook()
    turn(book, 0, DOWN)
    assert turn(book, 600, unseen={AlertKind.BIND_DOWN}) == []
    assert turn(book, 601) == [NoticeKind.CLEARED]


def test_a_restart_tells_nothing_twice_and_the_end_of_what_an_earlier_process_raised() -> None:
    first = AlertBook()
    turn(first, 0, DOWN)
    rows = [entry.as_row() for entry in first.changed.values()]
    second = AlertBook()
    second.load(rows, (), at(10), everything)
    assert turn(second, 11, DOWN) == []
    assert turn(second, 11 + CLEAR_SECONDS) == [NoticeKind.CLEARED]


def test_a_row_of_a_kind_that_is_no_more_is_passed_over() -> None:
    book = AlertBook()
    turn(book, 0, DOWN)
    [row] = [entry.as_row() for entry in book.changed.values()]
    other = AlertBook()
    other.load([type(row)("moon_down", *_rest(row))], (), NOON, everything)
    assert not other.standing


def _rest(row: object) -> list[object]:
    return [getattr(row, name) for name in row.__slots__][1:]  # type: ignore[attr-defined]  # a dataclass


def test_shop_alerts_keep_their_shop_over_a_restart() -> None:
    alert = Alert(AlertKind.SPEND_CAP, "boutique/day", "…", "boutique")
    book, other = AlertBook(), AlertBook()
    turn(book, 0, alert)
    other.load([entry.as_row() for entry in book.changed.values()], (), NOON, everything)
    assert [entry.alert.shop for entry in other.standing] == ["boutique"]


def test_what_is_written_leaves_the_list_unless_it_changed_meanwhile() -> None:
    book = AlertBook()
    turn(book, 0, DOWN)
    written = list(book.changed.values())
    turn(book, REPEAT, DOWN)
    book.settle(written)
    assert len(book.changed) == 1, "the repeat is not written yet"
    book.settle(list(book.changed.values()))
    assert not book.changed


def test_the_number_of_alerts_is_bounded() -> None:
    book = AlertBook()
    many = [Alert(AlertKind.OTP_BURST, f"33{n:06}", "…") for n in range(MOST_STANDING + 10)]
    assert len(turn(book, 0, *many)) == MOST_STANDING

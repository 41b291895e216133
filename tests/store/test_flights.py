"""The book of carriers' ids: newest wins, oldest forgotten, never more than its cap."""

from gateway.store.flights import FlightBook
from tests.store.flight_values import make_flight


def test_an_id_finds_its_part_at_its_connector_only() -> None:
    book, flight = FlightBook(), make_flight(parts=3)
    book.remember(1, "a", flight, 2)
    assert book.find(1, "a") == (flight, 2)
    assert book.find(2, "a") is None
    assert book.find(1, "b") is None


def test_an_id_given_again_belongs_to_the_newest_message() -> None:
    book, old, new = FlightBook(), make_flight(message_id=1 << 22), make_flight(message_id=2 << 22)
    book.remember(1, "0", old, 0)
    book.remember(1, "0", new, 0)
    assert book.find(1, "0") == (new, 0)
    assert len(book) == 1


def test_the_oldest_is_forgotten_beyond_the_cap() -> None:
    book, flight = FlightBook(cap=3), make_flight()
    for number in range(5):
        book.remember(1, str(number), flight, 0)
    book.remember(1, "2", flight, 0)
    book.remember(1, "new", flight, 0)
    assert [book.find(1, word) is not None for word in ("0", "1", "2", "3", "4", "new")] == [
        False,
        False,
        True,
        False,
        True,
        True,
    ]
    assert len(book) == 3


def test_what_is_over_is_forgotten_and_forgetting_twice_is_nothing() -> None:
    book = FlightBook()
    flight = make_flight()
    book.remember(1, "a", flight, 0)
    book.forget(1, "a", flight)
    book.forget(1, "a", flight)
    assert book.find(1, "a") is None


def test_the_end_of_a_message_does_not_forget_the_next_one_of_its_id() -> None:
    book = FlightBook()
    old, new = make_flight(), make_flight()
    book.remember(1, "0", old, 0)
    book.remember(1, "0", new, 0)
    book.forget(1, "0", old)
    assert book.find(1, "0") == (new, 0)

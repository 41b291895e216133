"""The book of what passed: bounded, and open to those who watch."""

import asyncio
import gc

import pytest

from gateway.dispatch.errors import TooManyWatches
from gateway.dispatch.trace import (
    CHUNK_OCTETS,
    MOST_WATCHES,
    Chunk,
    TraceBook,
    TraceWatch,
    count_pdus,
)
from gateway.session.settings import Direction
from gateway.smpp.codec import encode
from gateway.smpp.pdus import EnquireLink, SubmitSm

PDU = encode(EnquireLink(sequence_number=1))


def make_book(keep_octets: int = 1_000_000) -> TraceBook:
    return TraceBook(keep_octets, clock=lambda: 1_000.5)


def test_what_passes_is_kept_with_its_place_and_time() -> None:
    book = make_book()
    book.trace_for(7, 2, "transceiver")(Direction.SENT, PDU)
    book.trace_for(7, 2, "transceiver")(Direction.RECEIVED, PDU)
    assert book.snapshot() == [
        Chunk(1_000.5, 7, 2, "transceiver", 1, True, PDU),
        Chunk(1_000.5, 7, 2, "transceiver", 2, False, PDU),
    ]
    assert not any(map(gc.is_tracked, book.snapshot())), "looking through 100,000 of them takes 20 ms"
    assert book.kept_since is not None
    assert book.kept_since.timestamp() == 1_000.5


def test_the_oldest_go_when_the_cap_is_reached_whatever_their_size() -> None:
    book = make_book(keep_octets=3 * (CHUNK_OCTETS + len(PDU)))
    trace = book.trace_for(1, 1, "transceiver")
    for n in range(5):
        trace(Direction.SENT, encode(EnquireLink(sequence_number=n)))
    assert [chunk.octets[-1] for chunk in book.snapshot()] == [2, 3, 4]
    trace(Direction.SENT, PDU * 30)
    assert [count_pdus(chunk.octets) for chunk in book.snapshot()] == [30]
    book.change_keep_octets(0)
    assert (book.snapshot(), book.held_octets) == ([], 0)
    trace(Direction.SENT, PDU)
    assert not book.snapshot()


async def test_who_watches_gets_one_connector_only_also_when_nothing_is_kept() -> None:
    book = make_book(keep_octets=0)
    with book.watch(7) as watch:
        book.trace_for(8, 1, "transceiver")(Direction.SENT, PDU)
        assert await watch.take(timeout_seconds=0.001) == []
        waiting = asyncio.create_task(watch.take(timeout_seconds=5))
        await asyncio.sleep(0)
        book.trace_for(7, 1, "transceiver")(Direction.SENT, PDU)
        assert [chunk.connector_id for chunk in await waiting] == [7]
    book.trace_for(7, 1, "transceiver")(Direction.SENT, PDU)
    assert await watch.take(timeout_seconds=0.001) == []


async def test_what_finds_no_room_is_counted_pdu_by_pdu() -> None:
    watch = TraceWatch(1, most_octets=3 * len(PDU))
    for _ in range(3):
        watch.offer(Chunk(0.0, 1, 1, "transceiver", 1, True, PDU * 2))
    assert watch.left_out == 4
    assert len(await watch.take(timeout_seconds=0)) == 1


async def test_the_end_of_the_server_ends_every_watch() -> None:
    book = make_book()
    with book.watch(1) as watch:
        waiting = asyncio.create_task(watch.take(timeout_seconds=5))
        await asyncio.sleep(0)
        book.end_watches()
        assert await waiting == []
        assert watch.is_over


def test_no_more_than_a_few_may_watch() -> None:
    book = make_book()
    watches = [book.watch(1) for _ in range(MOST_WATCHES)]
    for watch in watches:
        watch.__enter__()
    with pytest.raises(TooManyWatches, match="8 traces"), book.watch(1):
        pass
    watches[0].__exit__(None, None, None)
    with book.watch(1):
        pass


def test_numbers_of_sensitive_messages_are_remembered() -> None:
    book = make_book()
    book.conceal("33639981234")
    assert book.is_concealed("33639981234")
    assert not book.is_concealed("33639985678")


def test_pdus_are_counted_by_their_lengths() -> None:
    assert count_pdus(PDU + encode(SubmitSm(short_message=b"hello")) + PDU) == 3
    assert count_pdus(b"") == 0
    assert count_pdus(b"\0" * 20) == 2, "no length makes it loop"

"""What people are told of a trace: how much of it, and what stays hidden."""

from datetime import UTC, datetime

from gateway.config.carriers import Charset, DefaultCharsetConfig
from gateway.dispatch.trace import TraceBook
from gateway.dispatch.trace_desk import PDUS_A_SECOND, LiveTrace, ToldPdu, TraceDesk
from gateway.dispatch.trace_search import Sought, Submission
from gateway.session.settings import Direction
from gateway.smpp.codec import encode
from gateway.smpp.pdus import DeliverSm, EnquireLink, SubmitSm
from tests.dispatch.carrier_fakes import make_config
from tests.dispatch.trace_fakes import NUMBER, OTHER

TEXT = b"caf\xe9 7788"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Rig:
    """A desk with one connector, and the trace of one session of it."""

    def __init__(self, *, keep_octets: int = 1_000_000) -> None:
        self.clock = Clock()
        self.book = TraceBook(keep_octets, clock=lambda: 1_763_812_800.25)
        self.desk = TraceDesk(self.book, monotonic=self.clock)
        charset = DefaultCharsetConfig(send=Charset.LATIN1)
        self.desk.configure({7: make_config(name="orange", default_charset=charset)})
        self.trace = self.desk.tracer(7, 1, "transceiver")()

    def submit(self, to: str = NUMBER) -> None:
        pdu = SubmitSm(destination_addr=to.encode(), short_message=TEXT, sequence_number=9)
        self.trace(Direction.SENT, encode(pdu))


async def take_all(live: LiveTrace) -> list[ToldPdu]:
    told: list[ToldPdu] = []
    while some := await live.take(timeout_seconds=0.001):
        told += some
    return told


def shown(told: ToldPdu) -> str:
    return " ".join((told.pdu.hex, *told.pdu.words))


async def test_a_pdu_is_told_with_its_place_in_the_carriers_alphabet() -> None:
    rig = Rig()
    with rig.desk.watch(7, number=None, shows_text=True) as live:
        rig.submit()
        [told] = await take_all(live)
    assert told.at == datetime(2025, 11, 22, 12, 0, 0, 250_000, UTC)
    assert (told.connector, told.bind_no, told.mode, told.session_no) == ("orange", 1, "transceiver", 1)
    assert (told.is_sent, told.pdu.command, told.left_out) == (True, "submit_sm", 0)
    assert 'text "café 7788"' in shown(told)


async def test_texts_are_hidden_from_who_may_not_read_them() -> None:
    rig = Rig()
    with rig.desk.watch(7, number=None, shows_text=False) as live:
        rig.submit()
        [told] = await take_all(live)
    assert "7788" not in shown(told)
    assert TEXT.hex(" ") not in told.pdu.hex


async def test_texts_to_and_from_the_number_of_a_sensitive_message_are_hidden_from_everybody() -> None:
    rig = Rig()
    rig.book.conceal(NUMBER)
    with rig.desk.watch(7, number=None, shows_text=True) as live:
        rig.submit()
        rig.submit(OTHER)
        receipt = DeliverSm(source_addr=NUMBER.encode(), esm_class=4, short_message=b"id:1 text:7788")
        rig.trace(Direction.RECEIVED, encode(receipt))
        first, second, third = await take_all(live)
    assert "7788" not in shown(first)
    assert "7788" in shown(second)
    assert "7788" not in shown(third)


async def test_only_a_number_is_told_when_one_is_asked_for() -> None:
    rig = Rig()
    with rig.desk.watch(7, number=NUMBER, shows_text=False) as live:
        rig.submit(OTHER)
        rig.submit()
        rig.trace(Direction.SENT, encode(EnquireLink()))
        assert [told.pdu.summary for told in await take_all(live)] == [f"nobody → {NUMBER}"]


async def test_a_busy_carrier_is_told_in_part_and_what_is_left_out_is_counted_where_it_was() -> None:
    rig = Rig()
    enquiry = encode(EnquireLink(sequence_number=1))
    with rig.desk.watch(7, number=None, shows_text=False) as live:
        rig.trace(Direction.SENT, enquiry * (PDUS_A_SECOND + 30))
        rig.trace(Direction.SENT, enquiry * 5)
        told = await take_all(live)
        assert len(told) == PDUS_A_SECOND
        assert not any(pdu.left_out for pdu in told)
        rig.clock.now += 0.1
        rig.trace(Direction.SENT, enquiry * 2)
        told = await take_all(live)
        assert [pdu.left_out for pdu in told] == [35, 0]


async def test_what_waited_too_long_is_counted_after_what_came_before_it() -> None:
    rig = Rig()
    large = encode(DeliverSm(short_message=b"x", tlvs=((0x1401, b"y" * 60_000),)))
    with rig.desk.watch(7, number=None, shows_text=False) as live:
        for _ in range(100):  # 6 MB, of which 4 MiB may wait
            rig.trace(Direction.RECEIVED, large)
        told = await take_all(live)
        rig.trace(Direction.RECEIVED, large)
        [last] = await take_all(live)
    assert len(told) + last.left_out == 100
    assert not any(pdu.left_out for pdu in told)
    assert last.left_out > 10


async def test_a_message_is_found_in_memory_and_told() -> None:
    rig = Rig()
    rig.submit()
    sought = Sought(NUMBER, 1_763_812_800.0, (Submission(7, 1, 1_763_812_800.2, None, None),))
    [told] = await rig.desk.find(sought, shows_text=True)
    assert told.pdu.summary == f"nobody → {NUMBER}"


def test_numbers_are_read_as_people_write_them() -> None:
    desk = Rig().desk
    assert desk.find_connector("orange") == 7
    assert desk.find_connector("vodafone") is None
    assert desk.read_number("+33 6 39 98-12.34", 7) == NUMBER
    assert desk.read_number("0033639981234", 7) == NUMBER
    assert desk.read_number("36111", 7) == "36111"
    assert desk.read_number("SHOP", 7) is None


async def test_pdus_of_a_connector_that_is_no_longer_configured_are_passed_over() -> None:
    rig = Rig()
    rig.submit()
    rig.desk.configure({})
    sought = Sought(NUMBER, 1_763_812_800.0, (Submission(7, 1, 1_763_812_800.2, None, None),))
    assert await rig.desk.find(sought, shows_text=True) == []
    assert rig.desk.find_connector("orange") is None

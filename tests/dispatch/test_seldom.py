"""What a carrier causes thousands of times a second does not fill the log."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.dispatch.connections import BACKLOG_CAP, LARGE_BACKLOG_CAP, LARGE_OCTETS, _BindOwner
from gateway.dispatch.seldom import QUIET_SECONDS, Seldom
from gateway.smpp.constants import Tag
from gateway.smpp.errors import BadPdu
from gateway.smpp.pdus import AlertNotification, DataSm, DeliverSm


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Carrier:
    """A session that counts the answers it is given."""

    def __init__(self) -> None:
        self.refused = 0

    def acknowledge_deliveries(self, numbers: list[int], command_status: int) -> None:
        self.refused += len(numbers)

    def answer(self, response: object) -> None:
        self.refused += 1


class Reader:
    """Makes of a delivery the delivery itself."""

    def read(self, pdu: object, acknowledge: object, at: object) -> object:
        return pdu


def owner(
    clock: Clock, *, is_store_away: bool = False, backlog: int = 0, put: Callable[..., None] | None = None
) -> Any:
    run = SimpleNamespace(config=SimpleNamespace(name="one"))
    sink = SimpleNamespace(is_away=is_store_away, backlog=backlog, put_many=put)
    connections: Any = SimpleNamespace(run=run, sink=sink, reader=Reader())
    return _BindOwner(connections, 1, monotonic=clock, call_later=at_once)


def at_once(seconds: float, work: Callable[..., None], *arguments: object) -> None:
    """A clock on which every moment comes at once."""
    assert 0 < seconds <= 1
    work(*arguments)


def test_the_first_is_told_at_once_and_the_rest_together_later() -> None:
    clock = Clock()
    seldom = Seldom(clock)
    assert [seldom.note(), seldom.note(), seldom.note(5)] == [1, 0, 0]
    clock.now += QUIET_SECONDS
    assert [seldom.note(), seldom.note()] == [7, 0]


def test_a_flood_of_bad_pdus_is_one_line_with_its_number() -> None:
    clock = Clock()
    told_to = owner(clock)
    error = BadPdu("it ends early", command_id=5, sequence_number=1, command_status=2)
    with capture_logs() as lines:
        for _ in range(1_000):
            told_to.on_bad_pdu(None, b"", error)
        clock.now += QUIET_SECONDS
        told_to.on_bad_pdu(None, b"", error)
    assert [(line["event"], line["times"]) for line in lines] == [("pdu.bad", 1), ("pdu.bad", 1_000)]


@pytest.mark.parametrize(
    "store", [{"is_store_away": True}, {"backlog": BACKLOG_CAP + 1}], ids=["away", "far behind"]
)
def test_while_the_store_cannot_take_it_deliveries_are_refused_and_few_lines_say_so(  # quirk 64
    store: dict[str, Any],
) -> None:
    carrier = Carrier()
    told_to = owner(Clock(), **store)
    with capture_logs() as lines:
        for number in range(500):
            told_to.on_requests(carrier, [(number, DeliverSm()), (number, DataSm())])
    assert carrier.refused == 1_000
    assert [(line["event"], line["pdus"]) for line in lines] == [("delivery.refused", 2)]


def test_a_store_that_is_behind_takes_no_large_payloads_and_goes_on_with_the_small() -> None:
    carrier, taken = Carrier(), []
    told_to = owner(Clock(), backlog=LARGE_BACKLOG_CAP + 1, put=taken.extend)
    payload = (Tag.MESSAGE_PAYLOAD, bytes(LARGE_OCTETS + 1))
    small = DeliverSm(short_message=b"hello")
    with capture_logs() as lines:
        told_to.on_requests(carrier, [(1, DeliverSm(tlvs=(payload,))), (2, small)])
    assert carrier.refused == 1
    assert [line["event"] for line in lines] == ["delivery.refused"]
    assert taken == [small]


def test_alerts_of_a_carrier_are_told_with_their_number() -> None:
    clock = Clock()
    told_to = owner(clock)
    with capture_logs() as lines:
        told_to.on_requests(None, [(number, AlertNotification()) for number in range(50)])
        clock.now += QUIET_SECONDS
        told_to.on_requests(None, [(50, AlertNotification())])
    assert [line["times"] for line in lines] == [1, 50]

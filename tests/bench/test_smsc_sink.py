"""The C sink, spoken to by a client that we did not write: answers, receipts, MO, and its own clock."""

import time
from pathlib import Path

import pytest
import smpplib.client
import smpplib.consts

from bench.chaos_journal import Journal
from bench.otp import read_arrivals
from bench.smsc import Smsc, start_smsc
from bench.tools import find_compiler

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(find_compiler() is None, reason="no C compiler: benches use the simulator then"),
]

DEADLINE_SECONDS = 30.0
"""Reached only by a sink that never does what it is waited for."""


class Client:
    """smpplib bound as a transceiver; keeps what the sink delivered."""

    def __init__(self, smsc: Smsc) -> None:
        self.delivered: list[str] = []
        self.answers_with = 0
        """command_status of its deliver_sm_resp."""
        self.client = smpplib.client.Client(smsc.host, smsc.port, allow_unknown_opt_params=True)
        self.client.set_message_received_handler(self._take)
        self.client.connect()
        self.client.bind_transceiver(system_id="bench", password="bench")

    def _take(self, pdu: object) -> int:
        self.delivered.append(pdu.short_message.decode())  # type: ignore[attr-defined]
        return self.answers_with

    def submit(self, text: bytes, *, registered_delivery: int) -> None:
        self.client.send_message(
            source_addr="ESTAFETTE",
            destination_addr="33639980000",
            short_message=text,
            registered_delivery=registered_delivery,
        )

    def read_until(self, count: int) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(self.delivered) < count and time.monotonic() < deadline:
            self.client.read_once()


def wait_for_answers(smsc: Smsc, count: int) -> int:
    """Answers to receipts and to messages from handsets, once the sink has read `count` of them."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        counts = smsc.counts()
        answered = counts.receipts_answered + counts.inbound_answered
        if answered >= count or time.monotonic() > deadline:
            return answered
        time.sleep(0.01)


def test_a_submit_that_asks_for_a_receipt_gets_one() -> None:
    with start_smsc(None) as smsc:
        client = Client(smsc)
        client.submit(b"with receipt", registered_delivery=1)
        client.submit(b"without", registered_delivery=0)
        client.read_until(1)
        assert wait_for_answers(smsc, 1) == 1
        counts = smsc.counts()
        client.client.unbind()
        client.client.disconnect()
    assert (counts.submits, counts.receipts_asked, counts.receipts_answered) == (2, 1, 1)
    assert counts.first_submit <= counts.last_submit <= counts.last_answer <= time.time()
    assert 0 < counts.p50_ms <= counts.p99_ms
    assert "stat:DELIVRD err:000 text:with receipt" in client.delivered[0]


def test_unanswered_receipts_go_to_the_next_bind_of_the_account() -> None:
    with start_smsc(None, ["--receipt-delay-ms", "300"]) as smsc:
        first = Client(smsc)
        first.submit(b"left behind", registered_delivery=1)
        first.client.disconnect()
        second = Client(smsc)
        second.read_until(1)
        second.client.disconnect()
    assert "text:left behind" in second.delivered[0]


def test_messages_from_handsets_come_until_there_are_enough() -> None:
    with start_smsc(None, ["--mo-rate", "200", "--mo-count", "5"]) as smsc:
        client = Client(smsc)
        client.read_until(5)
        assert wait_for_answers(smsc, 5) == 5
        client.client.disconnect()
    assert client.delivered == [f"MO {serial:08d}" for serial in range(1, 6)]


def test_a_measurement_begins_when_it_is_told_to(tmp_path: Path) -> None:
    log = tmp_path / "texts"
    options = [
        "--mo-rate",
        "1000",
        "--mo-count",
        "2",
        "--mo-waits",
        "--log",
        str(log),
        "--log-prefix",
        "OTP ",
    ]
    with start_smsc(None, options) as smsc:
        client = Client(smsc)
        client.submit(b"OTP 000001 is your code", registered_delivery=1)
        client.submit(b"a campaign's text", registered_delivery=0)
        client.read_until(1)
        assert wait_for_answers(smsc, 1) == 1
        assert smsc.counts().p99_ms > 0
        smsc.begin()
        client.read_until(3)
        assert wait_for_answers(smsc, 3) == 3
        counts = smsc.counts()
        client.client.disconnect()
    assert client.delivered[1:] == ["MO 00000001", "MO 00000002"]
    assert (counts.submits, counts.first_submit, counts.inbound_answered) == (2, 0, 2)
    assert read_arrivals(log.read_text()).keys() == {1}


def test_refused_receipts_come_again_and_the_journal_tells_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with start_smsc(None, journal=path) as smsc:
        client = Client(smsc)
        client.answers_with = smpplib.consts.SMPP_ESME_RSYSERR
        client.submit(b"chaos 000007", registered_delivery=1)
        client.read_until(1)
        client.answers_with = 0
        client.read_until(2)
        assert wait_for_answers(smsc, 1) == 1
        client.client.disconnect()
    assert client.delivered[0] == client.delivered[1]
    journal = Journal(path, "smsc_sink")
    journal.read_more()
    (taken,) = journal.taken.values()
    assert (taken.serial, taken.destination, journal.binds) == (7, "33639980000", 1)
    assert (journal.receipts_sent, journal.receipts_refused) == (2, 1)
    assert journal.receipts_accepted == {taken.carrier_id}

"""What is written, what is held back, and in which order."""

from gateway.session.outbox import Outbox


def fill(outbox):
    outbox.plain += [b"answer"]
    outbox.requests += [b"one", b"two"]
    outbox.numbers += [1, 2]


def test_answers_and_requests_leave_in_one_piece():
    outbox = Outbox(None)
    fill(outbox)
    assert outbox.collect(None) == (b"answeronetwo", [])
    assert outbox.collect(None) == (b"", [])


def test_a_closed_gate_holds_requests_back_and_lets_answers_pass():
    outbox = Outbox(lambda: False)
    fill(outbox)
    assert outbox.collect(None) == (b"answer", [1, 2])
    assert outbox.collect(None) == (b"", [])


def test_the_gate_is_not_asked_for_answers_alone():
    asked = []
    outbox = Outbox(lambda: asked.append(1) or True)
    outbox.plain.append(b"answer")
    outbox.collect(None)
    assert asked == []


def test_a_trace_is_told_once_for_a_write_and_not_for_nothing():
    seen = []
    outbox = Outbox(None)
    fill(outbox)
    for _ in range(2):
        outbox.collect(lambda direction, octets: seen.append((direction.value, octets)))
    assert seen == [("sent", b"answeronetwo")]


def test_what_may_not_be_written_is_in_no_trace():
    seen = []
    outbox = Outbox(lambda: False)
    fill(outbox)
    outbox.collect(lambda direction, octets: seen.append(octets))
    assert seen == [b"answer"]

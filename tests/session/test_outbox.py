"""What is written, what is held back, what waits, and in which order."""

from random import Random

from gateway.session.outbox import Outbox
from gateway.session.settings import Direction, SessionCounters


class Spout:
    """An outlet that takes so many octets in all; None: everything."""

    def __init__(self, most=None):
        self.left = most
        self.written = b""

    def take(self, octets):
        taken = len(octets) if self.left is None else min(self.left, len(octets))
        if self.left is not None:
            self.left -= taken
        self.written += octets[:taken]
        return taken


def make_outbox(may_write=None, trace=None):
    return Outbox(may_write, SessionCounters(), trace)


def filled(may_write=None, trace=None):
    outbox = make_outbox(may_write, trace)
    outbox.plain += [b"answer"]
    outbox.requests += [b"one", b"two"]
    outbox.numbers += [1, 2]
    return outbox


def write_turn(outbox):
    spout = Spout()
    return outbox.write_turn(spout), spout.written


def test_answers_and_requests_leave_in_one_piece():
    outbox = filled()
    assert write_turn(outbox) == ([], b"answeronetwo")
    assert write_turn(outbox) == ([], b"")


def test_a_closed_gate_holds_requests_back_and_lets_answers_pass():
    outbox = filled(lambda: False)
    assert write_turn(outbox) == ([1, 2], b"answer")
    assert write_turn(outbox) == ([], b"")


def test_the_gate_is_not_asked_for_answers_alone():
    asked = []
    outbox = make_outbox(lambda: asked.append(1) or True)
    outbox.plain.append(b"answer")
    write_turn(outbox)
    assert asked == []


def test_a_trace_is_told_once_for_a_write_and_not_for_nothing():
    seen = []
    outbox = filled(trace=lambda direction, octets: seen.append((direction, octets)))
    write_turn(outbox)
    write_turn(outbox)
    assert seen == [(Direction.SENT, b"answeronetwo")]


def test_what_may_not_be_written_is_in_no_trace():
    seen = []
    outbox = filled(lambda: False, lambda direction, octets: seen.append(octets))
    write_turn(outbox)
    assert seen == [b"answer"]


def test_what_is_left_over_waits_in_its_order_and_the_gate_is_asked_before_each_further_write():
    asked, seen = [], []
    outbox = filled(lambda: asked.append(1) or True, lambda direction, octets: seen.append(octets))
    spout = Spout(most=8)
    outbox.write_turn(spout)
    outbox.plain.append(b"later")
    outbox.write_turn(spout)
    assert (spout.written, outbox.waiting_octets, len(asked)) == (b"answeron", 9, 1)
    spout.left = 3
    assert outbox.write_waiting(spout) == []
    spout.left = None
    assert outbox.write_waiting(spout) == []
    assert (spout.written, outbox.waiting_octets, len(asked)) == (b"answeronetwolater", 0, 3)
    assert seen == [b"answer", b"one", b"twolater"]


def test_a_request_half_written_when_the_gate_closes_is_unwritten_and_tears_the_stream():
    is_open = True
    outbox = filled(lambda: is_open)
    spout = Spout(most=8)
    outbox.write_turn(spout)
    is_open, spout.left = False, None
    outbox.plain.append(b"answer")
    outbox.write_turn(spout)
    assert outbox.write_waiting(spout) == [1, 2]
    assert outbox.is_torn
    outbox.plain.append(b"answer")
    outbox.write_turn(spout)
    outbox.write_waiting(spout)
    assert spout.written == b"answeron", "no PDU follows half a one"


def test_an_answer_half_written_when_the_gate_closes_is_finished():
    is_open = True
    outbox = filled(lambda: is_open)
    spout = Spout(most=3)
    outbox.write_turn(spout)
    is_open, spout.left = False, None
    assert outbox.write_waiting(spout) == [1, 2]
    assert (spout.written, outbox.is_torn, outbox.waiting_octets) == (b"answer", False, 0)


def test_a_request_that_was_begun_is_given_back_only_at_the_end():
    outbox = filled()
    outbox.write_turn(Spout(most=8))
    assert outbox.take_requests(is_over=False) == [2]
    assert outbox.waiting_octets == 1
    assert outbox.take_requests(is_over=True) == [1]
    assert outbox.waiting_octets == 0


def test_whatever_is_taken_and_forbidden_each_request_ends_once_and_the_stream_stays_whole():
    for seed in range(150):
        run_at_random(Random(seed))


def run_at_random(random):
    """Random turns, gates and outlets against a list of what must leave."""
    is_open, opened = True, []
    spout = Spout(most=0)
    outbox = make_outbox(lambda: opened.append(is_open) or is_open)
    given, answers, refused = {}, [], []
    for number in range(60):
        pdu = b"<%d%s>" % (number, b"." * random.randrange(30))
        if random.random() < 0.7:
            outbox.requests.append(pdu)
            outbox.numbers.append(number)
            given[number] = pdu
        else:
            outbox.plain.append(pdu)
            answers.append(pdu)
        is_open = random.random() < 0.95
        spout.left = random.choice((0, 5, 40, 200))
        step = random.choice((outbox.write_turn, outbox.write_turn, outbox.write_waiting))
        before = len(spout.written)
        refused += step(spout)
        if not is_open and outbox.is_torn:
            assert len(spout.written) == before
        if random.random() < 0.05:
            refused += outbox.take_requests(is_over=False)
    if not outbox.is_torn:
        is_open, spout.left = True, None
        outbox.write_turn(spout)
        while outbox.waiting_octets:
            refused += outbox.write_waiting(spout)
    else:
        refused += outbox.take_requests(is_over=True)
    whole = [piece + b">" for piece in spout.written.split(b">")[:-1]]
    written = [number for number, pdu in given.items() if pdu in whole]
    assert sorted(written + refused) == sorted(given), "lost or told twice"
    assert outbox._counters.requests_sent == len(written)
    if not outbox.is_torn:
        assert spout.written == b"".join(whole)
        assert [pdu for pdu in whole if pdu in answers] == answers

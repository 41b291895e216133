"""A short run of every target belongs to the tests; the guided one is a stage of CI, `fuzz_smpp.py` says how.

What a fuzzer ever found stands below as a plain input.
"""

import subprocess
import sys
from dataclasses import replace

import pytest

from gateway.session.session import Session
from gateway.session.window import Window
from gateway.smpp import pdus
from gateway.smpp.errors import BadPdu

from . import session_target, targets
from .fuzz_smpp import MODES, load_target, run_plain
from .seeds import framed, seeds_of
from .session_target import IS_BOUND, SUBMITS_BY_ITSELF, try_session


def try_seeds(mode):
    for octets in seeds_of(mode):
        load_target(mode)(octets)


@pytest.mark.parametrize("mode", MODES)
def test_a_second_of_hostile_octets_finds_nothing(mode):
    assert run_plain(mode, 1.0, seed=20250131) > len(seeds_of(mode))


@pytest.mark.parametrize("mode", MODES)
def test_every_seed_of_a_target_passes(mode):
    try_seeds(mode)


def test_a_question_that_is_not_answered_would_be_noticed(monkeypatch):
    monkeypatch.setattr(Session, "_refuse", lambda *_: None)
    with pytest.raises(AssertionError, match="questions without an answer"):
        try_seeds("session")


def test_a_nack_to_a_response_would_be_noticed(monkeypatch):
    def nack(session, buffer, frame):
        session.answer(pdus.GenericNack(command_status=3, sequence_number=frame[2]))

    monkeypatch.setattr(Session, "_read_rare_response", nack)
    with pytest.raises(AssertionError, match="answers without a question"):
        try_seeds("session")


def test_a_session_that_closes_for_a_bad_pdu_would_be_noticed(monkeypatch):
    monkeypatch.setattr(Session, "_refuse_bad_pdu", lambda session, raw, error: session.abort(str(error)))
    bad_delivery = framed(pdus.UnknownPdu(pdus.DeliverSm.command_id, b"", 0, 9))
    with pytest.raises(AssertionError, match="ended without cause"):
        try_session(bytes((IS_BOUND,)) + bad_delivery + b"\x02\x07")


def test_a_message_lost_at_the_end_would_be_noticed(monkeypatch):
    monkeypatch.setattr(Window, "take_all", lambda window: [])
    with pytest.raises(AssertionError, match="lost or told twice"):
        try_seeds("session")


def test_a_window_that_is_exceeded_would_be_noticed(monkeypatch):
    monkeypatch.setattr(session_target, "SETTINGS", replace(session_target.SETTINGS, window=9))
    with pytest.raises(AssertionError, match="in_flight"):
        try_session(bytes((IS_BOUND | SUBMITS_BY_ITSELF,)) + b"\x04")


def test_a_reader_that_breaks_would_be_noticed(monkeypatch):
    def broken(*_arguments):
        raise IndexError

    monkeypatch.setattr(targets, "decode_message_id", broken)
    with pytest.raises(IndexError) as caught:
        run_plain("codec", 1.0, seed=1)
    assert "seed 1" in caught.value.__notes__[0]


def test_a_fast_reader_that_reads_otherwise_would_be_noticed(monkeypatch):
    def refuse(buffer, frame):
        raise BadPdu("no", command_id=frame[0], sequence_number=frame[2], command_status=8)

    monkeypatch.setitem(targets._FAST_READERS, pdus.DeliverSm.command_id, refuse)
    with pytest.raises(AssertionError, match="reads otherwise"):
        try_seeds("codec")


@pytest.mark.integration
def test_the_program_tries_all_targets():
    command = [sys.executable, "-m", "tests.fuzz.fuzz_smpp", "--plain", "--seconds", "0.4", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == list(MODES)

"""The table of SMPP 3.4 §2.3, what we tolerate beyond it, and sequence numbers."""

import pytest

from gateway.smpp.constants import CommandId
from gateway.smpp.rules import Role, SequenceNumbers, SessionState, may_send, refuse_request, state_after_bind
from gateway.smpp.statuses import CommandStatus

S = SessionState


@pytest.mark.parametrize(
    ("role", "command", "states"),
    [
        (Role.ESME, "BIND_TRANSCEIVER", {S.OPEN}),
        (Role.ESME, "SUBMIT_SM", {S.BOUND_TX, S.BOUND_TRX}),
        (Role.SMSC, "SUBMIT_SM", set()),
        (Role.SMSC, "DELIVER_SM", {S.BOUND_RX, S.BOUND_TRX}),
        (Role.ESME, "DELIVER_SM", set()),
        (Role.ESME, "DATA_SM", {S.BOUND_TX, S.BOUND_TRX}),
        (Role.SMSC, "DATA_SM", {S.BOUND_RX, S.BOUND_TRX}),
        (Role.SMSC, "OUTBIND", {S.OPEN}),
        (Role.ESME, "UNBIND", {S.BOUND_TX, S.BOUND_RX, S.BOUND_TRX}),
    ],
)
def test_who_may_send_what_when(role, command, states):
    assert {state for state in S if may_send(role, state, CommandId[command])} == states


def test_a_receipt_on_a_transmitter_bind_is_accepted():  # quirk 45
    assert refuse_request(Role.ESME, S.BOUND_TX, CommandId.DELIVER_SM) is None


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("role", Role)
def test_enquire_link_and_unbind_are_always_answered(role, state):  # quirk 20
    assert refuse_request(role, state, CommandId.ENQUIRE_LINK) is None
    assert refuse_request(role, state, CommandId.UNBIND) is None


@pytest.mark.parametrize(
    ("role", "state", "command_id", "status"),
    [
        (Role.SMSC, S.OPEN, CommandId.SUBMIT_SM, CommandStatus.ESME_RINVBNDSTS),
        (Role.SMSC, S.BOUND_RX, CommandId.SUBMIT_SM, CommandStatus.ESME_RINVBNDSTS),
        (Role.SMSC, S.BOUND_TRX, CommandId.BIND_RECEIVER, CommandStatus.ESME_RALYBND),
        (Role.ESME, S.BOUND_TRX, CommandId.SUBMIT_SM, CommandStatus.ESME_RINVCMDID),
        (Role.ESME, S.BOUND_TRX, 0x0B0B, CommandStatus.ESME_RINVCMDID),
        (Role.ESME, S.UNBOUND, CommandId.DELIVER_SM, CommandStatus.ESME_RX_T_APPN),
        (Role.ESME, S.OPEN, CommandId.DELIVER_SM, CommandStatus.ESME_RINVBNDSTS),
    ],
)
def test_refusals_say_why(role, state, command_id, status):
    assert refuse_request(role, state, command_id) is status


def test_each_bind_leads_to_its_state():
    assert state_after_bind(CommandId.BIND_TRANSMITTER) is S.BOUND_TX
    assert state_after_bind(CommandId.BIND_RECEIVER) is S.BOUND_RX
    assert state_after_bind(CommandId.BIND_TRANSCEIVER) is S.BOUND_TRX


def test_numbers_begin_at_1_and_wrap_to_1():  # quirk 4
    assert SequenceNumbers().take(()) == 1
    numbers = SequenceNumbers(last=0x7FFFFFFE)
    assert [numbers.take(()), numbers.take(())] == [0x7FFFFFFF, 1]


def test_a_number_in_use_is_never_given_again():
    numbers = SequenceNumbers(last=0x7FFFFFFD)
    assert numbers.take({0x7FFFFFFE, 0x7FFFFFFF, 1, 2, 4}) == 3
    assert numbers.take({0x7FFFFFFE, 0x7FFFFFFF, 1, 2, 4}) == 5

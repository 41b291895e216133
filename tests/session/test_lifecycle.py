"""How a session begins and ends, without sockets: what SMSCs answer to a bind, and how they go away."""

import asyncio

import pytest

from gateway.session.errors import BindRefused
from gateway.session.owner import CloseKind
from gateway.session.settings import SessionSettings
from gateway.smpp import pdus
from gateway.smpp.rules import Role, SessionState
from gateway.smpp.timers import TimerSettings

from .wire import Wire, bound_wire

QUICK = SessionSettings(window=3, timers=TimerSettings(enquire_link_seconds=30))


async def answer_bind(octets, *, interface_version=0x34):
    """A wire whose transceiver bind, number 1, was answered with `octets` in hex, and the bind's future."""
    wire = Wire()
    binding = asyncio.ensure_future(
        wire.session.bind(pdus.BindTransceiver(system_id=b"acme", interface_version=interface_version))
    )
    await wire.turn()
    wire.session.data_received(bytes.fromhex(octets))
    await asyncio.sleep(0)
    return wire, binding


# Binding.


@pytest.mark.parametrize(
    "octets",
    [
        "00000010 80000009 00000000 00000001",
        "00000011 80000009 00000000 00000001 00",
        "00000014 80000009 00000000 00000001 736d7363",
        "00000015 80000009 00000000 00000001 736d736300",
        "00000019 80000009 00000000 00000001 736d736300 02100001",
        "0000001a 80000009 00000000 00000001 736d736300 0210000134",
        "0000001d 80000009 00000000 00000001 736d736300 0210000400000034",
    ],
    ids=["no body", "empty name", "no NUL", "no version", "version cut off", "all of it", "a long version"],
)
async def test_a_bind_response_may_lack_what_it_likes(octets):  # quirk 13
    wire, binding = await answer_bind(octets)
    await binding
    assert wire.session.state is SessionState.BOUND_TRX
    assert wire.session.remarks == ()


async def test_a_refusal_without_a_body_tells_its_status():  # quirk 13
    _, binding = await answer_bind("00000010 80000009 00000005 00000001")
    with pytest.raises(BindRefused, match="already bound") as caught:
        await binding
    assert caught.value.command_status == 5


async def test_a_bind_response_with_a_foreign_number_is_taken_and_remarked():  # quirk 13
    wire, binding = await answer_bind("00000015 80000009 00000000 0000004d 736d736300")
    await binding
    assert wire.session.remarks == ("the bind had number 1 and was answered with 77",)


async def test_a_response_to_another_bind_with_a_foreign_number_is_not_ours():
    wire, binding = await answer_bind("00000010 80000002 00000000 0000004d")
    assert not binding.done()
    assert wire.session.counters.stray_responses == 1
    wire.session.data_received(bytes.fromhex("00000010 80000009 00000000 00000001"))
    await binding


async def test_a_response_of_the_wrong_kind_with_our_number_is_taken_and_remarked():
    wire, binding = await answer_bind("00000010 80000002 00000000 00000001")
    await binding
    assert wire.session.state is SessionState.BOUND_TRX
    assert wire.session.remarks == (
        "the bind was answered with bind_transmitter_resp, not bind_transceiver_resp",
    )


@pytest.mark.parametrize("number", ["00000001", "00000000"])
async def test_a_nack_before_we_are_bound_can_only_mean_the_bind(number):
    _, binding = await answer_bind(f"00000010 80000000 00000003 {number}")
    with pytest.raises(BindRefused, match="does not support"):
        await binding


@pytest.mark.parametrize(
    ("ours", "theirs", "sends_tlvs"),
    [
        (0x34, "", True),
        (0x34, "0210000134", True),
        (0x34, "0210000150", True),
        (0x34, "0210000133", False),
        (0x33, "0210000134", False),
        (0x33, "", False),
        (0x50, "", True),
    ],
)
async def test_tlvs_are_sent_only_where_both_sides_speak_34(ours, theirs, sends_tlvs):  # quirk 15
    body = "00" + theirs
    octets = f"{16 + len(body) // 2:08x} 80000009 00000000 00000001 {body}"
    wire, binding = await answer_bind(octets, interface_version=ours)
    await binding
    assert wire.session.sends_tlvs is sends_tlvs


async def test_an_smsc_of_version_33_is_remarked():  # quirk 15
    wire, binding = await answer_bind("00000016 80000009 00000000 00000001 000210000133")
    await binding
    assert wire.session.remarks == ("the SMSC says that it speaks version 0x33; no TLVs are sent",)


@pytest.mark.parametrize(
    ("version", "sends_tlvs"), [(0x00, False), (0x33, False), (0x34, True), (0x50, True)]
)
async def test_clients_of_any_version_are_taken_and_old_ones_get_no_tlvs(version, sends_tlvs):  # quirk 91
    wire = Wire(Role.SMSC, authenticate=lambda session, pdu: 0)
    wire.receive(pdus.BindTransceiver(interface_version=version, sequence_number=1))
    (response,) = await wire.turn()
    assert bool(response.tlvs) is wire.session.sends_tlvs is sends_tlvs


# The link.


async def test_an_enquire_link_each_second_is_answered_each_time():  # quirk 20
    wire = await bound_wire(settings=QUICK)
    for number in range(1, 61):
        wire.receive(pdus.EnquireLink(sequence_number=number))
        assert await wire.turn() == [pdus.EnquireLinkResp(sequence_number=number)]
        wire.pass_seconds(1)
    assert await wire.turn() == []  # what they ask is a sign of life: we ask nothing


async def test_an_enquire_link_is_answered_before_the_bind_while_draining_and_after_our_unbind():  # quirk 20
    wire = Wire()
    wire.receive(pdus.EnquireLink(sequence_number=1))
    assert await wire.turn() == [pdus.EnquireLinkResp(sequence_number=1)]
    wire = await bound_wire()
    submit_number = wire.submit("a")
    await wire.turn()
    ending = asyncio.ensure_future(wire.session.unbind(drain_seconds=30))
    await wire.turn()
    wire.receive(pdus.EnquireLink(sequence_number=2))
    assert await wire.turn() == [pdus.EnquireLinkResp(sequence_number=2)]
    wire.receive(pdus.SubmitSmResp(sequence_number=submit_number))
    (unbind,) = await wire.turn()
    wire.receive(pdus.EnquireLink(sequence_number=3))
    assert await wire.turn() == [pdus.EnquireLinkResp(sequence_number=3)]
    wire.receive(pdus.UnbindResp(sequence_number=unbind.sequence_number))
    await ending


async def test_an_smsc_that_never_asks_is_fine():  # quirk 20
    wire = await bound_wire(settings=QUICK)
    for _ in range(20):
        wire.pass_seconds(31)
        (enquiry,) = await wire.turn()
        wire.receive(pdus.EnquireLinkResp(sequence_number=enquiry.sequence_number))
    assert wire.session.state.is_bound


async def test_a_busy_peer_that_answers_late_and_in_order_is_alive():  # quirk 18
    """Every PDU takes it 3 s, so that the enquire_link waits behind ten submits, longer than its time-out."""
    wire = await bound_wire(settings=SessionSettings(window=10, timers=QUICK.timers))
    numbers = [wire.submit(context) for context in range(10)]
    await wire.turn()
    wire.pass_seconds(31)
    assert [type(pdu) for pdu in await wire.turn()] == [pdus.EnquireLink]
    for number in numbers:
        wire.receive(pdus.SubmitSmResp(message_id=b"1", sequence_number=number))
        wire.pass_seconds(3)
    assert wire.session.state.is_bound
    assert len(wire.owner.named("answers")) == 10


async def test_a_peer_that_asks_and_reads_nothing_is_cut_before_memory_fills():
    wire = await bound_wire()
    wire.session.pause_writing()
    wire.transport.get_write_buffer_size = lambda: sum(map(len, wire.transport.writes))
    flood = b"".join(bytes.fromhex(f"00000010 00000015 00000000 {number:08x}") for number in range(4096))
    for _ in range(200):
        if wire.transport.is_gone:
            break
        wire.session.data_received(flood)
    assert wire.owner.named("closed") == [(CloseKind.ABORTED, [])]
    assert wire.transport.get_write_buffer_size() < 9 * 1024 * 1024


# Ending.


async def test_leaving_unbinds_at_once_and_still_takes_answers():  # quirks 12, 22
    wire = await bound_wire()
    number = wire.submit("written")
    await wire.turn()
    wire.submit("unwritten")
    wire.session.leave("the carrier says it is not bound")
    wire.session.leave("again")
    (unbind,) = await wire.turn()
    assert isinstance(unbind, pdus.Unbind)
    assert wire.session.room == 0
    wire.receive(pdus.SubmitSmResp(command_status=4, sequence_number=number))
    wire.receive(pdus.UnbindResp(sequence_number=unbind.sequence_number))
    assert wire.owner.calls == [
        ("unwritten", ["unwritten"]),
        ("answers", [("written", 4, b"")]),
        ("closed", (CloseKind.ABORTED, [])),
    ]
    assert (await wire.session.wait_closed()).detail == "the carrier says it is not bound"


async def test_leaving_ends_also_when_nobody_answers_the_unbind():
    wire = await bound_wire()
    wire.submit("a")
    await wire.turn()
    wire.session.leave("of no use")
    wire.pass_seconds(6)
    assert wire.owner.named("closed") == [(CloseKind.ABORTED, ["a"])]


async def test_an_smsc_that_unbinds_and_closes_without_waiting_has_unbound():  # quirk 21
    wire = await bound_wire()
    wire.submit("a")
    await wire.turn()
    wire.receive(pdus.Unbind(sequence_number=8))
    wire.transport.lose(None)
    assert wire.owner.named("closed") == [(CloseKind.PEER_UNBOUND, ["a"])]


async def test_an_smsc_that_just_closes_has_closed():  # quirk 21
    wire = await bound_wire()
    wire.submit("a")
    await wire.turn()
    wire.transport.lose(None)
    assert wire.owner.named("closed") == [(CloseKind.PEER_CLOSED, ["a"])]


async def test_deliveries_taken_before_our_unbind_are_answered_before_we_close():
    wire = await bound_wire()
    wire.receive(pdus.DeliverSm(sequence_number=7))
    ending = asyncio.ensure_future(wire.session.unbind(drain_seconds=30))
    (unbind,) = await wire.turn()
    wire.receive(pdus.UnbindResp(sequence_number=unbind.sequence_number))
    assert not wire.transport.is_gone  # the store has not committed yet
    wire.session.acknowledge_deliveries([7])
    assert wire.transport.take_pdus() == [pdus.DeliverSmResp(sequence_number=7)]
    await ending
    assert wire.owner.named("closed") == [(CloseKind.UNBOUND, [])]


async def test_a_delivery_that_is_never_answered_holds_nothing_up():
    wire = await bound_wire()
    wire.receive(pdus.DeliverSm(sequence_number=7), pdus.Unbind(sequence_number=8))
    assert not wire.transport.is_gone
    wire.pass_seconds(6)
    assert wire.owner.named("closed") == [(CloseKind.PEER_UNBOUND, [])]


async def test_an_alert_owes_no_answer():  # quirk 11
    wire = await bound_wire()
    wire.receive(pdus.AlertNotification(sequence_number=3), pdus.Unbind(sequence_number=8))
    assert wire.transport.take_pdus() == [pdus.UnbindResp(sequence_number=8)]
    assert wire.transport.is_gone


async def test_unbinds_that_cross_end_in_order():
    wire = await bound_wire()
    ending = asyncio.ensure_future(wire.session.unbind(drain_seconds=1))
    (unbind,) = await wire.turn()
    wire.receive(pdus.Unbind(sequence_number=8), pdus.UnbindResp(sequence_number=unbind.sequence_number))
    await ending
    assert pdus.UnbindResp(sequence_number=8) in wire.transport.take_pdus()
    assert wire.owner.named("closed") == [(CloseKind.UNBOUND, [])]

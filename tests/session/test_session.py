"""A session without sockets: time is told, the connection is memory."""

import asyncio

import pytest

from gateway.session.errors import BindRefused, NoRoom, SessionClosed
from gateway.session.owner import CloseKind
from gateway.session.settings import Direction, SessionSettings
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.errors import RuleBroken
from gateway.smpp.framing import Framer
from gateway.smpp.rules import Role, SessionState
from gateway.smpp.timers import TimerSettings

from .wire import TEMPLATE, Wire, bound_wire


async def test_binding_says_who_we_are_and_reports_once():
    wire = Wire()
    binding = asyncio.ensure_future(wire.session.bind(pdus.BindTransceiver(system_id=b"acme")))
    (request,) = await wire.turn()
    assert request == pdus.BindTransceiver(system_id=b"acme", sequence_number=1)
    assert wire.session.room == 0
    response = pdus.BindTransceiverResp(system_id=b"smsc", tlvs=((0x0210, b"\x34"),), sequence_number=1)
    wire.receive(response)
    assert await binding == response
    assert wire.owner.calls == [("bound", response)]
    assert (wire.session.state, wire.session.room) == (SessionState.BOUND_TRX, 3)
    assert wire.session.peer_interface_version == 0x34


async def test_a_bind_response_with_a_foreign_number_is_accepted():  # quirk 13
    wire = Wire()
    binding = asyncio.ensure_future(wire.session.bind(pdus.BindTransmitter()))
    await wire.turn()
    wire.receive(pdus.BindTransmitterResp(sequence_number=77))
    await binding
    assert wire.session.state is SessionState.BOUND_TX


@pytest.mark.parametrize(
    "refusal",
    [
        pdus.BindTransceiverResp(command_status=0x0E, sequence_number=1),
        pdus.GenericNack(command_status=0x0E, sequence_number=1),
    ],
)
async def test_a_refused_bind_raises_its_status_and_closes(refusal):
    wire = Wire()
    binding = asyncio.ensure_future(wire.session.bind(pdus.BindTransceiver()))
    await wire.turn()
    wire.receive(refusal)
    with pytest.raises(BindRefused) as caught:
        await binding
    assert caught.value.command_status == 0x0E
    assert wire.transport.is_gone
    assert wire.owner.calls == []


def test_a_refusal_is_told_by_number_and_name_where_it_has_one():
    assert "0x0d ESME_RBINDFAIL: The bind failed: account refused" in str(BindRefused("smsc:2775", 0x0D))
    assert str(BindRefused("smsc:2775", 0x401)).startswith(
        "smsc:2775 refused the bind with 0x401: The carrier's"
    )


async def test_a_connection_lost_before_the_bind_response_raises():
    wire = Wire()
    binding = asyncio.ensure_future(wire.session.bind(pdus.BindTransceiver()))
    await wire.turn()
    wire.transport.lose(ConnectionResetError("reset"))
    with pytest.raises(SessionClosed, match="reset"):
        await binding
    with pytest.raises(SessionClosed):
        await wire.session.bind(pdus.BindTransceiver())


async def test_a_bind_that_is_never_answered_ends():
    wire = Wire(settings=SessionSettings(timers=TimerSettings(session_init_seconds=10)))
    binding = asyncio.ensure_future(wire.session.bind(pdus.BindTransceiver()))
    await wire.turn()
    wire.pass_seconds(11)
    with pytest.raises(SessionClosed) as caught:
        await binding
    assert caught.value.reason.kind is CloseKind.SESSION_INIT_EXPIRED


async def test_submits_of_one_turn_leave_in_one_write():
    wire = await bound_wire()
    numbers = [wire.submit("a"), wire.submit("b")]
    assert wire.transport.writes == []
    await asyncio.sleep(0)
    assert len(wire.transport.writes) == 1
    assert [pdu.sequence_number for pdu in wire.transport.take_pdus()] == numbers


async def test_what_cannot_wait_is_written_before_the_turn_ends_and_once():
    wire = await bound_wire()
    number = wire.submit("a")
    wire.session.write_now()
    assert [pdu.sequence_number for pdu in wire.transport.take_pdus()] == [number]
    wire.session.write_now()
    assert await wire.turn() == []


async def test_answers_match_in_any_order_and_come_in_one_call():  # quirk 9
    wire = await bound_wire()
    first, second = wire.submit("a"), wire.submit("b")
    wire.receive(
        pdus.SubmitSmResp(message_id=b"2", sequence_number=second),
        pdus.SubmitSmResp(command_status=0x58, sequence_number=first),
    )
    assert wire.owner.calls == [("answers", [("b", 0, b"2"), ("a", 0x58, b"")])]
    assert wire.session.in_flight == 0


async def test_what_answers_let_out_is_written_before_the_owner_hears_of_requests_read_with_them():
    wire = await bound_wire()
    number = wire.submit("a")
    await wire.turn()
    written = []

    def submit_next(session, answers):
        wire.submit("b")

    def look(session, requests):
        written.extend(wire.transport.take_pdus())

    wire.owner.on_answers, wire.owner.on_requests = submit_next, look
    wire.receive(
        pdus.DeliverSm(esm_class=4, sequence_number=9),
        pdus.EnquireLink(sequence_number=10),
        pdus.SubmitSmResp(message_id=b"1", sequence_number=number),
    )
    assert [type(pdu) for pdu in written] == [pdus.EnquireLinkResp, pdus.SubmitSm]
    assert await wire.turn() == []


async def test_the_window_is_never_exceeded_and_room_is_told_once():
    wire = await bound_wire()
    numbers = [wire.submit(context) for context in "abc"]
    assert wire.session.room == 0
    with pytest.raises(NoRoom):
        wire.submit("d")
    wire.receive(*[pdus.SubmitSmResp(sequence_number=number) for number in numbers[:2]])
    assert [name for name, _ in wire.owner.calls] == ["answers", "room"]
    assert wire.session.room == 2


async def test_a_submit_that_does_not_fit_takes_no_place():
    wire = await bound_wire()
    with pytest.raises(RuleBroken):
        wire.session.submit("a", TEMPLATE, b"1" * 21, b"")
    assert wire.session.in_flight == 0
    assert await wire.turn() == []


async def test_a_response_of_the_wrong_kind_answers_nothing():  # quirk 8
    wire = await bound_wire()
    number = wire.submit("a")
    wire.receive(
        pdus.DataSmResp(sequence_number=number),
        pdus.SubmitSmResp(sequence_number=999),
        pdus.GenericNack(command_status=3),
    )
    assert wire.owner.calls == []
    assert (wire.session.in_flight, wire.session.counters.stray_responses) == (1, 3)


async def test_a_nack_with_our_number_is_an_error_answer():  # quirk 7
    wire = await bound_wire()
    wire.receive(pdus.GenericNack(command_status=0, sequence_number=wire.submit("a")))
    assert wire.owner.calls == [("answers", [("a", 0xFF, b"")])]


async def test_no_response_in_time_is_told_and_a_late_one_is_recognised():  # quirk 8
    wire = await bound_wire(settings=SessionSettings(window=1, response_timeout_seconds=5))
    number = wire.submit("a")
    wire.pass_seconds(4)
    wire.receive(pdus.EnquireLink(sequence_number=1))
    wire.pass_seconds(2)
    assert wire.owner.calls == [("timeouts", ["a"]), ("room", 1)]
    wire.owner.calls.clear()
    wire.receive(pdus.SubmitSmResp(message_id=b"7", sequence_number=number))
    assert wire.owner.calls == [("late", [("a", 0, b"7")])]


async def test_nothing_more_is_sent_on_a_line_that_answers_nothing_until_something_is_heard():  # quirk 18
    wire = await bound_wire(settings=SessionSettings(window=1, response_timeout_seconds=5))
    wire.submit("a")
    await wire.turn()
    wire.pass_seconds(6)
    assert wire.owner.calls == [("timeouts", ["a"])]
    assert wire.session.room == 0
    (asked,) = await wire.turn()
    assert isinstance(asked, pdus.EnquireLink)
    wire.receive(pdus.EnquireLinkResp(sequence_number=asked.sequence_number))
    assert wire.owner.calls[-1] == ("room", 1)


async def test_a_line_that_answers_nothing_at_all_is_given_up_soon():  # quirk 18
    wire = await bound_wire(settings=SessionSettings(window=1, response_timeout_seconds=5))
    wire.submit("a")
    wire.pass_seconds(6)
    wire.pass_seconds(16)
    assert wire.session.is_closed


async def test_a_late_nack_is_a_late_answer():  # quirk 8
    wire = await bound_wire(settings=SessionSettings(window=1, response_timeout_seconds=5))
    number = wire.submit("a")
    wire.pass_seconds(4)
    wire.receive(pdus.EnquireLink(sequence_number=1))
    wire.pass_seconds(2)
    wire.owner.calls.clear()
    wire.receive(pdus.GenericNack(command_status=0x08, sequence_number=number))
    assert wire.owner.calls == [("late", [("a", 0x08, b"")])]


async def test_a_late_answer_is_forgotten_after_its_time():  # quirk 8
    settings = SessionSettings(window=1, response_timeout_seconds=5, keep_late_seconds=60)
    wire = await bound_wire(settings=settings)
    number = wire.submit("a")
    wire.pass_seconds(6)
    wire.receive(pdus.EnquireLink(sequence_number=1))
    wire.pass_seconds(60)
    wire.owner.calls.clear()
    wire.receive(pdus.SubmitSmResp(message_id=b"7", sequence_number=number))
    assert wire.owner.calls == []
    assert wire.session.counters.stray_responses == 1


async def test_a_delivery_with_the_number_of_a_pending_submit_has_nothing_to_do_with_it():  # quirk 6
    wire = await bound_wire()
    number = wire.submit("a")
    delivery = pdus.DeliverSm(sequence_number=number)
    wire.receive(delivery)
    assert wire.owner.calls == [("requests", [(number, delivery)])]
    wire.session.acknowledge_deliveries([number])
    wire.receive(pdus.SubmitSmResp(message_id=b"1", sequence_number=number))
    assert wire.owner.calls[1:] == [("answers", [("a", 0, b"1")])]


async def test_a_broken_alert_gets_no_answer():  # quirk 11
    wire = await bound_wire()
    wire.session.data_received(bytes.fromhex("00000012 00000102 00000000 00000003 0101"))
    assert await wire.turn() == []
    assert wire.session.counters.bad_pdus == 1


async def test_the_largest_payload_passes_and_the_operator_may_allow_less():  # quirk 2
    largest = pdus.DataSm(tlvs=((0x0424, bytes(65_535)),), sequence_number=1)
    wire = await bound_wire()
    wire.receive(largest)
    assert wire.owner.named("requests")
    wire = await bound_wire(settings=SessionSettings(max_pdu_octets=2048))
    wire.receive(largest)
    assert wire.owner.named("closed") == [(CloseKind.STREAM_LOST, [])]


async def test_a_shut_gate_gives_submits_back_unwritten():
    is_open = True
    wire = await bound_wire(may_write=lambda: is_open)
    wire.submit("a")
    assert len(await wire.turn()) == 1
    is_open = False
    wire.submit("b")
    wire.receive(pdus.EnquireLink(sequence_number=5))
    assert await wire.turn() == [pdus.EnquireLinkResp(sequence_number=5)]
    assert wire.owner.calls == [("unwritten", ["b"])]
    assert wire.session.in_flight == 1


async def test_an_answer_to_a_request_that_was_never_written_breaks_nothing():
    wire = await bound_wire(may_write=lambda: False)
    number = wire.submit("a")
    wire.submit("b")
    wire.receive(pdus.SubmitSmResp(message_id=b"1", sequence_number=number))
    assert wire.owner.calls == [("answers", [("a", 0, b"1")]), ("unwritten", ["b"])]


async def test_what_was_given_before_the_unbind_leaves_before_it():
    wire = await bound_wire()
    wire.submit("a")
    ending = asyncio.ensure_future(wire.session.unbind(drain_seconds=0))
    assert [type(pdu) for pdu in await wire.turn()] == [pdus.SubmitSm, pdus.Unbind]
    wire.receive(pdus.UnbindResp(sequence_number=3))
    await ending
    assert wire.owner.named("closed") == [(CloseKind.UNBOUND, ["a"])]


async def test_the_end_tells_written_and_unwritten_apart():
    wire = await bound_wire()
    wire.submit("written")
    await wire.turn()
    wire.submit("unwritten")
    wire.transport.lose(ConnectionResetError())
    assert wire.owner.calls == [("unwritten", ["unwritten"]), ("closed", (CloseKind.NETWORK, ["written"]))]
    assert wire.session.room == 0
    assert (await wire.session.wait_closed()).kind is CloseKind.NETWORK
    with pytest.raises(NoRoom):
        wire.submit("c")
    wire.session.acknowledge_deliveries([1])
    wire.session.answer(pdus.DataSmResp(sequence_number=1))


async def test_deliveries_come_in_one_call_and_wait_for_us_to_answer():
    wire = await bound_wire()
    receipts = [
        pdus.DeliverSm(esm_class=4, short_message=b"%d" % n, sequence_number=n) for n in (4, 0xFFFFFFFF)
    ]
    wire.receive(*receipts)
    assert wire.owner.calls == [("requests", [(4, receipts[0]), (0xFFFFFFFF, receipts[1])])]
    assert await wire.turn() == []
    wire.session.acknowledge_deliveries([4])
    wire.session.acknowledge_deliveries([0xFFFFFFFF], 0x14)
    assert await wire.turn() == [
        pdus.DeliverSmResp(sequence_number=4),
        pdus.DeliverSmResp(sequence_number=0xFFFFFFFF, command_status=0x14),
    ]


async def test_data_sm_and_alerts_reach_the_owner_in_order():  # quirks 11, 54
    wire = await bound_wire()
    requests = [
        pdus.DeliverSm(sequence_number=1),
        pdus.DataSm(sequence_number=2),
        pdus.AlertNotification(sequence_number=3),
        pdus.DeliverSm(sequence_number=4),
    ]
    wire.receive(*requests)
    assert wire.owner.calls == [("requests", [(pdu.sequence_number, pdu) for pdu in requests])]


async def test_outbind_has_no_answer():
    wire = Wire()
    wire.receive(pdus.Outbind(system_id=b"x"))
    assert await wire.turn() == []
    assert wire.owner.calls == []


async def test_unknown_requests_are_nacked_and_unknown_responses_are_not():  # quirk 10
    wire = await bound_wire()
    wire.receive(pdus.UnknownPdu(0x0A0A, b"x", 0, 7), pdus.UnknownPdu(0x80000A0A, b"", 0, 8))
    assert await wire.turn() == [pdus.GenericNack(command_status=3, sequence_number=7)]
    assert wire.session.state.is_bound


async def test_a_bad_delivery_is_answered_and_the_session_lives():
    wire = await bound_wire()
    raw = bytes.fromhex("00000014 00000005 00000000 00000009 00000000")
    wire.session.data_received(raw)
    assert await wire.turn() == [pdus.DeliverSmResp(command_status=2, sequence_number=9)]
    assert wire.owner.calls == [("bad_pdu", (raw, 2))]
    assert wire.session.counters.bad_pdus == 1
    wire.receive(pdus.DeliverSm(sequence_number=10))
    assert wire.owner.named("requests")


async def test_a_lost_stream_closes_after_what_came_before():  # quirk 2
    wire = await bound_wire()
    number = wire.submit("a")
    await wire.turn()
    answered = pdus.SubmitSmResp(message_id=b"1", sequence_number=number)
    wire.session.data_received(encode(answered) + b"HTTP/1.1 200 OK\r\n")
    assert wire.owner.calls == [("answers", [("a", 0, b"1")]), ("closed", (CloseKind.STREAM_LOST, []))]
    assert wire.transport.take_pdus() == [pdus.GenericNack(command_status=2)]


async def test_silence_is_asked_about_and_then_cut():  # quirk 18
    wire = await bound_wire(settings=SessionSettings(timers=TimerSettings(enquire_link_seconds=30)))
    wire.pass_seconds(31)
    assert [type(pdu) for pdu in await wire.turn()] == [pdus.EnquireLink]
    wire.receive(pdus.EnquireLinkResp(sequence_number=2))
    wire.pass_seconds(16)
    assert not wire.transport.is_gone
    wire.pass_seconds(15)
    wire.pass_seconds(16)
    assert wire.owner.calls == [("closed", (CloseKind.ENQUIRE_LINK_UNANSWERED, []))]


async def test_unbinding_waits_for_the_window_first():
    wire = await bound_wire()
    number = wire.submit("a")
    await wire.turn()
    ending = asyncio.ensure_future(wire.session.unbind(drain_seconds=30))
    assert await wire.turn() == []
    assert wire.session.room == 0
    wire.receive(pdus.SubmitSmResp(sequence_number=number))
    (unbind,) = await wire.turn()
    assert isinstance(unbind, pdus.Unbind)
    wire.receive(pdus.UnbindResp(sequence_number=unbind.sequence_number))
    await ending
    assert wire.owner.named("closed") == [(CloseKind.UNBOUND, [])]


async def test_a_delivery_after_our_unbind_is_kept_by_the_smsc():
    wire = await bound_wire()
    ending = asyncio.ensure_future(wire.session.unbind(drain_seconds=0))
    await wire.turn()
    wire.receive(pdus.DeliverSm(sequence_number=9))
    assert await wire.turn() == [pdus.DeliverSmResp(command_status=0x64, sequence_number=9)]
    wire.receive(pdus.UnbindResp(sequence_number=2))
    await ending


async def test_an_unbind_of_the_peer_gives_unwritten_back_and_waits_for_answers_both_ways():  # quirk 21
    wire = await bound_wire()
    number = wire.submit("written")
    await wire.turn()
    wire.submit("unwritten")
    wire.receive(pdus.DeliverSm(sequence_number=3), pdus.Unbind(sequence_number=8))
    assert [name for name, _ in wire.owner.calls] == ["requests", "unwritten"]
    assert await wire.turn() == [pdus.UnbindResp(sequence_number=8)]
    assert wire.session.room == 0
    wire.receive(pdus.SubmitSmResp(message_id=b"1", sequence_number=number))
    assert wire.owner.calls[2:] == [("answers", [("written", 0, b"1")])]
    wire.session.acknowledge_deliveries([3])
    assert wire.transport.take_pdus() == [pdus.DeliverSmResp(sequence_number=3)]
    assert wire.owner.calls[3:] == [("closed", (CloseKind.PEER_UNBOUND, []))]


async def test_answers_that_never_come_do_not_hold_up_the_end():
    wire = await bound_wire()
    wire.submit("a")
    await wire.turn()
    wire.receive(pdus.Unbind(sequence_number=8))
    assert not wire.transport.is_gone
    wire.pass_seconds(6)
    assert wire.owner.named("closed") == [(CloseKind.PEER_UNBOUND, ["a"])]


async def test_a_congested_connection_has_no_room():
    wire = await bound_wire()
    wire.session.pause_writing()
    assert wire.session.room == 0
    wire.session.resume_writing()
    assert wire.owner.calls == [("room", 3)]


async def test_a_trace_gets_whole_pdus_once_for_each_read_and_write():
    seen = []

    def trace(direction, octets):
        seen.append((direction, [frame[0] for frame in Framer().feed(octets)[1]]))

    wire = await bound_wire(trace=trace)
    assert seen == [(Direction.SENT, [9]), (Direction.RECEIVED, [0x80000009])]
    seen.clear()
    wire.submit("a")
    wire.submit("b")
    await wire.turn()
    alerts = [encode(pdus.EnquireLink(sequence_number=number)) for number in (1, 2, 3)]
    wire.session.data_received(b"".join(alerts)[:40])
    wire.session.data_received(b"".join(alerts)[40:41])
    wire.session.data_received(b"".join(alerts)[41:])
    assert seen == [
        (Direction.SENT, [4, 4]),
        (Direction.RECEIVED, [0x15, 0x15]),
        (Direction.SENT, [0x80000015, 0x80000015]),
        (Direction.RECEIVED, [0x15]),
        (Direction.SENT, [0x80000015]),
    ]


async def test_sequence_numbers_wrap_past_what_is_pending():
    wire = await bound_wire()
    first = wire.submit("old")
    wire.session._numbers._last = 0x7FFFFFFF
    assert [wire.submit("a"), first] == [1, 2]
    assert wire.submit("b") == 3


# The SMSC role.


def smsc_wire(status=0):
    return Wire(Role.SMSC, authenticate=lambda session, pdu: status)


async def test_an_smsc_accepts_a_bind_with_its_version():
    wire = smsc_wire()
    bind = pdus.BindTransceiver(system_id=b"acme", sequence_number=5)
    wire.receive(bind, pdus.SubmitSm(destination_addr=b"1", sequence_number=6))
    assert await wire.turn() == [
        pdus.BindTransceiverResp(system_id=b"estafette", tlvs=((0x0210, b"\x34"),), sequence_number=5)
    ]
    assert [name for name, _ in wire.owner.calls] == ["bound", "requests"]  # quirk 91: no wait for bind_resp


async def test_a_version_33_client_gets_no_tlvs():  # quirk 15
    wire = smsc_wire()
    wire.receive(pdus.BindReceiver(interface_version=0x33, sequence_number=1))
    assert await wire.turn() == [pdus.BindReceiverResp(system_id=b"estafette", sequence_number=1)]


async def test_a_refused_client_is_told_why_and_closed():
    wire = smsc_wire(status=0x0E)
    wire.receive(pdus.BindTransceiver(sequence_number=1))
    assert wire.transport.take_pdus() == [pdus.BindTransceiverResp(command_status=0x0E, sequence_number=1)]
    assert wire.transport.is_gone
    assert wire.owner.calls == []


async def test_illegal_requests_are_refused_in_every_state():
    wire = smsc_wire()
    wire.receive(pdus.SubmitSm(sequence_number=1))
    wire.receive(pdus.BindReceiver(sequence_number=2), pdus.SubmitSm(sequence_number=3))
    wire.receive(pdus.BindReceiver(sequence_number=4))
    answers = [(type(pdu), pdu.command_status) for pdu in await wire.turn()]
    assert answers == [
        (pdus.SubmitSmResp, 4),
        (pdus.BindReceiverResp, 0),
        (pdus.SubmitSmResp, 4),
        (pdus.BindReceiverResp, 5),
    ]
    assert wire.owner.named("requests") == []


async def test_an_smsc_delivers_inside_its_window():
    wire = smsc_wire()
    wire.receive(pdus.BindTransceiver(sequence_number=1))
    await wire.turn()
    number = wire.session.request("receipt", pdus.DeliverSm(short_message=b"x"))
    assert await wire.turn() == [pdus.DeliverSm(short_message=b"x", sequence_number=number)]
    wire.receive(pdus.DeliverSmResp(command_status=0x14, sequence_number=number))
    assert wire.owner.named("answers") == [[("receipt", 0x14, b"")]]
    with pytest.raises(NoRoom):
        wire.session.request("x", pdus.SubmitSm())

"""Following one number through a stream: submits, answers, receipts and texts, and nothing else."""

from gateway.config.carriers import AddressFormConfig
from gateway.dispatch.trace import Chunk
from gateway.dispatch.trace_picking import NumberPicker, TracedPdu, forms_of, split_chunk
from gateway.smpp import pdus
from gateway.smpp.codec import encode
from gateway.smpp.errors import name_command
from tests.dispatch.carrier_fakes import make_config
from tests.dispatch.trace_fakes import HEX_RESPONSES, NUMBER, OTHER, Wire, forms


def pick(wire: Wire, picker: NumberPicker) -> list[TracedPdu]:
    return [pdu for chunk in wire.chunks for pdu in picker.pick(chunk)]


def told(picked: list[TracedPdu]) -> list[tuple[str, int]]:
    return [(name_command(pdu.command_id), pdu.sequence_number) for pdu in picked]


def test_an_exchange_is_followed_from_submit_to_the_answer_of_its_receipt() -> None:
    wire = Wire()
    other, ours = wire.submit(OTHER), wire.submit()
    wire.answer(ours, "A1")
    wire.answer(other, "A2")
    wire.receipt("A2", 1, source=OTHER)
    wire.receipt("A1", 2)
    assert told(pick(wire, NumberPicker(NUMBER, forms()))) == [
        ("submit_sm", 2),
        ("submit_sm_resp", 2),
        ("deliver_sm", 2),
        ("deliver_sm_resp", 2),
    ]


def test_a_receipt_without_the_number_is_found_by_its_id_in_the_other_base() -> None:
    wire = Wire()
    ours, other = wire.submit(), wire.submit(OTHER)
    wire.answer(ours, "1F")
    wire.answer(other, "20")
    wire.receipt("32", 1, source="")
    wire.receipt("31", 2, source="")
    assert told(pick(wire, NumberPicker(NUMBER, forms(**HEX_RESPONSES))))[2:] == [
        ("deliver_sm", 2),
        ("deliver_sm_resp", 2),
    ]


def test_a_receipt_on_another_bind_belongs_to_it_too() -> None:
    first, second = Wire(), Wire(session_no=2, bind_no=2)
    first.answer(first.submit(), "A1")
    second.receipt("A1", 9, source="")
    picker = NumberPicker(NUMBER, forms())
    picked = pick(first, picker) + pick(second, picker)
    assert [pdu.session_no for pdu in picked] == [1, 1, 2, 2]


def test_the_same_sequence_number_on_another_session_or_way_is_not_the_answer() -> None:
    first, second = Wire(), Wire(session_no=2)
    number = first.submit()
    second.answer(number, "A9")
    first.pass_by(True, pdus.SubmitSmResp(sequence_number=number))
    picker = NumberPicker(NUMBER, forms())
    assert told(pick(first, picker) + pick(second, picker)) == [("submit_sm", number)]


def test_a_generic_nack_of_its_submit_is_its_answer() -> None:
    wire = Wire()
    number = wire.submit()
    wire.pass_by(False, pdus.GenericNack(sequence_number=number, command_status=3))
    assert told(pick(wire, NumberPicker(NUMBER, forms())))[1] == ("generic_nack", number)


def test_forms_that_carriers_write_a_number_in_are_the_same_number() -> None:
    national = {1: forms_of(make_config(address_form=AddressFormConfig(country="FR")))}
    for written in (NUMBER, f"+{NUMBER}", f"00{NUMBER}", "0639981234"):
        wire = Wire()
        wire.submit(written)
        assert pick(wire, NumberPicker(NUMBER, national)), written
    wire = Wire()
    wire.submit("44639981234")  # the same last digits
    assert not pick(wire, NumberPicker(NUMBER, national))


def test_a_number_that_stands_only_in_a_text_is_not_meant() -> None:
    wire = Wire()
    wire.submit(OTHER, text=f"call {NUMBER}".encode())
    assert not pick(wire, NumberPicker(NUMBER, forms()))


def test_texts_from_the_handset_come_with_our_answer() -> None:
    wire = Wire()
    wire.pass_by(False, pdus.EnquireLink(), pdus.DeliverSm(sequence_number=5, source_addr=NUMBER.encode()))
    wire.pass_by(True, pdus.EnquireLinkResp(), pdus.DeliverSmResp(sequence_number=5))
    assert told(pick(wire, NumberPicker(NUMBER, forms()))) == [("deliver_sm", 5), ("deliver_sm_resp", 5)]


def test_a_connector_that_is_not_asked_for_is_passed_over() -> None:
    wire = Wire(connector_id=2)
    wire.submit()
    assert not pick(wire, NumberPicker(NUMBER, forms()))


def test_damaged_pdus_end_nothing() -> None:
    octets = bytearray(encode(pdus.DeliverSm(source_addr=NUMBER.encode(), short_message=b"hello")))
    octets[-6] = 200  # sm_length beyond the end
    chunk = Chunk(1.0, 1, 1, "transceiver", 1, False, bytes(octets))
    assert len(NumberPicker(NUMBER, forms(), ids=[(1, "a1")]).pick(chunk)) == 1
    assert len(NumberPicker(OTHER, forms(), ids=[(1, "hell")]).pick(chunk)) == 0


def test_a_chunk_is_split_no_further_than_asked() -> None:
    chunk = Chunk(1.0, 1, 1, "transceiver", 1, False, encode(pdus.EnquireLink(sequence_number=3)) * 5)
    assert [pdu.sequence_number for pdu in split_chunk(chunk, most=2)] == [3, 3]

"""What binds and refusals say: a key is proposed where a message was refused without it and taken with it."""

from gateway.config.carriers import AddressForm, Concatenation, ValidityForm
from gateway.doctor.findings import Confidence, Diagnosis
from gateway.doctor.plan import Purpose
from tests.doctor.evidence_values import bind, connector, long_text, read, submit

ONE = [submit(Purpose.OPENING, 1)]


def because(diagnosis: Diagnosis, path: str) -> str:
    return next(each.because for each in diagnosis.proposals if each.path == path)


def test_a_refused_transceiver_and_a_bound_pair_is_a_bind_mode() -> None:
    binds = (bind("transceiver", 0x0D), bind("transmitter"), bind("receiver"))
    diagnosis = read(ONE, binds=binds)
    assert diagnosis.value_of("bind_mode") == "transmitter_receiver"
    assert "transceiver was refused with 0x0d" in because(diagnosis, "bind_mode")


def test_a_stated_version_below_34_is_proposed() -> None:
    assert read(ONE, binds=(bind(smsc_version=0x33),)).value_of("interface_version") == "3.3"


def test_bind_transceiver_as_an_unknown_command_without_a_version_is_an_smsc_of_33() -> None:
    pair = (bind("transmitter", smsc_version=None), bind("receiver", smsc_version=None))
    diagnosis = read(ONE, binds=(bind("transceiver", 0x03), *pair))
    assert diagnosis.value_of("interface_version") == "3.3"


def test_a_bind_that_33_alone_gets_is_an_smsc_of_33() -> None:
    binds = (bind("transmitter", 0x0D), bind("transmitter", stated_version=0x33, smsc_version=None))
    assert read(ONE, binds=binds).value_of("interface_version") == "3.3"


def test_a_refused_second_bind_proposes_one() -> None:
    binds = (bind(), bind(command_status=0x05))
    assert read(ONE, binds=binds, config=connector(binds=2)).value_of("binds") == 1
    assert read(ONE, binds=(bind(), bind()), config=connector(binds=2)).value_of("binds") is None


def test_a_system_type_that_made_the_bind_is_proposed() -> None:
    diagnosis = read(ONE, bind_changes={"system_type": "SMPP"})
    assert diagnosis.value_of("system_type") == "SMPP"


def test_each_setting_that_a_plain_text_needed_is_proposed_with_its_own_refusal() -> None:
    service = {"service_type": "CMT"}
    address = {**service, "address_form.recipient": AddressForm.PLUS}
    validity = {**address, "validity": ValidityForm.NONE}
    submits = [
        submit(Purpose.OPENING, 1, status=0x15),
        submit(Purpose.OPENING, 2, status=0x0B, changes=service),
        submit(Purpose.OPENING, 3, status=0x62, changes=address),
        submit(Purpose.OPENING, 4, status=0x62, changes={**address, "validity": ValidityForm.ABSOLUTE}),
        submit(Purpose.OPENING, 5, changes=validity),
    ]
    diagnosis = read(submits)
    assert diagnosis.value_of("service_type") == "CMT"
    assert diagnosis.value_of("address_form.recipient") == "plus"
    assert diagnosis.value_of("validity") == "none"
    assert "0x15" in because(diagnosis, "service_type")
    assert "0x0b" in because(diagnosis, "address_form.recipient")
    assert "0x62" in because(diagnosis, "validity")


def test_a_refusal_that_passes_by_itself_proposes_no_change() -> None:
    diagnosis = read([submit(Purpose.OPENING, 1, status=0x45), submit(Purpose.OPENING, 2)])
    assert diagnosis.value_of("validity") == "relative"
    assert any("a passing fault" in sentence for sentence in diagnosis.remarks)


def test_a_text_that_is_refused_in_every_form_is_said_with_its_meaning() -> None:
    diagnosis = read([submit(Purpose.OPENING, 1, status=0x0A)])
    assert diagnosis.value_of("validity") is None
    assert any("0x0a" in sentence and "sender" in sentence for sentence in diagnosis.unseen)


def test_the_first_way_of_splitting_in_which_all_parts_are_taken_is_proposed() -> None:
    submits = [
        *ONE,
        *long_text(2, ["a"], Concatenation.UDH8, [0x43]),
        *long_text(3, ["b", "c"], Concatenation.SAR),
    ]
    diagnosis = read(submits)
    assert diagnosis.value_of("concatenation") == "sar"
    assert "udh8 was refused with 0x43" in because(diagnosis, "concatenation")


def test_a_part_that_was_throttled_first_does_not_refuse_the_way() -> None:
    refused, *_ = long_text(2, ["a", "b"], Concatenation.UDH8, [0x58, 0])
    diagnosis = read([*ONE, refused, *long_text(2, ["a", "b"], Concatenation.UDH8)])
    assert diagnosis.value_of("concatenation") == "udh8"


def test_no_way_at_all_is_said_so() -> None:
    diagnosis = read([*ONE, *long_text(2, ["a"], Concatenation.UDH8, [0x43])])
    assert diagnosis.value_of("concatenation") is None
    assert any("max_parts: 1" in sentence for sentence in diagnosis.unseen)


def test_the_longest_text_that_is_taken_bounds_the_parts() -> None:
    longest = [
        submit(Purpose.LONGEST, 5, status=0x01, parts=6),
        *(submit(Purpose.LONGEST, 6, parts=4, part=part) for part in range(4)),
    ]
    diagnosis = read([*ONE, *long_text(2, ["a", "b"], Concatenation.UDH8), *longest])
    assert diagnosis.value_of("max_parts") == 4
    assert next(p for p in diagnosis.proposals if p.path == "max_parts").confidence is Confidence.LIKELY


def test_further_senders_are_told_one_by_one() -> None:
    diagnosis = read([*ONE, submit(Purpose.SENDER, 2), submit(Purpose.SENDER, 3, status=0x0A)])
    assert any(sentence.startswith("Sender SHOP was taken") for sentence in diagnosis.remarks)
    assert any("refused with 0x0a" in sentence for sentence in diagnosis.remarks)


def test_what_the_line_did_is_told() -> None:
    diagnosis = read(
        ONE, links_asked=2, links_answered=1, ends=("it broke",), strays=("outbind",), bad_pdus=1
    )
    for words in ("1 of 2 enquire_links", "it broke", "outbind", "1 PDU could not be read"):
        assert any(words in sentence for sentence in diagnosis.remarks)

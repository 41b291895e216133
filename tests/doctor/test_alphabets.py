"""Alphabets read from quotations: each combination that a carrier may have, and what must stay open."""

import pytest

from gateway.config.carriers import Charset, OctetOrder
from gateway.doctor.diagnosis import needs_other_alphabets
from gateway.doctor.evidence import ReceiptSeen, SubmitSeen
from gateway.doctor.findings import Diagnosis
from gateway.doctor.plan import ALPHABETS, Purpose, write_probe
from gateway.smpp.gsm import decode_gsm, encode_gsm, pack_septets, unpack_septets
from tests.doctor.evidence_values import alphabet_submit, evidence, read, receipt

CODECS = {Charset.LATIN1: "latin-1", Charset.ASCII: "ascii", Charset.UTF8: "utf-8"}
QUOTED_CHARACTERS = 20


def octets_of(text: str, charset: Charset) -> bytes:
    """What a carrier of this alphabet writes; "?" for what it lacks."""
    if charset in CODECS:
        return text.encode(CODECS[charset], "replace")
    septets = b"".join(encode_gsm(character) or b"?" for character in text)
    return pack_septets(septets) if charset is Charset.GSM_PACKED else septets


def understand(octets: bytes, charset: Charset) -> str:
    if charset in CODECS:
        return octets.decode(CODECS[charset], "replace")
    return decode_gsm(unpack_septets(octets) if charset is Charset.GSM_PACKED else octets)


def sent_about_alphabets(*purposes: Purpose) -> list[SubmitSeen]:
    submits = []
    for number, purpose in enumerate(purposes, 1):
        text = write_probe(purpose, number, "SHOP").text
        octets = text.encode("utf-16-be") if purpose is Purpose.UCS2 else octets_of(text, ALPHABETS[purpose])
        submits.append(alphabet_submit(purpose, number, octets))
    return submits


def quoting(submits: list[SubmitSeen], send: Charset, receive: Charset, order: str) -> list[ReceiptSeen]:
    """The receipts of a carrier that reads and writes so."""
    receipts = []
    for submit in submits:
        if submit.probe.purpose is Purpose.UCS2:
            text = submit.body.decode(f"utf-16-{order}", "replace")
        else:
            text = understand(submit.body, send)
        quoted = octets_of(text[:QUOTED_CHARACTERS], receive).rstrip(b" ")
        receipts.append(receipt(f"id{submit.probe.number}", quoted=quoted))
    return receipts


def examine(send: Charset, receive: Charset, order: str = "be") -> Diagnosis:
    """As an examination goes: two messages first, others when these leave it open."""
    purposes = [Purpose.ALPHABET, Purpose.UCS2]
    submits = sent_about_alphabets(*purposes)
    further = needs_other_alphabets(evidence(submits, quoting(submits, send, receive, order)))
    submits = sent_about_alphabets(*purposes, *further)
    return read(submits, quoting(submits, send, receive, order))


@pytest.mark.parametrize("receive", [Charset.GSM, Charset.LATIN1, Charset.UTF8, Charset.GSM_PACKED])
@pytest.mark.parametrize("send", [Charset.GSM, Charset.LATIN1, Charset.UTF8, Charset.GSM_PACKED])
def test_the_alphabet_of_each_direction_is_read_from_quotations(send: Charset, receive: Charset) -> None:
    diagnosis = examine(send, receive)
    assert diagnosis.value_of("default_charset.send") == send.value
    assert diagnosis.value_of("default_charset.receive") == receive.value
    assert diagnosis.value_of("ucs2.send") == OctetOrder.BIG.value


def test_where_ascii_and_another_both_fit_the_one_they_share_is_proposed() -> None:
    assert examine(Charset.ASCII, Charset.ASCII).value_of("default_charset.send") == "ascii"


@pytest.mark.parametrize("receive", [Charset.UTF8, Charset.GSM])
def test_octets_of_ucs2_read_the_wrong_way_round_are_noticed(receive: Charset) -> None:
    assert examine(Charset.GSM, receive, "le").value_of("ucs2.send") == "little"


def test_a_carrier_that_quotes_octets_unread_leaves_the_alphabet_to_the_phone() -> None:
    submits = sent_about_alphabets(Purpose.ALPHABET, Purpose.UCS2)
    receipts = [receipt(f"id{each.probe.number}", quoted=each.body[:20]) for each in submits]
    assert needs_other_alphabets(evidence(submits, receipts)) == (Purpose.LATIN1, Purpose.UTF8)
    diagnosis = read(submits, receipts)
    assert diagnosis.value_of("default_charset.send") is None
    assert any("octet by octet" in sentence for sentence in diagnosis.unseen)
    assert any("`default_charset.send` is gsm" in sentence for sentence in diagnosis.on_the_phone)


def test_receipts_that_quote_nothing_leave_it_to_the_phone() -> None:
    submits = sent_about_alphabets(Purpose.ALPHABET, Purpose.UCS2)
    diagnosis = read(submits, [receipt("id1"), receipt("id2")])
    assert diagnosis.value_of("default_charset.send") is None
    assert any("quote no text" in sentence for sentence in diagnosis.unseen)


def test_a_quotation_that_no_alphabet_explains_is_shown() -> None:
    submits = sent_about_alphabets(Purpose.ALPHABET, Purpose.UCS2)
    diagnosis = read(
        submits, [receipt("id1", quoted=b"something else"), receipt("id2", quoted=b"altogether")]
    )
    assert diagnosis.value_of("default_charset.send") is None
    assert any("no alphabet explains" in sentence for sentence in diagnosis.unseen)


def test_quotations_in_a_stated_coding_say_nothing_of_data_coding_0_in_receipts() -> None:
    submits = sent_about_alphabets(Purpose.ALPHABET, Purpose.UCS2)
    receipts = [
        receipt(
            f"id{each.probe.number}",
            data_coding=8,
            quoted=each.probe.text[:20].encode(),  # a receipt's UCS-2 is noted as UTF-8
        )
        for each in submits
    ]
    diagnosis = read(submits, receipts)
    assert diagnosis.value_of("default_charset.send") == "gsm"
    assert diagnosis.value_of("default_charset.receive") is None

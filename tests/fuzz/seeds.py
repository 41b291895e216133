"""Inputs to begin with, made by our own encoders, so that a fuzzer starts inside the grammar."""

from gateway.smpp import pdus
from gateway.smpp.codec import encode, encode_tlvs
from gateway.smpp.split import concat_udh, plan_text

from .session_target import COMMANDS, IS_BOUND, IS_SMSC, SUBMITS_BY_ITSELF

_RECEIPT = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2501311159 "
    b"done date:2501311200 stat:DELIVRD err:000 text:hi"
)
_RECEIPT_TLVS = ((0x001E, b"0123456789\0"), (0x0427, b"\x02"), (0x0423, b"\x03\x00\x01"))

PDUS = (
    pdus.BindTransceiver(system_id=b"acme", password=b"secret", system_type=b"VMA", sequence_number=1),
    pdus.BindTransceiverResp(system_id=b"smsc", tlvs=((0x0210, b"\x34"),), sequence_number=1),
    pdus.BindTransmitter(system_id=b"acme", interface_version=0x33, sequence_number=1),
    pdus.BindReceiverResp(command_status=5, sequence_number=1),
    pdus.SubmitSm(source_addr=b"ACME", destination_addr=b"39333", short_message=b"hi", sequence_number=2),
    pdus.SubmitSmResp(message_id=b"0a1b2c", sequence_number=2),
    pdus.SubmitSmResp(command_status=0x58, sequence_number=2),
    pdus.DeliverSm(esm_class=4, short_message=_RECEIPT, tlvs=_RECEIPT_TLVS, sequence_number=3),
    pdus.DeliverSm(esm_class=0x40, short_message=concat_udh(7, 2, 1) + b"ciao", sequence_number=4),
    pdus.DeliverSmResp(sequence_number=3),
    pdus.DataSm(esm_class=4, tlvs=((0x0424, _RECEIPT),), sequence_number=5),
    pdus.QuerySm(message_id=b"7", sequence_number=6),
    pdus.CancelSm(message_id=b"7", sequence_number=7),
    pdus.ReplaceSm(message_id=b"7", short_message=b"new", sequence_number=8),
    pdus.AlertNotification(source_addr=b"39333", sequence_number=9),
    pdus.Outbind(system_id=b"smsc", password=b"secret", sequence_number=10),
    pdus.EnquireLink(sequence_number=11),
    pdus.EnquireLinkResp(sequence_number=11),
    pdus.Unbind(sequence_number=12),
    pdus.UnbindResp(sequence_number=12),
    pdus.GenericNack(command_status=3, sequence_number=2),
    pdus.UnknownPdu(0x0A0A, b"x", 0, 13),
)

_RECEIPT_TEXTS = (
    _RECEIPT,
    b"ID: 7 Stat: DELIVERED err:A1",
    b"id:7 submit_date:250131115959 done_date:202501311200 stat:EXPIRED",
    b"id:7 2501311200 DELIVRD",
    _RECEIPT.decode().encode("utf-16-be"),
    b"\x05\x00\x03\x01\x02\x01" + _RECEIPT,
    b"",
)

_TEXTS = (
    "ciao, 10 €",
    "Zażółć gęślą jaźń 👩‍👩‍👧",
    "x" * 159 + "€" + "y" * 100,
    "e\u0301" * 80,
    "@£$¥èéùìòÇ\nØø\rÅå",
)


def framed(pdu):
    """A step of a session's script that has the peer send `pdu`."""
    octets = encode(pdu)
    index = COMMANDS.index(int.from_bytes(octets[4:8], "big"))
    return bytes((1, index, octets[15], 4 if octets[11] else 0, len(octets) - 16)) + octets[16:]


def seeds_of(mode):
    """The inputs of one target."""
    if mode == "codec":
        return [b"\x05" + encode(pdu) for pdu in PDUS]
    if mode == "receipts":
        tlvs = encode_tlvs(_RECEIPT_TLVS)
        return [
            bytes((esm_class, data_coding, len(text))) + text + tlvs
            for text in _RECEIPT_TEXTS
            for esm_class, data_coding in ((4, 0), (0, 3), (0x44, 8))
        ]
    if mode == "text":
        plans = [plan_text(text) for text in _TEXTS]
        headers = [concat_udh(7, 3, 2), concat_udh(700, 3, 2, wide=True), bytes.fromhex("03240101"), b""]
        return [b"\x00\x00" + text.encode() for text in _TEXTS] + [
            bytes((0x40 if header else 0, plan.data_coding)) + header + plan.parts[0][:100]
            for plan in plans
            for header in headers
        ]
    read, submit, answer, turn = b"\x02", b"\x04", b"\x06", b"\x07"
    return [
        bytes((options,)) + submit * 2 + turn + framed(pdu) + read + answer + turn
        for options in (IS_BOUND, IS_BOUND | SUBMITS_BY_ITSELF, IS_BOUND | IS_SMSC, IS_SMSC, 0)
        for pdu in PDUS
    ] + [
        bytes((IS_BOUND,)) + submit + b"\x09\x05" + framed(pdus.UnbindResp(sequence_number=3)) + read,
        bytes((IS_BOUND,))
        + submit
        + turn
        + b"\x08\x19"
        + framed(pdus.SubmitSmResp(sequence_number=2))
        + read,
        bytes((IS_BOUND,)) + submit * 3 + b"\x0b" + turn + b"\x0a" + turn,
    ]

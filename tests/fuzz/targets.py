"""Targets for octets that are read without a session: PDUs, receipts, texts. Each takes one input and raises
for a finding; what hostile octets may raise is caught here.
"""

import contextlib
from datetime import UTC, datetime

from gateway.domain.addresses import read_address
from gateway.smpp import pdus
from gateway.smpp.codec import LAYOUTS, decode, decode_tlvs, encode
from gateway.smpp.errors import BadPdu, RuleBroken, TextNotEncodable, TextTooLong
from gateway.smpp.framing import Framer
from gateway.smpp.hotpath import decode_deliver_sm, decode_message_id, decode_submit_sm
from gateway.smpp.receipts import parse_receipt
from gateway.smpp.received_text import Piece, read_pieces
from gateway.smpp.split import Concat, plan_text
from gateway.smpp.text import ReadAs, decode_text, reading_of
from gateway.smpp.times import decode_receipt_time, decode_time
from gateway.smpp.udh import find_concatenation, find_ports, split_user_data
from gateway.smpp.wording import word_pdu

NOW = datetime(2025, 1, 31, tzinfo=UTC)
_FAST_READERS = {pdus.DeliverSm.command_id: decode_deliver_sm, pdus.SubmitSm.command_id: decode_submit_sm}


def _frames_of(octets, cut):
    """The PDUs of a stream in two reads, and whether it was lost."""
    framer = Framer()
    found = []
    for chunk in (octets[:cut], octets[cut:]):
        buffer, frames = framer.feed(chunk)
        found += [buffer[frame[3] : frame[4]] for frame in frames]
    return found, framer.fault is not None


def _read(reader, buffer, frame):
    """The PDU, or the status that it is answered with."""
    try:
        return reader(buffer, frame)
    except BadPdu as error:
        return int(error.command_status)


def try_codec(octets):
    """The first octet says where the read is cut. Any cut gives the same PDUs; what decodes survives a second
    round; the fast readers agree with the codec; words never fail."""
    cut, stream = (octets[0], octets[1:]) if octets else (0, b"")
    found, is_lost = _frames_of(stream, cut)
    assert (found, is_lost) == _frames_of(stream, len(stream)), "the cut changes what is read"
    for raw in found:
        word_pdu(raw, at=NOW, shows_text=True)
        _try_pdu(raw)


def _try_pdu(raw):
    buffer, (frame,) = Framer().feed(raw)
    pdu = _read(decode, buffer, frame)
    fast = _FAST_READERS.get(frame[0])
    assert fast is None or _read(fast, buffer, frame) == pdu, "the fast reader reads otherwise"
    if isinstance(pdu, int):
        assert not LAYOUTS[frame[0]].is_response, "a response is never refused"
        return
    decode_message_id(buffer, frame[3], frame[4])
    if frame[1]:
        return  # a status is kept of responses alone, and errors are written without their body
    try:
        again = encode(pdu)
    except RuleBroken:
        return  # longer than we would ever write
    buffer, (frame,) = Framer(max_pdu_octets=1 << 20).feed(again)
    assert decode(buffer, frame) == pdu, "what was read is written otherwise"


def try_receipts(octets):
    """esm_class, data_coding, octets of the text, text, TLVs; as deliver_sm, and as data_sm with the text as
    payload."""
    if len(octets) < 4:
        return
    esm_class, data_coding, size = octets[:3]
    text, rest = octets[3 : 3 + size], octets[3 + size :]
    tlvs = decode_tlvs(rest, 0, len(rest))
    deliver = pdus.DeliverSm(
        esm_class=esm_class,
        data_coding=data_coding,
        short_message=text,
        source_addr=text[:20],
        tlvs=tlvs,
    )
    data = pdus.DataSm(esm_class=esm_class, data_coding=data_coding, tlvs=((0x0424, text), *tlvs))
    for pdu in (deliver, data):
        strict = parse_receipt(pdu)
        lenient = parse_receipt(pdu, text_without_esm_class=True)
        assert strict is None or strict == lenient, "more is read as a receipt, and nothing otherwise"
        if lenient is not None:
            decode_receipt_time(lenient.done_text, near=NOW)
            decode_receipt_time(lenient.submitted_text, near=NOW)
    for country in (None, "FR", "IT", "US"):
        read_address(text[:20], country)
    decode_time(text[:17], now=NOW)


def try_text(octets):
    """esm_class, data_coding, then a text as it comes from a handset; and the same octets as UTF-8 as a text
    to send, which comes back whole from its parts."""
    if len(octets) < 3:
        return
    esm_class, data_coding, body = octets[0], octets[1], octets[2:]
    data = split_user_data(esm_class, body)
    find_concatenation(data)
    find_ports(data)
    assert len(data.body) <= len(body)
    decode_text(data.body, data_coding)
    header = body[: len(body) - len(data.body)]
    for read_as in {reading_of(data_coding), *ReadAs}:
        pieces = [Piece(read_as, header, data.body[:7]), None, Piece(read_as, header, data.body[7:])]
        for run in (pieces, pieces[::2]):
            text = read_pieces(run)
            assert text is None or "\0" not in text, "Postgres stores no NUL"
    with contextlib.suppress(TextTooLong, TextNotEncodable):
        _try_plan(body.decode("utf-8", "ignore"), Concat.UDH16 if esm_class & 1 else Concat.UDH8)


def _try_plan(text, concat):
    plan = plan_text(text, concat=concat)
    most = 140 if plan.data_coding else 160
    assert all(len(part) <= most for part in plan.parts)
    assert decode_text(b"".join(plan.parts), plan.data_coding) == text or text.startswith("\ufeff")
    for part in plan.parts:
        if plan.data_coding:
            part.decode("utf-16-be")  # no surrogate pair is cut
        else:
            assert not part.endswith(b"\x1b")

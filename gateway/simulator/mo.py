"""Builds messages from handsets (MO) as deliver_sm, long ones cut in any of the ways that carriers use."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from gateway.simulator.addresses import NumberForm
from gateway.simulator.errors import CommandRefused
from gateway.simulator.profile import TextRules
from gateway.simulator.reading import TextReader
from gateway.smpp.codec import decode_tlvs
from gateway.smpp.constants import EsmClass, Npi, Tag, Ton
from gateway.smpp.errors import RuleBroken
from gateway.smpp.gsm import decode_gsm
from gateway.smpp.pdus import DeliverSm, Tlvs
from gateway.smpp.split import Concat, TextPlan, concat_udh, plan_binary, plan_text, sar_tlvs
from gateway.smpp.text import Alphabet, alphabet_of

_SHORT_CODE_DIGITS: Final = 6

Address = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^\+?[ -~]+$")]


class MoRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a handset sends."""

    sender: Address = msgspec.field(name="from")
    """The handset's number."""
    recipient: Address = msgspec.field(name="to")
    """The number or short code that it writes to."""
    text: Annotated[str, Meta(max_length=10_000)] | None = None
    """The text, GSM 03.38 where that can show it, else UCS-2. This or `hex`."""
    hex: Annotated[str, Meta(max_length=70_000)] | None = None
    """Raw octets in hexadecimal, sent with `data_coding`. This or `text`."""
    data_coding: Annotated[int, Meta(ge=0, le=255)] | None = None
    """With `hex`: its `data_coding`, 4 (binary) by default. With `text`: overrides the label only, as some
    carriers mislabel."""
    esm_class: Annotated[int, Meta(ge=0, le=255)] = 0
    """Bits to add, for instance 64 for octets that begin with a header of your own."""
    system_id: str | None = None
    """The account that gets it; may be left out while only one receives."""
    concat: Concat = Concat.UDH8
    """How parts of a long text say that they belong together: udh8, udh16, sar or payload."""
    reference: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """Reference of a long text; by default the next one. With udh8 its lower 8 bits count."""
    udh: Annotated[str, Meta(max_length=280)] = ""
    """Elements of a user data header in hexadecimal, put before that of a long text: 250101 says that the
    septets in `hex` are Turkish, 05040b8423f0 that the text is for a port."""
    order: tuple[Annotated[int, Meta(ge=1, le=255)], ...] | None = None
    """Which parts are sent, in which order: [2, 1] turns two around, [1, 1] repeats one, [1, 3] loses 2."""


def build_mo(
    request: MoRequest,
    *,
    next_reference: int,
    rules: TextRules | None = None,
    numbers: NumberForm | None = None,
) -> list[DeliverSm]:
    """The deliver_sm of one message, a PDU per part sent, its text in the alphabets that `rules` say, the
    handset's number in the form that `numbers` has.

    Raises `CommandRefused`.
    """
    if (request.text is None) == (request.hex is None):
        raise CommandRefused("a message has either `text` or `hex`; give one of them")
    try:
        plan = _plan(request, TextReader(rules if rules is not None else TextRules()))
        pieces = _cut(plan, request, request.reference if request.reference is not None else next_reference)
    except RuleBroken as exc:
        raise CommandRefused(str(exc)) from exc
    if request.order is not None:
        if max(request.order, default=0) > len(pieces):
            raise CommandRefused(f"`order` names part {max(request.order)}; the message has {len(pieces)}")
        pieces = [pieces[number - 1] for number in request.order]
    data_coding = request.data_coding if request.data_coding is not None else plan.data_coding
    sender = _address(request.sender)
    if numbers is not None:
        sender = (*sender[:2], numbers.write(sender[2]))
    return [_build_part(request, sender, data_coding, *piece) for piece in pieces]


def _plan(request: MoRequest, reader: TextReader) -> TextPlan:
    if request.text is not None:
        plan = plan_text(request.text, concat=request.concat)
        return plan._replace(parts=tuple(_write_parts(plan, reader)))
    octets = _read_hex("hex", request.hex or "")
    if request.data_coding is None or len(octets) > 140:
        return plan_binary(octets, concat=request.concat)
    return TextPlan(alphabet_of(request.data_coding), request.data_coding, (octets,), len(octets), ())


def _write_parts(plan: TextPlan, reader: TextReader) -> Iterator[bytes]:
    for number, part in enumerate(plan.parts):
        if plan.alphabet is Alphabet.UCS2:
            yield reader.write_ucs2(part.decode("utf-16-be", "surrogatepass"), is_first=not number)
        else:
            yield reader.write_default(decode_gsm(part))


def _read_hex(name: str, written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError as exc:
        raise CommandRefused(f"`{name}` is not hexadecimal: {exc}") from exc


def _cut(plan: TextPlan, request: MoRequest, reference: int) -> list[tuple[int, bytes, Tlvs]]:
    """esm_class bits, short_message and TLVs of each part."""
    elements = _read_hex("udh", request.udh)
    udhi = EsmClass.UDHI.value if elements else 0
    front = bytes((len(elements),)) + elements if elements else b""
    if request.concat is Concat.PAYLOAD:
        return [(udhi, b"", ((Tag.MESSAGE_PAYLOAD.value, front + b"".join(plan.parts)),))]
    total = len(plan.parts)
    if total == 1:
        return [(udhi, front + plan.parts[0], ())]
    pieces: list[tuple[int, bytes, Tlvs]] = []
    for number, part in enumerate(plan.parts, start=1):
        if request.concat is Concat.SAR:
            tlvs = sar_tlvs(reference, total, number)
            pieces.append((udhi, front + part, decode_tlvs(tlvs, 0, len(tlvs))))
            continue
        wide = request.concat is Concat.UDH16
        header = concat_udh(reference if wide else reference & 0xFF, total, number, wide=wide)
        header = bytes((len(elements) + header[0],)) + elements + header[1:]
        pieces.append((EsmClass.UDHI.value, header + part, ()))
    return pieces


def _build_part(
    request: MoRequest,
    sender: tuple[int, int, bytes],
    data_coding: int,
    esm_class: int,
    short_message: bytes,
    tlvs: Tlvs,
) -> DeliverSm:
    source_ton, source_npi, source = sender
    dest_ton, dest_npi, destination = _address(request.recipient)
    return DeliverSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=destination,
        esm_class=request.esm_class | esm_class,
        data_coding=data_coding,
        short_message=short_message,
        tlvs=tlvs,
    )


def _address(written: str) -> tuple[int, int, bytes]:
    """TON, NPI and digits: a number is international without its `+`, a short code network-specific."""
    digits = written.removeprefix("+")
    if not digits.isdecimal():
        return Ton.ALPHANUMERIC.value, Npi.UNKNOWN.value, written.encode("ascii")
    if len(digits) <= _SHORT_CODE_DIGITS:
        return Ton.NETWORK_SPECIFIC.value, Npi.UNKNOWN.value, digits.encode("ascii")
    return Ton.INTERNATIONAL.value, Npi.ISDN.value, digits.encode("ascii")

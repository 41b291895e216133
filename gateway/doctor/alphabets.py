"""Which alphabets a carrier uses, from how its receipts quote the test messages. Quirks 66, 67, 70, 74.

A receipt repeats the beginning of its message after `text:`, as the SMSC understood it. For every way to read
what was sent and to write what came back, the quotation is foretold; the ways that foretell all of them
remain. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from gateway.config.carriers import Charset, OctetOrder
from gateway.doctor.evidence import ReceiptSeen, SubmitSeen
from gateway.doctor.ids import Matching
from gateway.doctor.plan import ALPHABETS, Purpose
from gateway.smpp.constants import DataCoding
from gateway.smpp.gsm import decode_gsm, encode_gsm, pack_septets, unpack_septets

_ABOUT_ALPHABETS: Final = (Purpose.OPENING, *ALPHABETS, Purpose.UCS2)
_CODECS: Final = {Charset.LATIN1: "latin-1", Charset.ASCII: "ascii", Charset.UTF8: "utf-8"}
_STATED: Final = {
    DataCoding.ASCII.value: Charset.ASCII,
    DataCoding.LATIN1.value: Charset.LATIN1,
    DataCoding.UCS2.value: Charset.UTF8,
}
"""What a receipt's own `data_coding` says its text is in. UCS-2 was made UTF-8 when it was recorded."""

_LOST_AS: Final = ("?", "", " ", "\ufffd")
"""What SMSCs write for a character that they lack."""
_LEAST_QUOTED: Final = 6
"""Octets; a shorter quotation would fit too many readings."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """One message as it was sent and as its receipt quotes it."""

    purpose: Purpose
    sent: bytes
    quoted: bytes
    receipt_data_coding: int

    @property
    def is_same(self) -> bool:
        return self.sent.startswith(self.quoted)


@dataclass(frozen=True, slots=True)
class AlphabetsSeen:
    """What the quotations leave possible; empty sets when no reading explains them."""

    quotations: tuple[Quotation, ...]
    send: frozenset[Charset]
    receive: frozenset[Charset]
    """Only where receipts have data_coding 0."""
    order: frozenset[OctetOrder]
    """Only when UCS-2 was quoted."""
    may_copy: bool
    """Every quotation has the octets of its message: the SMSC may quote without reading."""

    @property
    def send_charset(self) -> Charset | None:
        """What data_coding 0 is read as, where that is certain or where a safe choice is left: ASCII is
        what ASCII, Latin-1 and UTF-8 have in common."""
        if self.may_copy or not self.send:
            return None
        if len(self.send) == 1:
            return next(iter(self.send))
        return Charset.ASCII if Charset.ASCII in self.send and not self.send & _SEPTETS else None


_SEPTETS: Final = frozenset((Charset.GSM, Charset.GSM_PACKED))
_Way = tuple[Charset, Charset, OctetOrder, str]


def read_alphabets(submits: Iterable[SubmitSeen], matching: Matching) -> AlphabetsSeen:
    """What the receipts of the messages about alphabets leave possible."""
    quotations = tuple(_quotations(submits, matching))
    ways = [way for way in _ways() if all(_foretells(way, each) for each in quotations)]
    return AlphabetsSeen(
        quotations,
        frozenset(send for send, _, _, _ in ways if _has(quotations, *ALPHABETS)),
        frozenset(receive for _, receive, _, _ in ways if _has_default_coding(quotations)),
        frozenset(order for _, _, order, _ in ways if _has(quotations, Purpose.UCS2)),
        bool(quotations) and all(each.is_same for each in quotations),
    )


def _quotations(submits: Iterable[SubmitSeen], matching: Matching) -> Iterator[Quotation]:
    for submit in submits:
        if submit.probe.purpose not in _ABOUT_ALPHABETS:
            continue
        quoting = next(filter(_quotes_enough, matching.receipts_of(submit)), None)
        if quoting is not None and quoting.quoted is not None:
            yield Quotation(submit.probe.purpose, submit.body, quoting.quoted, quoting.data_coding)


def _quotes_enough(receipt: ReceiptSeen) -> bool:
    return receipt.quoted is not None and len(receipt.quoted) >= _LEAST_QUOTED


def _has(quotations: Sequence[Quotation], *purposes: Purpose) -> bool:
    return any(each.purpose in purposes for each in quotations)


def _has_default_coding(quotations: Sequence[Quotation]) -> bool:
    """Quoted characters outside ASCII in data_coding 0 are what tells the alphabets of receipts apart."""
    return any(each.purpose is not Purpose.OPENING and not each.receipt_data_coding for each in quotations)


def _ways() -> Iterator[_Way]:
    return product(Charset, Charset, OctetOrder, _LOST_AS)


def _foretells(way: _Way, quotation: Quotation) -> bool:
    send, receive, order, lost_as = way
    receive = _STATED.get(quotation.receipt_data_coding, receive)
    if quotation.purpose is Purpose.UCS2:
        codec = "utf-16-le" if order is OctetOrder.LITTLE else "utf-16-be"
        understood = quotation.sent.decode(codec, "replace")
    else:
        understood = _read(quotation.sent, send)
    foretold = _write(understood, receive, lost_as)
    if receive is Charset.GSM_PACKED and not quotation.receipt_data_coding:
        return foretold.startswith(quotation.quoted[:-1])  # its last octet holds bits of what was cut off
    return foretold.startswith(quotation.quoted)


def _read(octets: bytes, charset: Charset) -> str:
    if charset is Charset.GSM:
        return decode_gsm(octets)
    if charset is Charset.GSM_PACKED:
        return decode_gsm(unpack_septets(octets))
    return octets.decode(_CODECS[charset], "replace")


def _write(text: str, charset: Charset, lost_as: str) -> bytes:
    encode = _ENCODERS.get(charset, encode_gsm)
    lost = encode(lost_as) or (b"?" if lost_as else b"")
    octets = b"".join(lost if character == "\ufffd" else (encode(character) or lost) for character in text)
    return pack_septets(octets) if charset is Charset.GSM_PACKED else octets


def _encoder(codec: str) -> Callable[[str], bytes | None]:
    def encode(text: str) -> bytes | None:
        try:
            return text.encode(codec)
        except UnicodeEncodeError:
            return None

    return encode


_ENCODERS: Final = {charset: _encoder(codec) for charset, codec in _CODECS.items()}

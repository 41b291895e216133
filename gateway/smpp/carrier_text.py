"""What one SMSC wants texts to be: the alphabet behind data_coding 0, septets packed, UCS-2 turned round.

Owns the plan of a text by such wishes and the octets that come of it (quirks 66, 69, 70, 74). `split` owns
the cuts: those of the GSM alphabet whatever the SMSC reads, since that is what it makes for the phone.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.smpp.constants import MAX_SHORT_MESSAGE_OCTETS
from gateway.smpp.gsm import decode_gsm, pack_septets
from gateway.smpp.split import Concat, TextPlan, plan_text
from gateway.smpp.text import Alphabet


class DefaultAlphabet(StrEnum):
    """What an SMSC reads in data_coding 0."""

    GSM = "gsm"
    """GSM 03.38, a septet in each octet, as SMPP 3.4 §5.2.19 leaves it to the SMSC and most read it."""
    GSM_PACKED = "gsm_packed"
    """Eight septets in seven octets."""
    LATIN1 = "latin1"
    ASCII = "ascii"
    UTF8 = "utf8"


_CODECS: Final = {
    DefaultAlphabet.LATIN1: "latin-1",
    DefaultAlphabet.ASCII: "ascii",
    DefaultAlphabet.UTF8: "utf-8",
}

_LONGEST_HEADER_OCTETS: Final = 7
_TLV_WAYS: Final = frozenset({Concat.SAR, Concat.PAYLOAD})


@dataclass(frozen=True, slots=True)
class CarrierText:
    """How one SMSC wants texts."""

    concat: Concat = Concat.UDH8
    default: DefaultAlphabet = DefaultAlphabet.GSM
    is_ucs2_little_endian: bool = False

    @classmethod
    def of(cls, *, concat: str, default: str, ucs2: str, sends_tlvs: bool) -> "CarrierText":
        """From the words of the configuration. Where no TLV may be sent (quirk 15), what joins parts is the
        header in the text; the cuts are the same."""
        way = Concat(concat)
        if way in _TLV_WAYS and not sends_tlvs:
            way = Concat.UDH8
        return cls(way, DefaultAlphabet(default), ucs2 == "little")

    @property
    def needs_tlvs(self) -> bool:
        return self.concat in _TLV_WAYS

    @property
    def codec(self) -> str | None:
        """Codec of data_coding 0 where that is not the GSM alphabet."""
        return _CODECS.get(self.default)

    @property
    def respells(self) -> bool:
        """Whether `spell_parts` changes anything."""
        return self.default is DefaultAlphabet.GSM_PACKED or self.is_ucs2_little_endian


AS_USUAL: Final = CarrierText()
"""An SMSC as the standard has it."""


def plan_carrier_text(text: str, wants: CarrierText, *, smart: bool = False) -> TextPlan:
    """The plan of `text` for an SMSC that `wants` it so; the parts are yet to be spelt by `spell_parts`.

    Where data_coding 0 is another alphabet than GSM's, the cuts and the count are those of GSM and the
    octets those of that alphabet. A text of which it lacks a character goes as UCS-2, in more parts; so does
    one whose octets in UTF-8 would not fit a short_message. Only texts that GSM can show go in Latin-1: SMSCs
    turn it into GSM and drop the rest (quirk 69). Raises what `plan_text` does.
    """
    plan = plan_text(text, smart=smart, concat=wants.concat)
    if wants is AS_USUAL:
        return plan
    codec = wants.codec
    if codec is None or plan.alphabet is not Alphabet.GSM7:
        return plan
    try:
        parts = tuple(decode_gsm(part).encode(codec) for part in plan.parts)
    except UnicodeEncodeError:
        return plan_text(text, concat=wants.concat, force_ucs2=True)
    room = MAX_SHORT_MESSAGE_OCTETS - (_LONGEST_HEADER_OCTETS if len(parts) > 1 else 0)
    if wants.concat is not Concat.PAYLOAD and max(map(len, parts)) > room:
        return plan_text(text, concat=wants.concat, force_ucs2=True)
    return TextPlan(plan.alphabet, plan.data_coding, parts, plan.characters, ())


def spell_parts(
    parts: tuple[bytes, ...], alphabet: Alphabet, wants: CarrierText, *, header_octets: int = 0
) -> tuple[bytes, ...]:
    """The octets of each part as this SMSC wants them, behind a header of `header_octets`.

    Packed septets begin at the first septet border behind the header (TS 23.040 §9.2.3.24).
    """
    if alphabet is Alphabet.GSM7 and wants.default is DefaultAlphabet.GSM_PACKED:
        fill_bits = -8 * header_octets % 7
        return tuple(pack_septets(part, fill_bits=fill_bits) for part in parts)
    if alphabet is Alphabet.UCS2 and wants.is_ucs2_little_endian:
        return tuple(map(_swap_octets, parts))
    return parts


def _swap_octets(units: bytes) -> bytes:
    swapped = bytearray(units)
    swapped[0::2], swapped[1::2] = units[1::2], units[0::2]
    return bytes(swapped)

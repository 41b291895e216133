"""What an SMSC understands in the octets of a text, and what it writes: the alphabet behind `data_coding` 0.

Unpacks septets by itself on purpose: where it shared a fault with the gateway's packing, no test would see.
3GPP TS 23.038 §6.1.2.1 (packing), §6.2.1 (the alphabet).
"""

from gateway.simulator.profile import Charset, OctetOrder, TextRules
from gateway.smpp.constants import DataCoding
from gateway.smpp.gsm import decode_gsm, encode_gsm
from gateway.smpp.text import decode_text

_CODECS = {Charset.LATIN1: "latin-1", Charset.ASCII: "ascii", Charset.UTF8: "utf-8"}
_CR = 0x0D


class TextReader:
    """Reads submits and writes texts of its own by one profile's rules."""

    def __init__(self, rules: TextRules) -> None:
        self._charset = rules.default_charset
        self._charset_sent = rules.default_charset_sent or rules.default_charset
        if self._charset_sent is Charset.GSM_PACKED:
            self._charset_sent = Charset.GSM
        self._ucs2_codec = _ucs2_codec(rules.ucs2)
        self._ucs2_codec_sent = _ucs2_codec(rules.ucs2_sent or rules.ucs2)
        self._byte_order_mark = rules.byte_order_mark
        self._latin1_loses = rules.latin1_loses

    def read(self, octets: bytes, data_coding: int, *, header_octets: int = 0) -> str:
        """The text that `octets` are here; `header_octets` stood in front of them, which packed septets feel.

        Never fails: what has no reading shows as U+FFFD. One part only, so half a pair at its end shows so
        too.
        """
        if data_coding == DataCoding.SMSC_DEFAULT:
            return self._read_default(octets, header_octets)
        if data_coding == DataCoding.UCS2:
            return octets[: len(octets) & ~1].decode(self._ucs2_codec, "replace")
        if data_coding == DataCoding.LATIN1 and self._latin1_loses:
            return "".join(each for each in octets.decode("latin-1") if encode_gsm(each) is not None)
        return decode_text(octets, data_coding)

    def _read_default(self, octets: bytes, header_octets: int) -> str:
        if self._charset is Charset.GSM:
            return decode_gsm(octets)
        if self._charset is Charset.GSM_PACKED:
            return decode_gsm(unpack_septets(octets, header_octets=header_octets))
        return octets.decode(_CODECS[self._charset], "replace")

    def write_default(self, text: str) -> bytes:
        """Octets of `text` as `data_coding` 0 has them here; "?" for what it lacks."""
        if self._charset_sent is not Charset.GSM:
            return text.encode(_CODECS[self._charset_sent], "replace")
        septets = encode_gsm(text)
        if septets is None:
            septets = b"".join(encode_gsm(character) or b"?" for character in text)
        return septets

    def write_ucs2(self, text: str, *, is_first: bool) -> bytes:
        """Octets of `text` as `data_coding` 8 has them here, with the mark in front of the first part."""
        if is_first and self._byte_order_mark:
            text = "\ufeff" + text
        return text.encode(self._ucs2_codec_sent, "surrogatepass")


def _ucs2_codec(order: OctetOrder) -> str:
    return "utf-16-le" if order is OctetOrder.LITTLE else "utf-16-be"


def unpack_septets(octets: bytes, *, header_octets: int = 0) -> bytes:
    """One septet an octet. Septets begin on a septet border counted from the header's first octet; a CR that
    only fills the last octet is left out.
    """
    fill_bits = -(header_octets * 8) % 7
    bits = int.from_bytes(octets, "little") >> fill_bits
    count, spare_bits = divmod(len(octets) * 8 - fill_bits, 7)
    septets = bytes(bits >> 7 * n & 0x7F for n in range(max(count, 0)))
    if not spare_bits and septets and septets[-1] == _CR:
        return septets[:-1]
    return septets

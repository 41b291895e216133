"""Message ids in the forms that the response and the receipt have. Counts; knows nothing of time."""

from dataclasses import dataclass
from random import Random
from typing import Final

from gateway.simulator.profile import IdForm, IdRules

_FIRST_DRAWN: Final = range(1_000_000_000, 4_000_000_000)
"""Ten digits, and room above before an unsigned 32-bit number overflows in a client that keeps ids so."""

_LONG_TAIL: Final = "/smsc-07-west/queue-003/shard-11/2f9c-b0aa-4c1e"
"""What makes an id of 17 digits one of 64 characters, the most that SMPP 3.4 has room for."""


@dataclass(slots=True)
class MintedId:
    """One id as each PDU writes it. Made per message, hence not frozen."""

    response: str
    receipt: str
    """In the receipt's text."""
    receipt_tlv: str
    """In its TLV."""


class IdMint:
    """Hands out ids, each once unless the rules repeat them, counting up."""

    def __init__(self, rules: IdRules, random: Random) -> None:
        self._response_form = rules.response
        self._receipt_form = rules.receipt or rules.response
        self._tlv_form = rules.receipt_tlv or self._receipt_form
        self._response_prefix = rules.response_prefix
        self._receipt_prefix = rules.receipt_prefix
        self._random = random
        self._first = rules.first if rules.first is not None else random.choice(_FIRST_DRAWN)
        self._next = self._first
        self._end = self._first + rules.count if rules.count is not None else None

    def mint(self) -> MintedId:
        """The next id."""
        number = self._next
        self._next = number + 1
        if self._next == self._end:
            self._next = self._first
        in_response = self._write(number, self._response_form)
        in_text = in_response
        if self._receipt_form is not self._response_form:
            in_text = self._write(number, self._receipt_form)
        in_tlv = in_text
        if self._tlv_form is not self._receipt_form:
            in_tlv = self._write(number, self._tlv_form)
        prefix = self._receipt_prefix
        return MintedId(self._response_prefix + in_response, prefix + in_text, prefix + in_tlv)

    def _write(self, number: int, form: IdForm) -> str:
        match form:
            case IdForm.DECIMAL:
                return str(number)
            case IdForm.HEX:
                return f"{number:X}"
            case IdForm.HEX_LOWER:
                return f"{number:x}"
            case IdForm.PADDED:
                return f"{number:010d}"
            case IdForm.LONG:
                return f"{number:017d}{_LONG_TAIL}"
            case IdForm.UUID:
                return self._draw_uuid()

    def _draw_uuid(self) -> str:
        # version and variant bits of a random UUID, RFC 9562 §5.4
        bits = self._random.getrandbits(128) & ~(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62
        digits = f"{bits:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

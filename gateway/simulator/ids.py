"""Message ids in the form the response has and in the form the receipt has. Counts; knows nothing of time."""

from random import Random
from typing import Final

from gateway.simulator.profile import IdForm, IdRules

_FIRST_DRAWN: Final = range(1_000_000_000, 4_000_000_000)
"""Ten digits, and room above before an unsigned 32-bit number overflows in a client that keeps ids so."""


class IdMint:
    """Hands out ids, each once, counting up."""

    def __init__(self, rules: IdRules, random: Random) -> None:
        self._response_form = rules.response
        self._receipt_form = rules.receipt or rules.response
        self._random = random
        self._next = rules.first if rules.first is not None else random.choice(_FIRST_DRAWN)

    def mint(self) -> tuple[str, str]:
        """The next id: as the response says it, and as the receipt does."""
        number = self._next
        self._next = number + 1
        in_response = self._write(number, self._response_form)
        if self._receipt_form is self._response_form:
            return in_response, in_response
        return in_response, self._write(number, self._receipt_form)

    def _write(self, number: int, form: IdForm) -> str:
        if form is IdForm.DECIMAL:
            return str(number)
        if form is IdForm.HEX:
            return f"{number:X}"
        if form is IdForm.PADDED:
            return f"{number:010d}"
        # version and variant bits of a random UUID, RFC 9562 §5.4
        bits = self._random.getrandbits(128) & ~(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62
        digits = f"{bits:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

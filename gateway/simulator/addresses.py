"""How an SMSC writes and reads numbers: with a plus, with two zeros, or the national way of one country."""

from gateway.simulator.profile import AddressForm, AddressRules

_NUMBER_DIGITS_LEAST = 9
"""Fewer digits are a short code, which has one form only."""


class NumberForm:
    """Judges and writes addresses by one profile's rules."""

    def __init__(self, rules: AddressRules) -> None:
        self._reads = rules.reads
        self._writes = rules.writes
        self._country_code = rules.country_code.encode()

    def accepts(self, address: bytes) -> bool:
        """Whether `address` is written as this SMSC wants numbers; names and short codes always are."""
        if self._reads is AddressForm.ANY or not _is_number(address):
            return True
        digits = self._to_digits(address, self._reads)
        return digits is not None and self._from_digits(digits, self._reads) == address

    def write(self, address: bytes) -> bytes:
        """`address`, which the SMSC took, as it writes numbers itself."""
        if self._writes is AddressForm.ANY or not _is_number(address):
            return address
        digits = self._to_digits(address, self._reads)
        return address if digits is None else self._from_digits(digits, self._writes)

    def _to_digits(self, address: bytes, form: AddressForm) -> bytes | None:
        if address.startswith(b"+"):
            return address[1:]
        if address.startswith(b"00"):
            return address[2:]
        if address.startswith(b"0"):
            return self._country_code + address[1:] if form is AddressForm.NATIONAL else None
        return address

    def _from_digits(self, digits: bytes, form: AddressForm) -> bytes:
        if form is AddressForm.PLUS:
            return b"+" + digits
        if form is AddressForm.ZEROS:
            return b"00" + digits
        if form is AddressForm.NATIONAL and digits.startswith(self._country_code):
            return b"0" + digits[len(self._country_code) :]
        return digits


def _is_number(address: bytes) -> bool:
    return len(address) >= _NUMBER_DIGITS_LEAST and address.removeprefix(b"+").isdigit()

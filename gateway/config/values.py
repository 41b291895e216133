"""The small values that configuration files are written in: secrets, addresses, amounts, status codes.

Each `parse` takes the raw YAML value and raises `ValueError` with a phrase that completes "allowed: ...".
Owns no key and reads no file or environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Self

MICROS: Final = 1_000_000
"""Millionths in one unit of a currency; all money is counted in them."""

_ENVIRONMENT_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_AMOUNT: Final = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?")
_HOST_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^\s:\[\]/@]+)):(\d{1,5})")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that never shows itself in a log, a traceback or a `repr`; `reveal()` is the only way to it."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself, for the one line that hands it to its peer."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return format("***", specification)

    @property
    def environment_name(self) -> str | None:
        """The variable meant when the whole value is `${NAME}`, else None."""
        match = _ENVIRONMENT_REFERENCE.fullmatch(self._text)
        return match.group(1) if match else None

    @classmethod
    def parse(cls, raw: object) -> Self:
        if not isinstance(raw, str):
            raise ValueError(
                "text, in quotes when it looks like a number, or ${NAME} for an environment variable"
            )
        return cls(raw)


UNSET_SECRET: Final = Secret("")
"""The default of a secret that was not written at all; compare by identity, since an empty secret may be
meant."""


@dataclass(frozen=True, slots=True)
class HostPort:
    """Where to connect: a name or an IP address, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, raw: object) -> Self:
        match = _HOST_PORT.fullmatch(raw) if isinstance(raw, str) else None
        if match is None or not 1 <= int(match.group(3)) <= 65535:
            raise ValueError(
                '"host:port" with a port from 1 to 65535, such as "smsc.example.net:2775" or "[::1]:2775"'
            )
        return cls(match.group(1) or match.group(2), int(match.group(3)))


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """A price without its currency, in millionths."""

    micros: int

    def __str__(self) -> str:
        whole, fraction = divmod(self.micros, MICROS)
        return f"{whole}.{fraction:06d}".rstrip("0").rstrip(".")

    @classmethod
    def parse(cls, raw: object) -> Self:
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            raise ValueError(
                f'a decimal number in quotes, such as "0.045"; a bare {raw} is read as a binary number, '
                "which cannot hold most cents exactly"
            )
        match = _AMOUNT.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            raise ValueError(
                'a decimal number in quotes, such as "0.045": no sign, below a million, at most 6 decimals'
            )
        whole, fraction = match.groups(default="")
        return cls(int(whole) * MICROS + int(fraction.ljust(6, "0")))


@dataclass(frozen=True, slots=True, order=True)
class StatusCode:
    """A `command_status` of SMPP as a key of a table."""

    command_status: int

    def __str__(self) -> str:
        return f"0x{self.command_status:02x}"

    @classmethod
    def parse(cls, raw: object) -> Self:
        if isinstance(raw, str) and re.fullmatch(r"0[xX][0-9A-Fa-f]{1,8}", raw):
            raw = int(raw, 16)
        if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= 0xFFFFFFFF:
            raise ValueError("a command_status from 0x01 to 0xffffffff, such as 0x58")
        return cls(raw)

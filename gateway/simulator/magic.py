"""The documented test numbers: destinations that decide what becomes of their messages, in every profile.

`+33 6 39 98 00 xx` lies in a range that ARCEP, the French regulator, sets aside for fiction (0639980000 to
0639989999), so no such number rings anywhere. The last two digits choose. The gateway's API answers 07 by
itself, before any carrier; here it is an ordinary number.
"""

from dataclasses import dataclass
from typing import Final

from gateway.smpp.statuses import CommandStatus

MAGIC_PREFIX: Final = b"336399800"
"""What a magic number begins with, in E.164 digits; two more digits follow."""


@dataclass(frozen=True, slots=True)
class MagicNumber:
    """What happens to messages sent to one number."""

    suffix: str
    meaning: str
    command_status: int = 0
    answered: bool = True
    throttled_times: int = 0
    stat: str = "DELIVRD"
    err: str = "000"
    has_receipt: bool = True
    copies: int = 1
    delay_seconds: float | None = None
    """None: as the profile says."""


_NUMBERS: Final = (
    MagicNumber("00", "delivered"),
    MagicNumber("01", "failed: UNDELIV, err 001", stat="UNDELIV", err="001"),
    MagicNumber("02", "expired: EXPIRED, err 027", stat="EXPIRED", err="027"),
    MagicNumber(
        "03", "refused with 0x0b, invalid destination", command_status=CommandStatus.ESME_RINVDSTADR.value
    ),
    MagicNumber("04", "refused twice with 0x58, throttled, then delivered", throttled_times=2),
    MagicNumber(
        "05",
        "never answered, and not sent: its outcome stays unknown",
        command_status=CommandStatus.ESME_RSYSERR.value,
        answered=False,
    ),
    MagicNumber("06", "taken, but no receipt ever comes", has_receipt=False),
    MagicNumber("08", "delivered after 10 seconds", delay_seconds=10),
    MagicNumber("09", "delivered, and its receipt comes twice", copies=2),
)

MAGIC_NUMBERS: Final[dict[str, MagicNumber]] = {number.suffix: number for number in _NUMBERS}
"""By the last two digits. Numbers of the range that do not stand here behave like any other."""

_BY_ADDRESS: Final[dict[bytes, MagicNumber]] = {
    MAGIC_PREFIX + number.suffix.encode(): number for number in _NUMBERS
}


def find_magic_number(destination: bytes) -> MagicNumber | None:
    """The magic number that `destination` is, written with `+`, `00` or nothing in front, or None."""
    return _BY_ADDRESS.get(destination.lstrip(b"+0"))

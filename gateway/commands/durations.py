"""Lengths of time as people type them: `90s`, `30m`, `2h`, `3d`."""

import argparse
import re
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def read_duration(text: str) -> int:
    """Seconds; for argparse, which shows the error's words."""
    match = re.fullmatch(r"(\d{1,7})([smhd])", text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError("write a number and s, m, h or d, such as 30m or 2h")
    return int(match[1]) * _SECONDS[match[2]]

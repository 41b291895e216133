"""A trace on a terminal: a line for each PDU, its words below, and its octets on demand.

Knows the fields of a traced PDU as the admin API gives them. Times are UTC, as in timelines and logs.
"""

from datetime import datetime
from typing import Any, Final

_OCTETS_A_LINE: Final = 16
_ARROWS: Final = {"sent": "→", "received": "←"}
_MODES: Final = {"transmitter": " TX", "receiver": " RX"}


def format_pdu(pdu: dict[str, Any], *, is_brief: bool, shows_hex: bool) -> str:
    """The lines of one PDU, those before it counted where they were left out."""
    head = [
        datetime.fromisoformat(pdu["at"]).strftime("%H:%M:%S.%f")[:12],
        f"bind {pdu['bind']}{_MODES.get(pdu['mode'], '')}",
        _ARROWS[pdu["direction"]],
        f"{pdu['command']} {pdu['sequence_number']}",
        pdu["status"] or "",
        pdu["summary"],
    ]
    lines = []
    if pdu["left_out"]:
        lines.append(f"… {pdu['left_out']} PDUs left out")
    lines.append("  ".join(filter(None, head)))
    if not is_brief:
        lines.extend(f"    {word}" for word in pdu["words"])
    if shows_hex:
        lines.extend(_format_octets(pdu["hex"].split()))
    return "\n".join(lines)


def _format_octets(pairs: list[str]) -> list[str]:
    return [
        f"    {start:04x}  {' '.join(pairs[start : start + _OCTETS_A_LINE])}"
        for start in range(0, len(pairs), _OCTETS_A_LINE)
    ]

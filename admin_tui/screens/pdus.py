"""A traced PDU as people read it: its line, its fields in words, its octets. Also what is told between them.

Knows the fields of a PDU as the admin API gives them. Words of fields are those of SMPP, in no language.
"""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from admin_tui.cells import clean
from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.states import DULL

_MODES: Final = {"transmitter": " TX", "receiver": " RX"}
_OCTETS_A_LINE: Final = 16


def draw_line(desk: Desk, pdu: Json) -> Text:
    """When, on which bind, which way, what, how it was answered, and what it is about."""
    at = desk.local(pdu["at"])
    is_sent = pdu["direction"] == "sent"
    line = Text(no_wrap=True)
    line.append("" if at is None else f"{at:%H:%M:%S}.{at.microsecond // 1000:03}", DULL)
    line.append(f" {pdu['bind']}{_MODES.get(pdu['mode'], '')}")
    line.append(" → " if is_sent else " ← ", "cyan" if is_sent else "green")
    line.append(f"{clean(pdu['command'])} {pdu['sequence_number']}", "bold")
    status = pdu["status"]
    if status:
        is_refused = not status.startswith("0x00 ")
        line.append(f"  {'✖ ' if is_refused else ''}{clean(status)}", "red" if is_refused else "")
    if pdu["summary"]:
        line.append(f"  {clean(pdu['summary'])}")
    return line


def draw_left_out(desk: Desk, count: int) -> Text:
    """Where PDUs passed that are not shown."""
    return Text(f"… {desk.say('trace.left_out', count=count)}", "yellow", no_wrap=True)


def draw_body(pdu: Json, *, shows_octets: bool, margin: str = "") -> Text:
    """The fields in words, or the octets: sixteen on a line, each line by its place."""
    lines = _list_octets(pdu["hex"].split()) if shows_octets else map(clean, pdu["words"])
    return Text("\n".join(f"{margin}{line}" for line in lines))


def _list_octets(pairs: list[str]) -> Iterator[str]:
    for start in range(0, len(pairs), _OCTETS_A_LINE):
        yield f"{start:04x}  {' '.join(pairs[start : start + _OCTETS_A_LINE])}"

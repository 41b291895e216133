"""A web address as a QR code in half blocks, two modules a cell, black on white whatever the theme."""

import segno
from rich.style import Style
from rich.text import Text

_BORDER_MODULES = 2
_ON_WHITE = Style(color="#000000", bgcolor="#ffffff")
_CELLS = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def render_qr(address: str) -> Text:
    """The code of `address`, error correction L: the smallest that a phone still reads off a screen."""
    code = segno.make(address, error="l", micro=False, boost_error=False)
    rows = [tuple(row) for row in code.matrix_iter(border=_BORDER_MODULES)]
    if len(rows) % 2:
        rows.append((0,) * len(rows[0]))
    lines = [
        "".join(_CELLS[bool(upper), bool(lower)] for upper, lower in zip(rows[at], rows[at + 1], strict=True))
        for at in range(0, len(rows), 2)
    ]
    return Text("\n".join(lines), style=_ON_WHITE, no_wrap=True)


def qr_rows(address: str) -> int:
    """How many rows of the screen `render_qr` takes; it is about twice as wide."""
    return render_qr(address).plain.count("\n") + 1

"""Choices whose state is told by a mark, not by colour alone: `(●)` and `( )`, `[✔]` and `[ ]`."""

from textual.content import Content
from textual.widgets import Checkbox, RadioButton


class MarkedRadio(RadioButton):
    """One of several."""

    @property
    def _button(self) -> Content:
        return Content("(●)" if self.value else "( )").stylize("bold" if self.value else "")


class MarkedCheckbox(Checkbox):
    """Yes or no."""

    @property
    def _button(self) -> Content:
        return Content("[✔]" if self.value else "[ ]").stylize("bold" if self.value else "")

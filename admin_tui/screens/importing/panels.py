"""What the panels of the import's steps share, and the steps themselves."""

from enum import Enum
from typing import ClassVar

from textual.containers import VerticalScroll

from admin_tui.desk import Desk


class ImportStep(Enum):
    """In the order in which they are walked."""

    SOURCE = "source"
    COLUMNS = "columns"
    CONSENT = "consent"
    CHECK = "check"
    RUN = "run"
    RESULT = "result"


IMPORT_STEPS = tuple(ImportStep)


class ImportPanel(VerticalScroll, can_focus=False):
    """The form of one step."""

    STEP: ClassVar[ImportStep]
    DEFAULT_CSS = """
    ImportPanel { padding: 0 1; height: 1fr; }
    ImportPanel Label { color: $text-muted; width: 100%; height: auto; margin-top: 1; }
    ImportPanel Input { background: $surface; }
    ImportPanel .note { color: $text-muted; height: auto; }
    ImportPanel RadioSet { width: 100%; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id=f"step-{self.STEP.value}")
        self.desk = desk

    def focus_first(self) -> None:
        """Give the focus to the first field that is shown."""
        for widget in self.query("*"):
            if widget.focusable:
                widget.focus()
                return

"""What a screen shows instead of data: that it loads, that there is none, or why it failed."""

from rich.text import Text
from textual.widgets import Static


class Notice(Static):
    """One sentence over the body of a screen; hidden while there is data."""

    DEFAULT_CSS = """
    Notice { display: none; height: auto; padding: 1 2; color: $text-muted; }
    Notice.shown { display: block; }
    Notice.failed { color: $text-error; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)

    def tell(self, sentence: str, *, is_failure: bool = False) -> None:
        """Show a sentence, or nothing where it is empty."""
        self.set_class(bool(sentence), "shown")
        self.set_class(is_failure, "failed")
        self.update(Text(("✖ " if is_failure else "") + sentence))

    @property
    def sentence(self) -> str:
        return str(self.content) if self.has_class("shown") else ""

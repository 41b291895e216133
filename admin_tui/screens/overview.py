"""Screen 1: what happened in the last day, what goes on now, and what stands in its way."""

from textual.app import ComposeResult
from textual.widgets import Static

from admin_tui.client import Failure
from admin_tui.screens.base import ConsoleScreen


class OverviewScreen(ConsoleScreen):
    """The first thing that a person sees."""

    NAME = "overview"

    def compose_body(self) -> ComposeResult:
        yield Static(id="figures", markup=False)

    async def load(self) -> Failure | None:
        answer = await self.desk.client.get(self.desk.shop_path("/overview"), {"hours": 24})
        if isinstance(answer, Failure):
            return answer
        self.query_one("#figures", Static).update(str(answer["sent"]))
        return None

"""The numbered screens. Numbers never move; a screen that is not built yet is absent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from admin_tui import access
from admin_tui.desk import Desk
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.overview import OverviewScreen


@dataclass(frozen=True, slots=True)
class NumberedScreen:
    """`name` is the id of its key and its words; `right` is what a person needs to see it."""

    number: int
    name: str
    right: str
    make: Callable[[Desk], ConsoleScreen]
    is_for_operators: bool = False


SCREENS: Final = (NumberedScreen(1, "overview", access.SEE_STATUS, OverviewScreen),)

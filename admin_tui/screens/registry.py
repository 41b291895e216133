"""The numbered screens. Numbers never move; a screen that is not built yet is absent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from admin_tui import access
from admin_tui.desk import Desk
from admin_tui.screens.audience.screen import AudienceScreen
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.campaigns import CampaignsScreen
from admin_tui.screens.carriers.screen import CarriersScreen
from admin_tui.screens.messages import MessagesScreen
from admin_tui.screens.overview import OverviewScreen
from admin_tui.screens.system import SystemScreen


@dataclass(frozen=True, slots=True)
class NumberedScreen:
    """`name` is the id of its key and its words; any of `rights` is enough to see it."""

    number: int
    name: str
    rights: tuple[str, ...]
    make: Callable[[Desk], ConsoleScreen]
    is_for_operators: bool = False


SCREENS: Final = (
    NumberedScreen(1, "overview", (access.SEE_STATUS,), OverviewScreen),
    NumberedScreen(2, "campaigns", (access.SEE_CAMPAIGNS,), CampaignsScreen),
    NumberedScreen(3, "messages", (access.SEE_MESSAGES,), MessagesScreen),
    NumberedScreen(4, "audience", (access.SEE_AUDIENCE,), AudienceScreen),
    NumberedScreen(8, "carriers", (access.SEE_STATUS,), CarriersScreen, is_for_operators=True),
    NumberedScreen(9, "system", (access.MANAGE_KEYS, access.SEE_SYSTEM), SystemScreen),
)

"""Who is at the console and what the server lets them do; what is not allowed is not shown.

The server decides each request itself: this only keeps keys off the screen that it would refuse.
"""

from dataclasses import dataclass
from typing import Final

from admin_tui.client import Json

SEE_SYSTEM: Final = "see_system"
SEE_MESSAGES: Final = "see_messages"
CHANGE_MESSAGES: Final = "change_messages"
HOLD: Final = "hold"
SEE_AUDIENCE: Final = "see_audience"
CHANGE_AUDIENCE: Final = "change_audience"
SEE_CAMPAIGNS: Final = "see_campaigns"
CHANGE_CAMPAIGNS: Final = "change_campaigns"
MANAGE_KEYS: Final = "manage_keys"
MANAGE_SHOPS: Final = "manage_shops"
SEE_STATUS: Final = "see_status"
OPERATE: Final = "operate"
TRACE: Final = "trace"

_SEEING: Final = frozenset({SEE_STATUS, SEE_SYSTEM, SEE_MESSAGES, SEE_AUDIENCE, SEE_CAMPAIGNS, TRACE})


@dataclass(frozen=True, slots=True)
class Access:
    """The person's role and rights. `shops` None means all of them."""

    role: str = ""
    rights: frozenset[str] = frozenset()
    shops: tuple[str, ...] | None = None

    def may(self, right: str) -> bool:
        return right in self.rights

    @property
    def is_operator(self) -> bool:
        """Runs the gateway: sees carriers and the system."""
        return self.shops is None


def read_access(answer: Json, *, is_read_only: bool) -> Access:
    """What `/admin/whoami` says; `is_read_only` leaves only what looks."""
    rights = frozenset(str(right) for right in answer.get("permissions", ()))
    shops = answer.get("shops")
    return Access(
        role=str(answer.get("role", "")),
        rights=rights & _SEEING if is_read_only else rights,
        shops=None if shops is None else tuple(str(name) for name in shops),
    )

"""How far a campaign is, from the counts that the API gives. Pure."""

from collections.abc import Mapping
from typing import Any, Final

SLOTS: Final = 256
"""People are chosen slot by slot; before all are, the number of recipients still grows."""
UNDER_WAY: Final = frozenset({"running", "paused"})
ENDED: Final = frozenset({"finished", "cancelled"})
NOT_STARTED: Final = frozenset({"draft", "planned"})


def unsent(campaign: Mapping[str, Any]) -> int:
    """How many recipients have not been sent their message and still may be."""
    progress = campaign.get("progress") or {}
    not_made = int(progress.get("recipients", 0)) - int(progress.get("expanded", 0))
    return max(0, not_made) + int(progress.get("waiting", 0))


def done_share(campaign: Mapping[str, Any]) -> float:
    """From 0 to 1: the share of recipients for whom nothing more will be sent."""
    state = campaign.get("state")
    if state in ENDED:
        return 1.0
    progress = campaign.get("progress") or {}
    recipients = int(progress.get("recipients", 0))
    if state not in UNDER_WAY or recipients <= 0:
        return 0.0
    handled = int(progress.get("expanded", 0)) - int(progress.get("waiting", 0))
    chosen = min(1.0, int(progress.get("frozen_slots", SLOTS)) / SLOTS)
    return min(1.0, max(0.0, handled / recipients)) * chosen


def is_choosing(campaign: Mapping[str, Any]) -> bool:
    """People are still being chosen."""
    progress = campaign.get("progress") or {}
    return campaign.get("state") in UNDER_WAY and int(progress.get("frozen_slots", SLOTS)) < SLOTS

"""What cannot be done to a campaign, with a stable code and what to do instead."""

from gateway.errors import EstafetteError


class CampaignError(EstafetteError):
    """Root of this room's errors."""


class CampaignRefused(CampaignError):
    """Someone asked what a campaign cannot do or be. `code` is stable; `path` is the place in the body."""

    def __init__(self, code: str, detail: str, action: str, *, path: str = "") -> None:
        super().__init__(f"{detail} {action}")
        self.code = code
        self.detail = detail
        self.action = action
        self.path = path

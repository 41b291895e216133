"""What can go wrong between the gateway and a shop's server, by what the caller should do about it."""

from gateway.errors import EstafetteError


class WebhookError(EstafetteError):
    """Root of this room's errors."""


class TargetRefused(WebhookError):
    """This URL, or the address behind its name, is not one to post to; the shop must change it."""

    def __init__(self, target: str, fault: str) -> None:
        super().__init__(f"{target!r} is refused as a webhook target: {fault}")
        self.target = target
        self.fault = fault


class BadSecret(WebhookError):
    """A stored webhook secret is no `whsec_` secret; rotate it. The secret itself is never repeated."""

    def __init__(self) -> None:
        super().__init__("the webhook secret is not 'whsec_' followed by base64 of 24–64 octets; rotate it")


class BadEventFilter(WebhookError):
    """An endpoint asks for an event that does not exist."""

    def __init__(self, pattern: str, allowed: str) -> None:
        super().__init__(f"{pattern!r} is no event; allowed are {allowed}")
        self.pattern = pattern

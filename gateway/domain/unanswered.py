"""Whether a message whose submit has no answer is sent again: by its category, its shop and its connector.

The SMSC may have taken it, so sending it again may reach a person twice. A one-time password that does not
come is worse than one that comes twice; an advertisement that comes twice is worse than one that does not.
"""

from enum import Enum
from typing import Final

from gateway.domain.lanes import Category


class UnansweredRule(Enum):
    """What a connector's configuration says of submits without an answer."""

    BY_CATEGORY = "by_category"
    """One-time passwords are sent again, transactional messages where their shop wants it."""
    HOLD = "hold"
    """Nothing is: this carrier takes what it does not answer."""
    RESEND = "resend"
    """One-time passwords and transactional messages are: this carrier does not."""


_NEVER: Final = Category.MARKETING


def resends_unanswered(category: int, rule: UnansweredRule, *, shop_resends: bool) -> bool:
    """Whether such a message is sent again, while its validity lasts. Marketing never is."""
    if rule is UnansweredRule.HOLD or category == _NEVER:
        return False
    return rule is UnansweredRule.RESEND or category == Category.OTP or shop_resends

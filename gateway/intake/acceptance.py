"""Who judges messages now: the terms of the moment, swapped whole, and what is remembered beyond a request.

Hands out planners (`planning`), which do the judging.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.routing import IsUp
from gateway.domain.sender import InvalidSender, check_sender
from gateway.intake.planning import Planner
from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.terms import SendingTerms
from gateway.store.shops import Shop

_CACHED_SENDERS: Final = 4096
_NO_TIME: Final = timedelta(0)
_SHARED_FOR: Final = timedelta(milliseconds=10)
"""How long requests of a shop share a planner, and so a moment and the state of the connectors: a large batch
takes as long with its own. Planning one message by a new one takes 4 µs more."""


class Acceptance:
    """Judges requests by the terms of the moment."""

    def __init__(
        self,
        terms: SendingTerms,
        *,
        is_up: IsUp,
        find_url_fault: Callable[[str], str | None],
    ) -> None:
        self.terms = terms
        self.is_up = is_up
        self._find_url_fault = find_url_fault
        self._prefix_digits = terms.prefix_digits
        self._last_planner: Planner | None = None
        self._senders: dict[str, str | Refusal] = {}

    def planner(self, shop: Shop, *, is_test: bool, now: datetime) -> Planner:
        """Who plans the messages of a request, and of others that come with it."""
        last = self._last_planner
        if (
            last is not None
            and last.shop is shop
            and last.is_test is is_test
            and _NO_TIME <= now - last.now < _SHARED_FOR
        ):
            return last
        self._last_planner = Planner(
            self.terms,
            shop,
            prefix_digits=self._prefix_digits,
            is_test=is_test,
            now=now,
            is_up=self.is_up,
            judge_sender=self.judge_sender,
            find_url_fault=self._find_url_fault,
        )
        return self._last_planner

    def judge_sender(self, text: str | None) -> str | Refusal:
        """The canonical sender; a shop has few, so verdicts are remembered."""
        if text is None:
            return _SENDER_MISSING
        verdict = self._senders.get(text)
        if verdict is None:
            try:
                verdict = check_sender(text).address
            except InvalidSender as exc:
                action = "Send a name of up to 11 characters, a short code or a number."
                verdict = Refusal(RefusalCode.INVALID_SENDER, "$.from", str(exc), action)
            if len(self._senders) >= _CACHED_SENDERS:
                self._senders.clear()
            self._senders[text] = verdict
        return verdict


_SENDER_MISSING = Refusal(
    RefusalCode.SENDER_MISSING,
    "$.from",
    "The message names no sender, and neither the shop nor the server has a default.",
    "Add from, or have the operator set the shop's default sender.",
)

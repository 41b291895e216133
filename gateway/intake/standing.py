"""How a person stands with a shop: suppressed or not, consent recorded or not; and what follows from it.

Owns the rule of who may get what, and reads that gather: people asked about while one read is under way
are read together by the next. Refuses to know how a STOP or a consent came about.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from gateway.domain.lanes import Category
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.intake.refusals import Refusal, RefusalCode

_READ_AT_ONCE = 2_000


class Standing(NamedTuple):
    """What is recorded about one number at one shop."""

    scope: SuppressionScope = SuppressionScope.NONE
    consent: MarketingConsent = MarketingConsent.UNKNOWN
    contact_id: int | None = None


NOTHING_RECORDED = Standing()
TEST_OPTED_OUT_ADDRESS = "33639980007"
"""For test keys this number always counts as opted out; its range is kept free for fiction."""

ReadStandings = Callable[[int, Sequence[str]], Awaitable[dict[str, Standing]]]
"""(shop_id, addresses) → what is recorded; addresses of which nothing is are left out."""


def judge_standing(category: Category, standing: Standing) -> Refusal | None:
    """otp and transactional need only no suppression of scope `all`; marketing needs recorded opt-in too."""
    if standing.scope is SuppressionScope.ALL:
        return OPTED_OUT
    if category is not Category.MARKETING:
        return None
    if standing.scope is SuppressionScope.MARKETING or standing.consent is MarketingConsent.OPTED_OUT:
        return OPTED_OUT
    return None if standing.consent is MarketingConsent.OPTED_IN else _CONSENT_MISSING


OPTED_OUT = Refusal(
    RefusalCode.RECIPIENT_OPTED_OUT,
    "$.to",
    "This person does not want such messages.",
    "Do not send it. Only the person can take an opt-out back.",
)
_CONSENT_MISSING = Refusal(
    RefusalCode.CONSENT_MISSING,
    "$.to",
    "Marketing needs the person's recorded opt-in, and there is none.",
    "Record the consent with the contact first, or do not send.",
)


class StandingReader:
    """Gathers questions about people into one read for each shop at a time."""

    def __init__(self, read: ReadStandings) -> None:
        self._read = read
        self._waiting: dict[int, list[tuple[Sequence[str], asyncio.Future[dict[str, Standing]]]]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def find(self, shop_id: int, addresses: Sequence[str]) -> dict[str, Standing]:
        """What is recorded about these people. Raises what the read raises (`StoreUnavailable`)."""
        answered: asyncio.Future[dict[str, Standing]] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(shop_id, []).append((addresses, answered))
        if shop_id not in self._tasks:
            self._tasks[shop_id] = asyncio.create_task(self._serve(shop_id))
        return await answered

    async def aclose(self) -> None:
        """Stop reading; whoever waits is cancelled."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, shop_id: int) -> None:
        """Read until nobody of this shop waits."""
        try:
            while self._waiting.get(shop_id):
                await self._serve_once(shop_id, self._waiting.pop(shop_id))
        finally:
            del self._tasks[shop_id]
            for _, answered in self._waiting.pop(shop_id, ()):
                answered.cancel()

    async def _serve_once(
        self, shop_id: int, questions: list[tuple[Sequence[str], asyncio.Future[dict[str, Standing]]]]
    ) -> None:
        wanted = list({address for addresses, _ in questions for address in addresses})
        found: dict[str, Standing] = {}
        try:
            for start in range(0, len(wanted), _READ_AT_ONCE):
                found.update(await self._read(shop_id, wanted[start : start + _READ_AT_ONCE]))
        except Exception as exc:  # whatever it is, it is the askers' to handle
            for _, answered in questions:
                if not answered.done():
                    answered.set_exception(exc)
            return
        except asyncio.CancelledError:
            for _, answered in questions:
                answered.cancel()
            raise
        for _, answered in questions:
            if not answered.done():
                answered.set_result(found)

"""Who may get what, and reads that gather."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.domain.lanes import Category
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.intake.standing import Standing, StandingReader, judge_standing

IN, OUT, UNKNOWN = MarketingConsent.OPTED_IN, MarketingConsent.OPTED_OUT, MarketingConsent.UNKNOWN
NONE, MARKETING, ALL = SuppressionScope.NONE, SuppressionScope.MARKETING, SuppressionScope.ALL


@pytest.mark.parametrize(
    ("category", "scope", "consent", "code"),
    [
        (Category.OTP, NONE, UNKNOWN, None),
        (Category.OTP, MARKETING, OUT, None),
        (Category.OTP, ALL, IN, "recipient_opted_out"),
        (Category.TRANSACTIONAL, MARKETING, OUT, None),
        (Category.TRANSACTIONAL, ALL, UNKNOWN, "recipient_opted_out"),
        (Category.MARKETING, NONE, IN, None),
        (Category.MARKETING, NONE, UNKNOWN, "consent_missing"),
        (Category.MARKETING, NONE, OUT, "recipient_opted_out"),
        (Category.MARKETING, MARKETING, IN, "recipient_opted_out"),
        (Category.MARKETING, ALL, IN, "recipient_opted_out"),
    ],
)
def test_a_stop_blocks_marketing_only_and_marketing_needs_an_opt_in(
    category: Category, scope: SuppressionScope, consent: MarketingConsent, code: str | None
) -> None:
    refusal = judge_standing(category, Standing(scope, consent))
    assert (None if refusal is None else refusal.code.value) == code


class SlowStore:
    """Answers when told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, list[str]]] = []
        self.gate = asyncio.Event()
        self.fault: Exception | None = None

    async def read(self, shop_id: int, addresses: Sequence[str]) -> dict[str, Standing]:
        self.asked.append((shop_id, sorted(addresses)))
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return {address: Standing(ALL) for address in addresses if address.endswith("1")}


async def test_questions_during_a_read_are_asked_together_by_the_next() -> None:
    store = SlowStore()
    reader = StandingReader(store.read)
    first = asyncio.create_task(reader.find(7, ["331"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.create_task(reader.find(7, [f"33{n}"])) for n in (2, 3, 3)]
    other_shop = asyncio.create_task(reader.find(8, ["331"]))
    await asyncio.sleep(0)
    store.gate.set()
    assert (await first)["331"].scope is ALL
    assert [await task for task in later] == [{}, {}, {}]
    assert await other_shop
    assert sorted(store.asked) == [(7, ["331"]), (7, ["332", "333"]), (8, ["331"])]


async def test_a_fault_reaches_everyone_who_asked_and_the_next_read_starts_afresh() -> None:
    store = SlowStore()
    store.fault = OSError("away")
    store.gate.set()
    reader = StandingReader(store.read)
    results = await asyncio.gather(reader.find(7, ["1"]), reader.find(7, ["2"]), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError]
    store.fault = None
    assert await reader.find(7, ["1"]) == {"1": Standing(ALL)}


async def test_closing_leaves_nobody_waiting() -> None:
    reader = StandingReader(SlowStore().read)
    asking = asyncio.create_task(reader.find(7, ["1"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await reader.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asking

"""The caps of shops: one-time passwords to one number and to one block of numbers, and spend.

Owns running counts in memory, seeded from what was stored and brought up again from it, so that a restart
or another node's messages do not open a second allowance. Caps block and say so; they delay nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from gateway.domain.identifiers import EPOCH
from gateway.domain.lanes import Category
from gateway.domain.pricing import Price, format_micros
from gateway.intake.planning import Plan
from gateway.intake.refusals import Refusal, RefusalCode
from gateway.store.caps import Spend
from gateway.store.shops import Shop

STEP: Final = timedelta(minutes=10)
_STEPS_AN_HOUR: Final = 6
"""The hour is counted in steps, so it lasts 50 to 60 minutes; six sums cost 0.4 µs."""
_BLOCK_DIGITS: Final = 4
"""A block is 10,000 numbers: traffic pumping walks through ranges of them."""
_COUNTED_NUMBERS: Final = 200_000
"""Entries of a step beyond which only blocks are counted, about 20 MB a shop."""


_EMPTY: Final[Counter[str]] = Counter()


@dataclass(slots=True)
class _Counts:
    """Running counts of one shop."""

    steps: dict[int, Counter[str]] = field(default_factory=dict)
    day: date = date.min
    spent: dict[str, Spend] = field(default_factory=dict)


def has_otp_cap(shop: Shop) -> bool:
    return bool(shop.otp_per_number_hour or shop.otp_per_prefix_hour)


def has_spend_cap(shop: Shop) -> bool:
    return shop.spend_day_micros is not None or shop.spend_month_micros is not None


class Caps:
    """Takes from allowances and gives back. One instance for each process."""

    def __init__(self) -> None:
        self._counts: dict[int, _Counts] = {}

    def load_otps(self, shop_id: int, recent: Sequence[tuple[str, int, int]]) -> None:
        """Bring a shop's counts up to what the database holds, as (number, step, messages). What this process
        counted and is not stored yet stays: the larger of the two figures is right."""
        counts = self._counts.setdefault(shop_id, _Counts())
        for number, step, messages in recent:
            counter = counts.steps.get(step, _EMPTY)
            unseen = messages - counter[number]
            if unseen > 0 and (number in counter or len(counter) < _COUNTED_NUMBERS):
                _add_otp(counts, number, step, unseen)

    def load_spend(self, shop_id: int, day: date, stored: Mapping[str, Spend]) -> None:
        """Bring spend up to what the database holds. What this process counted and is not stored yet stays:
        of the two figures the larger is right, but for a moment's work of other nodes."""
        counts = self._counts.setdefault(shop_id, _Counts())
        _roll_day(counts, day)
        for currency, spend in stored.items():
            held = counts.spent.get(currency, Spend(0, 0))
            counts.spent[currency] = Spend(
                max(held.day_micros, spend.day_micros), max(held.month_micros, spend.month_micros)
            )

    def take(self, plan: Plan, shop: Shop, now: datetime) -> Refusal | None:
        """Count one message against the shop's caps, or say which cap it would pass and count nothing."""
        is_otp = plan.way.category is Category.OTP and has_otp_cap(shop)
        is_spend_capped = has_spend_cap(shop)
        if not is_otp and not is_spend_capped:
            return None
        counts = self._counts.setdefault(shop.id, _Counts())
        if is_otp:
            refusal = _judge_otp(counts, plan.address, shop, _step_of(now))
            if refusal is not None:
                return refusal
        if is_spend_capped:
            _roll_day(counts, now.date())
            refusal = _judge_spend(counts, plan.way.cost, shop)
            if refusal is not None:
                return refusal
            _add_spend(counts, plan.way.cost, 1)
        if is_otp:
            _add_otp(counts, plan.address, _step_of(now), 1)
        return None

    def give_back(self, plan: Plan, shop: Shop, now: datetime) -> None:
        """Undo a `take` whose message was not stored after all."""
        counts = self._counts.get(shop.id)
        if counts is None:
            return
        if plan.way.category is Category.OTP and has_otp_cap(shop):
            _add_otp(counts, plan.address, _step_of(now), -1)
        if has_spend_cap(shop):
            _add_spend(counts, plan.way.cost, -1)


def _step_of(moment: datetime) -> int:
    return (moment - EPOCH) // STEP


def _roll_day(counts: _Counts, day: date) -> None:
    if day == counts.day:
        return
    same_month = (day.year, day.month) == (counts.day.year, counts.day.month)
    counts.spent = {
        currency: Spend(0, spend.month_micros if same_month else 0)
        for currency, spend in counts.spent.items()
    }
    counts.day = day


def _add_otp(counts: _Counts, number: str, step: int, messages: int) -> None:
    counter = counts.steps.get(step)
    if counter is None:
        counter = counts.steps[step] = Counter()
        for old in [held for held in counts.steps if held <= step - _STEPS_AN_HOUR]:
            del counts.steps[old]
    counter[number[:-_BLOCK_DIGITS] + "*"] += messages
    if len(counter) < _COUNTED_NUMBERS:
        counter[number] += messages


def _judge_otp(counts: _Counts, number: str, shop: Shop, step: int) -> Refusal | None:
    live = [counter for at, counter in counts.steps.items() if at > step - _STEPS_AN_HOUR]
    if shop.otp_per_number_hour and sum(c[number] for c in live) >= shop.otp_per_number_hour:
        return Refusal(
            RefusalCode.OTP_CAP_RECIPIENT,
            "$.to",
            f"This number had {shop.otp_per_number_hour} one-time passwords within the hour, the shop's cap.",
            "Wait, or have the operator raise otp_per_number_hour.",
        )
    block = number[:-_BLOCK_DIGITS] + "*"
    if shop.otp_per_prefix_hour and sum(c[block] for c in live) >= shop.otp_per_prefix_hour:
        return Refusal(
            RefusalCode.OTP_CAP_PREFIX,
            "$.to",
            f"Numbers that begin with {block[:-1]} had {shop.otp_per_prefix_hour} one-time passwords within "
            "the hour, the shop's cap against traffic pumping.",
            "Look for abuse of your sign-up form, or have the operator raise otp_per_prefix_hour.",
        )
    return None


def _judge_spend(counts: _Counts, cost: Price | None, shop: Shop) -> Refusal | None:
    if cost is None or cost.currency != shop.currency:
        what = "costs an unknown amount" if cost is None else f"is priced in {cost.currency}"
        return Refusal(
            RefusalCode.SPEND_CAP_CURRENCY,
            "",
            f"The shop's spend is capped in {shop.currency}, and this message {what}.",
            "Have the operator enter a price in that currency, or lift the cap.",
        )
    spent = counts.spent.get(cost.currency, Spend(0, 0))
    for code, word, cap, used in (
        (RefusalCode.SPEND_CAP_DAY, "day", shop.spend_day_micros, spent.day_micros),
        (RefusalCode.SPEND_CAP_MONTH, "month", shop.spend_month_micros, spent.month_micros),
    ):
        if cap is not None and used + cost.micros > cap:
            return Refusal(
                code,
                "",
                f"The shop has spent {format_micros(used)} of {format_micros(cap)} {shop.currency} "
                f"this {word} (UTC).",
                f"Wait for the next {word}, or have the operator raise the cap.",
            )
    return None


def _add_spend(counts: _Counts, cost: Price | None, sign: int) -> None:
    if cost is None:
        return
    held = counts.spent.get(cost.currency, Spend(0, 0))
    micros = sign * cost.micros
    counts.spent[cost.currency] = Spend(max(0, held.day_micros + micros), max(0, held.month_micros + micros))

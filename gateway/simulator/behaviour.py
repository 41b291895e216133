"""Decides what becomes of a submit: the answer and its moment, the receipts and theirs.

Owns the mixes, the speed limit, the ids and the magic numbers. Pure: time and chance are passed in, and
nothing here knows sessions, sockets or the form that a receipt has on the wire.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final, Generic, TypeVar

from gateway.simulator.ids import IdMint
from gateway.simulator.magic import MagicNumber, find_magic_number
from gateway.simulator.profile import Answer, Outcome, Profile, ReceiptsPer, ResponseBody
from gateway.simulator.profile_values import draw_from
from gateway.smpp.constants import RegisteredDelivery
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.statuses import CommandStatus
from gateway.smpp.udh import Concatenation

_QUEUE_FULL: Final = CommandStatus.ESME_RMSGQFUL.value
_THROTTLED: Final = CommandStatus.ESME_RTHROTTLED.value
_RECEIPT_BITS: Final = 0x03
_INTERMEDIATE_BIT: Final = 0x10
_SUCCESS_ONLY: Final = 0x03
"""SMPP 5.0 §4.7.21 gives the value a meaning that 3.4 reserves."""

_BODIES_WITHOUT_ID: Final = (ResponseBody.NONE, ResponseBody.EMPTY)

_THROTTLE_MEMORY: Final = 10_000
"""Magic messages whose refusals are counted at a time; beyond it the oldest is forgotten, and starts anew."""

WeightedT = TypeVar("WeightedT", bound=Answer | Outcome)


@dataclass(frozen=True, slots=True)
class PlannedReceipt:
    """One receipt to come, counted from the moment the submit arrived."""

    in_seconds: float
    stat: str
    err: str
    is_final: bool = True


@dataclass(slots=True)
class Verdict:
    """What becomes of one submit. Treat as immutable; a frozen one would cost 1 µs more, and one is made per
    submit.
    """

    command_status: int
    is_answered: bool
    answer_in_seconds: float = 0.0
    response_id: str = ""
    """Empty unless the message is taken."""
    receipt_id: str = ""
    receipt_tlv_id: str = ""
    receipts: tuple[PlannedReceipt, ...] = ()
    body: ResponseBody = ResponseBody.NORMAL
    """What follows the header of the response."""

    @property
    def tells_id(self) -> bool:
        """Whether the response names an id."""
        return self.body not in _BODIES_WITHOUT_ID

    @property
    def is_taken(self) -> bool:
        return not self.command_status


class Behaviour:
    """One SMSC's judgement, by its profile. `judge` is called once per submit, in order of arrival."""

    def __init__(self, profile: Profile, random: Random) -> None:
        self._profile = profile
        self._random = random
        self._mint = IdMint(profile.ids, random)
        self._answers = _WeightedDraw(profile.submit.answers, random)
        self._outcomes = _WeightedDraw(profile.receipts.outcomes, random)
        self._magic_refusals: dict[tuple[bytes, bytes, bytes], int] = {}
        self._limiter = SpeedLimit()
        self._full_for = tuple(digits.encode() for digits in profile.submit.queue_full_for)
        self.parts_per_second = profile.submit.parts_per_second
        """The speed limit; may be moved while running."""

    def judge(
        self,
        account: str,
        submit: SubmitSm | DataSm,
        *,
        waiting_answers: int,
        pending_receipts: int,
        now: float,
        part: Concatenation | None = None,
        refused_with: int = 0,
    ) -> Verdict:
        """What becomes of `submit`; `waiting_answers` submits of its session have had no response yet.

        `pending_receipts` counts those of all accounts that no client has answered; `now` is any clock of
        seconds that does not run backwards. `part` says which of a long text it is. `refused_with` is the
        status that refuses its form, 0 for a form that is accepted.
        """
        rules = self._profile.submit
        if waiting_answers >= rules.window:
            return Verdict(rules.window_full_with, True)
        limit = self.parts_per_second
        if limit is not None and not self._limiter.take(account, limit, now=now):
            return Verdict(rules.throttled_with, True)
        if refused_with:
            return Verdict(refused_with, True, draw_from(rules.latency_ms, self._random) / 1000)
        if self._full_for and submit.destination_addr.endswith(self._full_for):
            return Verdict(_QUEUE_FULL, True, draw_from(rules.latency_ms, self._random) / 1000)
        magic = find_magic_number(submit.destination_addr) if self._profile.magic_numbers else None
        fate = self._answers.draw() if magic is None else magic
        latency = draw_from(rules.latency_ms, self._random) / 1000
        body = fate.body if isinstance(fate, Answer) else ResponseBody.NORMAL
        if magic is not None and magic.throttled_times and self._is_still_throttled(magic, submit):
            return Verdict(_THROTTLED, True, latency)
        if fate.command_status:
            refusal = Verdict(fate.command_status, fate.answered, latency, body=body)
            if body is ResponseBody.ID:
                refusal.response_id = self._mint.mint().response
            return refusal
        if pending_receipts >= self._profile.receipts.capacity:
            return Verdict(_QUEUE_FULL, True, latency)
        verdict = self._take(submit, magic, part, answered=fate.answered, latency=latency)
        verdict.body = body
        return verdict

    def _is_still_throttled(self, magic: MagicNumber, submit: SubmitSm | DataSm) -> bool:
        """Counts by the whole message, so that each part of a long one is refused its own number of times."""
        payload = submit.short_message if isinstance(submit, SubmitSm) else repr(submit.tlvs).encode()
        key = (submit.source_addr, submit.destination_addr, payload)
        refused = self._magic_refusals.pop(key, 0)
        if refused >= magic.throttled_times:
            return False
        self._magic_refusals[key] = refused + 1
        if len(self._magic_refusals) > _THROTTLE_MEMORY:
            del self._magic_refusals[next(iter(self._magic_refusals))]
        return True

    def _take(
        self,
        submit: SubmitSm | DataSm,
        magic: MagicNumber | None,
        part: Concatenation | None,
        *,
        answered: bool,
        latency: float,
    ) -> Verdict:
        minted = self._mint.mint()
        receipts = self._plan_receipts(submit, magic, latency) if self._gets_receipts(part) else ()
        early = self._profile.receipts.before_response_ms / 1000
        if early and receipts:
            latency = max(latency, early)
            receipts = _shift(receipts, latency - early)
        return Verdict(
            0, answered, latency, minted.response, minted.receipt, minted.receipt_tlv, receipts=receipts
        )

    def _gets_receipts(self, part: Concatenation | None) -> bool:
        per = self._profile.receipts.per
        if part is None or per is ReceiptsPer.PART:
            return True
        return part.number == (1 if per is ReceiptsPer.FIRST_PART else part.total)

    def _plan_receipts(
        self, submit: SubmitSm | DataSm, magic: MagicNumber | None, latency: float
    ) -> tuple[PlannedReceipt, ...]:
        rules = self._profile.receipts
        delay = draw_from(rules.delay_seconds, self._random)
        copies, contradiction = 1, None
        if magic is None:
            outcome = self._outcomes.draw()
            stat, err = outcome.stat, outcome.err
            if rules.lost_share and self._random.random() < rules.lost_share:
                return ()
            if rules.duplicate_share and self._random.random() < rules.duplicate_share:
                copies = 2
            if rules.second_share and self._random.random() < rules.second_share:
                contradiction = rules.second
        else:
            stat, err, copies = magic.stat, magic.err, magic.copies
            if not magic.has_receipt:
                return ()
            if magic.delay_seconds is not None:
                delay = magic.delay_seconds
        if not rules.unrequested and not _wants_receipt(submit.registered_delivery, stat):
            return ()
        final = PlannedReceipt(latency + delay, stat, err)
        receipts = (final,) if copies == 1 else (final,) * copies
        if rules.intermediate or submit.registered_delivery & _INTERMEDIATE_BIT:
            enroute = PlannedReceipt(latency + delay / 2, "ENROUTE", "000", is_final=False)
            receipts = (enroute, *receipts)
        if contradiction is not None:
            receipts = (*receipts, PlannedReceipt(latency + delay, contradiction.stat, contradiction.err))
        return receipts


class SpeedLimit:
    """So many per account and second of the clock; what a second leaves over is lost, as carriers count."""

    def __init__(self) -> None:
        self._second = 0
        self._taken: dict[str, int] = {}

    def take(self, account: str, limit: int, *, now: float) -> bool:
        """Whether one more fits into this second. A refused one does not count."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._taken.clear()
        taken = self._taken.get(account, 0)
        if taken >= limit:
            return False
        self._taken[account] = taken + 1
        return True


class _WeightedDraw(Generic[WeightedT]):
    """Draws one of several by weight; asks chance only when there is a choice."""

    def __init__(self, choices: Sequence[WeightedT], random: Random) -> None:
        self._choices = [each for each in choices if each.weight > 0]
        self._borders = list(accumulate(each.weight for each in self._choices))
        self._random = random

    def draw(self) -> WeightedT:
        if len(self._choices) == 1:
            return self._choices[0]
        return self._choices[bisect(self._borders, self._random.random() * self._borders[-1])]


def _wants_receipt(registered_delivery: int, stat: str) -> bool:
    """SMPP 3.4 §5.2.17."""
    wish = registered_delivery & _RECEIPT_BITS
    if wish == RegisteredDelivery.FINAL_OUTCOME.value:
        return True
    if wish == RegisteredDelivery.FAILURE_ONLY.value:
        return stat != "DELIVRD"
    return wish == _SUCCESS_ONLY and stat == "DELIVRD"


def _shift(receipts: tuple[PlannedReceipt, ...], first_in_seconds: float) -> tuple[PlannedReceipt, ...]:
    """The same receipts with the first at `first_in_seconds` and the others as far behind it as before."""
    move = first_in_seconds - receipts[0].in_seconds
    return tuple(
        PlannedReceipt(each.in_seconds + move, each.stat, each.err, each.is_final) for each in receipts
    )

"""Taking messages in: the one door through which a single message, a batch or a repeat becomes rows.

Owns the order of the steps that need the outside (consent, caps, ids, the durable write) and the promise
that an answer of "accepted" comes after the commit. Refuses to know HTTP and how an answer is spelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.lanes import Category
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.intake.acceptance import Acceptance
from gateway.intake.caps import STEP, Caps, has_otp_cap, has_spend_cap
from gateway.intake.idempotency import IN_USE, KeyGate, Reply, RequestKey
from gateway.intake.planning import Plan
from gateway.intake.refusals import Refusal
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending, build_row
from gateway.intake.standing import (
    NOTHING_RECORDED,
    OPTED_OUT,
    TEST_OPTED_OUT_ADDRESS,
    Standing,
    StandingReader,
    judge_standing,
)
from gateway.store.caps import read_recent_otps, read_spend
from gateway.store.contacts import find_consents
from gateway.store.database import Database
from gateway.store.errors import OutcomeUnknown
from gateway.store.idempotency import read_keyed_answer
from gateway.store.intake import NewMessage, Stored
from gateway.store.keyed_answers import KeyedAnswer
from gateway.store.shops import Shop
from gateway.store.suppressions import find_suppressions

ACCEPTED_STATUS = 202
_ITEMS_BETWEEN_PAUSES = 200
"""About 2 ms of work: a batch must not hold up the one-time password behind it."""
NOBODY_ASKED: Final[Mapping[str, Standing]] = {}
"""The standings where nobody's could matter."""
_FRESH = timedelta(seconds=5)
_HOUR = timedelta(hours=1)


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A message taken in: what was planned and the row that stands for it."""

    plan: Plan
    message: NewMessage


class MessageStore(Protocol):
    """The durable write (`store.intake.IntakeWriter`; tests keep rows in memory)."""

    async def store(
        self, messages: Sequence[NewMessage], *, keyed: KeyedAnswer | None = None, within_seconds: float
    ) -> Stored:
        """Raises `TimeoutError` when the outcome is open after `within_seconds`."""


def _is_alone() -> bool:
    return False


def _note_nothing(number: str, now: datetime) -> None:
    """For an intake that nobody watches."""


@dataclass(frozen=True, slots=True)
class IntakeDeps:
    """What `Intake` is made of. `wants_events` says whether a shop's endpoints want events of messages."""

    database: Database
    store: MessageStore
    ids: IdSource
    instance_secret: bytes
    clock: Callable[[], datetime]
    random: Callable[[], float]
    wants_events: Callable[[int], Awaitable[bool]]
    render_accepted: Callable[[Accepted], bytes]
    render_batch: Callable[[Sequence[Accepted | Refusal]], Awaitable[bytes]]
    note_otp: Callable[[str, datetime], None] = _note_nothing
    """Hears the number of each one-time password that was taken in."""
    has_company: Callable[[], bool] = _is_alone
    """Whether other nodes take messages in too."""
    store_seconds: float = 10.0
    """How long a caller waits for the commit before it hears that the outcome is open."""


class Intake:
    """Accepts messages. `acceptance` is swapped whole when the configuration is read again."""

    def __init__(self, deps: IntakeDeps, acceptance: Acceptance) -> None:
        self.acceptance = acceptance
        self._deps = deps
        self._caps = Caps()
        self._spend_read_at: dict[int, datetime] = {}
        self._otps_read_at: dict[int, datetime] = {}
        self._standings = StandingReader(self._read_standings)
        self._gate = KeyGate(self._read_key)
        self._turn = asyncio.Lock()
        """Whoever holds it works on a piece of a batch. Eight batches with a piece each in every turn of the
        loop made it a turn of 10 ms, and a commit takes nine."""

    async def aclose(self) -> None:
        await self._standings.aclose()

    async def send(
        self, sending: Sending, request: SendRequest, *, key: RequestKey | None = None
    ) -> Reply | Refusal:
        """Take one message in; the reply comes after its commit. Raises `StoreUnavailable` when it certainly
        is not taken in, `OutcomeUnknown` when that is not known within `store_seconds`."""
        if key is None:
            return await self._send(sending, request, None)
        with self._gate.hold(key) as is_first:
            if not is_first:
                return IN_USE
            outcome = await self._send(sending, request, key)
            if isinstance(outcome, Reply):
                return outcome
            # A repeat is answered as before even if the rules have changed meanwhile (a send_at has passed).
            return await self._gate.find_answer(key) or outcome

    async def send_batch(
        self,
        sending: Sending,
        items: Sequence[SendRequest | Refusal],
        *,
        key: RequestKey | None = None,
    ) -> Reply | Refusal:
        """Take a batch in, each item judged on its own; the accepted ones are stored in one transaction."""
        if key is None:
            return await self._send_batch(sending, items, None)
        with self._gate.hold(key) as is_first:
            if not is_first:
                return IN_USE
            return await self._send_batch(sending, items, key)

    def estimate(self, sending: Sending, request: SendRequest) -> Plan | Refusal:
        """What would go out, without consent and caps, and without sending anything."""
        planner = self.acceptance.planner(sending.shop, is_test=sending.is_test, now=self._deps.clock())
        return planner.plan(request, self._deps.random())

    async def _send(self, sending: Sending, request: SendRequest, key: RequestKey | None) -> Reply | Refusal:
        deps = self._deps
        shop, is_test, looks_up_people = sending
        now = deps.clock()
        plan = self.acceptance.planner(shop, is_test=is_test, now=now).plan(request, deps.random())
        if isinstance(plan, Refusal):
            return plan
        standing = NOTHING_RECORDED
        address = plan.address
        if looks_up_people or plan.way.category is Category.MARKETING:
            standing = (await self._standings.find(shop.id, (address,))).get(address, NOTHING_RECORDED)
        refusal = _judge_person(plan, standing, is_test=is_test)
        if refusal is None and not is_test:
            await self._bring_caps_up(shop, now, has_otps=plan.way.category is Category.OTP)
            refusal = self._caps.take(plan, shop, now)
        if refusal is not None:
            return refusal
        wants_events = request.webhook_url is not None or await deps.wants_events(shop.id)
        message_id = deps.ids.next_id(slot_of_address(address))
        message = build_row(message_id, plan, request, sending, standing.contact_id, wants_events)
        reply = Reply(ACCEPTED_STATUS, deps.render_accepted(Accepted(plan, message)))
        return await self._store(sending, [plan], [message], reply, key, now)

    async def _send_batch(
        self, sending: Sending, items: Sequence[SendRequest | Refusal], key: RequestKey | None
    ) -> Reply | Refusal:
        deps = self._deps
        now = deps.clock()
        plans = await self._plan_batch(sending, items, now)
        standings = await self._find_standings(sending, plans)
        if not sending.is_test:
            has_otps = any(isinstance(item, SendRequest) and item.category == "otp" for item in items)
            await self._bring_caps_up(sending.shop, now, has_otps=has_otps)
        wants_events = await deps.wants_events(sending.shop.id)
        results: list[Accepted | Refusal] = []
        for first in range(0, len(items), _ITEMS_BETWEEN_PAUSES):
            async with self._turn:
                await asyncio.sleep(0)
                piece = slice(first, first + _ITEMS_BETWEEN_PAUSES)
                judged = self._judge_people(sending, plans[piece], standings, now, first=first)
                results += self._build_many(
                    sending, items[piece], judged, standings, wants_events=wants_events
                )
        taken = [result for result in results if not isinstance(result, Refusal)]
        async with self._turn:
            reply = Reply(ACCEPTED_STATUS, await deps.render_batch(results))
        if not taken and key is None:
            return reply
        return await self._store(
            sending, [each.plan for each in taken], [each.message for each in taken], reply, key, now
        )

    async def _plan_batch(
        self, sending: Sending, items: Sequence[SendRequest | Refusal], now: datetime
    ) -> list[Plan | Refusal]:
        planner = self.acceptance.planner(sending.shop, is_test=sending.is_test, now=now)
        plan_one, random = planner.plan, self._deps.random
        plans: list[Plan | Refusal] = []
        for first in range(0, len(items), _ITEMS_BETWEEN_PAUSES):
            async with self._turn:
                await asyncio.sleep(0)
                for place, item in enumerate(items[first : first + _ITEMS_BETWEEN_PAUSES], first):
                    if isinstance(item, Refusal):
                        plans.append(item)
                        continue
                    plan = plan_one(item, random())
                    if isinstance(plan, Refusal):
                        plan = plan.within(f"$.messages[{place}]")
                    plans.append(plan)
        return plans

    def _judge_people(
        self,
        sending: Sending,
        plans: Sequence[Plan | Refusal],
        standings: Mapping[str, Standing],
        now: datetime,
        *,
        first: int,
    ) -> list[Plan | Refusal]:
        """The plans of a batch's items from number `first` on that consent and caps let through, counted
        against the caps; a refusal in the place of any other."""
        is_capped = not sending.is_test and (has_otp_cap(sending.shop) or has_spend_cap(sending.shop))
        if standings is NOBODY_ASKED and not is_capped and not sending.is_test:
            return list(plans)
        judged: list[Plan | Refusal] = []
        for place, plan in enumerate(plans, first):
            if isinstance(plan, Refusal):
                judged.append(plan)
                continue
            standing = standings.get(plan.address, NOTHING_RECORDED)
            refusal = _judge_person(plan, standing, is_test=sending.is_test)
            if refusal is None and is_capped:
                refusal = self._caps.take(plan, sending.shop, now)
            judged.append(plan if refusal is None else refusal.within(f"$.messages[{place}]"))
        return judged

    def _build_many(
        self,
        sending: Sending,
        requests: Sequence[SendRequest | Refusal],
        judged: Sequence[Plan | Refusal],
        standings: Mapping[str, Standing],
        *,
        wants_events: bool,
    ) -> list[Accepted | Refusal]:
        slots = [slot_of_address(plan.address) for plan in judged if not isinstance(plan, Refusal)]
        ids = iter(self._deps.ids.next_ids(slots))
        results: list[Accepted | Refusal] = []
        for request, plan in zip(requests, judged, strict=True):
            if isinstance(plan, Refusal) or isinstance(request, Refusal):
                results.append(plan if isinstance(plan, Refusal) else request)  # type: ignore[arg-type]  # one is
                continue
            contact_id = standings.get(plan.address, NOTHING_RECORDED).contact_id if standings else None
            wanted = wants_events or request.webhook_url is not None
            message = build_row(next(ids), plan, request, sending, contact_id, wanted)
            results.append(Accepted(plan, message))
        return results

    async def _find_standings(
        self, sending: Sending, plans: Sequence[Plan | Refusal]
    ) -> Mapping[str, Standing]:
        wanted = [
            plan.address
            for plan in plans
            if not isinstance(plan, Refusal)
            and (sending.looks_up_people or plan.way.category is Category.MARKETING)
        ]
        return await self._standings.find(sending.shop.id, wanted) if wanted else NOBODY_ASKED

    async def _store(
        self,
        sending: Sending,
        plans: Sequence[Plan],
        messages: Sequence[NewMessage],
        reply: Reply,
        key: RequestKey | None,
        now: datetime,
    ) -> Reply | Refusal:
        try:
            stored = await self._deps.store.store(
                messages,
                keyed=None if key is None else key.answer(reply),
                within_seconds=self._deps.store_seconds,
            )
        except TimeoutError as exc:
            # It may yet turn out to be stored, so nothing is given back to the caps.
            raise OutcomeUnknown(f"no answer within {self._deps.store_seconds:.0f} s") from exc
        except Exception:
            self._give_back(sending, plans, now)
            raise
        if stored is Stored.COMMITTED:
            self._tell_otps(sending, plans, now)
            return reply
        self._give_back(sending, plans, now)
        assert key is not None  # only a key can be held by an earlier request
        return await self._gate.find_answer(key) or IN_USE

    def _tell_otps(self, sending: Sending, plans: Sequence[Plan], now: datetime) -> None:
        if not sending.is_test:
            for plan in plans:
                if plan.way.category is Category.OTP:
                    self._deps.note_otp(plan.address, now)

    def _give_back(self, sending: Sending, plans: Sequence[Plan], now: datetime) -> None:
        if not sending.is_test:
            for plan in plans:
                self._caps.give_back(plan, sending.shop, now)

    async def _bring_caps_up(self, shop: Shop, now: datetime, *, has_otps: bool) -> None:
        """Load what the caps of a shop are measured against, once or each 5 s; nothing for a shop without."""
        database = self._deps.database
        if has_otps and has_otp_cap(shop):
            await self._bring_otps_up(shop, now)
        if not has_spend_cap(shop):
            return
        read_at = self._spend_read_at.get(shop.id)
        if read_at is None or now - read_at > _FRESH:
            stored = await read_spend(database, shop.id, now.date())
            self._caps.load_spend(shop.id, now.date(), stored)
            self._spend_read_at[shop.id] = now

    async def _bring_otps_up(self, shop: Shop, now: datetime) -> None:
        """An hour's one-time passwords once; while other nodes take some in, the newest again each 5 s."""
        read_at = self._otps_read_at.get(shop.id)
        if read_at is None:
            since = now - _HOUR
        elif self._deps.has_company() and now - read_at > _FRESH:
            since = now - STEP
        else:
            return
        step_ms = STEP // timedelta(milliseconds=1)
        recent = await read_recent_otps(self._deps.database, shop.id, since, step_ms=step_ms)
        self._caps.load_otps(shop.id, recent)
        self._otps_read_at[shop.id] = now

    async def _read_standings(self, shop_id: int, addresses: Sequence[str]) -> dict[str, Standing]:
        deps = self._deps
        scopes = await find_suppressions(
            deps.database, shop_id, addresses, instance_secret=deps.instance_secret
        )
        consents = await find_consents(deps.database, shop_id, addresses)
        standings: dict[str, Standing] = {}
        for address in scopes.keys() | consents.keys():
            found = consents.get(address)
            standings[address] = Standing(
                scopes.get(address, SuppressionScope.NONE),
                MarketingConsent.UNKNOWN if found is None else found.consent,
                None if found is None else found.contact_id,
            )
        return standings

    async def _read_key(self, key: RequestKey) -> KeyedAnswer | None:
        return await read_keyed_answer(self._deps.database, key.shop_id, key.key, self._deps.clock())


def _judge_person(plan: Plan, standing: Standing, *, is_test: bool) -> Refusal | None:
    if is_test and plan.address == TEST_OPTED_OUT_ADDRESS:
        return OPTED_OUT
    if standing is NOTHING_RECORDED and plan.way.category is not Category.MARKETING:
        return None
    return judge_standing(plan.way.category, standing)

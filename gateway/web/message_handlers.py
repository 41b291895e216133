"""Messages over HTTP: send, batch, estimate, read, list, cancel, resend."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from aiohttp import web

from gateway.domain.identifiers import HIGHEST_ID, first_id_at
from gateway.domain.message import MessageState
from gateway.domain.public_ids import InvalidPublicId, PublicPrefix, decode_public_id, encode_public_id
from gateway.intake.changes import NOT_FOUND, Actor, MessageChanges
from gateway.intake.idempotency import Reply, RequestKey, read_request_key
from gateway.intake.refusals import Refusal
from gateway.intake.requests import decode_batch, decode_send
from gateway.intake.rows import Sending
from gateway.intake.service import Intake
from gateway.store.database import Database
from gateway.store.messages import MessageFilter, MessageRecord, list_messages, read_parts, read_receipts
from gateway.store.shops import KeyHolder
from gateway.web.answers import render_estimate
from gateway.web.bodies import Query, read_json_octets
from gateway.web.message_view import show_in_full, show_message
from gateway.web.problems import ProblemRaised, answer_refusal

_JSON = {"Content-Type": "application/json"}
_REPLAYED = {**_JSON, "Idempotent-Replayed": "true"}
PAGE_LIMIT = 200
_LIST_PARAMETERS = (
    "client_reference", "to", "state", "from_time", "to_time", "campaign_id", "limit", "cursor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a batch may be at most."""

    batch_octets: int
    batch_items: int


class MessageHandlers:
    """The message endpoints of one shop's key."""

    def __init__(
        self, database: Database, intake: Intake, changes: MessageChanges, limits: BodyLimits
    ) -> None:
        self._database = database
        self._intake = intake
        self._changes = changes
        self._limits = limits

    async def send(self, request: web.Request, holder: KeyHolder) -> web.Response:
        body = await read_json_octets(request)
        key = _read_key(request, holder, body)
        wanted = decode_send(body)
        if isinstance(wanted, Refusal):
            return answer_refusal(wanted)
        return answer_reply(await self._intake.send(Sending.of_holder(holder), wanted, key=key))

    async def send_batch(self, request: web.Request, holder: KeyHolder) -> web.Response:
        body = await read_json_octets(request, limit_octets=self._limits.batch_octets)
        key = _read_key(request, holder, body)
        items = decode_batch(body, most=self._limits.batch_items)
        if isinstance(items, Refusal):
            return answer_refusal(items)
        return answer_reply(await self._intake.send_batch(Sending.of_holder(holder), items, key=key))

    async def estimate(self, request: web.Request, holder: KeyHolder) -> web.Response:
        wanted = decode_send(await read_json_octets(request))
        if isinstance(wanted, Refusal):
            return answer_refusal(wanted)
        plan = self._intake.estimate(Sending.of_holder(holder), wanted)
        if isinstance(plan, Refusal):
            return answer_refusal(plan)
        return web.Response(body=render_estimate(plan, hides_text=wanted.sensitive), headers=_JSON)

    async def get(self, request: web.Request, holder: KeyHolder) -> web.Response:
        message_id = read_public_id(request, "msg")
        record = await self._changes.find(holder.shop.id, message_id, is_test=holder.is_test)
        if record is None:
            return answer_refusal(NOT_FOUND)
        return answer_json(await load_in_full(self._database, record))

    async def list(self, request: web.Request, holder: KeyHolder) -> web.Response:
        query = Query(request, _LIST_PARAMETERS)
        limit = query.integer("limit", default=50, low=1, high=PAGE_LIMIT)
        wanted = _read_filter(query, holder)
        page = await list_messages(self._database, holder.shop.id, wanted, limit=limit)
        cursor = None if page.next_high_id is None else encode_public_id("msg", page.next_high_id)
        shown = [show_message(record) for record in page.messages]
        return answer_json({"messages": shown, "next_cursor": cursor})

    async def cancel(self, request: web.Request, holder: KeyHolder) -> web.Response:
        outcome = await self._changes.cancel(
            holder.shop.id,
            read_public_id(request, "msg"),
            is_test=holder.is_test,
            actor=actor_of_holder(holder),
        )
        if isinstance(outcome, Refusal):
            return answer_refusal(outcome)
        return answer_json(await load_in_full(self._database, outcome))

    async def resend(self, request: web.Request, holder: KeyHolder) -> web.Response:
        message_id = read_public_id(request, "msg")
        return answer_reply(
            await self._changes.resend(
                holder.shop,
                message_id,
                is_test=holder.is_test,
                actor=actor_of_holder(holder),
                key=_read_key(request, holder, b""),
            )
        )


async def load_in_full(
    database: Database, record: MessageRecord, *, show_text: bool = True
) -> dict[str, object]:
    """The view of a message with its parts and timeline."""
    parts = await read_parts(database, record.shop_id, [record.id])
    receipts = await read_receipts(database, record.shop_id, [record.id])
    return show_in_full(record, parts.get(record.id, ()), receipts.get(record.id, ()), show_text=show_text)


def actor_of_holder(holder: KeyHolder) -> Actor:
    return Actor(f"shop {holder.shop.name} key {holder.key_hint}")


def answer_json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, headers=_JSON)


def read_public_id(request: web.Request, prefix: PublicPrefix) -> int:
    """The id in the path; one that cannot be an id answers like one that does not exist."""
    try:
        return decode_public_id(prefix, request.match_info["id"])
    except InvalidPublicId as exc:
        raise not_found() from exc


def not_found() -> ProblemRaised:
    return ProblemRaised(NOT_FOUND.code.value, "There is nothing with this id.", NOT_FOUND.action)


def answer_reply(outcome: Reply | Refusal) -> web.Response:
    if isinstance(outcome, Refusal):
        return answer_refusal(outcome)
    headers = _REPLAYED if outcome.is_replay else _JSON
    return web.Response(body=outcome.body, status=outcome.status, headers=headers)


def _read_key(request: web.Request, holder: KeyHolder, body: bytes) -> RequestKey | None:
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    key = read_request_key(
        header,
        shop_id=holder.shop.id,
        is_test=holder.is_test,
        target=f"{request.method} {request.path}",
        body=body,
    )
    if isinstance(key, Refusal):
        raise ProblemRaised(key.code.value, key.detail, key.action)
    return key


def _read_filter(query: Query, holder: KeyHolder) -> MessageFilter:
    from_time, to_time = query.moment("from_time"), query.moment("to_time")
    cursor = query.public_id("cursor", "msg")
    high_id = HIGHEST_ID if to_time is None else first_id_at(to_time)
    return MessageFilter(
        low_id=0 if from_time is None else _clamp(from_time),
        high_id=min(high_id, HIGHEST_ID if cursor is None else cursor),
        is_test=holder.is_test,
        to_address=query.number("to", default_country=holder.shop.country),
        client_reference=query.text("client_reference"),
        campaign_id=query.public_id("campaign_id", "cmp"),
        states=_read_states(query),
    )


def _clamp(moment: datetime) -> int:
    return min(first_id_at(moment), HIGHEST_ID)


def _read_states(query: Query) -> frozenset[MessageState]:
    text = query.text("state")
    if text is None:
        return frozenset()
    words = {state.word: state for state in MessageState}
    unknown = [word for word in text.split(",") if word not in words]
    if unknown:
        raise ProblemRaised(
            "invalid_parameter",
            f"There is no state {unknown[0][:40]}.",
            f"States, one or several with commas: {', '.join(words)}.",
        )
    return frozenset(words[word] for word in text.split(","))

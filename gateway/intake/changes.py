"""What may still be done to a message after acceptance: cancel it while it waits, send it again at its end.

Owns when either is allowed and what a resend is: a new message of the same content, judged anew, whose
metadata names the old one. Moves no row itself: endings go to the outcome writer, resends through `Intake`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.domain.identifiers import IdSource, slot_of_id, time_of_id
from gateway.domain.lanes import Category
from gateway.domain.message import ENDS, MessageState, Reason
from gateway.domain.public_ids import encode_public_id
from gateway.intake.idempotency import Reply, RequestKey
from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.requests import SendRequest
from gateway.intake.rows import Sending
from gateway.intake.service import Intake
from gateway.store.audit import AuditNote, add_audit
from gateway.store.database import Database
from gateway.store.errors import OutcomeUnknown
from gateway.store.evidence import Ending
from gateway.store.messages import MessageRecord, get_message
from gateway.store.shops import Shop
from gateway.store.unknowns import close_messages, read_unknown

RESENT_FROM = "resent_from"
"""The metadata key of a resend that names the message it repeats."""

_ENDING_SECONDS = 10.0
_RESENDABLE = ENDS | {MessageState.UNKNOWN}
NOT_FOUND = Refusal(
    RefusalCode.NOT_FOUND,
    "",
    "There is no message with this id.",
    "Check the id; what belongs to another shop or to keys of the other mode is not found.",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: `key est_live_Ab3x…9fK2` or `uid 1000`, as the audit log names them."""

    name: str
    is_operator: bool = False


class MessageChanges:
    """Cancels and resends. `put_ending` hands an ending to the outcome writer."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        *,
        put_ending: Callable[[Ending], None],
        ids: IdSource,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._intake = intake
        self._put_ending = put_ending
        self._ids = ids
        self._clock = clock

    async def find(self, shop_id: int, message_id: int, *, is_test: bool | None) -> MessageRecord | None:
        """The message as this caller may see it; `is_test` None sees both kinds."""
        record = await get_message(self._database, shop_id, message_id)
        if record is None or (is_test is not None and record.is_test is not is_test):
            return None
        return record

    async def cancel(
        self, shop_id: int, message_id: int, *, is_test: bool | None, actor: Actor
    ) -> MessageRecord | Refusal:
        """Cancel a message that waits. One that is cancelled already is answered alike, so a repeat is safe.

        Raises `StoreUnavailable`, and `OutcomeUnknown` when the outcome is open after 10 s.
        """
        record = await self.find(shop_id, message_id, is_test=is_test)
        if record is None:
            return NOT_FOUND
        if record.state != MessageState.CANCELLED:
            reason = Reason.CANCELLED_BY_OPERATOR if actor.is_operator else Reason.CANCELLED_BY_SHOP
            await self._end(record, reason)
            record = await self.find(shop_id, message_id, is_test=is_test)
        if record is None:
            return NOT_FOUND
        if record.state != MessageState.CANCELLED:
            return Refusal(
                RefusalCode.NOT_CANCELLABLE,
                "",
                f"The message is {MessageState(record.state).word}; only one that waits can be cancelled.",
                "Nothing can call it back now; watch its receipt.",
            )
        if actor.is_operator:
            await self.note(actor, "message.cancel", encode_public_id("msg", message_id), {})
        return record

    async def resend(
        self,
        shop: Shop,
        message_id: int,
        *,
        is_test: bool | None,
        actor: Actor,
        key: RequestKey | None = None,
    ) -> Reply | Refusal:
        """Send the content of a message at its end, or of unknown outcome, once more as a new message."""
        record = await self.find(shop.id, message_id, is_test=is_test)
        if record is None:
            return NOT_FOUND
        request = _repeat_request(record)
        if isinstance(request, Refusal):
            return request
        sending = Sending(shop, record.is_test, looks_up_people=True)
        outcome = await self._intake.send(sending, request, key=key)
        if isinstance(outcome, Reply) and not outcome.is_replay:
            subject = encode_public_id("msg", message_id)
            await self.note(actor, "message.resend", subject, {"answer": msgspec.Raw(outcome.body)})
            if record.state == MessageState.UNKNOWN:
                await self._close_repeated(record)
        return outcome

    async def _close_repeated(self, record: MessageRecord) -> None:
        """Nobody is to send the same a third time because the first is listed as unknown still."""
        async with self._database.transaction() as connection:
            cases = await read_unknown(connection, [record.id], shop_ids=[record.shop_id])
            await close_messages(connection, cases, Reason.RESENT_AS_NEW, self._clock())

    async def note(self, actor: Actor, action: str, subject: str, data: dict[str, object]) -> None:
        """Write an audit row; `data` must be JSON."""
        await add_audit(
            self._database,
            AuditNote(
                self._ids.next_id(0),
                self._clock(),
                actor.name,
                action,
                subject,
                msgspec.json.encode(data).decode(),
            ),
        )

    async def _end(self, record: MessageRecord, reason: Reason) -> None:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._put_ending(
            Ending(record.shop_id, record.id, slot_of_id(record.id), MessageState.CANCELLED, reason, done)
        )
        try:
            async with asyncio.timeout(_ENDING_SECONDS):
                await done
        except TimeoutError as exc:
            raise OutcomeUnknown(f"no answer within {_ENDING_SECONDS:.0f} s") from exc


def _repeat_request(record: MessageRecord) -> SendRequest | Refusal:
    """What to ask so that the same goes out again."""
    state = MessageState(record.state)
    if state not in _RESENDABLE:
        return Refusal(
            RefusalCode.NOT_RESENDABLE,
            "",
            f"The message is {state.word}: it is still on its way.",
            "Wait for its end, or cancel it while it waits.",
        )
    if record.to_address is None or (record.text is None and record.body is None):
        return Refusal(
            RefusalCode.CONTENT_ERASED,
            "",
            "The content of this message was erased.",
            "Send a new message with its content.",
        )
    metadata = (
        msgspec.json.decode(record.metadata, type=dict[str, str | int | float | bool])
        if record.metadata
        else {}
    )
    began_at = max(record.send_at, time_of_id(record.id)) if record.send_at else time_of_id(record.id)
    return SendRequest(
        to=f"+{record.to_address}",
        sender=record.from_address,
        text=record.text,
        binary=None if record.text is not None else record.body,
        category=Category(record.category).word,  # type: ignore[arg-type]  # the words are the literals
        ttl_seconds=max(1, round((record.expires_at - began_at).total_seconds())),
        webhook_url=record.webhook_url,
        client_reference=record.client_reference,
        metadata={**metadata, RESENT_FROM: encode_public_id("msg", record.id)},
        sensitive=record.is_sensitive,
    )

"""The writers behind a connector, without one: tests take messages, submit them and say what carriers say."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from gateway.domain.identifiers import slot_of_id
from gateway.domain.lanes import STREAMS
from gateway.domain.ledger import LedgerReport
from gateway.domain.message import MessageState, Reason
from gateway.ledger.accounts import read_ledger
from gateway.store.evidence import Answer, Ending, Evidence, LateAnswer, Unsent, WrittenOff
from gateway.store.flights import Flight, FlightBook
from gateway.store.intake import NewMessage, Stream
from gateway.store.intents import IntentWriter
from gateway.store.outcomes import OutcomeWriter
from gateway.store.queue import claim_due_messages, release_due
from tests.store.rig import CONNECTOR, Rig, running

S = MessageState
_PATIENCE_SECONDS = 10.0
"""A writer that died leaves its callers waiting; then its error is raised."""

_DEEPEST = 3
"""An answer that is refused for its id is put anew without it, and sets free a receipt, which is put anew."""

SECRET = b"0123456789abcdef"
ALL_SHARDS = tuple(range(16))
ALL_SLOTS = tuple(range(256))


class Ear:
    """Hears what the outcome writer tells after its commits."""

    def __init__(self) -> None:
        self.acknowledged: list[object] = []
        self.refused: list[object] = []
        self.requeued: dict[Stream, int] = {}
        self.events = 0

    def on_stored(self, acknowledgements: list[object]) -> None:
        self.acknowledged += acknowledgements

    def on_refused(self, acknowledgement: object) -> None:
        self.refused.append(acknowledgement)

    def on_requeued(self, lowest: dict[Stream, int]) -> None:
        self.requeued.update(lowest)

    def on_events(self) -> None:
        self.events += 1


class Endpoints:
    """Shop 1 has an endpoint, number 70, for everything."""

    async def look_up(self, shop_ids: set[int]) -> Callable[[int, str], Sequence[int]]:
        return lambda shop_id, kind: (70,) if shop_id == 1 else ()


class Desk:
    """Intents and outcomes of one process. `restart` forgets what a process that died forgets."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ready: list[Flight] = []
        self.gone: list[Flight] = []
        self.refused: list[Ending] = []
        self.ear = Ear()
        self._submitted_at: dict[tuple[int, int], datetime] = {}
        self.restart()

    def restart(self, *, outcomes_dsn: str | None = None, intents_dsn: str | None = None) -> None:
        rig = self.rig
        self.book = FlightBook()
        self.outcomes = OutcomeWriter(
            outcomes_dsn or rig.dsn,
            rig.queries,
            rig.node.fence,
            ids=rig.node.ids,
            book=self.book,
            listener=self.ear,
            targets=Endpoints(),
            connector_ids=lambda: [CONNECTOR, CONNECTOR + 1],
            instance_secret=SECRET,
            lookup_days=11,
        )
        self.intents = IntentWriter(
            intents_dsn or rig.dsn,
            rig.queries,
            rig.node.fence,
            on_intended=self._on_intended,
            put_endings=self.refused.extend,
        )

    def _on_intended(self, ready: list[Flight], gone: list[Flight]) -> None:
        self.ready += ready
        self.gone += gone

    # The way of a message.

    async def accept(self, *messages: NewMessage) -> list[int]:
        await self.rig.accept(*messages)
        return [message.id for message in messages]

    async def claim(self, *, connector_id: int = CONNECTOR) -> list[Flight]:
        claimed: list[Flight] = []
        async with self.rig.database.connection() as connection:
            for lane, category in STREAMS:
                stream = (connector_id, int(lane), int(category))
                claimed += await claim_due_messages(
                    connection, stream, after_id=0, shards=ALL_SHARDS, limit=1_000
                )
        return claimed

    async def intend(self, flights: Sequence[Flight]) -> list[Flight]:
        """Those whose intent was committed."""
        self.ready = []
        self.gone = []
        async with running(self.intents.run), asyncio.timeout(_PATIENCE_SECONDS):
            self.intents.put_many(flights)
            await self.intents.drained()
        return self.ready

    async def begin(self, *messages: NewMessage) -> list[Flight]:
        """Accepted, claimed and intended: the flights of these messages, in the same order."""
        await self.accept(*messages)
        flights = {flight.id: flight for flight in await self.intend(await self.claim())}
        return [flights[message.id] for message in messages]

    async def tell(self, *batches: Evidence | Sequence[Evidence]) -> None:
        """Each argument is stored as a batch of its own."""
        async with running(self.outcomes.run), asyncio.timeout(_PATIENCE_SECONDS):
            for batch in batches:
                # Some kinds of evidence are tuples themselves.
                self.outcomes.put_many(batch if isinstance(batch, list) else [batch])  # type: ignore[list-item]
                for _ in range(_DEEPEST):
                    await self.outcomes.drained()

    def answered(
        self,
        flight: Flight,
        part: int = 0,
        wanted: MessageState = S.SENT,
        *,
        carrier_id: str | None = None,
        remember: bool = True,
        command_status: int | None = None,
        retry_in: timedelta | None = None,
        failure_class: int = 4,
    ) -> Answer:
        """An answer as dispatch makes it, the carrier's id remembered by the book."""
        now = self._submitted_at[flight.id, part] = datetime.now(UTC)
        if carrier_id is not None and wanted is S.SENT and remember:
            self.book.remember(flight.connector_id, carrier_id.lower(), flight, part)
        reasons = {S.UNKNOWN: Reason.NO_RESPONSE, S.FAILED: Reason.REJECTED_BY_CARRIER}
        status = {S.SENT: 0, S.UNKNOWN: None}.get(wanted, 0x58)
        return Answer(
            flight=flight,
            part=part,
            bind_no=1,
            wanted=wanted,
            reason=reasons.get(wanted, Reason.NONE),
            failure_class=failure_class if wanted is S.FAILED else 0,
            command_status=status if command_status is None else command_status,
            carrier_id=carrier_id,
            lookup_id=carrier_id and carrier_id.lower(),
            submitted_at=now,
            at=now,
            retry_at=None if retry_in is None else now + retry_in,
        )

    def to_be_resent(self, flight: Flight, part: int = 0, *, retry_in: timedelta | None = None) -> Answer:
        """What dispatch makes of no answer where the connector sends again what has none."""
        return replace(self.answered(flight, part, S.QUEUED, retry_in=retry_in), command_status=None)

    def late(self, flight: Flight, part: int, carrier_id: str | None) -> LateAnswer:
        if carrier_id is not None:
            self.book.remember(flight.connector_id, carrier_id.lower(), flight, part)
        status, wanted = (0, S.SENT) if carrier_id else (8, S.FAILED)
        lookup_id = carrier_id and carrier_id.lower()
        return LateAnswer(
            flight,
            part,
            wanted,
            0,
            status,
            carrier_id,
            lookup_id,
            datetime.now(UTC),
            self._submitted_at[flight.id, part],
        )

    @staticmethod
    def unsent(flight: Flight, *parts: int) -> Unsent:
        return Unsent(flight, parts, datetime.now(UTC))

    @staticmethod
    def ending(message_id: int, state: MessageState = S.CANCELLED, *, shop_id: int = 1) -> Ending:
        return Ending(shop_id, message_id, slot_of_id(message_id), state, Reason.CANCELLED_BY_SHOP)

    @staticmethod
    def written_off(message_id: int, reason: Reason, *, shop_id: int = 1) -> WrittenOff:
        return WrittenOff(shop_id, message_id, slot_of_id(message_id), reason, datetime.now(UTC))

    @staticmethod
    def abandoned(message_id: int, *, retry_in: timedelta | None = None) -> WrittenOff:
        """What the look for the intents of a process that died makes of one; `retry_in` sends it again."""
        now = datetime.now(UTC)
        retry_at = None if retry_in is None else now + retry_in
        slot = slot_of_id(message_id)
        return WrittenOff(
            1,
            message_id,
            slot,
            Reason.NO_RESPONSE,
            now,
            intended_at=now - timedelta(seconds=5),
            retry_at=retry_at,
        )

    # What the database says.

    async def state(self, message_id: int) -> MessageState:
        return MessageState(await self.rig.value("SELECT state FROM message_state WHERE id = $1", message_id))

    async def row(self, message_id: int) -> dict[str, Any]:
        async with self.rig.database.connection() as connection:
            row = await connection.raw.fetchrow("SELECT * FROM message_state WHERE id = $1", message_id)
        assert row is not None
        return dict(row)

    async def count(self, table: str) -> int:
        return int(await self.rig.value(f"SELECT count(*) FROM {table}"))

    async def outcomes_of(self, message_id: int) -> list[int]:
        rows = await self.rig.fetch(
            "SELECT outcome FROM receipt WHERE id = $1 ORDER BY receipt_id", message_id
        )
        return [row[0] for row in rows]

    async def release(self, at: datetime) -> int:
        return (await release_due(self.rig.database, at, ALL_SLOTS, limit=1_000))[1]

    async def ledger(self) -> LedgerReport:
        return await read_ledger(self.rig.database, now=datetime.now(UTC), lookup_days=11)

    async def assert_balanced(self) -> None:
        report = await self.ledger()
        assert report.is_balanced, [pair.sentence for pair in report.pairs if not pair.agrees]

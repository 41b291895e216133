"""A loop that the test turns, a session that only counts, a connector between them: no socket, no clock."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

from gateway.config import ConnectorConfig, HostPort, Secret
from gateway.dispatch.connector import ConnectorRun
from gateway.dispatch.holds import HeldInStream
from gateway.dispatch.rounds import Rounds
from gateway.domain.lanes import LANE_OF_CATEGORY, Category
from gateway.domain.message import MessageState, Reason, accepted, intend
from gateway.domain.sharing import SHARD_COUNT
from gateway.session.session import Session
from gateway.store.evidence import Answer, Ending, Evidence, Unsent
from gateway.store.flights import Flight

S = MessageState


def make_config(**changes: Any) -> ConnectorConfig:
    values: dict[str, Any] = {
        "name": "a",
        "hosts": (HostPort("127.0.0.1", 2775),),
        "system_id": "a",
        "password": Secret("x"),
        "parts_per_second": 100,
        "window": 10,
    }
    return ConnectorConfig(**{**values, **changes})


class Turn:
    """One call that is due, and may be cancelled before."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def take(self) -> None:
        if self._callback is not None:
            self._callback()


class TurnedLoop:
    """The three methods of a loop that dispatch uses, on a time that only `advance` moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._due: list[tuple[float, int, Turn]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.call_at(self.now, callback)

    def call_at(self, when: float, callback: Callable[[], None]) -> "Turn":
        turn = Turn(callback)
        heapq.heappush(self._due, (max(when, self.now), next(self._numbers), turn))
        return turn

    def advance(self, seconds: float) -> None:
        """Run everything due within the next `seconds`, each at its time."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, turn = heapq.heappop(self._due)
            turn.take()
        self.now = end


class CountingSession:
    """A session that is bound and never answers by itself."""

    def __init__(self, loop: TurnedLoop, *, window: int = 10) -> None:
        self._loop = loop
        self.window_size = window
        self.sends_tlvs = True
        self.submits: list[tuple[float, Flight, int, bytes]] = []
        self.unanswered: list[tuple[Flight, int]] = []
        self.unanswered_seconds = 0.0
        self.written_now = 0
        """Submits that were written before their turn of the loop ended."""

    @property
    def in_flight(self) -> int:
        return len(self.unanswered)

    @property
    def room(self) -> int:
        return self.window_size - self.in_flight

    def submit(
        self, context: Any, template: object, destination: bytes, body: bytes, header: bytes, tlvs: bytes
    ) -> None:
        assert self.room > 0, "the window is never exceeded"
        flight, part, _ = context
        self.submits.append((self._loop.now, flight, part, header))
        self.unanswered.append((flight, part))

    def write_now(self) -> None:
        self.written_now = len(self.submits)

    def answer(self, answers: int | None = None) -> None:
        del self.unanswered[: len(self.unanswered) if answers is None else answers]


class NoHolds:
    def __init__(self) -> None:
        self.categories: set[int] = set()
        self.shops: set[int] = set()
        self.campaigns: set[int] = set()

    def stops_category(self, category: int) -> bool:
        return category in self.categories

    def stops_shop(self, shop_id: int, category: int) -> bool:
        return shop_id in self.shops

    def stops_campaign(self, campaign_id: int | None) -> bool:
        return campaign_id in self.campaigns

    def held_in(self, lane: int, category: int) -> HeldInStream:
        return HeldInStream(sorted(self.shops), sorted(self.campaigns))


class Bench:
    """A connector whose queue is a list, whose intents are committed when the test says so."""

    def __init__(self, **config: Any) -> None:
        self.loop = TurnedLoop()
        self.holds = NoHolds()
        self.is_store_behind = False
        self.intents: list[Flight] = []
        self.orders: list[int] = []
        self.evidence: list[Evidence] = []
        self.claims_asked = 0
        self.commits_at_once = True
        self.most_waiting = 0
        self._ids = count(1)
        loop = cast(asyncio.AbstractEventLoop, self.loop)
        self.rounds = Rounds(loop)
        self.run = ConnectorRun(
            1,
            make_config(**config),
            loop=loop,
            rounds=self.rounds,
            holds=self.holds,
            put_intents=self._put_intents,
            put_evidence=self._put_evidence,
            ask_claim=self._ask_claim,
            is_store_behind=lambda: self.is_store_behind,
        )
        self.run.hold(range(SHARD_COUNT))
        self.run.allow(self.run.config.parts_per_second)

    def _put_intents(self, flights: Sequence[Flight]) -> None:
        self.intents += flights
        self.orders.append(len(flights))
        self.most_waiting = max(self.most_waiting, self.run.waiting)
        if self.commits_at_once:
            self.loop.call_soon(self.commit)

    def _put_evidence(self, evidence: Sequence[Evidence]) -> None:
        self.evidence += evidence

    def _ask_claim(self, run: ConnectorRun) -> None:
        self.claims_asked += 1

    def commit(self) -> None:
        """The intents asked for so far are durable."""
        flights, self.intents = self.intents, []
        for flight in flights:
            flight.progress = intend(flight.progress)
            self.run.on_intended(flight)
        self.run.go_on()

    def bind(self, *, window: int = 10) -> CountingSession:
        session = CountingSession(self.loop, window=window)
        self.run.sessions.append(cast(Session, session))
        self.run.pump()
        return session

    def unbind(self, session: CountingSession) -> None:
        self.run.on_session_closed(cast(Session, session))

    def claim(self, flights: Sequence[Flight]) -> None:
        """These rows came back from the queue."""
        by_pair: dict[tuple[int, int], list[Flight]] = {}
        for flight in flights:
            by_pair.setdefault((flight.lane, flight.category), []).append(flight)
        for stream in self.run.claims.streams.values():
            rows = by_pair.get((stream.stream[1], stream.stream[2]))
            if rows:
                stream.begin_claim()
                stream.end_claim(rows, asked=len(rows) + 1)
        self.run.pump()

    def flights(
        self, number: int, *, category: Category = Category.TRANSACTIONAL, parts: int = 1, **changes: Any
    ) -> list[Flight]:
        return [self.flight(category=category, parts=parts, **changes) for _ in range(number)]

    def flight(
        self, *, category: Category = Category.TRANSACTIONAL, parts: int = 1, **changes: Any
    ) -> Flight:
        message_id = next(self._ids) << 22
        values: dict[str, Any] = {
            "shop_id": 1,
            "id": message_id,
            "slot": 0,
            "connector_id": 1,
            "accepted_connector_id": 1,
            "lane": int(LANE_OF_CATEGORY[category]),
            "category": int(category),
            "attempt": 0,
            "refusals": 0,
            "progress": accepted(parts, scheduled=False),
            "expires_at": datetime.now(UTC) + timedelta(days=1),
            "parts": parts,
            "cost_micros": 1,
            "country": "FR",
            "currency": "EUR",
            "campaign_id": None,
            "contact_id": None,
            "is_sensitive": False,
            "is_test": False,
            "wants_events": False,
            "has_webhook_url": False,
            "to_address": f"33639980{message_id >> 22:03}",
            "from_address": "GATEWAY",
            "text": "x" * (153 * parts if parts > 1 else 5),
            "body": None,
        }
        return Flight(**{**values, **changes})

    @property
    def unsent(self) -> list[tuple[Flight, tuple[int, ...]]]:
        return [(item.flight, item.parts) for item in self.evidence if type(item) is Unsent]

    @property
    def answers(self) -> list[Answer]:
        return [item for item in self.evidence if type(item) is Answer]

    @property
    def reasons(self) -> list[tuple[int, MessageState, Reason]]:
        return [(item.id, item.state, item.reason) for item in self.evidence if type(item) is Ending]

    @property
    def endings(self) -> list[tuple[int, MessageState]]:
        return [(item.id, item.state) for item in self.evidence if type(item) is Ending]

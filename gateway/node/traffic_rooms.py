"""What a message passes from its door to its outcome, made and tied together: store, connectors, binds, the
outcomes of what was sent, and what comes due.

Decides nothing: who hears what is all there is here. Where a message is sent is the intake's to say, and
which connectors there are is the configuration's.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from time import monotonic, time
from typing import Any

from gateway.config import Config
from gateway.dispatch.dispatcher import Dispatcher
from gateway.dispatch.failover import Failover
from gateway.dispatch.holds import HoldBoard
from gateway.dispatch.timetable import Timetable
from gateway.dispatch.trace import TraceBook
from gateway.dispatch.trace_desk import TraceDesk
from gateway.node.event_targets import DirectoryTargets
from gateway.node.ownership import Ownership
from gateway.session.bind import BindMode, BindState
from gateway.store.database import Database
from gateway.store.due_work import DueWork, Work
from gateway.store.flights import Flight, FlightBook
from gateway.store.hints import QueueHints
from gateway.store.intake import IntakeWriter, Stream
from gateway.store.intents import IntentWriter
from gateway.store.leases import Node
from gateway.store.outcomes import OutcomeWriter


@dataclass(frozen=True, slots=True)
class TrafficGround:
    """What these rooms stand on, whom they ask, and who hears of the traffic."""

    dsn: str
    database: Database
    node: Node
    secret: bytes
    random: Random
    targets: DirectoryTargets
    connector_ids: Callable[[], list[int]]
    connector_names: Callable[[], Mapping[int, str]]
    choose_connector: Callable[[Flight], int | None]
    """Where the routes would send a waiting message now; None where nothing that fits is up."""
    shop_resends: Callable[[int], bool]
    """Whether a shop wants transactional messages of unknown outcome sent again."""
    on_bind_state: Callable[[str, int, BindMode, BindState], None]
    on_intended: Callable[[list[Flight]], None]
    """Hears which messages may be submitted."""
    on_events: Callable[[], None]
    """Hears that events of messages are stored, for the webhooks that want them."""
    clock: Callable[[], datetime]


class TrafficRooms:
    """The rooms of message traffic of one node."""

    def __init__(self, ground: TrafficGround, config: Config) -> None:
        dsn, database, node = ground.dsn, ground.database, ground.node
        queries = database.queries
        self._ground = ground
        self._config = config
        self.due = DueWork(database, slots=self.list_slots, clock=ground.clock)
        self.holds = HoldBoard(database, on_released=self._on_released, has_holds=self.due.of(Work.HOLDS))
        book = FlightBook()
        self.outcomes = OutcomeWriter(
            dsn,
            queries,
            node.fence,
            ids=node.ids,
            book=book,
            listener=self,
            targets=ground.targets,
            connector_ids=ground.connector_ids,
            instance_secret=ground.secret,
            lookup_days=config.retention.receipt_map_days,
        )
        self.intents = IntentWriter(
            dsn,
            queries,
            node.fence,
            on_intended=self._on_intended,
            put_endings=self.outcomes.put_many,
        )
        self.trace = TraceDesk(TraceBook(config.trace.keep_octets, clock=time), monotonic=monotonic)
        self.dispatcher = Dispatcher(
            dsn,
            queries,
            holds=self.holds,
            sink=self.outcomes,
            book=book,
            put_intents=self.intents.put_many,
            intents_drained=self.intents.drained,
            may_submit=node.may_submit,
            random=ground.random,
            on_bind_state=ground.on_bind_state,
            shop_resends=ground.shop_resends,
            has_queued=self.due.of(Work.QUEUED),
            trace=self.trace,
        )
        self.ownership = Ownership(
            database, node, self.dispatcher, drain_seconds=lambda: self._config.stop.drain_seconds
        )
        self.hints = QueueHints(
            dsn,
            queries,
            node_no=node.node_no,
            is_shared=self.ownership.is_shared,
            on_queued=self.dispatcher.on_queued,
            on_retry=self.dispatcher.retry_now,
        )
        self.store = IntakeWriter(
            dsn, queries, node.fence, on_queued=self.on_queued, offer=self.dispatcher.offer
        )
        self.timetable = Timetable(
            database,
            self.outcomes,
            slots=self.list_slots,
            on_queued=self.on_queued,
            find_lookup_id=self.dispatcher.find_lookup_id,
            join_seconds=lambda: self._config.inbound.join_seconds,
            find_addresses=self.dispatcher.find_addresses,
            draw=ground.random.random,
            resends=self.dispatcher.resends_unanswered,
            decides=self.decides,
            has_scheduled=self.due.of(Work.SCHEDULED),
        )
        self.failover = Failover(
            database,
            self.ownership,
            on_queued=self.on_queued,
            connector_names=ground.connector_names,
            choose=ground.choose_connector,
        )

    def apply(self, config: Config) -> None:
        """Bounds of a configuration that was read again; connectors come by way of their carriers."""
        self._config = config
        self.trace.book.change_keep_octets(config.trace.keep_octets)

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What these rooms do by themselves, by name."""
        return [
            ("ownership", self.ownership.run()),
            ("hints", self.hints.run()),
            ("intake", self.store.run()),
            ("intents", self.intents.run()),
            ("outcomes", self.outcomes.run()),
            ("dispatch", self.dispatcher.run()),
            ("timetable", self.timetable.run()),
            ("failover", self.failover.run()),
        ]

    # What others ask.

    def list_slots(self) -> Sequence[int]:
        """The slots that are this node's now."""
        return self.ownership.slots

    def decides(self) -> bool:
        """Whether this node does what one node does for all."""
        return self.ownership.decides

    # What these rooms tell each other.

    def on_queued(self, lowest: dict[Stream, int]) -> None:
        """Messages were queued: the lowest id of each stream, for this node and for those that share them."""
        self.dispatcher.on_queued(lowest)
        self.hints.tell(lowest)

    def on_requeued(self, lowest: dict[Stream, int]) -> None:
        self.on_queued(lowest)

    def on_stored(self, acknowledgements: list[object]) -> None:
        self.dispatcher.on_stored(acknowledgements)

    def on_refused(self, acknowledgement: object) -> None:
        self.dispatcher.on_refused(acknowledgement)

    def on_events(self) -> None:
        self._ground.on_events()

    def _on_released(self) -> None:
        self.dispatcher.on_released()

    def _on_intended(self, ready: list[Flight], gone: list[Flight]) -> None:
        self.dispatcher.on_intended(ready, gone)
        self._ground.on_intended(ready)

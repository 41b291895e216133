"""All connectors of this node: their binds, claims, intents, answers and receipts, wired together.

Owns which connector gets what: news of queued messages, committed intents, and the acknowledgement of
deliver_sm after the store has them. The flow of one connector is `ConnectorRun`'s.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import cast

import structlog

from gateway.config.carriers import ConnectorConfig
from gateway.dispatch.answers import AnswerJudge, unanswered_rule
from gateway.dispatch.binding import needs_new_binds
from gateway.dispatch.claiming import Claimer
from gateway.dispatch.connections import (
    BindReport,
    Connections,
    EvidenceSink,
    answer_delivery,
)
from gateway.dispatch.connector import ConnectorRun
from gateway.dispatch.deliveries import Acknowledge, DeliveryReader
from gateway.dispatch.holding import Holding
from gateway.dispatch.limits import Limit, find_limit
from gateway.dispatch.ordering import Holds
from gateway.dispatch.outgoing import hand_back
from gateway.dispatch.planning import sender_style
from gateway.dispatch.rounds import Rounds
from gateway.dispatch.trace_desk import TraceDesk
from gateway.domain.carrier_ids import fold_carrier_id
from gateway.domain.inference import CarrierAddresses
from gateway.domain.unanswered import resends_unanswered
from gateway.session.bind import BindMode, BindPhase, BindState
from gateway.smpp.statuses import CommandStatus
from gateway.store.due_work import HasWork, has_perhaps
from gateway.store.errors import StoreUnavailable
from gateway.store.flights import Flight, FlightBook
from gateway.store.intake import NewMessage, Stream
from gateway.store.queries import Query
from gateway.store.queue import flight_of

log = structlog.get_logger("dispatch")

BEHIND_AT = 500
"""Evidence waiting to be stored at which no further messages are begun: a quarter of a batch of the writer.
Receipts then keep up with sending and are stored with their answers, and one-time passwords wait for shorter
batches. At 1,000 receipts of several workers waited at the carrier."""

_HOUSEKEEPING_SECONDS = 1.0
_INTENTS_SECONDS = 2.0
"""What intents under way may take to be stored where nothing is drained; commits take milliseconds."""


@dataclass(frozen=True, slots=True)
class ConnectorReport:
    """A connector as an operator sees it. Speeds in parts a second."""

    connector_id: int
    name: str
    is_up: bool
    speed: float
    speed_limit: float
    claimed: int
    intended: int
    in_flight: int
    submitted_parts: int
    limit: Limit
    binds: tuple[BindReport, ...]


def _tell_nobody(connector: str, bind_no: int, mode: BindMode, state: BindState) -> None:
    """For a dispatcher whose binds nobody watches."""


def _no_shop_resends(shop_id: int) -> bool:
    """For a dispatcher whose shops all leave it at the rule."""
    return False


class Dispatcher:
    """Sends what is queued and takes in what carriers say."""

    def __init__(
        self,
        dsn: str,
        queries: dict[str, Query],
        *,
        holds: Holds,
        sink: EvidenceSink,
        book: FlightBook,
        put_intents: Callable[[Sequence[Flight]], None],
        intents_drained: Callable[[], Awaitable[None]],
        may_submit: Callable[[], bool],
        random: Random,
        trace: TraceDesk,
        on_bind_state: Callable[[str, int, BindMode, BindState], None] = _tell_nobody,
        shop_resends: Callable[[int], bool] = _no_shop_resends,
        has_queued: HasWork = has_perhaps,
    ) -> None:
        """`on_bind_state` hears each change of a bind, by the connector's name; `shop_resends` says whether
        a shop wants transactional messages of unknown outcome sent again, `has_queued` whether anything
        waits in any queue."""
        self._holds = holds
        self._sink = sink
        self._book = book
        self._put_intents = put_intents
        self._intents_drained = intents_drained
        self._may_submit = may_submit
        self._random = random
        self._trace = trace
        self._tell_bind_state = on_bind_state
        self._shop_resends = shop_resends
        self._has_queued = has_queued
        self._configs: Mapping[int, ConnectorConfig] = {}
        self._readers: Mapping[int, DeliveryReader] = {}
        """Of every connector that there is, also of those whose binds other nodes hold."""
        self._rounds = Rounds(asyncio.get_running_loop())
        self._runs: dict[int, ConnectorRun] = {}
        self._connections: dict[int, Connections] = {}
        self._ending: dict[int, asyncio.Task[None]] = {}
        self._claimer = Claimer(dsn, queries, holds=holds, may_claim=self._may_claim)
        self._is_stopping = False
        self._was_store_behind = False

    # Connectors.

    async def configure(
        self,
        connectors: Mapping[int, ConnectorConfig],
        shop_ids: Mapping[str, int],
        *,
        drain_seconds: float,
    ) -> None:
        """The connectors that there are from now on. What runs and should not, or needs new binds, ends;
        `hold` begins. Binds whose settings did not change stay up.

        `shop_ids` is kept, and asked by name whenever a text comes in.
        """
        self._trace.configure(connectors)
        self._configs = {
            connector_id: config for connector_id, config in connectors.items() if config.enabled
        }
        self._readers = {
            connector_id: DeliveryReader(connector_id, config, shop_ids)
            for connector_id, config in self._configs.items()
        }
        gone = [
            connector_id
            for connector_id, run in self._runs.items()
            if connector_id not in self._configs or needs_new_binds(run.config, self._configs[connector_id])
        ]
        await asyncio.gather(*(self._stop_connector(connector_id, drain_seconds) for connector_id in gone))
        for connector_id, run in self._runs.items():
            config = self._configs[connector_id]
            run.change_config(config)
            connections = self._connections[connector_id]
            connections.judge, connections.reader = self._rules(connector_id, config)
            connections.change_config(config)
            self.ask_claim(run)

    def hold(self, connector_id: int, holding: Holding) -> None:
        """Work on what this node holds of a connector from now on. Binds that it no longer holds are left
        alone: `give_up_binds` ends them."""
        config = self._configs.get(connector_id)
        if config is None or connector_id in self._ending or self._is_stopping:
            return
        run = self._runs.get(connector_id)
        if run is None:
            if not holding.bind_nos:
                return
            run = self._start_connector(connector_id, config)
        run.allow(holding.parts_per_second)
        self._connections[connector_id].hold(holding.bind_nos)
        if run.hold(holding.shards):
            self.ask_claim(run)

    async def give_up_binds(
        self, connector_id: int, bind_nos: Collection[int], *, drain_seconds: float
    ) -> None:
        """Unbind some of a connector's binds in order; with the last of them the connector ends here."""
        connections = self._connections.get(connector_id)
        if connections is None:
            return
        if not connections.bind_nos <= set(bind_nos):
            await connections.give_up(bind_nos, drain_seconds=drain_seconds)
            if connections.bind_nos or self._connections.get(connector_id) is not connections:
                return  # else the others were given up meanwhile
        await self._stop_connector(connector_id, drain_seconds)

    def list_binds(self) -> dict[int, frozenset[int]]:
        """The binds over which messages can leave now, by connector, of those that run here."""
        return {
            connector_id: connections.list_sending()
            for connector_id, connections in self._connections.items()
        }

    def _start_connector(self, connector_id: int, config: ConnectorConfig) -> ConnectorRun:
        run = ConnectorRun(
            connector_id,
            config,
            loop=asyncio.get_running_loop(),
            rounds=self._rounds,
            holds=self._holds,
            put_intents=self._put_intents,
            put_evidence=self._sink.put_many,
            ask_claim=self.ask_claim,
            is_store_behind=self._is_store_behind,
        )
        judge, reader = self._rules(connector_id, config)
        connections = Connections(
            run,
            config,
            judge=judge,
            reader=reader,
            sink=self._sink,
            random=self._random,
            may_write=self._may_submit,
            on_state=self._on_bind_state,
            trace=self._trace,
        )
        self._runs[connector_id] = run
        self._connections[connector_id] = connections
        return run

    def _rules(self, connector_id: int, config: ConnectorConfig) -> tuple[AnswerJudge, DeliveryReader]:
        return (
            AnswerJudge(connector_id, config, self._book, self._random.random, self._shop_resends),
            self._readers[connector_id],
        )

    async def _stop_connector(self, connector_id: int, drain_seconds: float) -> None:
        """End one connector here; whoever asks while it is ending waits for the same end."""
        ending = self._ending.get(connector_id)
        if ending is None:
            ending = asyncio.create_task(self._end_connector(connector_id, drain_seconds))
            self._ending[connector_id] = ending
            ending.add_done_callback(lambda _: self._ending.pop(connector_id, None))
        await asyncio.shield(ending)

    async def _end_connector(self, connector_id: int, drain_seconds: float) -> None:
        run = self._runs[connector_id]
        log.info(
            "connector.stopping", connector=run.config.name, in_flight=run.in_flight, waiting=run.waiting
        )
        run.is_stopping = True
        try:
            # What is on its way to the database comes back, and goes back. With a database that is away it
            # comes when nobody is here any more; the carrier is not kept waiting for that.
            await asyncio.wait_for(self._intents_drained(), max(drain_seconds, _INTENTS_SECONDS))
        except TimeoutError:
            log.warning("connector.intents_unwritten", connector=run.config.name, waiting=run.waiting)
        await self._connections[connector_id].aclose(drain_seconds=drain_seconds)
        del self._connections[connector_id]
        del self._runs[connector_id]

    def _on_bind_state(self, run: ConnectorRun, bind_no: int, mode: BindMode, state: BindState) -> None:
        event = "bind.up" if state.phase is BindPhase.BOUND else f"bind.{state.phase.value}"
        write = log.warning if state.phase is BindPhase.BACKING_OFF else log.info
        write(
            event,
            connector=run.config.name,
            bind=bind_no,
            mode=mode.value,
            endpoint=str(state.endpoint),
            error=state.last_error,
        )
        for remark in state.remarks:
            log.warning("bind.odd", connector=run.config.name, bind=bind_no, remark=remark)
        self._tell_bind_state(run.config.name, bind_no, mode, state)

    # What the store tells.

    def on_queued(self, lowest: Mapping[Stream, int]) -> None:
        """Messages were queued: the lowest id of each stream."""
        for stream, lowest_id in lowest.items():
            run = self._runs.get(stream[0])
            if run is not None:
                run.claims.hear(stream, lowest_id)
                self.ask_claim(run)

    def offer(self, messages: Sequence[NewMessage]) -> list[NewMessage]:
        """Messages were stored that are to be sent at once; those come back that have to be claimed like all
        others, as news of them is."""
        if not self._may_claim():
            return list(messages)
        left: list[NewMessage] = []
        touched: dict[ConnectorRun, None] = {}
        for message in messages:
            run = self._runs.get(message.connector_id)
            if run is not None and run.offer(flight_of(message)):
                touched[run] = None
            else:
                left.append(message)
        for run in touched:
            run.begin_offered()
        return left

    def on_intended(self, ready: list[Flight], gone: list[Flight]) -> None:
        """Intents are committed (or their queue rows were gone)."""
        touched: set[ConnectorRun] = set()
        orphans: list[Flight] = []
        for flight in ready:
            run = self._runs.get(flight.connector_id)
            if run is None or not run.awaits(flight):
                orphans.append(flight)
            else:
                run.on_intended(flight)
                touched.add(run)
                if flight.is_sensitive and flight.to_address is not None:
                    self._trace.book.conceal(flight.to_address)
        for flight in gone:
            run = self._runs.get(flight.connector_id)
            if run is not None and run.awaits(flight):
                run.on_gone(flight)
                touched.add(run)
        if orphans:  # whoever asked for these intents ended before they were stored: they go back
            at = datetime.now(UTC)
            self._sink.put_many([hand_back(flight, at) for flight in orphans])
        for run in touched:
            run.go_on()

    def on_stored(self, acknowledgements: list[object]) -> None:
        """A batch of evidence is stored, and these deliver_sm with it."""
        answer_delivery(cast(list[Acknowledge], acknowledgements), 0)
        if self._was_store_behind and not self._is_store_behind():
            self._was_store_behind = False
            for run in self._runs.values():
                run.plan_pump()

    def _is_store_behind(self) -> bool:
        is_behind = self._sink.backlog > BEHIND_AT
        self._was_store_behind = self._was_store_behind or is_behind
        return is_behind

    def on_refused(self, acknowledgement: object) -> None:
        """Postgres refused this one's data: a permanent refusal keeps the carrier from repeating it."""
        answer_delivery([cast(Acknowledge, acknowledgement)], CommandStatus.ESME_RX_R_APPN.value)

    def on_released(self) -> None:
        """A hold ended: everything may be there to claim."""
        for run in self._runs.values():
            run.claims.look_again()
            self.ask_claim(run)
            run.plan_pump()

    # Work that goes on by itself.

    def _may_claim(self) -> bool:
        return not self._is_stopping and self._may_submit()

    def ask_claim(self, run: ConnectorRun) -> None:
        """Read more of this connector's queue as soon as the claim connection is free."""
        self._claimer.ask(run)

    async def run(self) -> None:
        """Claim and keep house until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._claimer.run())
            tasks.create_task(self._keep_house())

    async def _keep_house(self) -> None:
        """Speed recovers after throttling, and the whole queue is looked at: news of other nodes' commits
        has no other way here."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            for run in self._runs.values():
                run.recover()
            if not await self._may_find_queued():
                continue
            for run in self._runs.values():
                run.claims.look_on()
                self.ask_claim(run)

    async def _may_find_queued(self) -> bool:
        try:
            return await self._has_queued()
        except StoreUnavailable:
            return True  # the claims themselves find out when it is back

    # The end, and what others ask.

    async def aclose(self, *, drain_seconds: float) -> None:
        """Stop in order: no more claims, intents not written go back, answers are awaited, all unbind."""
        self._is_stopping = True
        await asyncio.gather(
            *(self._stop_connector(connector_id, drain_seconds) for connector_id in list(self._runs))
        )

    async def cut(self) -> None:
        """Unbind within a second or two, whatever is on its way: this node may not send any more, and others
        hold its binds. Nothing is stored."""
        self._is_stopping = True
        await asyncio.gather(*(connections.cut() for connections in self._connections.values()))

    def retry_now(self, connector_id: int) -> bool:
        """Have the binds of a connector that are down try again at once; False when it does not run here."""
        connections = self._connections.get(connector_id)
        if connections is None:
            return False
        connections.retry_now()
        return True

    def resends_unanswered(self, connector_id: int, shop_id: int, category: int) -> bool:
        """Whether a message whose submit has no answer goes out again while its validity lasts; never where
        the connector is not configured."""
        config = self._configs.get(connector_id)
        return config is not None and resends_unanswered(
            category, unanswered_rule(config), shop_resends=self._shop_resends(shop_id)
        )

    def find_lookup_id(self, connector_id: int, written: str) -> str:
        """The form under which an id in a connector's receipts is looked up, by its configuration of now."""
        reader = self._readers.get(connector_id)
        return fold_carrier_id(written) if reader is None else reader.find_lookup_id(written)

    def find_addresses(self, connector_id: int) -> CarrierAddresses:
        """How a connector's carrier writes numbers and senders, by its configuration of now."""
        config = self._configs.get(connector_id)
        if config is None:
            return CarrierAddresses()
        return CarrierAddresses(config.address_form.country, sender_style(config))

    def is_up(self, connector_id: int) -> bool:
        run = self._runs.get(connector_id)
        return run is not None and run.is_up

    @property
    def submitted_parts(self) -> int:
        """By the connectors that run here, since each of them began."""
        return sum(run.submitted_parts for run in self._runs.values())

    @property
    def in_flight(self) -> int:
        """Submits that await their answer, on all binds of this node."""
        return sum(run.in_flight for run in self._runs.values())

    def list_speeds(self) -> dict[int, float]:
        """Parts a second by connector, of those that are up here."""
        return {
            connector_id: run.pacer.parts_per_second for connector_id, run in self._runs.items() if run.is_up
        }

    def report(self) -> list[ConnectorReport]:
        """Every running connector, in order of its number."""
        reports = []
        for connector_id, run in sorted(self._runs.items()):
            connections = self._connections[connector_id]
            reports.append(
                ConnectorReport(
                    connector_id=connector_id,
                    name=run.config.name,
                    is_up=run.is_up,
                    speed=run.pacer.parts_per_second,
                    speed_limit=run.pacer.limit,
                    claimed=run.claims.count(),
                    intended=run.waiting,
                    in_flight=run.in_flight,
                    submitted_parts=run.submitted_parts,
                    limit=find_limit(run, is_bound=connections.is_bound()),
                    binds=tuple(connections.report()),
                )
            )
        return reports

"""`bench chaos`: gateways and Postgres killed at random under load, every message accounted for afterwards.

The SMSC is never killed and writes down what it takes; the shop writes down what it was promised. A blow
falls while everything works and messages flow; then the run waits until they flow again.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.chaos_journal import Journal
from bench.chaos_nodes import ChaosNode, Cluster, start_cluster
from bench.chaos_plan import Blow, Pace, Target, plan_blows
from bench.chaos_shop import ChaosShop
from bench.chaos_verdict import (
    Account,
    ChaosFigures,
    Inference,
    Limits,
    MessageRow,
    judge_bars,
    reckon,
)
from bench.errors import BenchError
from bench.recipients import COUNTRIES
from bench.server import Carrier
from bench.smsc import Smsc, start_smsc
from gateway.commands.errors import AdminRefused, ServerUnreachable
from gateway.domain.message import MessageState, Reason

SETTLE_SECONDS: Final = 150.0
"""For unknown outcomes to be resolved: a receipt is inferred once exact matching has failed for 60 s."""
_ENOUGH_TO_SETTLE_SECONDS: Final = 90.0
_PAUSE_SECONDS: Final = 15.0
_START_SECONDS: Final = 60.0
_FAILED_STARTS: Final = 2
_RECOVERY_SECONDS: Final = 60.0
_QUIET_SECONDS: Final = 60.0
"""Without any progress towards a quiet end for so long, something is stuck."""
_LOOK_SECONDS: Final = 0.1
_POLL_SECONDS: Final = 1.0
_IN_LOAD_SECONDS: Final = 1.0
_SINK_OPTIONS: Final = ("--quiet", "--latency-ms", "100", "--receipt-delay-ms", "400")
"""An answer takes as long as a carrier's, so that every kill finds submits without one."""
_WINDOW: Final = 50

_STATES = """
SELECT m.id, coalesce(s.state, 0)::int4 AS state, coalesce(s.reason, 0)::int4 AS reason,
       coalesce(s.entered, 0) AS entered
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
"""
_CARRIER_IDS = "SELECT carrier_id, id FROM part WHERE carrier_id IS NOT NULL"
_UNMATCHED = "SELECT carrier_id FROM receipt_unmatched"
_INFERENCES = "SELECT carrier_id, inferred_id FROM receipt_unmatched WHERE inferred_id IS NOT NULL"
_COUNTS = f"""
SELECT (SELECT count(*) FROM queue)::int4 AS queued,
       count(*) FILTER (WHERE state = {MessageState.SENDING:d})::int4 AS sending,
       count(*) FILTER (WHERE state = {MessageState.SENT:d})::int4 AS sent,
       coalesce(array_agg(id) FILTER (WHERE state = {MessageState.UNKNOWN:d}
                                      AND reason = {Reason.NO_RESPONSE:d}), '{{}}') AS unknown
FROM message_state
"""


@dataclass(frozen=True, slots=True)
class ChaosOptions:
    """What one run does."""

    kills: int
    messages: int
    nodes: int = 1
    pauses: int = 0
    seed: int = 1
    settle_seconds: float = SETTLE_SECONDS


def run_chaos(options: ChaosOptions) -> ChaosFigures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end.

    What nodes, Postgres and SMSC wrote is kept, and named on standard error, when anything was wrong.
    """
    folder = Path(tempfile.mkdtemp(prefix="estafette-chaos-"))
    folder.chmod(0o711)  # root's Postgres runs as another user and must pass through
    is_good = False
    try:
        with start_smsc(None, _SINK_OPTIONS, journal=folder / "smsc.log") as smsc:
            figures = asyncio.run(_Run(options, folder, smsc).run())
        is_good = figures.is_good
        return figures
    except BaseExceptionGroup as group:
        raise _first_of(group) from group
    finally:
        if is_good:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"what they wrote is in {folder}", file=sys.stderr)


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


class _Run:
    def __init__(self, options: ChaosOptions, folder: Path, smsc: Smsc) -> None:
        self._options = options
        self._folder = folder
        self._smsc = smsc
        binds = max(2, options.nodes)  # of each connector, so that each node has one of each
        self._carrier = Carrier(connectors=2, binds=binds, window=_WINDOW, parts_per_second=1_000)
        self._journal = Journal(folder / "smsc.log", smsc.kind)
        self._plan = plan_blows(
            kills=options.kills, pauses=options.pauses, nodes=options.nodes, seed=options.seed
        )
        self._pace = Pace(self._plan)
        self._figures = ChaosFigures(options.messages)

    async def run(self) -> ChaosFigures:
        options, figures = self._options, self._figures
        started = time.monotonic()
        async with start_cluster(self._folder, self._smsc, self._carrier, options.nodes) as cluster:
            await self._wait_started(cluster)
            shop = ChaosShop(
                [node.http_port for node in cluster.nodes],
                await asyncio.to_thread(_open_shop, cluster.nodes[0]),
                options.messages,
                pace=self._pace.per_second,
                random=Random(options.seed),
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(shop.run())
                await self._strike_all(cluster, shop)
            await self._wait_quiet(cluster, shop)
            account = await self._read_account(cluster)
            figures.ended_by_themselves = sum(node.ended_by_itself for node in cluster.nodes)
        self._journal.read_more()
        reckon(figures, shop.accepted, self._journal, account)
        figures.kills = dict(Counter(blow.target.value for blow in self._plan))
        figures.answers = dict(sorted(shop.answers.items()))
        figures.replayed = shop.replayed
        figures.receipts_refused = self._journal.receipts_refused
        figures.seconds = round(time.monotonic() - started, 1)
        gateway_blows = sum(blow.target.hits_gateway for blow in self._plan)
        binds = self._carrier.connectors * self._carrier.binds
        was_settled = options.settle_seconds >= _ENOUGH_TO_SETTLE_SECONDS
        judge_bars(figures, Limits(_WINDOW, binds, gateway_blows, was_settled))
        return figures

    async def _wait_started(self, cluster: Cluster) -> None:
        """Until all binds are up, over all nodes, and each node has one. Raises `BenchError`."""

        def tell_logs() -> str:
            return "\n".join(node.log_tail() for node in cluster.nodes)

        async def is_up() -> bool:
            if any(node.ended_by_itself > _FAILED_STARTS for node in cluster.nodes):
                raise BenchError(f"a node does not stay up: {tell_logs()}")
            standings = [await cluster.standing_of(node) for node in cluster.nodes]
            if sum(standing.binds for standing in standings) < cluster.all_binds:
                return False
            return all(standing.binds for standing in standings) and all(
                [await asyncio.to_thread(node.admin.answers) for node in cluster.nodes]
            )

        if await _until(is_up, _START_SECONDS) is None:
            raise BenchError(f"not all binds came up within {_START_SECONDS:.0f} s: {tell_logs()}")

    async def _strike_all(self, cluster: Cluster, shop: ChaosShop) -> None:
        """Every blow of the plan, each once everything works again after the one before."""
        await self._wait_flowing(shop, time.time())
        for number, blow in enumerate(self._plan, start=1):
            begun = time.monotonic()
            await asyncio.sleep(blow.gap_seconds)
            noted: dict[str, Any] = {"blow": number, "target": blow.target.value}
            if blow.target.hits_gateway and len(cluster.nodes) > 1:
                noted["node"] = cluster.nodes[blow.node].name
            self._journal.read_more()
            self._figures.kills_in_load += time.time() - self._journal.last_taken_at < _IN_LOAD_SECONDS
            await self._strike(cluster, shop, blow, noted)
            noted["cycle_seconds"] = round(time.monotonic() - begun, 2)
            self._figures.blows.append(noted)
            away_seconds = noted.get("restart_seconds", 0.0) if self._is_all_away(blow) else 0.0
            self._pace.note_blow(time.monotonic() - begun - away_seconds)
            told = ", ".join(f"{key} {value}" for key, value in noted.items())
            print(f"{told}; {len(shop.accepted):,} accepted", file=sys.stderr)

    def _is_all_away(self, blow: Blow) -> bool:
        """Whether nothing can be sent until whatever was hit is back."""
        return self._options.nodes == 1 or blow.target in (Target.POSTGRES, Target.BOTH)

    async def _strike(self, cluster: Cluster, shop: ChaosShop, blow: Blow, noted: dict[str, Any]) -> None:
        """One blow and the recovery from it."""
        node = cluster.nodes[blow.node]
        struck_at = time.time()
        if blow.target in (Target.POSTGRES, Target.BOTH):
            cluster.kill_postgres()
        if blow.target in (Target.GATEWAY, Target.BOTH):
            await node.kill(stays_down=blow.stays_down)
        if blow.target is Target.PAUSE:
            node.pause()
        if blow.stays_down:
            await self._watch_takeover(cluster, blow, struck_at, noted)
        if blow.target is Target.PAUSE:
            await asyncio.sleep(max(0.0, struck_at + _PAUSE_SECONDS - time.time()))
            node.wake()
        node.let_run()
        works_at = struck_at
        if blow.target in (Target.POSTGRES, Target.BOTH):
            works_at = await self._wait_postgres(cluster, struck_at)
        if blow.target.hits_gateway:
            works_at = await self._wait_back(cluster, node)
        flows_at = await self._wait_flowing(shop, works_at)
        if not blow.stays_down:
            noted["restart_seconds"] = round(flows_at - struck_at, 2)

    async def _wait_postgres(self, cluster: Cluster, struck_at: float) -> float:
        """The moment at which a new Postgres answers."""
        answers_at = await _until(lambda: cluster.has_postgres_since(struck_at), _RECOVERY_SECONDS)
        if answers_at is None:
            raise BenchError(f"Postgres does not answer {_RECOVERY_SECONDS:.0f} s after it was killed")
        return answers_at

    async def _watch_takeover(
        self, cluster: Cluster, blow: Blow, struck_at: float, noted: dict[str, Any]
    ) -> None:
        """How long another node takes to hold every bind, up, and every shard of the queues."""
        others = [node for node in cluster.nodes if node is not cluster.nodes[blow.node]]

        async def is_taken_over() -> bool:
            held = [await cluster.standing_of(node) for node in others]
            binds, shards = sum(each.binds for each in held), sum(each.shards for each in held)
            return binds >= cluster.all_binds and shards >= cluster.all_shards

        taken_over_at = await _until(is_taken_over, _RECOVERY_SECONDS)
        noted["takeover_seconds"] = None if taken_over_at is None else round(taken_over_at - struck_at, 2)

    async def _wait_back(self, cluster: Cluster, node: ChaosNode) -> float:
        """The moment at which a node is one of the living again; alone, with its binds up."""

        async def is_back() -> bool:
            standing = await cluster.standing_of(node)
            return standing.is_alive and (standing.binds > 0 or len(cluster.nodes) > 1)

        back_at = await _until(is_back, _RECOVERY_SECONDS)
        if back_at is None:
            raise BenchError(f"{node.name} is not back {_RECOVERY_SECONDS:.0f} s later: {node.log_tail()}")
        node.forgive()
        return back_at

    async def _wait_flowing(self, shop: ChaosShop, since: float) -> float:
        """When the SMSC took a message that was first asked for after `since`: all of the way works again."""
        flowing_at = 0.0

        async def is_flowing() -> bool:
            nonlocal flowing_at
            self._journal.read_more()
            serials = [
                serial
                for serial, begun_at in reversed(shop.begun_at.items())
                if begun_at >= since and serial in self._journal.by_serial
            ]
            if serials:
                flowing_at = min(self._journal.by_serial[serial][0].at for serial in serials)
            return bool(serials) or not shop.messages_left

        if await _until(is_flowing, _RECOVERY_SECONDS) is None:
            raise BenchError(f"nothing flows {_RECOVERY_SECONDS:.0f} s after the last blow")
        if not flowing_at:
            raise BenchError("all messages were sent before the last blow: ask for more of them")
        return flowing_at

    async def _wait_quiet(self, cluster: Cluster, shop: ChaosShop) -> None:
        """Until nothing waits, every receipt is in, and unknown outcomes are settled or had their time."""
        settled_by = time.monotonic() + self._options.settle_seconds
        serial_of = {message_id: serial for serial, message_id in shop.accepted.items()}
        progress: tuple[int, ...] = ()
        stuck_at = time.monotonic() + _QUIET_SECONDS
        while True:
            self._journal.read_more()
            for row in await cluster.try_fetch(_COUNTS):
                unresolved = sum(serial_of.get(found) in self._journal.by_serial for found in row["unknown"])
                waiting = (row["queued"], row["sending"], row["sent"])
                if not any(waiting) and (not unresolved or time.monotonic() >= settled_by):
                    return
                if waiting != progress or not any(waiting):
                    progress, stuck_at = waiting, time.monotonic() + _QUIET_SECONDS
            if time.monotonic() >= stuck_at:
                return  # the reckoning names what did not come to an end
            await asyncio.sleep(_POLL_SECONDS)

    async def _read_account(self, cluster: Cluster) -> Account:
        rows = await cluster.fetch(_STATES)
        return Account(
            messages=[MessageRow(row["id"], row["state"], row["reason"], row["entered"]) for row in rows],
            carrier_ids=[(row["carrier_id"], row["id"]) for row in await cluster.fetch(_CARRIER_IDS)],
            inferences=[
                Inference(row["carrier_id"], row["inferred_id"]) for row in await cluster.fetch(_INFERENCES)
            ],
            unmatched=frozenset(row["carrier_id"] for row in await cluster.fetch(_UNMATCHED)),
            ledger=await asyncio.to_thread(cluster.nodes[0].admin.get, "/admin/ledger"),
        )


async def _until(is_so: Callable[[], Awaitable[bool]], seconds: float) -> float | None:
    """Look until something is so; the Unix time at which it was, or None."""
    deadline = time.monotonic() + seconds
    while not await is_so():
        if time.monotonic() >= deadline:
            return None
        await asyncio.sleep(_LOOK_SECONDS)
    return time.time()


def _open_shop(node: ChaosNode) -> str:
    """A shop that may send to every country of the measurement; its live key. Raises `BenchError`."""
    try:
        node.admin.post("/admin/shops", {"name": "bench", "country": "FR", "countries": list(COUNTRIES)})
        answer = node.admin.post("/admin/keys", {"shop": "bench", "label": "bench", "mode": "live"})
    except (ServerUnreachable, AdminRefused) as exc:
        raise BenchError(f"{node.name} makes no shop: {exc}") from exc
    return str(answer["key"])

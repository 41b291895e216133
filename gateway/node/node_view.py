"""The nodes that share this database, as an operator sees them: who is there, what each holds, how far behind
it is.

Owns the words for a node's state. What the rows say is `ownership`'s; nothing here decides.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from gateway.domain.sharing import HeldBind
from gateway.node.ownership import Ownership
from gateway.oncall.shared_counts import is_shared_count
from gateway.oncall.telling import write_moment
from gateway.store.database import Database
from gateway.store.leases import TTL_SECONDS, NodeRecord
from gateway.store.work_leases import LeaseCount, count_leases, look_at_leases

_NOTHING_HELD = LeaseCount(0, 0)
STATES = ("alive", "stopping", "late", "gone")


class NodeList:
    """`connector_names` gives the names of connectors by number."""

    def __init__(
        self,
        database: Database,
        ownership: Ownership,
        *,
        own_number: int,
        connector_names: Callable[[], Mapping[int, str]],
    ) -> None:
        self._database = database
        self._ownership = ownership
        self._own_number = own_number
        self._connector_names = connector_names

    async def read(self) -> list[dict[str, object]]:
        """Every node that holds or held a number, read from its rows now. Raises `StoreUnavailable`."""
        look = await look_at_leases(self._database)
        counts = await count_leases(self._database)
        return [self._show(node, look.binds, counts.get(node.node_no, _NOTHING_HELD)) for node in look.nodes]

    def _show(self, node: NodeRecord, binds: Sequence[HeldBind], count: LeaseCount) -> dict[str, object]:
        names = self._connector_names()
        return {
            "node": node.node_no,
            "is_this": node.node_no == self._own_number,
            "state": name_state(node),
            "host": node.host,
            "pid": node.pid or None,
            "version": node.version,
            "epoch": node.epoch,
            "started_at": write_moment(node.started_at),
            "renewed_seconds_ago": round(_age_of_renewal(node), 1),
            "binds": [
                {
                    "connector": names.get(bind.connector_id, str(bind.connector_id)),
                    "bind": bind.bind_no,
                    "is_up": bind.is_up,
                    "parts_per_second": round(bind.parts_per_second, 1),
                }
                for bind in binds
                if bind.node_no == node.node_no
            ],
            "shards": count.shards,
            "slots": count.slots,
            "lag": {
                name: round(value, 3)
                for name, value in sorted(node.figures.items())
                if not is_shared_count(name)
            },
        }

    def count_states(self) -> dict[str, int]:
        """Nodes by state, as last seen; states without any are 0."""
        return {**dict.fromkeys(STATES, 0), **Counter(map(name_state, self._ownership.look.nodes))}

    def count_binds(self) -> dict[str, int]:
        """Binds that this node holds, by the name of their connector."""
        names = self._connector_names()
        held = Counter(
            bind.connector_id for bind in self._ownership.look.binds if bind.node_no == self._own_number
        )
        return {name: held[connector_id] for connector_id, name in names.items()}

    def find_absent(self, node_no: int) -> str | None:
        """The name of another node that is not alive, as last seen; None for one that is."""
        if node_no == self._own_number:
            return None
        found = next((node for node in self._ownership.look.nodes if node.node_no == node_no), None)
        if found is None:
            return f"node {node_no}"
        return None if found.is_alive else name_node(found.host, node_no)

    def list_elsewhere(self, connector_id: int) -> list[dict[str, object]]:
        """The binds of a connector that other nodes hold, as last seen."""
        look = self._ownership.look
        hosts = {node.node_no: node.host for node in look.nodes}
        return [
            {
                "bind": bind.bind_no,
                "node": bind.node_no,
                "host": hosts.get(bind.node_no, ""),
                "is_up": bind.is_up,
                "parts_per_second": round(bind.parts_per_second, 1),
            }
            for bind in look.binds
            if bind.connector_id == connector_id and bind.node_no != self._own_number
        ]


def name_node(host: str, node_no: int) -> str:
    """A node in words; two may run on one host."""
    return f"node {node_no} on {host}"


def name_state(node: NodeRecord) -> str:
    """`alive`; `stopping`: it takes nothing more; `late`: its lease ran out, and another node will take its
    place; `gone`: it stopped, or was deposed."""
    if not node.is_held:
        return "gone"
    if not node.is_alive:
        return "late"
    return "stopping" if node.is_stopping else "alive"


def _age_of_renewal(node: NodeRecord) -> float:
    """Seconds since the last renewal, by the clock of the database."""
    return max(0.0, TTL_SECONDS + node.overdue_seconds)

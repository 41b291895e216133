"""Every figure for a monitoring system: its name, its kind, its labels and its meaning; and the text format.

Owns the catalogue that docs/metrics.md repeats. No label holds what grows without bound: numbers, shops and
campaigns are none. Values come from reports when somebody asks, so that counting costs nothing meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.oncall.alerts import AlertKind

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class MetricKind(Enum):
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One figure. Counters begin at 0 with the process; their name ends in `_total`."""

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    meaning: str


_GAUGE, _COUNTER = MetricKind.GAUGE, MetricKind.COUNTER
_CONNECTOR = ("connector",)
_BIND = ("connector", "bind", "mode")

CATALOGUE: Final[Mapping[str, MetricSpec]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            MetricSpec("estafette_info", _GAUGE, ("version",), "always 1"),
            MetricSpec("estafette_worker_up", _GAUGE, ("worker",), "of several workers: 1 if it answers"),
            MetricSpec("estafette_database_up", _GAUGE, (), "1 while the database answers"),
            MetricSpec("estafette_lease_held", _GAUGE, (), "1 while this node may submit"),
            MetricSpec(
                "estafette_nodes", _GAUGE, ("state",),
                "nodes of this database as this one sees them: `alive`, `stopping`, `late` or `gone`",
            ),
            MetricSpec(
                "estafette_node_decides", _GAUGE, (), "1 on the node that does what is done once for all"
            ),
            MetricSpec("estafette_node_slots", _GAUGE, (), "slots of this node; 256 over all"),
            MetricSpec("estafette_node_binds", _GAUGE, _CONNECTOR, "binds that this node holds, up or not"),
            MetricSpec(
                "estafette_event_loop_lag_seconds", _GAUGE, (),
                "longest delay of a timer in the last minute or two; above 0.5 the process is too busy",
            ),
            MetricSpec("estafette_disk_free_octets", _GAUGE, (), "free where the state folder lies"),
            MetricSpec("estafette_disk_total_octets", _GAUGE, (), "size of that volume"),
            MetricSpec(
                "estafette_messages_total", _COUNTER, ("connector", "lane", "state"),
                "messages that entered a state, `taken_in` among them, by the connector of their acceptance; "
                "over all nodes, of messages made within the last day",
            ),
            MetricSpec(
                "estafette_receipts_total", _COUNTER, ("connector", "state"),
                "parts whose end a receipt told, by that end",
            ),
            MetricSpec(
                "estafette_receipts_unmatched", _GAUGE, (),
                "receipts that look for their message still; counted up to 10,000",
            ),
            MetricSpec(
                "estafette_unknown_messages", _GAUGE, _CONNECTOR,
                "messages that its carrier did not answer and that nobody decided about",
            ),
            MetricSpec(
                "estafette_queue_messages", _GAUGE, ("connector", "lane", "category"),
                "messages that wait for a connector; counted up to 10,000",
            ),
            MetricSpec(
                "estafette_queue_oldest_seconds", _GAUGE, ("connector", "lane", "category"),
                "age of the oldest of them since it was made",
            ),
            MetricSpec("estafette_connector_up", _GAUGE, _CONNECTOR, "1 while a bind for sending is up"),
            MetricSpec("estafette_connector_parts_per_second", _GAUGE, _CONNECTOR, "speed allowed now"),
            MetricSpec(
                "estafette_connector_parts_per_second_limit", _GAUGE, _CONNECTOR,
                "speed by configuration or by somebody's change; more than allowed now means throttling",
            ),
            MetricSpec(
                "estafette_connector_limited", _GAUGE, ("connector", "cause"),
                "1 for what limits it now: `carrier`, `window`, `speed`, `silence` or `down`",
            ),
            MetricSpec("estafette_connector_claimed", _GAUGE, _CONNECTOR, "messages read ahead of sending"),
            MetricSpec("estafette_connector_intended", _GAUGE, _CONNECTOR, "messages about to be submitted"),
            MetricSpec("estafette_connector_in_flight", _GAUGE, _CONNECTOR, "submits that await an answer"),
            MetricSpec("estafette_connector_submitted_parts_total", _COUNTER, _CONNECTOR, "parts submitted"),
            MetricSpec("estafette_bind_up", _GAUGE, _BIND, "1 while the bind is bound"),
            MetricSpec("estafette_bind_failures", _GAUGE, _BIND, "failures in a row, since it was healthy"),
            MetricSpec("estafette_bind_window", _GAUGE, _BIND, "submits that may await their answer"),
            MetricSpec("estafette_bind_in_flight", _GAUGE, _BIND, "submits that do"),
            MetricSpec(
                "estafette_connector_overrides", _GAUGE, _CONNECTOR,
                "settings that somebody changed for a while, taken down among them",
            ),
            MetricSpec("estafette_holds", _GAUGE, ("scope",), "holds, of one shop or of every shop"),
            MetricSpec("estafette_alerts", _GAUGE, ("kind",), "alerts that stand"),
            MetricSpec("estafette_alerts_not_told_total", _COUNTER, (), "alerts that could not be told"),
            MetricSpec(
                "estafette_outcomes_waiting", _GAUGE, (),
                "answers and receipts in memory, to be stored; beyond 20,000 deliver_sm is refused for now",
            ),
            MetricSpec("estafette_webhooks_waiting", _GAUGE, (), "deliveries that wait; counted up to a cap"),
            MetricSpec("estafette_webhooks_due", _GAUGE, (), "those whose time has come"),
            MetricSpec("estafette_webhooks_in_flight", _GAUGE, (), "deliveries under way"),
            MetricSpec("estafette_webhooks_resting_targets", _GAUGE, (), "servers left alone for a while"),
            MetricSpec("estafette_webhook_attempts_total", _COUNTER, ("outcome",), "attempts, by outcome"),
            MetricSpec("estafette_clicks_total", _COUNTER, (), "clicks on short links"),
            MetricSpec("estafette_clicks_waiting", _GAUGE, (), "clicks in memory, to be stored"),
            MetricSpec("estafette_clicks_late_total", _COUNTER, (), "clicks stored after the redirect"),
            MetricSpec("estafette_clicks_lost_total", _COUNTER, (), "clicks that were never stored"),
        )
    }
)  # fmt: skip

PROCESS_METRICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "process_virtual_memory_bytes": "address space",
        "process_resident_memory_bytes": "memory in use",
        "process_start_time_seconds": "when the process started, Unix time",
        "process_cpu_seconds_total": "CPU time of user and system",
        "process_open_fds": "open files and sockets",
        "process_max_fds": "how many may be open",
    }
)
"""Those of the client library, of the gateway's process without Postgres."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a figure; `labels` in the order of its spec."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


def count_alerts(kinds: Iterable[AlertKind]) -> Iterator[Sample]:
    """How many alerts of each kind stand; kinds without any are 0, so that a rule can rely on them."""
    counts: dict[AlertKind, int] = dict.fromkeys(AlertKind, 0)
    del counts[AlertKind.TEST]
    for kind in kinds:
        counts[kind] += 1
    for kind, count in counts.items():
        yield Sample("estafette_alerts", count, (kind.value,))


def render(samples: Iterable[Sample]) -> bytes:
    """The figures in the text format of Prometheus, with those of the process."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Snapshot(samples))
    return generate_latest(registry)


class _Snapshot:
    """A collector of what was given to it."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        families: dict[str, Metric] = {}
        for sample in samples:
            spec = CATALOGUE[sample.name]
            family = families.get(sample.name)
            if family is None:
                family = families[sample.name] = _open_family(spec)
            family.add_metric(list(sample.labels), sample.value)  # type: ignore[attr-defined]  # of both kinds
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families.values()


def _open_family(spec: MetricSpec) -> Metric:
    if spec.kind is MetricKind.COUNTER:
        return CounterMetricFamily(spec.name.removesuffix("_total"), spec.meaning, labels=spec.labels)
    return GaugeMetricFamily(spec.name, spec.meaning, labels=spec.labels)

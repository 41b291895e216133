"""The text of the metrics: read back by the client library, complete, and without unbounded labels."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.oncall.alerts import AlertKind
from gateway.oncall.metrics import (
    CATALOGUE,
    PROCESS_METRICS,
    MetricKind,
    Sample,
    count_alerts,
    render,
)


def test_every_figure_is_read_back_with_its_labels_and_value() -> None:
    samples = [
        Sample(spec.name, number, tuple(f'v"{label}\n' for label in spec.labels))
        for number, spec in enumerate(CATALOGUE.values())
    ]
    seen = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(render(samples).decode())
        for sample in family.samples
    }
    for number, spec in enumerate(CATALOGUE.values()):
        assert seen[spec.name] == ({label: f'v"{label}\n' for label in spec.labels}, number)
    assert seen.keys() - CATALOGUE.keys() == PROCESS_METRICS.keys()


def test_names_and_labels_keep_to_the_rules_of_the_house() -> None:
    for spec in CATALOGUE.values():
        assert spec.name.startswith("estafette_")
        assert spec.name.endswith("_total") is (spec.kind is MetricKind.COUNTER)
        assert not {"shop", "number", "campaign", "to", "address"} & set(spec.labels)


def test_a_kind_without_alerts_is_zero_and_a_test_is_none() -> None:
    counts = {sample.labels[0]: sample.value for sample in count_alerts([AlertKind.BIND_DOWN] * 2)}
    assert counts["bind_down"] == 2
    assert counts["disk_low"] == 0
    assert "test" not in counts

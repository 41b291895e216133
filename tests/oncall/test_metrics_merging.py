"""Figures of several workers in one text."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.oncall.metrics import Sample, render
from gateway.oncall.metrics_merging import merge_metrics


def read(text: bytes) -> dict[tuple[str, str, tuple[str, ...]], float]:
    """Values by name, worker and other labels."""
    values = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = dict(sample.labels)
            key = (sample.name, labels.pop("worker"), tuple(labels.values()))
            assert key not in values
            values[key] = sample.value
    return values


def test_each_value_says_whose_it_is_and_none_is_lost() -> None:
    one = render([Sample("estafette_clicks_total", 3), Sample("estafette_connector_up", 1, ('a"} b',))])
    two = render([Sample("estafette_clicks_total", 5), Sample("estafette_holds", 2, ("all",))])
    values = read(merge_metrics({1: one, 2: two}))
    assert values["estafette_clicks_total", "1", ()] == 3
    assert values["estafette_clicks_total", "2", ()] == 5
    assert values["estafette_connector_up", "1", ('a"} b',)] == 1
    assert values["estafette_holds", "2", ("all",)] == 2
    assert {("process_open_fds", number, ()) for number in "12"} <= values.keys()
    assert [values["estafette_worker_up", number, ()] for number in "12"] == [1, 1]


def test_a_family_stands_once_with_its_head_before_its_values() -> None:
    lines = merge_metrics({1: render([]), 2: render([])}).decode().splitlines()
    heads = [line for line in lines if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads)) > 1


def test_a_worker_that_does_not_answer_is_down_and_has_no_values() -> None:
    values = read(merge_metrics({1: render([Sample("estafette_clicks_total", 3)]), 2: None}))
    assert [key for key in values if key[1] == "2"] == [("estafette_worker_up", "2", ())]
    assert values["estafette_worker_up", "2", ()] == 0

"""The whole of `bench chaos` in small: it measures what the product promises. CI runs it by its command."""

import pytest

from bench.chaos import ChaosOptions, run_chaos
from bench.tools import find_compiler

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_one_node_loses_and_doubles_nothing_when_it_or_its_database_is_killed() -> None:
    figures = run_chaos(ChaosOptions(kills=6, messages=3_000, settle_seconds=0))
    assert figures.faults == []
    assert figures.kills == {"gateway": 3, "postgres": 2, "both": 1}
    assert figures.accepted == figures.stored == 3_000


def test_of_two_nodes_one_takes_over_what_the_other_held_when_it_is_killed_or_paused() -> None:
    figures = run_chaos(ChaosOptions(kills=3, messages=4_000, nodes=2, pauses=1, settle_seconds=0))
    assert figures.faults == []
    assert figures.takeover_max_seconds is not None


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler: the run above was on the simulator")
def test_without_a_compiler_the_simulator_is_the_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.smsc.build_tool", lambda name: None)
    figures = run_chaos(ChaosOptions(kills=2, messages=600, settle_seconds=0))
    assert figures.faults == []
    assert figures.submitted == 600

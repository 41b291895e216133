"""A broken line to Postgres: nothing lost, nothing doubled, nothing unknown, and work goes on by itself."""

import pytest

from bench.fault_connection import End
from bench.line_faults import (
    LATENCY,
    Line,
    LineFault,
    cut,
    in_turn,
    meet_commits,
    postgres_faults,
    shape,
)

from .lines import PATIENT, assert_nothing_amiss, open_lines

pytestmark = pytest.mark.integration

SHORT = LineFault(
    Line.POSTGRES,
    "several in turn",
    3,
    in_turn(
        meet_commits(End.RESET, passes=True, times=2),
        meet_commits(End.RESET, passes=False, times=1),
        shape(LATENCY, 0.7),
        cut(End.RESET, times=1),
    ),
)


async def test_commits_without_an_answer_and_cuts_lose_and_double_nothing(database: str) -> None:
    async with open_lines(database, **PATIENT) as lines:
        assert_nothing_amiss([await lines.suffer(SHORT, messages=200)])


@pytest.mark.slow
@pytest.mark.parametrize("fault", postgres_faults(), ids=lambda fault: fault.name)
async def test_each_fault_of_the_line_to_postgres(database: str, fault: LineFault) -> None:
    async with open_lines(database) as lines:
        outcome = await lines.suffer(fault, messages=400)
        print(outcome.summary)
        assert_nothing_amiss([outcome])

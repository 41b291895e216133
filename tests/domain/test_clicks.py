"""What visits are taken for, with agents as they are seen in logs."""

from pathlib import Path

import pytest

from gateway.domain.clicks import (
    TOO_SOON_SECONDS,
    UNDELIVERED_SECONDS,
    AgentFacts,
    Device,
    Verdict,
    judge_timing,
    judge_visit,
)
from gateway.links.agents import AGENT_OCTETS, Agents

V, D = Verdict, Device
AGENTS = Agents()
FILE = Path(__file__).with_name("agents.txt")
SEEN = [line.split(" ", 2) for line in FILE.read_text("utf-8").splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("verdict", "device", "agent"), SEEN)
def test_agents_are_taken_for_what_they_are(verdict: str, device: str, agent: str) -> None:
    assert AGENTS.read(agent[:AGENT_OCTETS]) == AgentFacts(V[verdict.upper()], D[device.upper()])


@pytest.mark.parametrize("agent", ["", "   "])
def test_no_agent_is_no_browser(agent: str) -> None:
    assert AGENTS.read(agent) == AgentFacts(V.NO_AGENT, D.UNKNOWN)


PHONE = AgentFacts(V.PERSON, D.PHONE)


def test_the_plainest_reason_comes_first() -> None:
    assert judge_visit(PHONE, is_head=False, is_prefetch=False) is V.PERSON
    assert judge_visit(PHONE, is_head=True, is_prefetch=False) is V.HEAD
    assert judge_visit(PHONE, is_head=True, is_prefetch=True) is V.PREFETCH
    crawler = AgentFacts(V.DECLARED, D.UNKNOWN)
    assert judge_visit(crawler, is_head=True, is_prefetch=True) is V.DECLARED


@pytest.mark.parametrize(
    ("seconds", "is_delivered", "verdict"),
    [
        (None, False, V.PERSON),
        (-0.5, True, V.TOO_SOON),  # two clocks
        (TOO_SOON_SECONDS - 0.01, True, V.TOO_SOON),
        (TOO_SOON_SECONDS, True, V.PERSON),
        (TOO_SOON_SECONDS, False, V.TOO_SOON),
        (UNDELIVERED_SECONDS, False, V.PERSON),
    ],
)
def test_nobody_opens_a_link_before_the_text_can_be_read(
    seconds: float | None, is_delivered: bool, verdict: Verdict
) -> None:
    assert judge_timing(V.PERSON, seconds_since_sent=seconds, is_delivered=is_delivered) is verdict
    assert judge_timing(V.PREVIEW, seconds_since_sent=seconds, is_delivered=is_delivered) is V.PREVIEW


def test_stored_numbers_stay() -> None:
    assert [(verdict.value, verdict.word) for verdict in Verdict] == [
        (0, "person"), (1, "declared"), (2, "no_agent"), (3, "preview"), (4, "prefetch"), (5, "head"),
        (6, "too_soon"), (7, "burst"),
    ]  # fmt: skip
    assert [(device.value, device.word) for device in Device] == [
        (0, "unknown"), (1, "phone"), (2, "tablet"), (3, "desktop"),
    ]  # fmt: skip

"""What is done to the servers of `bench chaos`, in which order and how fast messages must come meanwhile.

Pure: a plan from a seed, and arithmetic. Knows no process and no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

LONGEST_GAP_SECONDS: Final = 2.5
"""Between the moment when everything works again and the next blow."""
_SHORTEST_GAP_SECONDS: Final = 0.1
_FIRST_FLOW_SECONDS, _FIRST_TAKEOVER_SECONDS = 1.5, 18.0
"""How long messages are taken to flow between two blows, and beside a takeover, before any was seen."""
_RESERVE_SECONDS: Final = 6.0
"""More than any one blow and its recovery let messages flow for, but for a takeover."""
_SLOWEST, _FASTEST = 20.0, 1_000.0
"""Messages a second that the shop sends at least and at most."""


class Target(Enum):
    """Whom a blow hits."""

    GATEWAY = "gateway"
    POSTGRES = "postgres"
    BOTH = "both"
    PAUSE = "pause"
    """A gateway again, but stopped with SIGSTOP and woken later instead of killed."""

    @property
    def hits_gateway(self) -> bool:
        return self is not Target.POSTGRES


@dataclass(frozen=True, slots=True)
class Blow:
    """One SIGKILL, or one SIGSTOP with its SIGCONT."""

    target: Target
    node: int
    gap_seconds: float
    """How long everything has worked before it falls."""
    stays_down: bool
    """The node comes back only when another holds all that it held; else as soon as a supervisor would."""


def plan_blows(*, kills: int, pauses: int, nodes: int, seed: int) -> list[Blow]:
    """So many blows, the same for the same seed: half of the kills at gateways, four in ten at Postgres, the
    rest at both at once. With several nodes, every other kill of a gateway leads to a takeover."""
    random = Random(seed)
    at_both = kills // 10 if kills >= 10 else min(1, kills // 3)
    at_postgres = round((kills - at_both) * 4 / 9)
    targets = [Target.BOTH] * at_both + [Target.POSTGRES] * at_postgres
    targets += [Target.GATEWAY] * (kills - len(targets)) + [Target.PAUSE] * pauses
    random.shuffle(targets)
    blows: list[Blow] = []
    gateways = 0
    for target in targets:
        gateways += target is Target.GATEWAY
        stays_down = nodes > 1 and (
            target is Target.PAUSE or (target is Target.GATEWAY and gateways % 2 == 1)
        )
        gap = random.uniform(_SHORTEST_GAP_SECONDS, LONGEST_GAP_SECONDS)
        blows.append(Blow(target, random.randrange(nodes), gap, stays_down))
    return blows


class Pace:
    """How many messages a second the shop sends, so that load lasts as long as there are blows to come."""

    def __init__(self, plan: Sequence[Blow]) -> None:
        self._to_come = list(plan)
        self._flow_seconds = {False: _FIRST_FLOW_SECONDS, True: _FIRST_TAKEOVER_SECONDS}
        self._seen = {False: 0, True: 0}

    def note_blow(self, flow_seconds: float) -> None:
        """The next blow of the plan is over; from the one before to its recovery, messages flowed for so
        long."""
        kind = self._to_come.pop(0).stays_down
        self._seen[kind] += 1
        self._flow_seconds[kind] += (flow_seconds - self._flow_seconds[kind]) / self._seen[kind]

    def per_second(self, messages_left: int) -> float:
        """What is left, spread over the time in which messages will flow until the last blow, by what blows
        of each kind took so far, and a reserve: however long one takes, they are not used up."""
        if not self._to_come:
            return _FASTEST
        seconds = sum(self._flow_seconds[blow.stays_down] for blow in self._to_come)
        return min(_FASTEST, max(_SLOWEST, messages_left / (seconds + _RESERVE_SECONDS)))

"""Messages whose intent is committed, best lane first, until their last part is submitted or they go back.

Owns which parts are still to be submitted, and over which session. When they leave is the connector's to say.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from gateway.dispatch.planning import WirePlan
from gateway.domain.failures import FailureClass
from gateway.domain.lanes import Lane
from gateway.domain.message import MessageState, Reason
from gateway.session.session import Session
from gateway.store.evidence import Answer, Unsent
from gateway.store.flights import Flight

_ONLY = (0,)


class Outgoing:
    """One message, and the parts still to be submitted; `session` is None until the first of them is."""

    __slots__ = ("flight", "parts", "plan", "session")

    def __init__(self, flight: Flight, plan: WirePlan) -> None:
        self.flight = flight
        self.plan = plan
        states = flight.progress.part_states
        self.parts = deque(_ONLY if len(states) == 1 else list_intended_parts(flight))
        self.session: Session | None = None


class OutgoingLanes:
    """All of one connector, in the order of their intents within a lane."""

    __slots__ = ("lanes",)

    def __init__(self) -> None:
        self.lanes: tuple[deque[Outgoing], ...] = tuple(deque() for _ in Lane)
        """One-time passwords, transactional, bulk."""

    def __len__(self) -> int:
        otp, transactional, bulk = self.lanes
        return len(otp) + len(transactional) + len(bulk)

    def __iter__(self) -> Iterator[Outgoing]:
        for lane in self.lanes:
            yield from lane

    def find(self, flight: Flight) -> Outgoing | None:
        """This message, where parts of it are still to be submitted."""
        return next((entry for entry in self.lanes[flight.lane - 1] if entry.flight is flight), None)

    def put(self, entry: Outgoing) -> None:
        self.lanes[entry.flight.lane - 1].append(entry)

    def take_back(self, entries: Iterable[Outgoing], at: datetime) -> list[Unsent]:
        """Let go of these; of what has parts left they are told to be unsent."""
        unsent = []
        for entry in tuple(entries):  # they may be read from the lanes themselves
            self.lanes[entry.flight.lane - 1].remove(entry)
            if entry.parts:
                unsent.append(Unsent(entry.flight, tuple(entry.parts), at))
        return unsent


def list_intended_parts(flight: Flight) -> list[int]:
    """The parts whose intent is committed and whose outcome is open."""
    return [part for part, state in enumerate(flight.progress.part_states) if state == MessageState.SENDING]


def hand_back(flight: Flight, at: datetime) -> Unsent:
    """That nothing of a message's committed intent was submitted."""
    return Unsent(flight, tuple(list_intended_parts(flight)), at)


def give_up(flight: Flight, at: datetime) -> list[Answer]:
    """That nothing more of a message's committed intent will be submitted, although nobody answered."""
    return [
        Answer(
            flight=flight,
            part=part,
            bind_no=0,
            wanted=MessageState.FAILED,
            reason=Reason.RETRIES_EXHAUSTED,
            failure_class=FailureClass.UNKNOWN,
            command_status=None,
            carrier_id=None,
            lookup_id=None,
            submitted_at=None,
            at=at,
        )
        for part in list_intended_parts(flight)
    ]

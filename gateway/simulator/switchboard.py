"""Who is bound, and which session of an account gets a receipt or an MO.

Owns the seats of all sessions and the lines in front of them. A delivery stands in exactly one place: on the
agenda, in the line of a seat, in a seat's window, or in the shelter of an account that nobody receives for.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.session.session import Session
from gateway.simulator.profile import ReceiptBind
from gateway.simulator.receipt_forms import TakenMessage
from gateway.smpp.pdus import DataSm, DeliverSm


@dataclass(slots=True, eq=False)
class Delivery:
    """Something to hand to a client until it says that it has it: a receipt, or one part of an MO."""

    account: str
    message: TakenMessage | None = None
    """The message that a receipt is about; None for an MO."""
    stat: str = ""
    err: str = ""
    is_final: bool = True
    pdu: DeliverSm | DataSm | None = None
    """Written when it is first sent, so that a repeat is the same to the octet."""
    attempts: int = 0
    avoids: int = 0
    """Number of the seat that last failed to answer; another one is tried first."""
    is_done: bool = False
    command_status: int | None = None
    """What the client answered last."""


@dataclass(slots=True, eq=False)
class Seat:
    """One bound session."""

    number: int
    account: str
    session: Session
    can_receive: bool
    line: deque[Delivery] = field(default_factory=deque)
    """Deliveries that wait for room in the window."""
    waiting_answers: int = 0
    """Submits that have had no response yet and will get one."""
    takes_tlvs: bool = True
    """Whether its client speaks version 3.4 or later."""
    timeouts_in_a_row: int = 0
    """Deliveries that its client has left unanswered since it last answered one."""
    is_forgotten: bool = False
    """Whether the SMSC has forgotten that this session is bound: its submits are refused with 0x04."""


class Switchboard:
    """All seats, by account and in the order they bound."""

    def __init__(self, preference: ReceiptBind) -> None:
        self._preference = preference
        self._seats: dict[str, list[Seat]] = {}
        self._sheltered: dict[str, deque[Delivery]] = {}
        self._turns: dict[str, int] = {}

    def __iter__(self) -> Iterator[Seat]:
        for seats in self._seats.values():
            yield from seats

    def accounts_with_receivers(self) -> list[str]:
        """Accounts that an MO could be handed to now."""
        return [account for account, seats in self._seats.items() if any(seat.can_receive for seat in seats)]

    def count(self, account: str) -> int:
        """Sessions that an account holds."""
        return len(self._seats.get(account, ()))

    def open(self, seat: Seat) -> list[Delivery]:
        """Take a seat in; return the deliveries that waited for a receiver of its account."""
        self._seats.setdefault(seat.account, []).append(seat)
        if not seat.can_receive:
            return []
        return list(self._sheltered.pop(seat.account, ()))

    def close(self, seat: Seat) -> list[Delivery]:
        """Take a seat out; return what stood in its line."""
        seats = self._seats[seat.account]
        seats.remove(seat)
        if not seats:
            del self._seats[seat.account]
        waiting = list(seat.line)
        seat.line.clear()
        return waiting

    def shelter(self, delivery: Delivery) -> None:
        """Keep a delivery until somebody receives for its account."""
        self._sheltered.setdefault(delivery.account, deque()).append(delivery)

    def choose(self, delivery: Delivery) -> Seat | None:
        """The seat that should get `delivery`, or None while nobody receives for its account."""
        receivers = [seat for seat in self._seats.get(delivery.account, ()) if seat.can_receive]
        if delivery.avoids and len(receivers) > 1:
            receivers = [seat for seat in receivers if seat.number != delivery.avoids]
        if len(receivers) < 2:
            return receivers[0] if receivers else None
        home = delivery.message.session_number if delivery.message is not None else 0
        if home and self._preference is not ReceiptBind.ANY:
            for seat in receivers:
                if seat.number == home and self._preference is ReceiptBind.SAME:
                    return seat
            receivers = [seat for seat in receivers if seat.number != home]
        turn = self._turns.get(delivery.account, 0)
        self._turns[delivery.account] = turn + 1
        return receivers[turn % len(receivers)]

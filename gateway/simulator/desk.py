"""Hands out receipts and MOs until the client says that it has them: the way out of the exchange.

Owns what is pending and each delivery's next step. Refuses to know submits and timers: what is due later goes
to an agenda that the caller keeps.
"""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from gateway.session.owner import Answer
from gateway.simulator.journal import Journal
from gateway.simulator.profile import ReceiptForm, ReceiptRules
from gateway.simulator.receipt_forms import ReceiptWriter
from gateway.simulator.stats import SimulatorStats
from gateway.simulator.switchboard import Delivery, Seat, Switchboard
from gateway.smpp import pdus
from gateway.smpp.errors import RuleBroken


class DeliveryDesk:
    """All deliveries of one simulator.

    `wall_clock` tells seconds since 1970. `add_in` puts a delivery on the agenda, so many seconds from now.
    """

    def __init__(
        self,
        rules: ReceiptRules,
        writer: ReceiptWriter,
        *,
        switchboard: Switchboard,
        journal: Journal,
        stats: SimulatorStats,
        wall_clock: Callable[[], float],
        add_in: Callable[[float, Delivery], None],
    ) -> None:
        self.is_stalled = False
        """While true nothing is sent."""
        self._rules = rules
        self._writer = writer
        self._switchboard: Final = switchboard
        self._journal = journal
        self._stats: Final = stats
        self._wall_clock = wall_clock
        self._add_in = add_in
        self._on_settled: dict[Delivery, Callable[[], None]] = {}

    def send_mo(
        self, account: str, parts: list[pdus.DeliverSm], on_settled: Callable[[], None]
    ) -> list[Delivery]:
        """Hand the parts of an MO to an account; `on_settled` is called as each is taken or given up."""
        deliveries = [Delivery(account, pdu=part) for part in parts]
        for delivery in deliveries:
            self._on_settled[delivery] = on_settled
            self.plan(delivery, 0.0)
        return deliveries

    def forget(self, deliveries: list[Delivery]) -> None:
        """Nobody waits for these MO parts any more; they are still delivered."""
        for delivery in deliveries:
            self._on_settled.pop(delivery, None)

    def plan(self, delivery: Delivery, in_seconds: float) -> None:
        """Take a new delivery, to be handed out in so many seconds."""
        self._stats.pending += 1
        if in_seconds <= 0:
            self.dispatch(delivery)
        else:
            self._add_in(in_seconds, delivery)

    def dispatch(self, delivery: Delivery) -> None:
        """Give a delivery to a session of its account, or keep it until there is one."""
        if delivery.is_done:
            return
        seat = self._switchboard.choose(delivery)
        if seat is None:
            self._switchboard.shelter(delivery)
            return
        seat.line.append(delivery)
        self.drain(seat)

    def drain(self, seat: Seat) -> None:
        """Send what stands in a seat's line, as far as its window has room."""
        if self.is_stalled:
            return
        line, session = seat.line, seat.session
        while line and session.room:
            self._send(seat, line.popleft())

    # What clients say.

    def note_answers(self, seat: Seat, answers: Iterable[Answer]) -> None:
        """The client took these, or refused them."""
        seat.timeouts_in_a_row = 0
        for context, command_status, _ in answers:
            assert isinstance(context, Delivery)
            context.command_status = command_status
            if not command_status:
                self._settle(seat, context)
                continue
            self._stats.refusals += 1
            self._repeat_later(seat, context, command_status)
        if seat.line:
            self.drain(seat)

    def note_late_answers(self, seat: Seat, answers: Iterable[Answer]) -> None:
        """The client took these after all; their repeats, still on the agenda, will find them done."""
        for context, command_status, _ in answers:
            assert isinstance(context, Delivery)
            if not command_status and not context.is_done:
                context.command_status = command_status
                self._settle(seat, context)

    def note_timeouts(self, seat: Seat, contexts: list[object]) -> None:
        """The client did not answer these in time: they are for another session, and so may be all others
        (quirk 93).
        """
        for delivery in pick_deliveries(contexts):
            self._stats.timeouts += 1
            seat.timeouts_in_a_row += 1
            self._repeat_later(seat, delivery, None)
        most = self._rules.timeouts_most
        if most is not None and seat.timeouts_in_a_row >= most:
            seat.session.hang_up("the client answers no delivery")

    def note_unwritten(self, contexts: list[object]) -> None:
        """These were never written; not sent again at once, since their session may be about to end."""
        for delivery in pick_deliveries(contexts):
            self._add_in(0.0, delivery)

    # The steps of one delivery.

    def _send(self, seat: Seat, delivery: Delivery) -> None:
        if delivery.is_done:
            return
        at = self._wall_clock()
        if delivery.pdu is None:
            assert delivery.message is not None
            delivery.pdu = self._writer.write(
                delivery.message, delivery.stat, delivery.err, is_final=delivery.is_final, done_at=at
            )
        try:
            seat.session.request(delivery, self._fit(seat, delivery.pdu))
        except RuleBroken:  # an address that the client sent and that no PDU of ours may carry
            self._abandon(delivery)
            return
        delivery.attempts += 1
        if delivery.message is None:
            self._stats.mo_parts_sent += 1
        else:
            self._stats.receipts_sent += 1
        self._journal.note_delivery(seat, delivery, at=at)

    def _fit(self, seat: Seat, pdu: pdus.DeliverSm | pdus.DataSm) -> pdus.DeliverSm | pdus.DataSm:
        """The TLVs of a receipt are for clients of version 3.4, unless nothing else says what it says."""
        if seat.takes_tlvs or self._rules.form is not ReceiptForm.BOTH or not isinstance(pdu, pdus.DeliverSm):
            return pdu
        return replace(pdu, tlvs=()) if pdu.short_message else pdu

    def _repeat_later(self, seat: Seat, delivery: Delivery, command_status: int | None) -> None:
        if delivery.is_done:
            return
        self._journal.note_refusal(seat, delivery, command_status)
        if delivery.attempts >= self._rules.attempts:
            self._abandon(delivery)
            return
        delivery.avoids = seat.number
        self._add_in(self._rules.retry_seconds, delivery)

    def _abandon(self, delivery: Delivery) -> None:
        self._stats.abandoned += 1
        self._end(delivery)

    def _settle(self, seat: Seat, delivery: Delivery) -> None:
        if delivery.is_done:
            return  # a late answer settled it while its repeat was under way
        self._journal.note_acceptance(seat, delivery)
        if delivery.message is None:
            self._stats.mo_parts_acknowledged += 1
        else:
            self._stats.receipts_acknowledged += 1
        self._end(delivery)

    def _end(self, delivery: Delivery) -> None:
        delivery.is_done = True
        self._stats.pending -= 1
        if delivery.message is None and (on_settled := self._on_settled.pop(delivery, None)) is not None:
            on_settled()


def pick_deliveries(contexts: Iterable[object]) -> list[Delivery]:
    """All contexts that the simulator gives to a session are deliveries."""
    return [context for context in contexts if isinstance(context, Delivery)]

"""A client that records what it is told, for tests of the simulator over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from gateway.session.owner import Answer, CloseReason, Request, SessionOwner
from gateway.session.session import BindRequest, Session
from gateway.session.settings import SessionSettings
from gateway.smpp import pdus
from gateway.smpp.rules import Role

DEADLINE_SECONDS = 10.0
"""Far above what any step takes, so that only a fault reaches it."""


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, for what nobody announces."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the counters of the simulator have no event, and need none
            await asyncio.sleep(0.01)


class Esme(SessionOwner):
    """One bound client. `acknowledges` is the status it answers deliveries with; None: it does not."""

    session: Session

    def __init__(self, *, acknowledges: int | None = 0) -> None:
        self.acknowledges = acknowledges
        self.happened: list[str] = []
        """`bound`, `answer` and `delivery`, in the order they came."""
        self.answers: list[tuple[object, int, str]] = []
        self.deliveries: list[pdus.DeliverSm | pdus.DataSm] = []
        self.unanswered: list[object] = []
        self.closed: CloseReason | None = None
        self._news = asyncio.Event()

    @property
    def receipts(self) -> list[str]:
        """Texts of what was delivered."""
        return [
            pdu.short_message.decode("latin-1") for pdu in self.deliveries if isinstance(pdu, pdus.DeliverSm)
        ]

    def submit(self, context: object, destination: bytes, text: bytes = b"hello", **fields: object) -> None:
        pdu = pdus.SubmitSm(
            source_addr_ton=5,
            source_addr=b"SHOP",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=destination,
            short_message=text,
            registered_delivery=1,
        )
        self.session.request(context, replace(pdu, **fields))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is looked at whenever something has happened."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def on_bound(self, session: Session, pdu: pdus.Pdu) -> None:
        self.session = session
        self.closed = None
        self.happened.append("bound")
        self._news.set()

    def on_answers(self, session: Session, answers: list[Answer]) -> None:
        for context, command_status, message_id in answers:
            self.happened.append("answer")
            self.answers.append((context, command_status, message_id.decode()))
        self._news.set()

    def on_requests(self, session: Session, requests: list[Request]) -> None:
        for number, pdu in requests:
            if not isinstance(pdu, (pdus.DeliverSm, pdus.DataSm)):
                continue  # alert_notification, which has no answer
            self.happened.append("delivery")
            self.deliveries.append(pdu)
            if self.acknowledges is None:
                continue
            if isinstance(pdu, pdus.DeliverSm):
                session.acknowledge_deliveries([number], self.acknowledges)
            else:
                session.answer(pdus.DataSmResp(command_status=self.acknowledges, sequence_number=number))
        self._news.set()

    def on_closed(self, session: Session, reason: CloseReason, unanswered: list[object]) -> None:
        self.closed = reason
        self.unanswered = unanswered
        self._news.set()


@asynccontextmanager
async def bound(
    port: int,
    request: BindRequest | None = None,
    *,
    acknowledges: int | None = 0,
    settings: SessionSettings | None = None,
) -> AsyncIterator[Esme]:
    """An `Esme` bound to 127.0.0.1:`port`, as transceiver `shop` unless told otherwise."""
    esme = Esme(acknowledges=acknowledges)
    _, esme.session = await asyncio.get_running_loop().create_connection(
        lambda: Session(Role.ESME, esme, settings or SessionSettings(window=1000)), "127.0.0.1", port
    )
    try:
        await esme.session.bind(request or pdus.BindTransceiver(system_id=b"shop", password=b"secret"))
        yield esme
    finally:
        await esme.session.unbind(drain_seconds=0.1)

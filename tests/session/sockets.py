"""Our two roles on loopback, for the integration tests."""

import asyncio
from contextlib import asynccontextmanager

from gateway.session.listener import Listener
from gateway.session.owner import SessionOwner
from gateway.session.session import Session
from gateway.session.settings import SessionSettings
from gateway.smpp import pdus
from gateway.smpp.rules import Role

from .wire import Recorder

DEADLINE_SECONDS = 10


class Carrier(SessionOwner):
    """An SMSC that takes every message and numbers them, and delivers a receipt when told to."""

    def __init__(self, *, with_receipts=False, is_silent=False):
        self.with_receipts = with_receipts
        self.is_silent = is_silent
        self.taken = []
        self.receipt_answers = []

    def on_requests(self, session, requests):
        for number, pdu in requests:
            self.taken.append(pdu)
            if self.is_silent:
                continue
            message_id = b"%d" % len(self.taken)
            session.answer(pdus.SubmitSmResp(message_id=message_id, sequence_number=number))
            if self.with_receipts:
                text = b"id:%s stat:DELIVRD err:000 text:" % message_id
                session.request(message_id, pdus.DeliverSm(esm_class=4, short_message=text))

    def on_answers(self, session, answers):
        self.receipt_answers += answers


def check_password(session, pdu):
    return 0 if pdu.password == b"pw" else 0x0E


@asynccontextmanager
async def listening(owner, **options):
    settings = options.pop("settings", SessionSettings(window=1000))
    authenticate = options.pop("authenticate", check_password)
    listener = Listener(owner, authenticate, settings=settings, **options)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.aclose(drain_seconds=0)


async def connect(port, owner=None, **settings):
    """An ESME session, connected and not bound."""
    _, session = await asyncio.get_running_loop().create_connection(
        lambda: Session(Role.ESME, owner or Recorder(), SessionSettings(**settings)), "127.0.0.1", port
    )
    return session


async def eventually(condition):
    """Wait until `condition()` holds; fail after the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  # any condition, also one that nobody signals
            await asyncio.sleep(0.01)

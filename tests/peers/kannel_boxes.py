"""Kannel as a client: its bearerbox bound to an SMSC, its smsbox in front, both ended by their own id.

Both come from Debian's package `kannel`. A missing program is a failure, never a skip.
"""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

DEADLINE_SECONDS = 30.0
"""Far above what any step takes, so that only a fault reaches it."""

_BOXES = """\
group = core
admin-port = {admin}
admin-password = status
admin-interface = "127.0.0.1"
smsbox-port = {smsbox}
smsbox-interface = "127.0.0.1"
log-level = 2
sms-resend-freq = 1

group = smsc
smsc = smpp
smsc-id = pretend
host = 127.0.0.1
port = {smsc}
smsc-username = kannel
smsc-password = secret
system-type = ""
transceiver-mode = true
reconnect-delay = 1
max-pending-submits = 10

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = "127.0.0.1"
log-level = 2

group = sendsms-user
username = shop
password = secret
concatenation = true
max-messages = 10

group = sms-service
keyword = default
get-url = "http://127.0.0.1:{ears}/mo?from=%p&to=%P&text=%b&charset=%C"
max-messages = 0
"""


class Kannel:
    """Running boxes. `receipts` and `texts` are what Kannel reported to its own HTTP interface, in order."""

    def __init__(self, sendsms_port: int, ears_port: int, session: aiohttp.ClientSession) -> None:
        self.receipts: list[tuple[str, str]] = []
        """(tag, what Kannel made of it: 1 delivered, 2 failed, 4 buffered, 8 accepted, 16 rejected)."""
        self.texts: list[tuple[str, str, str]] = []
        """(from, to, text)."""
        self._sendsms = f"http://127.0.0.1:{sendsms_port}/cgi-bin/sendsms"
        self._ears_port = ears_port
        self._session = session
        self._news = asyncio.Event()

    async def send(self, text: str, *, to: str, tag: str, unicode: bool = False) -> None:
        """Hand one text to smsbox, with receipts asked for. It must be taken."""
        parameters = {
            "username": "shop",
            "password": "secret",
            "from": "SHOP",
            "to": to,
            "text": text,
            "charset": "UTF-8",
            "coding": "2" if unicode else "0",
            "dlr-mask": "31",
            "dlr-url": f"http://127.0.0.1:{self._ears_port}/receipt?tag={tag}&status=%d",
        }
        async with self._session.get(self._sendsms, params=parameters) as response:
            assert response.status == 202, await response.text()

    async def hear_receipt(self, request: web.Request) -> web.Response:
        self.receipts.append((request.query["tag"], request.query["status"]))
        self._news.set()
        return web.Response()

    async def hear_text(self, request: web.Request) -> web.Response:
        fields = parse_qs(request.rel_url.raw_query_string, encoding="latin-1", keep_blank_values=True)
        sender, ours, text, charset = (fields[name][0] for name in ("from", "to", "text", "charset"))
        self.texts.append((sender, ours, text.encode("latin-1").decode(charset)))
        self._news.set()
        return web.Response()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is looked at whenever Kannel reports something."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def delivered(self) -> set[str]:
        """Tags of the texts that Kannel holds for delivered."""
        return {tag for tag, status in self.receipts if status == "1"}


@asynccontextmanager
async def run_kannel(smsc_port: int, folder: Path) -> AsyncIterator[Kannel]:
    """Both boxes bound to the SMSC on this port of 127.0.0.1, until the block ends."""
    admin, smsbox, sendsms, ears = _free_ports(4)
    config = folder / "kannel.conf"
    config.write_text(_BOXES.format(admin=admin, smsbox=smsbox, smsc=smsc_port, sendsms=sendsms, ears=ears))
    async with aiohttp.ClientSession() as session:
        kannel = Kannel(sendsms, ears, session)
        app = web.Application()
        app.router.add_get("/receipt", kannel.hear_receipt)
        app.router.add_get("/mo", kannel.hear_text)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", ears).start()
        try:
            async with _run_box("bearerbox", config, smsbox), _run_box("smsbox", config, sendsms):
                yield kannel
        finally:
            await runner.cleanup()


@asynccontextmanager
async def _run_box(name: str, config: Path, port: int) -> AsyncIterator[None]:
    """One box, once it listens on `port`."""
    program = shutil.which(name, path="/usr/sbin:/usr/bin")
    assert program is not None, f"{name} is not installed; the peers need Debian's kannel"
    with (config.parent / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(program, str(config), stdout=log, stderr=log)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not await _listens(port):
                    assert process.returncode is None, (config.parent / f"{name}.log").read_text()
                    await asyncio.sleep(0.05)
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), DEADLINE_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment; all are held until the last is known, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports

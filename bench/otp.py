"""`bench otp`: how soon a one-time password is at the carrier while a campaign goes out at full speed.

A campaign of many people is started; once its texts flow, clients post one-time passwords on an even
schedule, each over a connection of its own, until enough have gone or the campaign ends. The time of each is
from the request to its submit_sm at the sink, by the clock that both share. The sink logs only their texts.
"""

import contextlib
import json
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.audience import fill_audience
from bench.campaign import EVERY_HOUR, create_campaign
from bench.cycle import DEFAULT_CARRIER
from bench.errors import BenchError
from bench.figures import Figures, share_within
from bench.parameters import describe
from bench.recipients import number_of
from bench.server import Server, start_server
from bench.smsc import Smsc, start_smsc

_PREFIX = "OTP "
_CLIENTS = 8
_WARM_UP_SECONDS = 1.0
"""Of the campaign's flow before the first password."""
_FEWEST = 20
"""Passwords, without which a percentile says nothing."""
_POLL_SECONDS = 0.2
_FLOW_SECONDS = 120.0
_ARRIVAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class OtpOptions:
    """`recipients` of the campaign; so many `passwords` at so many a second, as long as it flows."""

    recipients: int = 1_000_000
    passwords: int = 1_000
    per_second: float = 20.0
    workers: int = 1


@dataclass(slots=True)
class _Posted:
    """What the clients asked for: the moment of each request by the number of its password."""

    asked_at: dict[int, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)


def run_otp(options: OtpOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when a password is refused or does not arrive."""
    with tempfile.TemporaryDirectory(prefix="estafette-bench-otp-") as folder:
        log = Path(folder) / "passwords.log"
        with (
            start_smsc(None, log_options(log)) as smsc,
            start_server(smsc, DEFAULT_CARRIER, EVERY_HOUR, workers=options.workers) as server,
        ):
            if not smsc.keeps_clock:
                raise BenchError("`bench otp` needs a C compiler for its sink")
            return measure_otp(options, smsc, server, log)


def log_options(log: Path) -> list[str]:
    """The sink's options for a log of one-time passwords alone."""
    return ["--log", str(log), "--log-prefix", _PREFIX]


def measure_otp(options: OtpOptions, smsc: Smsc, server: Server, log: Path) -> Figures:
    """The same with a server and an SMSC that run already; the SMSC was started with `log_options`."""
    list_id = server.postgres.fill(lambda connection: fill_audience(connection, options.recipients))
    path, wanted = create_campaign(server, list_id)
    before = server.costs.read()
    submits_before = smsc.counts().submits
    server.admin.post(f"{path}/start", wanted)
    _wait_for_flow(smsc, submits_before)
    first = smsc.counts()
    posted = _post_all(options, smsc, server, submits_before)
    last = smsc.counts()
    if len(posted.asked_at) < _FEWEST:
        raise BenchError(f"the campaign was over after {len(posted.asked_at)} passwords: more --recipients")
    arrived = _wait_for_arrivals(smsc, log, posted)
    submits = smsc.counts().submits - submits_before
    cost = server.costs.since(before, submits)
    if server.admin.get(path)["state"] == "running":
        server.admin.post(f"{path}/pause")
    seconds = last.last_submit - first.last_submit
    delays = sorted((arrived[serial] - asked_at) * 1000 for serial, asked_at in posted.asked_at.items())
    rate = (last.submits - first.submits) / seconds
    parameters = describe(server, smsc, DEFAULT_CARRIER, recipients=options.recipients)
    parameters |= {
        "campaign_recipients": options.recipients,
        "passwords_asked": options.passwords,
        "passwords_per_second": options.per_second,
        "clients": _CLIENTS,
        "latency": "request sent to submit_sm at the sink; the rate is of all texts meanwhile",
    }
    return Figures(
        name="otp",
        messages=submits,
        seconds=seconds,
        rate_per_second=rate,
        parts_per_second=rate,
        p50_ms=share_within(delays, 0.5),
        p99_ms=share_within(delays, 0.99),
        cost=cost,
        ledger_balanced=server.is_balanced(),
        own={"passwords": len(delays), "max_ms": delays[-1]},
        parameters=parameters,
    )


def _wait_for_flow(smsc: Smsc, submits_before: int) -> None:
    deadline = time.monotonic() + _FLOW_SECONDS
    while smsc.counts().submits == submits_before:
        if time.monotonic() > deadline:
            raise BenchError(f"no text of the campaign within {_FLOW_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    time.sleep(_WARM_UP_SECONDS)


def _post_all(options: OtpOptions, smsc: Smsc, server: Server, submits_before: int) -> _Posted:
    """Clients take turns on one even schedule, so that one that waits for its answer delays no other.

    No more are posted once the campaign has nobody left to write to.
    """
    posted = _Posted()
    started = time.monotonic() + 0.1

    def post(client: int) -> None:
        connection = HTTPConnection("127.0.0.1", server.http_port, timeout=30)
        headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            for index in range(client, options.passwords, _CLIENTS):
                wait_seconds = started + index / options.per_second - time.monotonic()
                if posted.is_over.wait(max(0.0, wait_seconds)):
                    return
                body = json.dumps(make_password(options.recipients + index, index)).encode()
                posted.asked_at[index] = time.time()
                connection.request("POST", "/v1/messages", body=body, headers=headers)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 202:
                    posted.faults.append(f"{answer.status}: {content[:300].decode()}")
                    posted.is_over.set()

    threads = [threading.Thread(target=post, args=(client,)) for client in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            server.costs.look()
            if smsc.counts().submits - submits_before - len(posted.asked_at) >= options.recipients:
                break
            time.sleep(_POLL_SECONDS)
    finally:
        posted.is_over.set()
        for thread in threads:
            thread.join()
    if posted.faults:
        raise BenchError(f"a password was answered {posted.faults[0]}")
    return posted


def make_password(serial: int, number: int) -> dict[str, Any]:
    """The request for one password; `serial` gives a recipient who is in no campaign, `number` is its own."""
    return {
        "to": number_of(serial),
        "from": "ESTAFETTE",
        "category": "otp",
        "text": f"{_PREFIX}{number:06d} is your code. Do not tell it to anybody.",
    }


def _wait_for_arrivals(smsc: Smsc, log: Path, posted: _Posted) -> dict[int, float]:
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while True:
        smsc.counts()  # the sink writes its log out when it is asked
        arrived = read_arrivals(log.read_text(encoding="latin-1"))
        missing = posted.asked_at.keys() - arrived.keys()
        if not missing:
            return arrived
        if time.monotonic() > deadline:
            raise BenchError(f"{len(missing)} passwords never came to the carrier, as {min(missing)}")
        time.sleep(_POLL_SECONDS)


def read_arrivals(log: str) -> dict[int, float]:
    """When each password came, by its number, from the sink's log. Raises `BenchError` if one came twice."""
    arrived: dict[int, float] = {}
    for line in log.splitlines():
        at, _, text = line.split(" ", 2)
        number = int(text.removeprefix(_PREFIX).split(" ", 1)[0])
        if number in arrived:
            raise BenchError(f"password {number} came to the carrier twice")
        arrived[number] = float(at)
    return arrived

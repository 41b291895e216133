"""`bench http`: how many requests a second the API takes in durably, over 64 keep-alive connections.

Sending is held, so that the figure is that of acceptance alone: validate, normalise, route, price, encode,
store, answer. `cycle --with-acceptance` has both at once.
"""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cycle import DEFAULT_CARRIER
from bench.errors import BenchError
from bench.figures import Figures
from bench.parameters import describe
from bench.recipients import text_of
from bench.server import Server, start_server
from bench.smsc import start_smsc
from bench.tools import build_tool

CONNECTIONS = 64
CONNECTIONS_OF_BATCHES = 8
"""64 batches of 1,000 at once are more than the server lets wait: it answers 503, for clients to repeat."""
_FLOOD_SECONDS = 600.0
_WARM_UP_REQUESTS = 500
_NUMBER_FORMS = ("+3360{}@N@", "+39347{}@N@", "+4072{}@N@", "+22177{}@N@")
_FREE_DIGITS = 7
"""Digits after each of the beginnings above: first those of the item in its batch, then the request's."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """`batch` 0 sends single messages; else each request carries so many, of `messages` in all."""

    messages: int
    batch: int = 0
    connections: int = CONNECTIONS
    workers: int = 1


def run_http(options: HttpOptions) -> Figures:
    """One run on a fresh database. Raises `BenchError` when a request is refused or lost."""
    program = build_tool("http_flood")
    if program is None:
        raise BenchError("bench http needs a C compiler for its load generator; install gcc")
    requests = max(1, options.messages // max(1, options.batch))
    if requests + max(_WARM_UP_REQUESTS, options.connections) > 10 ** _request_digits(options.batch):
        raise BenchError(f"there are not enough numbers for {requests:,} requests of {options.batch}")
    messages = requests * max(1, options.batch)
    with (
        start_smsc(None, ["--quiet"]) as smsc,
        start_server(smsc, DEFAULT_CARRIER, workers=options.workers) as server,
    ):
        server.hold()
        with tempfile.TemporaryDirectory() as folder:
            bodies = _write_bodies(Path(folder), options.batch)
            warm_up = min(max(options.connections, _WARM_UP_REQUESTS // max(1, options.batch)), requests)
            _flood(program, server, options, bodies, first=requests, requests=warm_up)
            before = server.costs.read()
            answers = _flood(program, server, options, bodies, first=0, requests=requests)
        parameters = describe(server, smsc, DEFAULT_CARRIER, recipients=messages)
        parameters |= {
            "sending": "held",
            "batch": options.batch,
            "connections": options.connections,
            "requests": requests,
            "client_cpu_seconds": answers["cpu_seconds"],
            "latency": "request sent to answer read, at the load generator",
        }
        return Figures(
            name="http",
            messages=messages,
            seconds=answers["seconds"],
            rate_per_second=messages / answers["seconds"],
            parts_per_second=messages / answers["seconds"],
            p50_ms=answers["p50_ms"],
            p99_ms=answers["p99_ms"],
            cost=server.costs.since(before, messages),
            ledger_balanced=server.is_balanced(),
            own={
                "requests_per_second": answers["rate_per_second"],
                "recipients_per_second": messages / answers["seconds"],
                "max_ms": answers["max_ms"],
            },
            parameters=parameters,
        )


def _write_bodies(folder: Path, batch: int) -> list[Path]:
    """Bodies for the load generator, which puts the request's number where `@N@` stands."""
    size = max(1, batch)
    width = _FREE_DIGITS - _request_digits(batch)
    items = []
    for index in range(max(size, len(_NUMBER_FORMS))):
        place = f"{index // len(_NUMBER_FORMS):0{width}d}" if width else ""
        number = _NUMBER_FORMS[index % len(_NUMBER_FORMS)].format(place)
        items.append({"to": number, "from": "ESTAFETTE", "text": text_of(index, 1)})
    documents: list[dict[str, Any]] = [{"messages": items[:size]}] if batch else items
    paths = [folder / f"body-{index}.json" for index in range(len(documents))]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(json.dumps(document))
    return paths


def _request_digits(batch: int) -> int:
    """Digits left for the number of the request beside the place of an item in its batch."""
    places = (batch - 1) // len(_NUMBER_FORMS)
    return _FREE_DIGITS - (len(str(places)) if places > 0 else 0)


def _flood(
    program: Path, server: Server, options: HttpOptions, bodies: list[Path], *, first: int, requests: int
) -> dict[str, Any]:
    command = [
        str(program),
        f"--port={server.http_port}",
        f"--requests={requests}",
        f"--first={first}",
        f"--connections={options.connections}",
        f"--digits={_request_digits(options.batch)}",
        f"--path=/v1/messages{'/batch' if options.batch else ''}",
        f"--header=Authorization: Bearer {server.key}",
        *(f"--post={path}" for path in bodies),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + _FLOOD_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            server.costs.look()
            time.sleep(0.2)
        process.kill()
        printed, complaint = process.communicate()
    if process.returncode != 0:
        raise BenchError(f"the load generator ended with {process.returncode}: {complaint.strip()}")
    answers: dict[str, Any] = json.loads(printed)
    if answers["accepted"] != requests:
        raise BenchError(
            f"{answers['refused']} requests refused, {answers['lost']} lost: {complaint.strip()}"
        )
    return answers

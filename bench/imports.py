"""`bench import`: a file of people through the API into contacts, list members and recorded consents.

The clock starts with the upload and ends when the import says finished. Then the same file is brought in
again, which changes no one.
"""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, BinaryIO

from bench.cost import Cost
from bench.cycle import DEFAULT_CARRIER
from bench.errors import BenchError
from bench.parameters import describe
from bench.processes import peak_resident_mb, read_times, resident_mb
from bench.recipients import number_of
from bench.server import Server, start_server
from bench.smsc import start_smsc

_INVALID_EVERY = 100
_REPEATED_EVERY = 50
_LIMIT_SECONDS = 900.0
_POLL_SECONDS = 0.1
_CITIES = ("Lyon", "Milano", "Cluj-Napoca", "Dakar", "Saint-Étienne", "Forlì")


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """What a run found. Memory is of the gateway and its reading process together, without Postgres."""

    rows: int
    seconds: float
    rate_per_second: float
    reading_seconds: float
    merging_seconds: float
    again_seconds: float
    """The same file once more, unchanged."""
    cost: Cost
    """For each row; `rss_peak_mb` is that of gateway and reading process at one moment."""
    counts: dict[str, Any]
    is_good: bool
    """The counts are those of the file that was made."""
    parameters: dict[str, object] = field(default_factory=dict)

    def as_document(self) -> dict[str, object]:
        rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}
        del rounded["cost"]
        return {"name": "import", **rounded, **self.cost.as_document()}


def run_import(rows: int) -> ImportFigures:
    """One run on a fresh database. Raises `BenchError` when it does not come to its end."""
    with (
        start_smsc(None, ["--quiet"]) as smsc,
        start_server(smsc, DEFAULT_CARRIER) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "people.csv"
        _write_file(path, rows)
        before = server.costs.read()
        with _watch_memory(server) as peak:
            first = _bring_in(server, path, {"new_list": "bench"})
        cost = replace(server.costs.since(before, rows), rss_peak_mb=max(peak))
        again = _bring_in(server, path, {"list": first.job["list"]})
        counts = first.job["counts"]
        return ImportFigures(
            rows=rows,
            seconds=first.seconds,
            rate_per_second=rows / first.seconds,
            reading_seconds=first.reading_seconds,
            merging_seconds=first.seconds - first.reading_seconds,
            again_seconds=again.seconds,
            cost=cost,
            counts=counts,
            is_good=_is_as_made(server, counts, again.job["counts"], rows),
            parameters={
                **describe(server, smsc, DEFAULT_CARRIER, recipients=rows),
                "file_octets": path.stat().st_size,
                "columns": "number, first_name, last_name, city, points",
                "refused_every": _INVALID_EVERY,
                "repeated_every": _REPEATED_EVERY,
                "cpu_seconds": cost.cpu_seconds,
            },
        )


def _write_file(path: Path, rows: int) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("Téléphone;Prénom;Nom;Ville;Points\r\n")
        for serial in range(rows):
            number = number_of(serial)
            if serial % _INVALID_EVERY == _INVALID_EVERY - 1:
                number = "06 12"
            elif serial % _REPEATED_EVERY == _REPEATED_EVERY - 2:
                number = number_of(serial - 1)
            city = _CITIES[serial % len(_CITIES)]
            file.write(f"{number};Prénom{serial};Nom{serial};{city};{serial % 1000}\r\n")


@dataclass(frozen=True, slots=True)
class _Run:
    job: dict[str, Any]
    seconds: float
    reading_seconds: float


def _bring_in(server: Server, path: Path, settings: dict[str, object]) -> _Run:
    consent = {"state": "opted_in", "source": "bench", "wording": "I agree to be measured."}
    started = time.monotonic()
    with open(path, "rb") as file:
        job = _call(server, "POST", "/v1/imports?file_name=people.csv", file)
    body = json.dumps({**settings, "consent": consent}).encode()
    _call(server, "POST", f"/v1/imports/{job['id']}/start", body)
    merging_at = started
    while time.monotonic() - started < _LIMIT_SECONDS:
        job = _call(server, "GET", f"/v1/imports/{job['id']}", None)
        if job["progress"]["phase"] in ("idle", "waiting", "reading"):
            merging_at = time.monotonic()
        if job["state"] == "finished":
            return _Run(job, time.monotonic() - started, merging_at - started)
        if job["state"] != "running":
            raise BenchError(f"the import is {job['state']}: {job['fault']}")
        time.sleep(_POLL_SECONDS)
    raise BenchError(f"the import did not end within {_LIMIT_SECONDS:.0f} s: {job['progress']}")


def _call(server: Server, method: str, path: str, body: bytes | BinaryIO | None) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", server.http_port, timeout=120)
    with contextlib.closing(connection):
        kind = "application/json" if isinstance(body, bytes) else "text/csv"
        headers = {"Authorization": f"Bearer {server.key}", "Content-Type": kind}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        content = response.read()
    if response.status not in (200, 201):
        raise BenchError(f"{method} {path} was answered {response.status}: {content[:500].decode()}")
    answer: dict[str, Any] = json.loads(content)
    return answer


@contextlib.contextmanager
def _watch_memory(server: Server) -> Iterator[list[float]]:
    """The most memory of the gateway together with its readers, in MB, as the first and only entry grows."""
    peak = [peak_resident_mb(server.pid)]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            readers = (pid for pid in _children(server.pid) if _is_reader(pid))
            peak[0] = max(peak[0], resident_mb(server.pid) + sum(map(resident_mb, readers)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()


def _children(pid: int) -> list[int]:
    found = (read_times(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [each.pid for each in found if each is not None and each.parent == pid]


def _is_reader(pid: int) -> bool:
    try:
        return b"gateway.audience.importing" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _is_as_made(server: Server, first: dict[str, Any], again: dict[str, Any], rows: int) -> bool:
    refused = rows // _INVALID_EVERY
    people = first["new"]
    ((contacts,),) = server.postgres.fetch("SELECT count(*) FROM contact")
    ((members,),) = server.postgres.fetch("SELECT count(*) FROM list_member")
    ((consents,),) = server.postgres.fetch("SELECT count(*) FROM consent")
    return (
        first["refused"] == refused
        and people + first["duplicates"] + refused == rows
        and contacts == members == consents == people
        and (again["new"], again["updated"], again["unchanged"]) == (0, 0, people)
    )

"""Talks to the server's admin API over its unix socket; who calls is known to the server by the peer's uid.

Blocking and from the standard library, because a command makes one or two requests and should start at once.
Knows HTTP and problem documents, no endpoint's meaning.
"""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import urlencode

from gateway.commands.errors import AdminRefused, CommandError, ServerUnreachable, ServerWithoutDatabase

TIMEOUT_SECONDS = 30.0
"""A ledger over a large database takes seconds; nothing else takes one, but its full verification."""
_CHUNK_OCTETS: Final = 262_144

_T = TypeVar("_T")


class AdminClient:
    """One server's admin API. Each call opens its own connection."""

    def __init__(self, socket_path: Path, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.socket_path = socket_path
        self._timeout_seconds = timeout_seconds

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        """The JSON at `path`. Raises `ServerUnreachable` or `AdminRefused`."""
        return self._request("GET", path + ("?" + urlencode(query) if query else ""), None)

    def post(self, path: str, body: dict[str, object] | None = None) -> Any:
        return self._request("POST", path, body or {})

    def patch(self, path: str, body: dict[str, object]) -> Any:
        return self._request("PATCH", path, body)

    def delete(self, path: str, body: dict[str, object] | None = None) -> Any:
        return self._request("DELETE", path, body)

    def answers(self) -> bool:
        """Whether a server listens on the socket at all."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(self._timeout_seconds)
            try:
                channel.connect(str(self.socket_path))
            except OSError:
                return False
        return True

    def send_file(self, path: str, query: dict[str, str], file: BinaryIO) -> Any:
        """Post the octets of a file as they are; of a pipe too, whose length nobody knows."""
        headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
        chunks = iter(lambda: file.read(_CHUNK_OCTETS), b"")
        return _read_answer(*self._exchange("POST", f"{path}?{urlencode(query)}", chunks, headers))

    def download(self, path: str) -> bytes:
        """What stands at `path`, whatever it is."""
        status, content = self._exchange("GET", path, None, {})
        if status != http.HTTPStatus.OK:
            _read_answer(status, content)
        return content

    @contextmanager
    def stream(self, path: str, query: dict[str, str]) -> Iterator[Iterator[bytes]]:
        """The lines of an answer that goes on until somebody ends it. Raises as `get` does; a server that
        goes away in between ends the lines."""
        connection = _UnixConnection(self.socket_path, self._timeout_seconds)
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            response = self._begin(connection, "GET", target, None, {"Accept": "application/x-ndjson"})
            if response.status != http.HTTPStatus.OK:
                _read_answer(response.status, response.read())
            if connection.sock is not None:
                connection.sock.settimeout(None)  # nothing may pass for hours
            yield _read_lines(response)
        finally:
            connection.close()

    def _request(self, method: str, path: str, body: dict[str, object] | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        octets = None if body is None else json.dumps(body).encode()
        return _read_answer(*self._exchange(method, path, octets, headers))

    def _exchange(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """The status and body of the answer. Raises `ServerUnreachable`."""
        connection = _UnixConnection(self.socket_path, self._timeout_seconds)
        try:
            response = self._begin(connection, method, path, body, headers)
            return response.status, self._translate(response.read)
        finally:
            connection.close()

    def _begin(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        """Send a request and read the head of its answer. Raises `ServerUnreachable`."""

        def exchange() -> http.client.HTTPResponse:
            is_chunked = not isinstance(body, bytes | None)
            connection.request(method, path, body=body, headers=headers, encode_chunked=is_chunked)
            return connection.getresponse()

        return self._translate(exchange)

    def _translate(self, act: Callable[[], _T]) -> _T:
        """Do something with a connection; what goes wrong becomes `ServerUnreachable`."""
        try:
            return act()
        except TimeoutError as exc:
            raise ServerUnreachable(
                self.socket_path, f"no answer within {self._timeout_seconds:.0f} s"
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise ServerUnreachable(self.socket_path, _reason(exc)) from exc


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, socket_path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._socket_path))


def _reason(fault: Exception) -> str:
    if isinstance(fault, FileNotFoundError):
        return "the socket does not exist"
    if isinstance(fault, ConnectionRefusedError):
        return "the socket is left over from a server that is gone"
    if isinstance(fault, PermissionError):
        return "this user may not open it; use sudo, or be a member of its group"
    return str(fault) or type(fault).__name__


def _read_lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Whole lines; one that a server's end cut short is left out."""
    with suppress(OSError, http.client.HTTPException):
        while (line := response.readline()).endswith(b"\n"):
            yield line


def _read_answer(status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content) if content else None
    except ValueError as exc:
        raise CommandError(f"the server answered {status} with something that is not JSON") from exc
    if 200 <= status < 300:
        return answer
    problem = answer if isinstance(answer, dict) else {}
    if problem.get("code") == "store_unavailable":  # its `action` is for shops: it names a header
        raise ServerWithoutDatabase(status, "store_unavailable", str(problem.get("detail", "")))
    sentences = [str(problem[key]) for key in ("detail", "action") if problem.get(key)]
    detail = " ".join(sentences) or str(problem.get("title") or f"the server answered {status}")
    place = str(problem.get("path", "")).removeprefix("$.")
    detail = f"{place}: {detail}" if place else detail
    raise AdminRefused(status, str(problem.get("code", "")), detail)

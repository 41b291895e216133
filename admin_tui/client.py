"""HTTP to the admin API, over its unix socket or to an address with a token.

Owns connections, deadlines and the reading of problem documents. Never raises into a screen: whatever goes
wrong comes back as a `Failure` that says what to tell the person. Knows no endpoint's meaning.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

Json = dict[str, Any]
Query = Mapping[str, str | int | None]

TIMEOUT_SECONDS: Final = 15.0
"""For one answer; nothing that a screen asks takes longer on a healthy server."""
LONG_TIMEOUT_SECONDS: Final = 600.0
"""For files, and for the ledger over a large database."""
_UNENDING: Final = aiohttp.ClientTimeout(total=None, connect=TIMEOUT_SECONDS)
_CHUNK_OCTETS: Final = 256 * 1024


class FailureKind(Enum):
    """What a screen does about it."""

    AWAY = "away"
    """Nobody answered: keep what is shown, dimmed, and ask again."""
    REFUSED = "refused"
    """The server said no, with a sentence for the person."""
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    """Somebody else changed it, or its state does not allow it."""
    BROKEN = "broken"
    """An answer that is none: a bug there or here."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no success. `path` is the field at fault, without its `$.`; `code` is stable."""

    kind: FailureKind
    sentence: str
    code: str = ""
    path: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the admin API listens: a unix socket, or an address with a token."""

    socket_path: Path | None = None
    url: str = "http://estafette"
    token: str = ""

    def __str__(self) -> str:
        return self.url if self.socket_path is None else str(self.socket_path)


class ApiClient:
    """One server's admin API. Use it inside one event loop; `aclose` ends its connections."""

    def __init__(
        self, address: ServerAddress, *, language: str = "en", timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.address = address
        self.language = language
        self._timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, query: Query | None = None, *, is_long: bool = False) -> Json | Failure:
        """The JSON object at `path`. `is_long` allows minutes instead of seconds."""
        return await self._ask("GET", path, query=query, is_long=is_long)

    async def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, query: Query | None = None
    ) -> Json | Failure:
        return await self._ask("POST", path, query=query, body=dict(body or {}))

    async def patch(self, path: str, body: Mapping[str, Any]) -> Json | Failure:
        return await self._ask("PATCH", path, body=dict(body))

    async def delete(
        self, path: str, body: Mapping[str, Any] | None = None, *, query: Query | None = None
    ) -> Json | Failure:
        return await self._ask("DELETE", path, query=query, body=None if body is None else dict(body))

    async def upload(
        self,
        path: str,
        source: Path | bytes,
        *,
        query: Query | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> Json | Failure:
        """Post a file's octets as they are. `on_progress` is told how many have left so far."""
        try:
            size = len(source) if isinstance(source, bytes) else await asyncio.to_thread(_size_of, source)
        except OSError as exc:
            return Failure(FailureKind.REFUSED, _reason(exc))
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        octets = _read_chunks(source, on_progress)
        return await self._ask("POST", path, query=query, octets=octets, headers=headers, is_long=True)

    async def download(self, path: str, destination: Path, *, query: Query | None = None) -> int | Failure:
        """Save the answer's octets at `destination`, which must not exist yet; returns how many."""
        try:
            async with self._open("GET", path, query, None, {}, is_long=True) as response:
                if response.status >= 300:
                    return read_failure(response.status, await response.read())
                size = 0
                with destination.open("xb") as file:
                    async for chunk in response.content.iter_chunked(_CHUNK_OCTETS):
                        await asyncio.to_thread(file.write, chunk)
                        size += len(chunk)
                return size
        except (aiohttp.ClientError, TimeoutError) as exc:
            return Failure(FailureKind.AWAY, _reason(exc))
        except OSError as exc:
            return Failure(FailureKind.REFUSED, _reason(exc))

    async def stream(
        self, path: str, query: Query | None = None
    ) -> AsyncGenerator[Sequence[Json] | Failure, None]:
        """The objects of an answer that goes on, a line each, as they come: an empty list once it has begun.

        A `Failure` is the last that it gives; without one the server ended the answer.
        """
        rest = b""
        try:
            async with self._open("GET", path, query, None, {}, timeout=_UNENDING) as response:
                if response.status >= 300:
                    yield read_failure(response.status, await response.read())
                    return
                yield ()
                async for octets in response.content.iter_any():
                    *lines, rest = (rest + octets).split(b"\n")
                    if lines:
                        yield [json.loads(line) for line in lines]
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            yield Failure(FailureKind.AWAY, _reason(exc))
        except ValueError:
            yield Failure(FailureKind.BROKEN, "no JSON")

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Json | None = None,
        octets: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        is_long: bool = False,
    ) -> Json | Failure:
        data = octets if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if body is not None else dict(headers or {})
        try:
            async with self._open(method, path, query, data, sent, is_long=is_long) as response:
                return read_answer(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return Failure(FailureKind.AWAY, _reason(exc))

    def _open(
        self,
        method: str,
        path: str,
        query: Query | None,
        data: bytes | AsyncIterator[bytes] | None,
        headers: Mapping[str, str],
        *,
        is_long: bool = False,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> Any:
        if self._session is None:
            self._session = _make_session(self.address)
        seconds = LONG_TIMEOUT_SECONDS if is_long else self._timeout_seconds
        wanted = {name: str(value) for name, value in (query or {}).items() if value not in (None, "")}
        return self._session.request(
            method,
            URL(self.address.url.rstrip("/") + path, encoded=True).with_query(wanted),
            data=data,
            headers={"Accept-Language": self.language, **headers},
            timeout=timeout or aiohttp.ClientTimeout(total=seconds),
            allow_redirects=False,
        )


def _make_session(address: ServerAddress) -> aiohttp.ClientSession:
    headers = {"Accept": "application/json"}
    if address.token:
        headers["Authorization"] = f"Bearer {address.token}"
    connector = (
        aiohttp.TCPConnector(limit=8)
        if address.socket_path is None
        else aiohttp.UnixConnector(str(address.socket_path), limit=8)
    )
    return aiohttp.ClientSession(connector=connector, headers=headers)


def _size_of(path: Path) -> int:
    return path.stat().st_size


async def _read_chunks(
    source: Path | bytes, on_progress: Callable[[int], None] | None
) -> AsyncIterator[bytes]:
    done = 0
    if isinstance(source, bytes):
        yield source
        done = len(source)
    else:
        with source.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_OCTETS):
                yield chunk
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done)
    if on_progress is not None:
        on_progress(done)


def read_answer(status: int, content: bytes) -> Json | Failure:
    """The object of a success, or the failure that a problem document (RFC 9457) tells."""
    if status >= 300:
        return read_failure(status, content)
    if not content:
        return {}
    try:
        answer = json.loads(content)
    except ValueError:
        return Failure(FailureKind.BROKEN, f"{status}, no JSON", status=status)
    return answer if isinstance(answer, dict) else Failure(FailureKind.BROKEN, "no JSON object")


_KINDS: Final = {
    403: FailureKind.FORBIDDEN,
    401: FailureKind.FORBIDDEN,
    404: FailureKind.NOT_FOUND,
    409: FailureKind.CONFLICT,
    502: FailureKind.AWAY,
    503: FailureKind.AWAY,
    504: FailureKind.AWAY,
}


def read_failure(status: int, content: bytes) -> Failure:
    """What an answer of this status says went wrong."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    kind = _KINDS.get(status, FailureKind.BROKEN if status >= 500 else FailureKind.REFUSED)
    sentences = [str(problem[key]) for key in ("detail", "action") if problem.get(key)]
    sentence = " ".join(sentences) or str(problem.get("title") or status)
    path = str(problem.get("path", "")).removeprefix("$.")
    return Failure(kind, sentence, code=str(problem.get("code", "")), path=path, status=status)


def _reason(fault: BaseException) -> str:
    cause = getattr(fault, "os_error", None) or fault
    if isinstance(cause, OSError) and cause.strerror:
        return str(cause.strerror)
    return str(fault) or type(fault).__name__

"""The other workers of this server, asked at their admin sockets for what only they know: figures and PDUs.

Owns how they are reached and that one which does not answer is left out. Their sockets are open to the
gateway's own user alone, an operator there, so whoever asks on behalf of a caller decides what that caller
may see.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

import aiohttp

_ASK_SECONDS: Final = 2.0
"""For a worker that is being started, or that stands still: monitoring waits 10 s in all, as a rule."""
_ASK: Final = aiohttp.ClientTimeout(total=_ASK_SECONDS)
_LISTEN: Final = aiohttp.ClientTimeout(total=None, sock_connect=_ASK_SECONDS)
_HOST: Final = "http://worker"
_UNREACHABLE: Final = (aiohttp.ClientError, OSError, TimeoutError)


class Siblings:
    """`sockets` by the number of the worker; none for a server of one process."""

    def __init__(self, sockets: Mapping[int, Path]) -> None:
        self._sockets = sockets

    def __bool__(self) -> bool:
        return bool(self._sockets)

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> dict[int, bytes | None]:
        """The body that each answers at `path`; None for one that does not answer with success."""
        answers = await asyncio.gather(*(_ask(each, path, query or {}) for each in self._sockets.values()))
        return dict(zip(self._sockets, answers, strict=True))

    async def relay(
        self, path: str, query: Mapping[str, str], write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Write the lines that come from each at `path` as they come, whole ones only, until all have ended.
        Raises what `write` raises."""
        tasks = [asyncio.create_task(_relay(each, path, query, write)) for each in self._sockets.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _open_session(path: Path, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(_HOST, connector=aiohttp.UnixConnector(str(path)), timeout=timeout)


async def _ask(socket_path: Path, path: str, query: Mapping[str, str]) -> bytes | None:
    try:
        async with (
            _open_session(socket_path, _ASK) as session,
            session.get(path, params=query, raise_for_status=True) as response,
        ):
            return await response.read()
    except _UNREACHABLE:
        return None


async def _relay(
    socket_path: Path, path: str, query: Mapping[str, str], write: Callable[[bytes], Awaitable[None]]
) -> None:
    async with aclosing(_read_lines(socket_path, path, query)) as blocks:
        async for lines in blocks:
            await write(lines)


async def _read_lines(socket_path: Path, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
    """Whole lines, some at a time, until the worker ends them or goes away."""
    rest = b""
    try:
        async with (
            _open_session(socket_path, _LISTEN) as session,
            session.get(path, params=query, raise_for_status=True) as response,
        ):
            async for octets in response.content.iter_any():
                lines, newline, rest = (rest + octets).rpartition(b"\n")
                if newline:
                    yield lines + newline
    except _UNREACHABLE:
        return

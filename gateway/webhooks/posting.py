"""One signed HTTP post and the answer to it, within limits that a hostile receiver cannot stretch.

Owns the HTTP client: no redirects, no cookies, no proxies, no decompression, 4 kB of any answer, checked
addresses only. Knows no row and no retry.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from yarl import URL

from gateway.domain.printable import make_printable
from gateway.webhooks.errors import TargetRefused
from gateway.webhooks.targets import GuardedResolver

MAX_ANSWER_OCTETS = 4096
_BODY_SECONDS = 1.0
"""For the rest of an answer whose status is known; longer, and the connection is closed."""
_SHOWN_ANSWER_CHARACTERS = 200
_SHOWN_FAULT_CHARACTERS = 300
_DNS_CACHE_SECONDS = 30
_KEEPALIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a post. `status` None: no answer; `fault` then says why, else what the answer said."""

    status: int | None
    fault: str | None
    retry_after: str | None = None


class Poster:
    """Posts bodies; used as an async context manager. `timeout_seconds` covers DNS question to answer."""

    def __init__(
        self, *, timeout_seconds: float, concurrency: int, allow_private: bool, version: str
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._concurrency = concurrency
        self._allow_private = allow_private
        self._user_agent = f"Estafette/{version}"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Poster":
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(allow_private=self._allow_private),
            limit=self._concurrency,
            ttl_dns_cache=_DNS_CACHE_SECONDS,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
            auto_decompress=False,
            trust_env=False,
            headers={"user-agent": self._user_agent, "content-type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: URL, *, body: bytes, headers: dict[str, str]) -> Answer:
        """Post once. Whatever the network or the receiver does comes back as an `Answer`."""
        if self._session is None:
            raise RuntimeError("the poster is used inside its context")
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return await _read_answer(response)
        except TargetRefused as exc:
            return Answer(None, str(exc))
        except TimeoutError:
            return Answer(None, f"no answer within {self._timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            # ValueError: certificates and host names that do not parse.
            return Answer(None, make_printable(f"{type(exc).__name__}: {exc}")[:_SHOWN_FAULT_CHARACTERS])


async def _read_answer(response: aiohttp.ClientResponse) -> Answer:
    """The status counts as soon as it is here; the body is only ever a hint for people."""
    start = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while len(start) < MAX_ANSWER_OCTETS and not response.content.at_eof():
                start += await response.content.read(MAX_ANSWER_OCTETS - len(start))
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    if not response.content.at_eof():
        response.close()
    if 200 <= response.status < 300:
        return Answer(response.status, None)
    said = make_printable(bytes(start).decode("utf-8", "replace"))[:_SHOWN_ANSWER_CHARACTERS]
    fault = f"answered {response.status}" + (f": {said}" if said else "")
    if 300 <= response.status < 400:
        fault = f"answered {response.status}; redirects are not followed, give the final URL"
    return Answer(response.status, fault, response.headers.get("retry-after"))

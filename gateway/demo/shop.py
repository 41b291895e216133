"""The demonstration's shop at work: it sends its customers their texts over the API and watches them arrive.

Speaks HTTP with a key, as any shop would; knows nothing else of the gateway.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

import aiohttp

from gateway.demo.customers import Customer
from gateway.demo.errors import DemoError

SENDER: Final = "ECLUSES"
ENDED: Final = ("delivered", "failed", "expired", "cancelled", "blocked", "unknown")
"""States in which a message rests; in the order in which they are told."""

_PAGE: Final = 200
_POLL_SECONDS: Final = 0.25
_REQUEST_SECONDS: Final = 30.0


class DemoShop:
    """One shop with one key. Use it as long as `session` is open."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    async def send(self, texts: Sequence[tuple[Customer, str]], reference: str) -> int:
        """Send everyone their text in one batch; how many were taken in. `DemoError` if any was refused."""
        messages = [
            {"to": customer.phone, "from": SENDER, "text": text, "client_reference": reference}
            for customer, text in texts
        ]
        answer = await self.call("POST", "/v1/messages/batch", json={"messages": messages})
        if answer["refused"]:
            problem = next(item["problem"] for item in answer["messages"] if item["problem"])
            raise DemoError(f"{answer['refused']} texts were refused; the first: {problem['detail']}")
        return int(answer["accepted"])

    async def watch(
        self,
        reference: str,
        total: int,
        show: Callable[[int, Mapping[str, int]], None],
        *,
        deadline_seconds: float,
    ) -> Counter[str]:
        """Count the messages by state until all rest, or until the deadline; the last count is returned."""
        try:
            async with asyncio.timeout(deadline_seconds):
                while True:
                    counts = await self._count_states(reference)
                    finished = sum(counts[state] for state in ENDED)
                    show(finished, {state: counts[state] for state in ("queued", "sending", "sent", *ENDED)})
                    if finished >= total:
                        return counts
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            return await self._count_states(reference)

    async def _count_states(self, reference: str) -> Counter[str]:
        found = self.list_messages({"client_reference": reference})
        return Counter([message["state"] async for message in found])

    async def list_messages(self, wanted: Mapping[str, str]) -> AsyncIterator[Any]:
        """Every message that answers to `wanted`, newest first, page by page."""
        query = {**wanted, "limit": str(_PAGE)}
        while True:
            page = await self.call("GET", "/v1/messages", params=query)
            for message in page["messages"]:
                yield message
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    async def call(self, method: str, path: str, **request: Any) -> Any:
        """The answer to one request, as JSON. Raises `DemoError` with what the server said against it."""
        timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
        async with self._session.request(
            method, self._url + path, headers=self._headers, timeout=timeout, **request
        ) as response:
            answer = await response.json()
            if response.status >= 400:
                raise DemoError(
                    f"{method} {path} was answered {response.status}: {answer.get('detail', answer)}"
                )
            return answer

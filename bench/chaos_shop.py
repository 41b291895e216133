"""The shop of `bench chaos`: sends every message once, and asks again until it has an answer.

Single requests and batches, over as many connections as callers; each request has an Idempotency-Key of its
own and is repeated with it, byte for byte, at whichever server answers, until the answer is 202. What was
answered so is what the gateway has promised.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

import aiohttp

from bench.errors import BenchError
from bench.recipients import number_of
from gateway.domain.public_ids import decode_public_id

CALLERS: Final = 16
_TICK_SECONDS: Final = 0.02
_ANSWER_SECONDS: Final = 6.0
"""After which a caller takes a request for unanswered and repeats it."""
_REPEAT_SECONDS: Final = (0.05, 0.3)
_LONGEST_WAIT_SECONDS: Final = 1.0
"""Of what Retry-After asks: a shop with customers waiting asks again."""
_SINGLES: Final = 0.7
"""Share of requests that carry one message."""
_BATCH: Final = (5, 40)
_TO_BE_REPEATED: Final = frozenset({409, 429, 500, 502, 503, 504})


class _Request(NamedTuple):
    key: str
    path: str
    body: bytes
    serials: range


class ChaosShop:
    """Sends `messages` in all, as many a second as `pace` says for what is left."""

    def __init__(
        self, ports: Sequence[int], key: str, messages: int, *, pace: Callable[[int], float], random: Random
    ) -> None:
        self._ports = ports
        self._key = key
        self._messages = messages
        self._pace = pace
        self._random = random
        self._next_serial = 0
        self._waiting: asyncio.Queue[_Request | None] = asyncio.Queue(CALLERS)
        self.accepted: dict[int, int] = {}
        """Serial and message id of everything that was answered 202."""
        self.begun_at: dict[int, float] = {}
        """Unix seconds at which a serial was first asked for."""
        self.answers: Counter[str] = Counter()
        """By status; `none` where no answer came."""
        self.replayed = 0
        """Requests whose first answer was lost and came again."""

    @property
    def messages_left(self) -> int:
        return self._messages - self._next_serial

    async def run(self) -> None:
        """Return when every message was answered 202. Raises `BenchError` for an answer of another kind."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        async with (
            aiohttp.ClientSession(
                timeout=timeout, headers={"Authorization": f"Bearer {self._key}"}
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            for caller in range(CALLERS):
                group.create_task(self._call(session, caller))
            await self._make_requests()

    async def _make_requests(self) -> None:
        """Hand out requests at the pace; what callers could not take in time is not made up for."""
        allowed = 0.0
        while self.messages_left:
            allowed = min(allowed + self._pace(self.messages_left) * _TICK_SECONDS, float(_BATCH[1]))
            while allowed >= 1 and self.messages_left:
                request = self._make_request()
                allowed -= len(request.serials)  # below nothing after a batch: the next request waits longer
                await self._waiting.put(request)
            await asyncio.sleep(_TICK_SECONDS)
        for _ in range(CALLERS):
            await self._waiting.put(None)

    def _make_request(self) -> _Request:
        size = 1 if self._random.random() < _SINGLES else self._random.randint(*_BATCH)
        first = self._next_serial
        self._next_serial = min(first + size, self._messages)
        serials = range(first, self._next_serial)
        items = [
            {"to": number_of(serial), "from": "ESTAFETTE", "text": text_of(serial)} for serial in serials
        ]
        key = f"chaos-{first}"
        if size == 1:
            return _Request(key, "/v1/messages", json.dumps(items[0]).encode(), range(first, first + 1))
        return _Request(key, "/v1/messages/batch", json.dumps({"messages": items}).encode(), serials)

    async def _call(self, session: aiohttp.ClientSession, caller: int) -> None:
        turn = caller
        while (request := await self._waiting.get()) is not None:
            now = time.time()
            for serial in request.serials:
                self.begun_at[serial] = now
            while (wait_seconds := await self._ask(session, turn, request)) is not None:
                turn += 1  # another server, where there is one
                await asyncio.sleep(wait_seconds)

    async def _ask(self, session: aiohttp.ClientSession, turn: int, request: _Request) -> float | None:
        """Ask once; None when it is answered, else the seconds to wait before asking again."""
        url = f"http://127.0.0.1:{self._ports[turn % len(self._ports)]}{request.path}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": request.key}
        try:
            async with session.post(url, data=request.body, headers=headers) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.answers["none"] += 1
            return self._random.uniform(*_REPEAT_SECONDS)
        self.answers[str(response.status)] += 1
        if response.status in _TO_BE_REPEATED:
            asked = float(response.headers.get("Retry-After", "0"))
            return min(_LONGEST_WAIT_SECONDS, max(asked, self._random.uniform(*_REPEAT_SECONDS)))
        if response.status != 202:
            raise BenchError(f"{request.path} was answered {response.status}: {content[:500].decode()}")
        self.replayed += "Idempotent-Replayed" in response.headers
        self._note_accepted(request, json.loads(content))
        return None

    def _note_accepted(self, request: _Request, answer: dict[str, object]) -> None:
        items = answer.get("messages", [{"message": answer}])
        assert isinstance(items, list)
        if len(items) != len(request.serials):
            raise BenchError(f"{len(request.serials)} messages were asked for, {len(items)} answered")
        for serial, item in zip(request.serials, items, strict=True):
            if "message" not in item:
                raise BenchError(f"message {serial} was refused: {item}")
            self.accepted[serial] = decode_public_id("msg", item["message"]["id"])


def text_of(serial: int) -> str:
    return f"chaos {serial:06d}"

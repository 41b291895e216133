"""One answer for one idempotency key: the gate in front of a request that carries one.

Owns which keys are being worked on in this process, and what a repeat gets. The durable half, which also
holds between processes, is the row that `store.intake` writes with the messages.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from gateway.intake.refusals import Refusal, RefusalCode
from gateway.store.keyed_answers import KeyedAnswer

_FORM = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to send, byte for byte; `is_replay` when it was first given to an earlier request."""

    status: int
    body: bytes
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A key as it is stored, and the hash of what was asked under it."""

    shop_id: int
    key: str
    body_sha256: bytes

    def answer(self, reply: Reply) -> KeyedAnswer:
        return KeyedAnswer(self.shop_id, self.key, self.body_sha256, reply.status, reply.body)


def read_request_key(
    header: str, *, shop_id: int, is_test: bool, target: str, body: bytes
) -> RequestKey | Refusal:
    """The key in an `Idempotency-Key` header; `target` is the method and path that it was sent to.

    Test and live keys have key spaces of their own, as they have messages of their own.
    """
    if _FORM.fullmatch(header) is None:
        return Refusal(
            RefusalCode.INVALID_IDEMPOTENCY_KEY,
            "",
            "An idempotency key has 1 to 255 visible ASCII characters.",
            "Send a random one, such as a UUID, new for each message.",
        )
    digest = sha256(target.encode() + b"\n" + body).digest()
    return RequestKey(shop_id, f"{'test' if is_test else 'live'}:{header}", digest)


IN_USE = Refusal(
    RefusalCode.IDEMPOTENCY_KEY_IN_USE,
    "",
    "The first request with this key is still being worked on.",
    "Send the same request again in a second.",
)
_REUSED = Refusal(
    RefusalCode.IDEMPOTENCY_KEY_REUSED,
    "",
    "This key was used for another request within the last 24 hours.",
    "Use a new key for a new request; repeat an old one with the same body.",
)


class KeyGate:
    """Keeps requests with one key apart, and answers repeats from what was stored."""

    def __init__(self, read: Callable[[RequestKey], Awaitable[KeyedAnswer | None]]) -> None:
        self._read = read
        self._held: set[tuple[int, str]] = set()

    @contextmanager
    def hold(self, key: RequestKey) -> Iterator[bool]:
        """False when another request of this process holds the key."""
        name = (key.shop_id, key.key)
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)

    async def find_answer(self, key: RequestKey) -> Reply | Refusal | None:
        """The answer that a repeat gets; None when nothing is stored under the key."""
        kept = await self._read(key)
        if kept is None:
            return None
        if kept.body_sha256 != key.body_sha256:
            return _REUSED
        return Reply(kept.status, kept.answer, is_replay=True)

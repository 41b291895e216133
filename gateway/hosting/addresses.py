"""TCP addresses that several processes of one server listen on together.

Knows sockets and nothing of what is spoken on them.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from gateway.hosting.errors import AddressTaken


@contextlib.contextmanager
def reserve_address(host: str, port: int) -> Iterator[None]:
    """Keep `host`:`port` for listeners of ours that say SO_REUSEPORT; nobody connects to what is kept here.

    It is taken as a lone server takes it, so that an address of another is refused as ever, and opened to
    sockets of this user only then: the kernel asks each bound socket at the time of another's bind. Raises
    `OSError`.
    """
    with contextlib.ExitStack() as held:
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                _bind(held.enter_context(socket.socket(family, kind, protocol)), address)
        except OSError as exc:
            raise AddressTaken(host, port, exc) from exc
        yield


def _bind(keeper: socket.socket, address: object) -> None:
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if keeper.family == socket.AF_INET6:
        keeper.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    keeper.bind(address)  # type: ignore[arg-type]  # as getaddrinfo gives it, of either family
    # Once it is bound SO_REUSEADDR would only let strangers in while none of ours listens.
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

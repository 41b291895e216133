"""Where the octets of one connection go, and how many of them are out of our hands afterwards.

Owns the way to the kernel: past the event loop's transport where requests stand behind a gate, through it
elsewhere. Refuses to know PDUs and the gate: `Outbox` asks it, right before each call of `take`.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from struct import Struct
from typing import Final, Protocol

_SO_MEMINFO: Final = 55
"""asm-generic/socket.h of Linux; Python has no name for it."""
_MEMINFO: Final = Struct("=9I")
_SNDBUF: Final = 3
_WMEM_QUEUED: Final = 5
"""Places in what SO_MEMINFO gives, linux/sock_diag.h."""
_SHARE_OF_FREE: Final = 4
"""A quarter of the free memory surely takes what is handed over: the kernel also counts its own structures,
which at worst double what is kept, and a turn of the loop may write twice before uvloop asks the kernel."""
_SMALL_WRITE_OCTETS: Final = 4096
"""Where the kernel does not say how much is free: about the least that a writable TCP socket takes."""


class Outlet(Protocol):
    """Takes octets in order, never waits."""

    fault: OSError | None
    """Why the connection can be written to no more. From then on nothing is taken."""

    def take(self, octets: bytes) -> int:
        """Hand over `octets` from the first on; return how many were. The rest is still the caller's."""

    def call_when_writable(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever more can be taken, until `stop_calling`. To ask again changes nothing."""

    def stop_calling(self) -> None:
        """Nobody waits any more."""

    def close(self) -> None:
        """Give back what belongs to the outlet. The connection itself is the transport's."""


class TransportOutlet:
    """Through the event loop's transport, which takes everything and writes it in its own time: for sessions
    whose requests need no leave."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.fault: OSError | None = None

    def take(self, octets: bytes) -> int:
        self._transport.write(octets)
        return len(octets)

    def call_when_writable(self, callback: Callable[[], None]) -> None:
        """Nothing is left over, so nobody waits."""

    def stop_calling(self) -> None:
        """There is no call to stop."""

    def close(self) -> None:
        """Everything is the transport's."""


class _SocketOutlet:
    """What the outlets with a connected socket share: a descriptor of their own for it.

    Of their own, because the loop allows nobody to wait on a transport's descriptor, and because its number
    may be another connection's once the transport has closed it. Raises `OSError` when there are no
    descriptors left.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        self._socket.setblocking(False)
        self._loop = loop
        self._is_calling = False
        self.fault: OSError | None = None

    def call_when_writable(self, callback: Callable[[], None]) -> None:
        if not self._is_calling:
            self._is_calling = True
            self._loop.add_writer(self._socket.fileno(), callback)

    def stop_calling(self) -> None:
        if self._is_calling:
            self._is_calling = False
            self._loop.remove_writer(self._socket.fileno())

    def close(self) -> None:
        self.stop_calling()
        self._socket.close()


class KernelOutlet(_SocketOutlet):
    """Straight to the kernel, past the transport, which then has nothing to write.

    A transport keeps what the kernel does not take and writes it when it can, and uvloop's writes at the end
    of the loop's turn: after a pause of this process both would hand over octets under a lease that was
    lost meanwhile.
    """

    def take(self, octets: bytes) -> int:
        if self.fault is not None:
            return 0
        try:
            return self._socket.send(octets)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as exc:
            self.fault = exc
            return 0


class TlsOutlet(_SocketOutlet):
    """Through the transport, which encrypts, and only as much as the kernel surely takes at once, so that
    neither the transport nor the TLS below it keeps any.

    What remains: uvloop hands the records over at the end of the loop's turn, microseconds to milliseconds
    after the gate was asked. A process that is stopped exactly there lets out what that turn wrote, once. On
    asyncio's own loop the octets are with the kernel when `take` returns.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(transport, loop)
        self._transport = transport

    def take(self, octets: bytes) -> int:
        if self._transport.get_write_buffer_size():
            return 0
        taken = min(self._free_octets(), len(octets))
        if taken:
            self._transport.write(octets[:taken])
        return taken

    def _free_octets(self) -> int:
        if sys.platform != "linux":
            return _SMALL_WRITE_OCTETS
        try:
            answer = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return _SMALL_WRITE_OCTETS
        memory: tuple[int, ...] = _MEMINFO.unpack(answer)
        return max(0, memory[_SNDBUF] - memory[_WMEM_QUEUED]) // _SHARE_OF_FREE


def open_outlet(transport: asyncio.Transport, *, is_gated: bool) -> Outlet:
    """The outlet for a connection that was just made. `is_gated` says that requests need leave.

    A connection without a socket, as the tests have, is written to as one without a gate. Raises `OSError`
    when there are no descriptors left.
    """
    if not is_gated or transport.get_extra_info("socket") is None:
        return TransportOutlet(transport)
    loop = asyncio.get_running_loop()
    if transport.get_extra_info("sslcontext") is not None:
        return TlsOutlet(transport, loop)
    return KernelOutlet(transport, loop)

"""Stands between a session and its connection, and makes the wire as bad as the profile says.

Owns when octets are written and in which pieces, and connections that are dead without being closed. What
happens to a PDU is decided in `bending.py`.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from struct import Struct
from typing import Any, Final, cast

from gateway.session.session import Session
from gateway.simulator.bending import PduBender
from gateway.simulator.profile import Profile
from gateway.smpp.framing import Framer

_unpack_length: Final = Struct(">I").unpack_from
_RESET_ON_CLOSE: Final = Struct("ii").pack(1, 0)
"""SO_LINGER on, zero seconds: closing sends RST and forgets what was not sent."""

_QUEUED_OCTETS_MOST: Final = 256 * 1024
"""Octets waiting for their moment, above which the session is asked to hold back its requests."""


class Wire(asyncio.Protocol):
    """The connection's protocol in place of `session`, which sees a transport of ours in place of its own."""

    def __init__(self, session: Session, profile: Profile) -> None:
        rules = profile.wire
        self._session = session
        self._bender = PduBender(profile)
        self._piece_octets = rules.write_octets
        self._gather_seconds = rules.gather_ms / 1000
        self._delay_seconds = rules.delay_ms / 1000
        self._framer = Framer() if rules.high_numbers or rules.receipts_on_transmitters else None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._delayed: deque[bytes] = deque()
        self._gathered: list[bytes] = []
        self._pieces: deque[bytes] = deque()
        self._queued_octets = 0
        self._is_held_back = False
        self._is_closing = False
        self._is_silent = False

    # What the simulator asks.

    def go_silent(self) -> None:
        """From now on nothing is read and nothing is written, and the connection stays open."""
        self._is_silent = True

    def reset(self) -> None:
        """Reset the connection; the client loses what it has not read yet."""
        if self._transport is None:
            return
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._session.abort("reset by the simulator")

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._session.connection_made(WireTransport(self, self._transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._session.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_silent:
            return
        if self._framer is None:
            self._session.data_received(data)
            return
        buffer, frames = self._framer.feed(data)
        if self._framer.fault is not None:  # not SMPP: the session is to see it as it came
            self._session.data_received(data)
            return
        if frames:
            self._session.data_received(
                b"".join(self._bender.bend_in(buffer[frame[3] : frame[4]]) for frame in frames)
            )

    def pause_writing(self) -> None:
        self._session.pause_writing()

    def resume_writing(self) -> None:
        self._session.resume_writing()

    # What the session writes.

    @property
    def is_transmitter(self) -> bool:
        """Whether the client has bound as a transmitter, which the session takes for a transceiver."""
        return self._bender.is_transmitter

    @property
    def is_closing(self) -> bool:
        """Whether the session has asked for the end."""
        return self._is_closing

    def write(self, octets: bytes) -> None:
        """Take whole PDUs, and let them go out in their time."""
        if self._is_silent:
            return
        bent = b"".join(self._bender.bend_out(pdu) for pdu in _cut_pdus(octets))
        self._queued_octets += len(bent)
        if self._queued_octets > _QUEUED_OCTETS_MOST and not self._is_held_back:
            self._is_held_back = True
            self._session.pause_writing()
        if not self._delay_seconds:
            self._gather(bent)
            return
        self._delayed.append(bent)
        self._loop.call_later(self._delay_seconds, self._end_delay)

    def close(self) -> None:
        """Close once everything is written."""
        self._is_closing = True
        self._settle()

    def _end_delay(self) -> None:
        self._gather(self._delayed.popleft())

    def _gather(self, octets: bytes) -> None:
        if not self._gather_seconds:
            self._emit(octets)
            return
        if not self._gathered:
            self._loop.call_later(self._gather_seconds, self._end_gathering)
        self._gathered.append(octets)

    def _end_gathering(self) -> None:
        octets = b"".join(self._gathered)
        self._gathered.clear()
        self._emit(octets)

    def _emit(self, octets: bytes) -> None:
        size = self._piece_octets
        if size is None:
            self._write_now(octets)
            self._settle()
            return
        is_idle = not self._pieces
        self._pieces.extend(octets[start : start + size] for start in range(0, len(octets), size))
        if is_idle:
            self._write_piece()

    def _write_piece(self) -> None:
        """One piece a turn of the loop, so that a client in this process too gets each by itself."""
        if self._pieces:
            self._write_now(self._pieces.popleft())
            self._loop.call_soon(self._write_piece)
        else:
            self._settle()

    def _write_now(self, octets: bytes) -> None:
        self._queued_octets -= len(octets)
        if self._transport is not None and not self._is_silent:
            self._transport.write(octets)

    def _settle(self) -> None:
        """After a write: let the session go on, or close when that was the last."""
        if self._queued_octets:
            return
        if self._is_held_back:
            self._is_held_back = False
            self._session.resume_writing()
        if self._is_closing and self._transport is not None:
            self._transport.close()


class WireTransport(asyncio.Transport):
    """What a session takes for its connection."""

    def __init__(self, wire: Wire, inner: asyncio.Transport) -> None:
        super().__init__()
        self._wire = wire
        self._inner = inner

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._wire.write(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._wire.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._wire.is_closing or self._inner.is_closing()

    def close(self) -> None:
        self._wire.close()

    def abort(self) -> None:
        self._inner.abort()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def is_reading(self) -> bool:
        return self._inner.is_reading()

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()


def _cut_pdus(octets: bytes) -> Iterable[bytes]:
    """The PDUs in what a session writes: always whole ones."""
    start = 0
    while start < len(octets):
        end = start + _unpack_length(octets, start)[0]
        yield octets[start:end]
        start = end

"""Bytes of a TCP stream to whole PDUs. Owns the rest of a PDU that has not fully arrived, and the length cap.

Refuses to know what is inside a PDU beyond its 16-octet header (SMPP 3.4 §3.2). Any cut of the same stream
gives the same frames: TCP splits anywhere, also inside the four length octets (quirk 1).
"""

from struct import Struct
from typing import Final, TypeAlias

from gateway.smpp.constants import HEADER_OCTETS
from gateway.smpp.errors import StreamLost

MAX_PDU_OCTETS: Final = 66_000
"""A 64 KiB `message_payload` with its headers fits (quirk 2). Beyond it a length is taken for garbage, not a
wish.
"""

Frame: TypeAlias = tuple[int, int, int, int, int]
"""command_id, command_status, sequence_number, first octet, octet after the last: a window on the buffer.
A plain tuple, since one is made per PDU: a frozen dataclass of five takes ten times as long."""

_unpack_header: Final = Struct(">IIII").unpack_from
_unpack_length: Final = Struct(">I").unpack_from


class Framer:
    """Collects a stream and gives back its whole PDUs.

    After `fault` is set every later byte is ignored; the frames before the fault are still given, so the same
    stream has the same outcome however it was cut.
    """

    __slots__ = ("_chunks", "_held_octets", "_most", "_needed_octets", "fault")

    def __init__(self, *, max_pdu_octets: int = MAX_PDU_OCTETS) -> None:
        self._most = max_pdu_octets
        self._chunks: list[bytes] = []
        self._held_octets = 0
        self._needed_octets = 0
        self.fault: StreamLost | None = None

    @property
    def held_octets(self) -> int:
        """Octets of a PDU that is still arriving. Never more than the cap plus one read."""
        return self._held_octets

    def feed(self, data: bytes) -> tuple[bytes, list[Frame]]:
        """Add `data`; return a buffer and the frames of all whole PDUs in it, in order.

        The caller slices the buffer itself, which saves a copy per PDU.
        """
        if self.fault is not None:
            return b"", []
        if self._chunks:
            # Chunks are joined only once the awaited PDU is complete: one join per PDU instead of one per
            # read. Joining at each read made a 64 KiB PDU sent octet by octet cost 2 GiB of copying.
            self._chunks.append(data)
            self._held_octets += len(data)
            if self._held_octets < self._needed_octets:
                return b"", []
            data = b"".join(self._chunks)
            self._chunks.clear()
            self._held_octets = 0
        frames: list[Frame] = []
        append = frames.append
        most = self._most
        start = 0
        available = len(data)
        while available - start >= HEADER_OCTETS:
            command_length, command_id, command_status, sequence_number = _unpack_header(data, start)
            if not HEADER_OCTETS <= command_length <= most:
                break
            end = start + command_length
            if end > available:
                break
            append((command_id, command_status, sequence_number, start, end))
            start = end
        if start < available:
            self._hold(data, start, available - start)
        return data, frames

    def _hold(self, data: bytes, start: int, octets: int) -> None:
        needed = 4
        if octets >= 4:
            needed = _unpack_length(data, start)[0]
            if not HEADER_OCTETS <= needed <= self._most:
                self.fault = StreamLost(needed, most=self._most)
                return
        self._needed_octets = needed
        self._held_octets = octets
        self._chunks.append(data[start:])

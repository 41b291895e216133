"""What people are shown of a trace: PDUs live or of one message, in words, with what they may not see hidden.

Owns how much of it is told in a second, so that a trace of a busy carrier costs sending little, and whose
texts stay hidden from everybody. Who may ask at all is decided at the door.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from gateway.config.carriers import Charset, ConnectorConfig, OctetOrder
from gateway.dispatch.inbound_reading import READ_DEFAULT
from gateway.dispatch.trace import Chunk, TraceBook, TraceWatch, count_pdus
from gateway.dispatch.trace_picking import (
    CarrierForms,
    NumberPicker,
    TracedPdu,
    forms_of,
    read_numbers,
    split_chunk,
)
from gateway.dispatch.trace_search import Sought, find_message_pdus
from gateway.domain.addresses import read_address
from gateway.session.settings import Trace
from gateway.smpp.text_words import Alphabets
from gateway.smpp.wording import STANDARD, WordedPdu, word_pdu

PDUS_A_SECOND: Final = 500
"""PDUs told live to each who watches; the others are left out and counted. 70 to 140 µs each: at most 7 %
of a core."""
_SLICE_PDUS: Final = 10
"""Put into words in one turn of the loop: 1.4 ms at most."""
_SLICE_CHUNKS: Final = 100
MOST_FOUND: Final = 2_000
"""PDUs shown of one message: 255 parts, tried again and again."""


@dataclass(frozen=True, slots=True)
class ToldPdu:
    """One PDU as a person sees it."""

    at: datetime
    connector: str
    bind_no: int
    mode: str
    session_no: int
    is_sent: bool
    pdu: WordedPdu
    left_out: int = 0
    """PDUs that passed before this one, after the one told last, and are not told."""


@dataclass(frozen=True, slots=True)
class _Carrier:
    name: str
    forms: CarrierForms
    sends: Alphabets
    receives: Alphabets


class TraceDesk:
    """The trace of this node. `monotonic` measures how much is told in a second."""

    def __init__(self, book: TraceBook, *, monotonic: Callable[[], float]) -> None:
        self.book = book
        self._monotonic = monotonic
        self._carriers: dict[int, _Carrier] = {}
        self._searching = asyncio.Semaphore(1)

    def configure(self, connectors: Mapping[int, ConnectorConfig]) -> None:
        """The connectors of this node, as they are configured now."""
        self._carriers = {
            connector_id: _Carrier(
                config.name,
                forms_of(config),
                _alphabets(config.default_charset.send, config.ucs2.send),
                _alphabets(config.default_charset.receive, config.ucs2.receive),
            )
            for connector_id, config in connectors.items()
        }

    def tracer(self, connector_id: int, bind_no: int, mode: str) -> Callable[[], Trace]:
        """What a bind asks for the trace of each new session."""
        return partial(self.book.trace_for, connector_id, bind_no, mode)

    def find_connector(self, name: str) -> int | None:
        return next((number for number, carrier in self._carriers.items() if carrier.name == name), None)

    def read_number(self, text: str, connector_id: int) -> str | None:
        """The number that `text` writes, in any form that this carrier writes too; None for a name."""
        compact = "".join(character for character in text if character not in " .-/()")
        number = read_address(compact.encode("ascii", "replace"), self._carriers[connector_id].forms.country)
        return number if number.isdigit() else None

    @contextmanager
    def watch(self, connector_id: int, *, number: str | None, shows_text: bool) -> Iterator["LiveTrace"]:
        """PDUs of one connector from now on. Raises `TooManyWatches`."""
        picker = None
        if number is not None:
            picker = NumberPicker(number, {connector_id: self._carriers[connector_id].forms})
        with self.book.watch(connector_id) as watch:
            yield LiveTrace(self, watch, picker, shows_text=shows_text, monotonic=self._monotonic)

    async def find(self, sought: Sought, *, shows_text: bool) -> list[ToldPdu]:
        """The PDUs of one message that are still in memory, in the order in which they passed."""
        forms = {connector_id: carrier.forms for connector_id, carrier in self._carriers.items()}
        async with self._searching:  # two at a time would look through memory twice as often in a turn
            found = await find_message_pdus(self.book.snapshot(), sought, forms)
        told: list[ToldPdu] = []
        for pdu in found[:MOST_FOUND]:
            told.append(self.tell(pdu, shows_text=shows_text))
            if not len(told) % _SLICE_PDUS:
                await asyncio.sleep(0)
        return told

    def tell(self, pdu: TracedPdu, *, shows_text: bool, left_out: int = 0) -> ToldPdu:
        carrier = self._carriers.get(pdu.connector_id)
        alphabets = STANDARD
        if carrier is not None:
            alphabets = carrier.sends if pdu.is_sent else carrier.receives
        at = datetime.fromtimestamp(pdu.at, UTC)
        return ToldPdu(
            at=at,
            connector="" if carrier is None else carrier.name,
            bind_no=pdu.bind_no,
            mode=pdu.mode,
            session_no=pdu.session_no,
            is_sent=pdu.is_sent,
            pdu=word_pdu(pdu.octets, at=at, shows_text=shows_text, alphabets=alphabets),
            left_out=left_out,
        )

    def is_concealed(self, pdu: TracedPdu) -> bool:
        """Whether a sensitive message goes to one of its numbers, so that its text is nobody's to see."""
        carrier = self._carriers.get(pdu.connector_id)
        country = None if carrier is None else carrier.forms.country
        return any(map(self.book.is_concealed, read_numbers(pdu.octets, country)))


class LiveTrace:
    """What one who watches is told, at most `PDUS_A_SECOND`."""

    def __init__(
        self,
        desk: TraceDesk,
        watch: TraceWatch,
        picker: NumberPicker | None,
        *,
        shows_text: bool,
        monotonic: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._watch = watch
        self._picker = picker
        self._shows_text = shows_text
        self._monotonic = monotonic
        self._chunks: deque[Chunk] = deque()
        self._pending: deque[tuple[TracedPdu, int]] = deque()
        """PDUs to be told, each with how many were left out before it."""
        self._allowance = float(PDUS_A_SECOND)
        self._allowed_at = monotonic()
        self._left_out = 0
        self._dropped_after = 0
        self._dropped = 0

    @property
    def is_over(self) -> bool:
        """Whether the server stops, so that nothing more comes."""
        return self._watch.is_over

    async def take(self, *, timeout_seconds: float) -> list[ToldPdu]:
        """The next PDUs, some at a time; empty when none came in that time, or none that is wanted."""
        if not self._pending:
            if not self._chunks:
                await self._take_chunks(timeout_seconds)
            self._pick_some()
        told = [self._tell(*self._pending.popleft()) for _ in range(min(_SLICE_PDUS, len(self._pending)))]
        await asyncio.sleep(0)
        return told

    async def _take_chunks(self, timeout_seconds: float) -> None:
        # What the watch had no room for passed after what it gave then.
        self._left_out += self._dropped_after
        self._chunks.extend(await self._watch.take(timeout_seconds=timeout_seconds))
        self._dropped_after = self._watch.left_out - self._dropped
        self._dropped = self._watch.left_out

    def _pick_some(self) -> None:
        for _ in range(_SLICE_CHUNKS):
            if not self._chunks or len(self._pending) >= _SLICE_PDUS:
                return
            chunk = self._chunks.popleft()
            if self._picker is None:
                passed = count_pdus(chunk.octets)
                pdus = split_chunk(chunk, most=self._allow(passed))
            else:
                picked = self._picker.pick(chunk)
                passed = len(picked)
                pdus = picked[: self._allow(passed)]
            for pdu in pdus:
                self._pending.append((pdu, self._left_out))
                self._left_out = 0
            self._left_out += passed - len(pdus)

    def _allow(self, wanted: int) -> int:
        now = self._monotonic()
        earned = (now - self._allowed_at) * PDUS_A_SECOND
        self._allowance = min(float(PDUS_A_SECOND), self._allowance + earned)
        self._allowed_at = now
        allowed = min(wanted, int(self._allowance))
        self._allowance -= allowed
        return allowed

    def _tell(self, pdu: TracedPdu, left_out: int) -> ToldPdu:
        shows_text = self._shows_text and not self._desk.is_concealed(pdu)
        return self._desk.tell(pdu, shows_text=shows_text, left_out=left_out)


def _alphabets(charset: Charset, order: OctetOrder) -> Alphabets:
    return Alphabets(READ_DEFAULT[charset], is_little_endian=order is OctetOrder.LITTLE)

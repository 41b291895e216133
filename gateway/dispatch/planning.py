"""What a message becomes on one connector's wire: a submit template, a destination, and octets for each PDU.

Owns the templates and concatenation references, both in bounded caches. Splitting and alphabets are
`gateway.smpp`'s; this file only applies the connector's settings to them.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.config.carriers import Charset, Concatenation, ConnectorConfig, ValidityForm
from gateway.domain.sender import type_sender
from gateway.smpp.hotpath import SubmitTemplate
from gateway.smpp.split import TextPlan, concat_udh, payload_tlv, plan_binary, plan_text, sar_tlvs
from gateway.smpp.text import Alphabet, decode_text
from gateway.smpp.times import encode_absolute_time, encode_relative_time
from gateway.store.flights import Flight

_TEMPLATES = 2_048
_REFERENCES = 16_384
_RECEIPT_ALWAYS = 1
_MINUTE = timedelta(minutes=1)
_INTERNATIONAL, _E164 = 1, 1
_CODECS = {Charset.LATIN1: "latin-1", Charset.ASCII: "ascii", Charset.UTF8: "utf-8"}


@dataclass(slots=True)
class WirePlan:
    """The PDUs of one message; `headers` and `tlvs` are empty for a single part."""

    template: SubmitTemplate
    destination: bytes
    bodies: tuple[bytes, ...]
    headers: tuple[bytes, ...]
    tlvs: tuple[bytes, ...]


class Planner:
    """Plans messages for one connector."""

    def __init__(self, config: ConnectorConfig) -> None:
        self._config = config
        self._templates: OrderedDict[tuple[str, int, bytes], SubmitTemplate] = OrderedDict()
        self._references: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        self._relative: dict[int, bytes] = {}
        """Relative times by minutes; validity is at most seven days, so at most 10,080 of them."""
        self._codec = _CODECS.get(config.default_charset.send)

    def plan(self, flight: Flight, *, now: datetime) -> WirePlan:
        """Raises `gateway.smpp` errors for a text that was erased or fits no alphabet of this connector."""
        text_plan = self._plan_text(flight)
        template = self._template(flight.from_address, text_plan.data_coding, self._validity(flight, now))
        destination = (flight.to_address or "").encode("ascii")
        bodies = text_plan.parts
        total = len(bodies)
        if total == 1:
            return WirePlan(template, destination, bodies, (), ())
        concatenation = self._config.concatenation
        if concatenation is Concatenation.PAYLOAD:
            return WirePlan(template, destination, (b"",), (), (payload_tlv(b"".join(bodies)),))
        reference = self._reference(flight)
        numbers = range(1, total + 1)
        if concatenation is Concatenation.SAR:
            tlvs = tuple(sar_tlvs(reference, total, number) for number in numbers)
            return WirePlan(template, destination, bodies, (), tlvs)
        wide = concatenation is Concatenation.UDH16
        headers = tuple(concat_udh(reference, total, number, wide=wide) for number in numbers)
        return WirePlan(template, destination, bodies, headers, ())

    def _plan_text(self, flight: Flight) -> TextPlan:
        concatenation = self._config.concatenation.value
        if flight.body is not None:
            return plan_binary(flight.body, concat=concatenation)
        text = flight.text or ""
        plan = plan_text(text, concat=concatenation)
        if self._codec is None or plan.alphabet is not Alphabet.GSM7:
            return plan
        # This SMSC reads data_coding 0 in another alphabet: the same cuts, other octets.
        pieces = [decode_text(part, plan.data_coding) for part in plan.parts]
        try:
            encoded = tuple(piece.encode(self._codec) for piece in pieces)
        except UnicodeEncodeError:
            return plan_text(text, concat=concatenation, force_ucs2=True)
        return TextPlan(plan.alphabet, plan.data_coding, encoded, plan.characters, ())

    def _template(self, sender: str, data_coding: int, validity: bytes) -> SubmitTemplate:
        key = (sender, data_coding, validity)
        template = self._templates.get(key)
        if template is None:
            config = self._config
            ton, npi = type_sender(sender, ton=config.source_ton, npi=config.source_npi)
            template = SubmitTemplate(
                sender.encode("latin-1", "replace"),
                ton,
                npi,
                _INTERNATIONAL if config.destination_ton is None else config.destination_ton,
                _E164 if config.destination_npi is None else config.destination_npi,
                data_coding,
                0,
                _RECEIPT_ALWAYS,
                validity,
                config.service_type.encode("ascii", "replace"),
            )
            self._templates[key] = template
            if len(self._templates) > _TEMPLATES:
                self._templates.popitem(last=False)
        return template

    def _validity(self, flight: Flight, now: datetime) -> bytes:
        """To the minute, rounded up, so that the messages of a minute share a template. Relative by default:
        an absolute time depends on the SMSC's clock (quirks 86, 87)."""
        form = self._config.validity
        if form is ValidityForm.NONE:
            return b""
        minutes = max(1, -(-(flight.expires_at - now) // _MINUTE))
        if form is ValidityForm.RELATIVE:
            validity = self._relative.get(minutes)
            if validity is None:
                validity = self._relative[minutes] = encode_relative_time(timedelta(minutes=minutes))
            return validity
        return encode_absolute_time(now.replace(second=0, microsecond=0) + timedelta(minutes=minutes))

    def _reference(self, flight: Flight) -> int:
        """Counted for each pair of addresses, so that the parts of two quick messages cannot mix (quirk 78);
        a message tried again keeps the reference of its first parts."""
        pair = (flight.from_address, flight.to_address or "")
        reference, message_id = self._references.pop(pair, (flight.id & 0xFF, 0))
        if message_id != flight.id:
            reference = (reference + 1) & 0xFF
        self._references[pair] = (reference, flight.id)
        if len(self._references) > _REFERENCES:
            self._references.popitem(last=False)
        return reference

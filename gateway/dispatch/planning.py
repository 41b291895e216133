"""What a message becomes on one connector's wire: a submit template, a destination, and octets for each PDU.

Owns the templates and concatenation references, both in bounded caches. Alphabets, cuts and written forms
are those of `gateway.smpp` and `gateway.domain`; this file only applies the connector's settings to them.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.config.carriers import ConnectorConfig, InterfaceVersion, ValidityForm
from gateway.domain.addresses import LONGEST_ADDRESS_OCTETS, AddressForm, write_number
from gateway.domain.sender import SenderKind, SenderRule, SenderStyle
from gateway.smpp.carrier_text import CarrierText, plan_carrier_text, spell_parts
from gateway.smpp.constants import Npi, Ton
from gateway.smpp.errors import RuleBroken, TextTooLong
from gateway.smpp.hotpath import SubmitTemplate
from gateway.smpp.split import Concat, TextPlan, concat_udh, payload_tlv, plan_binary, plan_text, sar_tlvs
from gateway.smpp.times import encode_absolute_time, encode_relative_time
from gateway.store.flights import Flight

_TEMPLATES = 2_048
_REFERENCES = 16_384
_RECEIPT_ALWAYS = 1
_MINUTE = timedelta(minutes=1)
# Names of the module for what every message needs: to find a member of an Enum takes 65 ns (CPython 3.11).
_NO_VALIDITY: Final = ValidityForm.NONE
_RELATIVE: Final = ValidityForm.RELATIVE

_UDH_OCTETS: Final = {Concat.UDH8: 6, Concat.UDH16: 7}


class WirePlan(Struct, frozen=True, gc=False):
    """The PDUs of one message; `headers` and `tlvs` are empty where none are needed."""

    template: SubmitTemplate
    destination: bytes
    bodies: tuple[bytes, ...]
    headers: tuple[bytes, ...]
    tlvs: tuple[bytes, ...]


class Planner:
    """Plans messages for one connector."""

    def __init__(self, config: ConnectorConfig) -> None:
        self._config = config
        self._wants = CarrierText.of(
            concat=config.concatenation.value,
            default=config.default_charset.send.value,
            ucs2=config.ucs2.send.value,
            sends_tlvs=config.interface_version is not InterfaceVersion.V33,
        )
        self.needs_tlvs = self._wants.needs_tlvs
        """Whether it matters that a session may send TLVs."""
        self._concat = self._wants.concat
        self._reads_gsm = self._wants.codec is None
        self._respells = self._wants.respells
        self._reference_mask = 0xFFFF if self._concat is Concat.UDH16 else 0xFF
        self._max_parts = config.max_parts
        self._senders = sender_style(config)
        self._replaces_senders = any(rule.send_as is not None for rule in config.sender_rules)
        form = AddressForm(config.address_form.recipient.value)
        self._recipient_form = None if form is AddressForm.DIGITS else form
        self._zone = ZoneInfo(config.time_zone)
        self._templates: OrderedDict[tuple[str, int, bytes, bool], SubmitTemplate] = OrderedDict()
        self._references: OrderedDict[tuple[str, bytes], tuple[int, int]] = OrderedDict()
        self._relative: dict[int, bytes] = {}
        """Relative times by minutes; validity is at most seven days, so at most 10,080 of them."""

    def plan(self, flight: Flight, *, now: datetime, sends_tlvs: bool = True) -> WirePlan:
        """The PDUs of a message. With `sends_tlvs` off no TLV is used, whatever the settings (quirk 15).

        Raises `TextTooLong` for more parts than the connector takes, and other `gateway.smpp` errors for what
        cannot be written for it.
        """
        text_plan = self._plan_text(flight)
        bodies = text_plan.parts
        total = len(bodies)
        if self._max_parts is not None and total > self._max_parts:
            raise TextTooLong(total, most=self._max_parts)
        destination, is_national = (flight.to_address or "").encode("ascii"), False
        if self._recipient_form is not None:
            destination, is_national = self._write_recipient(flight.to_address or "", self._recipient_form)
        if len(destination) > LONGEST_ADDRESS_OCTETS:
            raise RuleBroken(
                f"destination_addr has room for {LONGEST_ADDRESS_OCTETS} octets, not {len(destination)}"
            )
        template = self._template(
            flight.from_address, text_plan.data_coding, self._validity(flight, now), is_national
        )
        if total == 1:
            if self._respells:
                bodies = spell_parts(bodies, text_plan.alphabet, self._wants)
            return WirePlan(template, destination, bodies, (), ())
        concat = self._concat if sends_tlvs or not self.needs_tlvs else Concat.UDH8
        if concat is Concat.PAYLOAD:
            bodies = (b"".join(bodies),)
        if self._respells:
            octets = _UDH_OCTETS.get(concat, 0)
            bodies = spell_parts(bodies, text_plan.alphabet, self._wants, header_octets=octets)
        if concat is Concat.PAYLOAD:
            return WirePlan(template, destination, (b"",), (), (payload_tlv(bodies[0]),))
        reference = self._reference(flight, destination)
        numbers = range(1, total + 1)
        if concat is Concat.SAR:
            tlvs = tuple(sar_tlvs(reference, total, number) for number in numbers)
            return WirePlan(template, destination, bodies, (), tlvs)
        wide = concat is Concat.UDH16
        headers = tuple(concat_udh(reference, total, number, wide=wide) for number in numbers)
        return WirePlan(template, destination, bodies, headers, ())

    def _plan_text(self, flight: Flight) -> TextPlan:
        if flight.body is not None:
            return plan_binary(flight.body, concat=self._concat)
        if self._reads_gsm:
            return plan_text(flight.text or "", concat=self._concat)
        return plan_carrier_text(flight.text or "", self._wants)

    def _write_recipient(self, digits: str, form: AddressForm) -> tuple[bytes, bool]:
        """The number in the connector's form, and whether that is a national one."""
        written = write_number(digits, form, self._config.address_form.country)
        return written.encode("ascii"), form is AddressForm.NATIONAL and written != digits

    def _template(self, sender: str, data_coding: int, validity: bytes, is_national: bool) -> SubmitTemplate:
        key = (sender, data_coding, validity, is_national)
        template = self._templates.get(key)
        if template is None:
            config = self._config
            source = self._senders.write(sender)
            by_form = Ton.NATIONAL if is_national else Ton.INTERNATIONAL
            template = SubmitTemplate(
                source.text.encode("latin-1", "replace"),
                source.ton,
                source.npi,
                int(by_form) if config.destination_ton is None else config.destination_ton,
                int(Npi.ISDN) if config.destination_npi is None else config.destination_npi,
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
        if form is _NO_VALIDITY:
            return b""
        minutes = max(1, -((now - flight.expires_at) // _MINUTE))
        if form is _RELATIVE:
            validity = self._relative.get(minutes)
            if validity is None:
                validity = self._relative[minutes] = encode_relative_time(timedelta(minutes=minutes))
            return validity
        until = now.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        return encode_absolute_time(until.astimezone(self._zone))

    def _reference(self, flight: Flight, destination: bytes) -> int:
        """Counted for each pair of addresses as the phone sees them, so that the parts of two quick messages
        cannot mix (quirk 78); a message tried again keeps the reference of its first parts."""
        sender = flight.from_address
        if self._replaces_senders:
            sender = self._senders.write(sender).text
        pair = (sender, destination)
        reference, message_id = self._references.pop(pair, (flight.id & self._reference_mask, 0))
        if message_id != flight.id:
            reference = (reference + 1) & self._reference_mask
        self._references[pair] = (reference, flight.id)
        if len(self._references) > _REFERENCES:
            self._references.popitem(last=False)
        return reference


def sender_style(config: ConnectorConfig) -> SenderStyle:
    """How this connector's carrier wants senders."""
    return SenderStyle(
        rules=tuple(
            SenderRule(
                kind=None if rule.kind is None else SenderKind(rule.kind.value),
                address=None if rule.sender is None else rule.sender.removeprefix("+"),
                send_as=rule.send_as,
                ton=rule.ton,
                npi=rule.npi,
            )
            for rule in config.sender_rules
        ),
        ton=config.source_ton,
        npi=config.source_npi,
        form=AddressForm(config.address_form.sender.value),
        country=config.address_form.country,
    )

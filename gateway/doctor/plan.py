"""What an examination sends: each test message, what it is for, and what is tried when it is refused.

Owns the texts, the order of remedies, and how many parts may be billed. Pure: whoever sends is told what to
send, and every PDU is made by the planner that the server uses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from gateway.config.carriers import (
    AddressForm,
    BindMode,
    Charset,
    Concatenation,
    ConnectorConfig,
    InterfaceVersion,
    ValidityForm,
)
from gateway.domain.sender import SenderKind, check_sender
from gateway.smpp.statuses import CommandStatus

USUAL_PARTS: Final = 15
"""Parts that an examination bills at most: the number belongs to a person, and each part costs."""
THOROUGH_PARTS: Final = 280
BURST: Final = 8
"""Messages sent at once to see how many may await their answer."""
THOROUGH_BURSTS: Final = (8, 16, 32, 64)
LONGEST_TEXTS: Final = (10, 8, 6, 5, 4, 3)
"""Parts of the texts that look for the most, `--thorough` only."""
RUN_PARTS: Final = 120
"""Most parts of the run that looks for a speed limit, `--thorough` only."""

PROBING: Final = "@_$£éèÄöñ[~"
"""Characters whose octets differ between GSM 03.38 and Latin-1. They stand first, since a receipt quotes the
first 20 characters (SMPP 3.4 appendix B)."""
_ROSETTA: Final = "Test {number} @_$£éèÄö Жж Estafette"
"""In UCS-2 whatever data_coding 0 means, so that the alphabet of the receipts can be read from its quotation;
plain letters first, which every alphabet has."""


class Purpose(Enum):
    """What a test message is to show."""

    OPENING = "opening"
    """Whether a plain text is taken, and in which form: decides how all others are written."""
    ALPHABET = "alphabet"
    """How data_coding 0 is read."""
    LATIN1 = "latin1"
    """The same characters as Latin-1 octets; sent where receipts quote nothing, for the phone to show."""
    UTF8 = "utf8"
    """The same as UTF-8; sent where what came back leaves the alphabet open."""
    UCS2 = "ucs2"
    LONG = "long"
    """How a long text is split, and how many receipts it gets."""
    LONGEST = "longest"
    """How many parts a text may have."""
    SENDER = "sender"
    """Whether another sender is taken."""
    BURST = "burst"
    """Several at once."""
    ONE_BY_ONE = "one_by_one"
    """After a burst that was refused in part: each after the answer to the one before."""
    RUN = "run"
    """As fast as the answers come."""


Changes = Mapping[str, object]
"""Settings by path, such as `address_form.recipient`, that differ from the connector as it is configured."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One test message."""

    number: int
    """From 1; the text says it, so that the phone's owner can tell them apart."""
    purpose: Purpose
    text: str
    sender: str


def write_probe(purpose: Purpose, number: int, sender: str, *, parts: int = 2) -> Probe:
    """The test message for `purpose`. One part each, but the long ones, which have `parts`."""
    texts = {
        Purpose.OPENING: f"Estafette test {number}: a plain text.",
        Purpose.ALPHABET: f"{PROBING} {number} Estafette",
        Purpose.LATIN1: f"{PROBING} {number} Estafette",
        Purpose.UTF8: f"{PROBING} {number} Estafette",
        Purpose.UCS2: _ROSETTA.format(number=number),
        Purpose.LONG: _write_long_text(number, parts),
        Purpose.LONGEST: _write_long_text(number, parts),
        Purpose.SENDER: f"Estafette test {number}: sender {sender}.",
        Purpose.BURST: f"Estafette test {number}: several at once.",
        Purpose.ONE_BY_ONE: f"Estafette test {number}: one by one.",
        Purpose.RUN: f"Estafette test {number}: speed.",
    }
    return Probe(number, purpose, texts[purpose], sender)


def _write_long_text(number: int, parts: int) -> str:
    """So many parts under every way of splitting; ends so that a lost end shows."""
    beginning = f"Estafette test {number}: one long text in {parts} parts. "
    end = " It must arrive as one message, to the word END"
    size = _FULL_PARTS_CHARACTERS * (parts - 1) + 20
    return beginning + ("abcdefghi " * (size // 10))[: size - len(beginning) - len(end)] + end


_FULL_PARTS_CHARACTERS: Final = 153
"""Of a part with a header, or as the SMSC would cut; with a wider one the text has as many parts."""


# What a refusal hints at, by command_status. Carriers also use the last group for anything (quirk 39).
_VALIDITY: Final = frozenset((CommandStatus.ESME_RINVEXPIRY, CommandStatus.ESME_RINVSCHED))
_RECIPIENT: Final = frozenset(
    (CommandStatus.ESME_RINVDSTADR, CommandStatus.ESME_RINVDSTTON, CommandStatus.ESME_RINVDSTNPI)
)
_SENDER: Final = frozenset(
    (CommandStatus.ESME_RINVSRCADR, CommandStatus.ESME_RINVSRCTON, CommandStatus.ESME_RINVSRCNPI)
)
_SERVICE: Final = frozenset((CommandStatus.ESME_RINVSERTYP,))
_NAMED: Final = _VALIDITY | _RECIPIENT | _SENDER | _SERVICE
WAITS: Final = frozenset(
    (CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL, CommandStatus.ESME_RX_T_APPN)
)
"""Refusals that say "later", not "otherwise"."""


def remedies_for(
    command_status: int, config: ConnectorConfig, sender: str, country: str
) -> Iterator[Changes]:
    """What to try, in order, after a plain text was refused twice with `command_status`.

    Each is tried alone. A refused part is not billed, so the order goes from the likely to the rare.
    """
    hints = (
        (_VALIDITY, _validity_remedies(config)),
        (_RECIPIENT, _recipient_remedies(config, country)),
        (_SENDER, _sender_remedies(config, sender)),
        (_SERVICE, ({"service_type": name} for name in ("CMT", "SMS") if config.service_type != name)),
    )
    for statuses, remedies in hints:
        if command_status in statuses or command_status not in _NAMED:
            yield from remedies


def _validity_remedies(config: ConnectorConfig) -> Iterator[Changes]:
    for form in (ValidityForm.RELATIVE, ValidityForm.ABSOLUTE, ValidityForm.NONE):
        if form is not config.validity:
            yield {"validity": form}


def _recipient_remedies(config: ConnectorConfig, country: str) -> Iterator[Changes]:
    for form in (AddressForm.DIGITS, AddressForm.PLUS, AddressForm.ZEROS):
        if form is not config.address_form.recipient:
            yield {"address_form.recipient": form}
    if config.address_form.recipient is not AddressForm.NATIONAL and country != "ZZ":
        national: Changes = {"address_form.recipient": AddressForm.NATIONAL, "address_form.country": country}
        yield national
        yield {**national, "destination_ton": 2}
    yield {"destination_ton": 0}
    yield {"destination_ton": 0, "destination_npi": 0}


def _sender_remedies(config: ConnectorConfig, sender: str) -> Iterator[Changes]:
    kind = check_sender(sender).kind
    if kind is SenderKind.NUMBER:
        for form in (AddressForm.DIGITS, AddressForm.PLUS, AddressForm.ZEROS):
            if form is not config.address_form.sender:
                yield {"address_form.sender": form}
    types = {
        SenderKind.NAME: ((5, 0), (5, 1), (0, 0)),
        SenderKind.SHORT_CODE: ((3, 0), (0, 1), (6, 0), (3, 1), (0, 0)),
        SenderKind.NUMBER: ((1, 1), (0, 1), (2, 1)),
    }
    for ton, npi in types[kind]:
        if (ton, npi) != (config.source_ton, config.source_npi):
            yield {"source_ton": ton, "source_npi": npi}


def splittings(config: ConnectorConfig, *, sends_tlvs: bool) -> Iterator[Concatenation]:
    """The ways to split a long text: the configured one, then the others from the safest on (quirk 77)."""
    yield config.concatenation
    for way in (Concatenation.UDH8, Concatenation.UDH16, Concatenation.SAR, Concatenation.PAYLOAD):
        if way is config.concatenation or (
            way in (Concatenation.SAR, Concatenation.PAYLOAD) and not sends_tlvs
        ):
            continue
        yield way


def with_changes(config: ConnectorConfig, changes: Changes) -> ConnectorConfig:
    """`config` with the settings of `changes`; a path has one or two names."""
    for path, value in changes.items():
        outer, _, inner = path.partition(".")
        replacement: Any = (
            msgspec.structs.replace(getattr(config, outer), **{inner: value}) if inner else value
        )
        config = msgspec.structs.replace(config, **{outer: replacement})
    return config


ALPHABETS: Final[Mapping[Purpose, Charset]] = MappingProxyType(
    {Purpose.ALPHABET: Charset.GSM, Purpose.LATIN1: Charset.LATIN1, Purpose.UTF8: Charset.UTF8}
)
"""How data_coding 0 is written in the test messages that are about it."""


# About the credentials themselves: no form helps, and repeats get an address blocked (quirk 14).
_HOPELESS_BINDS: Final = frozenset(
    (CommandStatus.ESME_RINVPASWD, CommandStatus.ESME_RINVSYSID, CommandStatus.ESME_RALYBND)
)
_USUAL_SYSTEM_TYPES: Final = ("SMPP", "VMA", "")
"""Those that carriers' documents name most; any other only the carrier can tell."""


def next_bind_form(
    config: ConnectorConfig, changes: Changes, command_status: int | None, tried: Sequence[Changes]
) -> Changes | None:
    """What to change after a bind with `changes` was refused; None when nothing is left that may help.

    `command_status` is None where nothing answered at all.
    """
    if command_status is None or command_status in _HOPELESS_BINDS:
        return None
    forms: list[Changes] = []
    if command_status == CommandStatus.ESME_RINVSYSTYP:
        forms = [
            {**changes, "system_type": name} for name in _USUAL_SYSTEM_TYPES if name != config.system_type
        ]
    other = (
        BindMode.TRANSMITTER_RECEIVER if config.bind_mode is BindMode.TRANSCEIVER else BindMode.TRANSCEIVER
    )
    forms.append({**changes, "bind_mode": other})
    if command_status != CommandStatus.ESME_RINVSYSTYP:
        forms.append({**changes, "interface_version": InterfaceVersion.V33})
    return next((form for form in forms if form not in tried), None)

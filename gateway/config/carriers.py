"""Every key of `connectors` and `routes`: carrier accounts, what each bends, and who gets which message.

The text below each field is the reference that `docs/configuration.md` repeats. Defaults are SMPP 3.4's own;
a key is set where a carrier differs. What a running server does with a value is known in `gateway/dispatch/`.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct, field

from gateway.config.scalars import (
    Address,
    Country,
    CountryOrAny,
    Currency,
    Host,
    Name,
    NumberingPlan,
    Path,
    Prefix,
    PrefixOrAny,
    TypeOfNumber,
)
from gateway.config.values import UNSET_SECRET, Amount, HostPort, Secret, StatusCode


class BindMode(Enum):
    TRANSCEIVER = "transceiver"
    TRANSMITTER_RECEIVER = "transmitter_receiver"


class ReceiptMode(Enum):
    PER_PART = "per_part"
    PER_MESSAGE = "per_message"


class IdConversion(Enum):
    AS_IS = "as_is"
    HEX_TO_DEC = "hex_to_dec"
    DEC_TO_HEX = "dec_to_hex"


class InterfaceVersion(Enum):
    V33 = "3.3"
    V34 = "3.4"
    V50 = "5.0"


class Charset(Enum):
    GSM = "gsm"
    GSM_PACKED = "gsm_packed"
    LATIN1 = "latin1"
    ASCII = "ascii"
    UTF8 = "utf8"


class OctetOrder(Enum):
    BIG = "big"
    LITTLE = "little"


class AddressForm(Enum):
    DIGITS = "digits"
    PLUS = "plus"
    ZEROS = "zeros"
    NATIONAL = "national"


class SenderKind(Enum):
    NUMBER = "number"
    SHORT_CODE = "short_code"
    NAME = "name"


class Unanswered(Enum):
    BY_CATEGORY = "by_category"
    HOLD = "hold"
    RESEND = "resend"


class UnknownReceipt(Enum):
    END = "end"
    WAIT = "wait"


class FailureKind(Enum):
    INVALID_NUMBER = "invalid_number"
    ABSENT = "absent"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    REJECTED = "rejected"
    THROTTLED = "throttled"
    NETWORK = "network"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Concatenation(Enum):
    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"


class ValidityForm(Enum):
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    NONE = "none"


class RetryAction(Enum):
    THROTTLE = "throttle"
    RETRY = "retry"
    REBIND = "rebind"
    FAIL = "fail"


class RouteChoice(Enum):
    WEIGHTED = "weighted"
    CHEAPEST = "cheapest"
    FAILOVER = "failover"


class MessageCategory(Enum):
    OTP = "otp"
    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


class IdFormConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    response: IdConversion = IdConversion.AS_IS
    """What to do to the id in a `submit_sm_resp` before it is stored: `as_is`, `hex_to_dec` or
    `dec_to_hex`."""
    receipt: IdConversion = IdConversion.AS_IS
    """What to do to the id in a receipt before it is looked up. Set when receipts stay unmatched and the two
    differ only in base."""
    strip_zeros: bool = False
    """Whether zeros in front of both ids are dropped. True when the carrier pads only one of them."""
    strip_prefix: Annotated[str, Meta(max_length=32)] = ""
    """Characters in front of an id that are dropped before anything else, where only one of the two has
    them. Upper and lower case count as the same, here and in ids."""


class DefaultCharsetConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    send: Charset = Charset.GSM
    """What this carrier reads in data_coding 0: `gsm` (a septet in each octet), `gsm_packed` (8 septets in 7
    octets), `latin1`, `ascii` or `utf8`. Wrong when "@" arrives as "¡"."""
    receive: Charset = Charset.GSM
    """What this carrier writes in data_coding 0 of messages to us; not always the same."""


class Ucs2Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    send: OctetOrder = OctetOrder.BIG
    """Order of the two octets of a character in data_coding 8 to this carrier: `big` as the standard has it,
    or `little`."""
    receive: OctetOrder = OctetOrder.BIG
    """The same in what it sends to us; a byte order mark in a text goes first."""


class AddressFormConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    recipient: AddressForm = AddressForm.DIGITS
    """How a recipient's number is written: `digits` 33612345678, `plus` +33612345678, `zeros` 0033612345678,
    `national` 0612345678 for numbers of `country` and digits for others."""
    sender: AddressForm = AddressForm.DIGITS
    """The same for a sender that is an international number; names and short codes stay as they are."""
    country: Country | None = None
    """Country of the national form. When set, national numbers in what this carrier sends us are read as
    numbers of this country."""


class SenderRuleConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: SenderKind | None = None
    """Senders that this is for: `number` (international), `short_code` (3 to 8 digits) or `name`. Without it:
    any."""
    sender: Address | None = None
    """The one sender that this is for, exactly. Without it: any of the kind."""
    send_as: Address | None = None
    """Sender to write in its place, where the carrier takes only what it knows. Without it: as it is."""
    ton: TypeOfNumber | None = None
    """Type of number to write. Without it: `source_ton`, else by kind."""
    npi: NumberingPlan | None = None
    """Numbering plan to write. Without it: `source_npi`, else by kind."""


class TlsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = False
    """Whether to connect by TLS. Most carriers give a port of its own for it."""
    ca_file: Path | None = None
    """Certificates in PEM to trust, beside this file unless the path begins with `/`. Without it: those of
    this machine. Set for a carrier with its own authority."""
    check_name: bool = True
    """Whether the certificate must carry the host's name. False only for a carrier reached by address under
    its own `ca_file`."""
    server_name: Host | None = None
    """Name to ask for and to check instead of the host's."""
    certificate_file: Path | None = None
    """Our certificate in PEM, where the carrier wants one."""
    key_file: Path | None = None
    """Key of our certificate in PEM, when it is not in the same file."""


class InboundAddressConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    address: Address
    """Number or short code to which people write."""
    shop: Name
    """Shop that gets what people write to it."""


class PriceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    country: CountryOrAny = "*"
    """Country of the recipient, or `"*"` for any."""
    prefix: PrefixOrAny = ""
    """First digits of the number with the country code; the longest matching prefix wins, then the
    country."""
    price: Amount
    """Cost of one part as a decimal number in quotes, in the connector's currency."""


class ConnectorConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    """Name in routes, logs and the console. A new name is a new connector: history stays with the old one."""
    enabled: bool = True
    """Whether to bind at all."""
    test: bool = False
    """Whether it serves only test keys."""
    hosts: Annotated[tuple[HostPort, ...], Meta(min_length=1, max_length=16)]
    """Addresses of the carrier as `host:port`, tried in order."""
    system_id: Annotated[str, Meta(min_length=1, max_length=64)]
    """Our login at the carrier."""
    password: Secret = UNSET_SECRET
    """Our password, or `${NAME}` for an environment variable. Set this or `password_file`."""
    password_file: Path | None = None
    """File whose only line is the password; beside this file unless it begins with `/`."""
    system_type: Annotated[str, Meta(max_length=12)] = ""
    """`system_type` of the bind. Set only when the carrier asks for it."""
    address_range: Annotated[str, Meta(max_length=40)] = ""
    """`address_range` of the bind. Set only when the carrier asks for it."""
    address_range_ton: TypeOfNumber = 0
    """`addr_ton` of the bind."""
    address_range_npi: NumberingPlan = 0
    """`addr_npi` of the bind."""
    interface_version: InterfaceVersion = InterfaceVersion.V34
    """SMPP version that the bind states, in quotes: `3.3`, `3.4` or `5.0`. With `3.3`, or when the carrier
    answers so, no TLV is sent."""
    bind_mode: BindMode = BindMode.TRANSCEIVER
    """`transceiver`, or `transmitter_receiver` for a pair of binds where the carrier refuses one for both."""
    binds: Annotated[int, Meta(ge=1, le=16)] = 1
    """Binds (or pairs) held at one time. Not more than the carrier allows: another would throw one out."""
    window: Annotated[int, Meta(ge=1, le=5000)] = 10
    """Submits that may await their answer on each bind. Raise when speed stays below `parts_per_second` and
    the carrier allows it."""
    parts_per_second: Annotated[float, Meta(ge=0.1, le=20_000)] = 50
    """Speed over all binds, in parts (one SMS each) a second, evenly spaced. Your contract's figure."""
    failback_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 600
    """Seconds on another than the first host after which the first is tried again: when it takes connections,
    the bind moves there in order. 0 stays until the session ends."""
    enquire_link_seconds: Annotated[float, Meta(ge=1, le=3600)] = 30
    """Seconds of silence after which the bind is tested."""
    enquire_link_timeout_seconds: Annotated[float, Meta(ge=1, le=120)] = 15
    """Seconds of further silence after the test until the line counts as dead and the bind is made anew.
    Raise for a carrier that answers late when it is busy."""
    response_timeout_seconds: Annotated[float, Meta(ge=1, le=600)] = 60
    """Seconds to wait for an answer to a submit before its outcome is unknown."""
    late_answer_seconds: Annotated[float, Meta(ge=0, le=3600)] = 300
    """Seconds after that for which an answer is still recognised, and settles what was unknown."""
    unanswered: Unanswered = Unanswered.BY_CATEGORY
    """What becomes of a submit without an answer. `by_category`: a one-time password is sent again inside its
    validity, a transactional message where its shop says `on_unknown: resend`. `hold` sends none again, for a
    carrier that takes what it does not answer; `resend` both kinds for every shop, which may reach a person
    twice. Marketing never is."""
    bind_timeout_seconds: Annotated[float, Meta(ge=1, le=120)] = 10
    """Seconds for connecting, and again for the answer to the bind."""
    unbind_timeout_seconds: Annotated[float, Meta(ge=0.5, le=60)] = 5
    """Seconds for the answer to our unbind, and after the carrier's for answers that are still to come."""
    max_pdu_octets: Annotated[int, Meta(ge=1024, le=1_048_576)] = 66_000
    """Largest PDU taken from this carrier; a length above it means that the stream is lost, and the bind is
    made anew."""
    receipts: ReceiptMode = ReceiptMode.PER_PART
    """`per_part`, or `per_message` for a carrier that sends one receipt for a long text."""
    receipts_without_esm_class: bool = False
    """Whether a text that reads like a receipt is one though its `esm_class` says nothing; only when the id
    in it is one of ours, since a person may write such a text."""
    unknown_receipts: UnknownReceipt = UnknownReceipt.END
    """What a receipt of state UNKNOWN does: `end` makes the message unknown until a better one comes, `wait`
    takes it for news on the way."""
    receipt_errors: dict[Annotated[str, Meta(min_length=1, max_length=16)], FailureKind] = {}
    """What this carrier means by the codes after `err:`, in quotes, such as `"005": absent`. Without an
    entry: by the state alone."""
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    """Time zone of this carrier's clock, such as `Europe/Paris`: for `validity: absolute` and for the dates
    in receipts."""
    id_form: IdFormConfig = field(default_factory=IdFormConfig)
    """How this carrier's message ids are brought to one form."""
    default_charset: DefaultCharsetConfig = field(default_factory=DefaultCharsetConfig)
    """Alphabet behind data_coding 0."""
    ucs2: Ucs2Config = field(default_factory=Ucs2Config)
    """Octet order of UCS-2."""
    concatenation: Concatenation = Concatenation.UDH8
    """How a long text is split: `udh8` or `udh16` (header in the text), `sar` (TLVs), `payload` (one PDU, the
    carrier splits)."""
    max_parts: Annotated[int, Meta(ge=1, le=255)] | None = None
    """Parts that this carrier takes of one text; a longer one is refused, or blocked where it was moved here,
    and never sent in part. Without it: `limits.max_parts` alone."""
    address_form: AddressFormConfig = field(default_factory=AddressFormConfig)
    """How numbers are written."""
    sender_rules: tuple[SenderRuleConfig, ...] = ()
    """Senders that this carrier wants otherwise; the first rule that fits is used."""
    source_ton: TypeOfNumber | None = None
    """Type of number of the sender. Without it: 5 for names, 1 for international numbers (2 in national
    form), 3 for short codes."""
    source_npi: NumberingPlan | None = None
    """Numbering plan of the sender. Without it: 1 for international numbers, else 0."""
    destination_ton: TypeOfNumber | None = None
    """Type of number of the recipient. Without it: 1, international, or 2 for one in national form."""
    destination_npi: NumberingPlan | None = None
    """Numbering plan of the recipient. Without it: 1."""
    validity: ValidityForm = ValidityForm.RELATIVE
    """How the time to live is told to the carrier: `relative`, `absolute` (UTC offset and all, in
    `time_zone`), or `none` for a carrier that refuses it."""
    service_type: Annotated[str, Meta(max_length=5)] = ""
    """`service_type` of each submit. Set only when the carrier asks for it."""
    retry: dict[StatusCode, RetryAction] = {}
    """What to do at a `command_status`, over the built-in table: `throttle` slows the bind and tries again,
    `retry` tries this message again later, `rebind` ends the session first, `fail` ends the message."""
    max_attempts: Annotated[int, Meta(ge=1, le=100)] = 5
    """Tries of one message that the carrier keeps refusing; throttling does not count."""
    max_queue_full: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """Times that one message may be answered 0x14, queue full, before this counts as refused: some carriers
    mean the queue of one subscriber by it."""
    tls: TlsConfig = field(default_factory=TlsConfig)
    """Encryption of the connection."""
    inbound_addresses: tuple[InboundAddressConfig, ...] = ()
    """Addresses of ours at this carrier and the shop behind each."""
    currency: Currency | None = None
    """Currency of this connector's prices. Without it: `defaults.currency`."""
    prices: tuple[PriceConfig, ...] = ()
    """What the carrier bills for a part. Where nothing matches, the cost is unknown, never zero."""


class RouteMatchConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    prefix: tuple[Prefix, ...] = ()
    """First digits of the recipient's number with the country code; any of them."""
    country: tuple[Country, ...] = ()
    """Country of the recipient; any of them."""
    sender: tuple[Address, ...] = ()
    """Sender of the message, exactly; any of them."""
    category: tuple[MessageCategory, ...] = ()
    """`otp`, `transactional` or `marketing`; any of them."""
    shop: tuple[Name, ...] = ()
    """Shop that sends; any of them."""


class RouteTargetConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    """Name of a connector."""
    weight: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Share of the messages under `choose: weighted`."""


class RouteConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    """Name in logs and estimates."""
    match: RouteMatchConfig = field(default_factory=RouteMatchConfig)
    """Conditions; all that are written must hold. Without any: every message."""
    connectors: Annotated[tuple[RouteTargetConfig, ...], Meta(min_length=1, max_length=64)]
    """Connectors to choose from."""
    choose: RouteChoice = RouteChoice.FAILOVER
    """`failover` takes the first that is up, `weighted` shares by weight, `cheapest` takes the lowest
    price."""

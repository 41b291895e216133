"""Every key of `config.yaml`: its type, bounds, default and meaning.

The text below each field is the reference that `docs/configuration.md` repeats. Nothing here reads a file,
compares two keys or decides what a running server does with a value. An absent key means its default; a bound
that a type cannot say is in `checks.py`.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from gateway.config.values import UNSET_SECRET, Amount, HostPort, Secret, StatusCode

Name = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="1 to 32 lower-case letters, digits and hyphens"),
]
Country = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}$", description="a two-letter ISO 3166 code in capitals, such as FR")
]
CountryOrAny = Annotated[
    str, Meta(pattern=r"^([A-Z]{2}|\*)$", description='a two-letter ISO 3166 code, or "*" for any')
]
Currency = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}$", description="a three-letter ISO 4217 code in capitals, such as EUR")
]
Prefix = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]{0,14}$", description='digits in quotes, no "+", such as "33"')
]
PrefixOrAny = Annotated[
    str, Meta(pattern=r"^([1-9][0-9]{0,14})?$", description='digits in quotes, no "+", or ""')
]
Address = Annotated[
    str, Meta(min_length=1, max_length=20, description="an address of 1 to 20 characters, in quotes")
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", description="an http:// or https:// URL without a query"
    ),
]
Network = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$",
        description="an IP address or a network, such as 10.0.0.0/8",
    ),
]
Host = Annotated[str, Meta(min_length=1, max_length=253, description="a host name or an IP address")]
Path = Annotated[str, Meta(min_length=1, max_length=4096, description="a path")]
Port = Annotated[int, Meta(ge=1, le=65535)]
HoursOfDay = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        description='local time as "08:00-20:00", in quotes',
    ),
]
DayOfYear = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        description='a day as "2026-12-26", or "12-26" for every year, in quotes',
    ),
]
TypeOfNumber = Annotated[int, Meta(ge=0, le=6)]
NumberingPlan = Annotated[int, Meta(ge=0, le=18)]


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


class Charset(Enum):
    GSM = "gsm"
    LATIN1 = "latin1"
    ASCII = "ascii"
    UTF8 = "utf8"


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
    FAIL = "fail"


class RouteChoice(Enum):
    WEIGHTED = "weighted"
    CHEAPEST = "cheapest"
    FAILOVER = "failover"


class MessageCategory(Enum):
    OTP = "otp"
    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


class AdminRole(Enum):
    OPERATOR = "operator"
    SHOP_ADMIN = "shop_admin"
    AGENT = "agent"
    READ_ONLY = "read_only"


class Weekday(Enum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class LogLevel(Enum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(Enum):
    JSON = "json"
    TEXT = "text"


class NodeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state_directory: Path | None = None
    """Folder of this server's identity, admin socket and bundled Postgres. Without it: `$STATE_DIRECTORY`
    (set by systemd), else `/var/lib/estafette` as root, else `~/.local/state/estafette`."""


class EmbeddedPostgresConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    shared_buffers_mb: Annotated[int, Meta(ge=16, le=65536)] = 256
    """Megabytes of Postgres's own cache. Raise to a quarter of the machine's memory when the database
    outgrows it."""
    max_wal_size_mb: Annotated[int, Meta(ge=128, le=1_048_576)] = 4096
    """Megabytes of write-ahead log between checkpoints, and about what a crash recovery reads back. Lower on
    small disks."""


class DatabaseConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dsn: Secret | None = None
    """Address of your own Postgres 15 or later, as `postgresql://user:password@host:5432/estafette`, or
    `${NAME}`. Without it and `dsn_file`, the bundled Postgres runs below the state folder."""
    dsn_file: Path | None = None
    """File whose only line is the address, so that its password is not in this file. Set this or `dsn`."""
    pool_size: Annotated[int, Meta(ge=2, le=50)] = 16
    """Connections for requests and queries; the batch writers hold their own few beside them. Raise when
    `status` says that requests wait for one."""
    embedded: EmbeddedPostgresConfig | None = None
    """Settings of the bundled Postgres; refused together with `dsn` or `dsn_file`."""


class HttpConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: Host = "127.0.0.1"
    """Address that the API listens on. Behind a TLS proxy on the same machine the default is right."""
    port: Port = 8080
    """TCP port of the API."""
    max_body_octets: Annotated[int, Meta(ge=65_536, le=67_108_864)] = 8_388_608
    """Largest request body in octets; a larger one is answered 413. 8 MiB holds a batch of 10,000
    messages."""
    public_url: Url | None = None
    """Address at which shops reach the API, used in documents and examples. Without it: built from host and
    port."""


class PublicConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: Host = "127.0.0.1"
    """Address that redirects and public pages listen on, apart from the API."""
    port: Port = 8081
    """TCP port of redirects and public pages."""
    base_url: Url | None = None
    """Short address put in texts, such as `https://l.example.com`. Without it: built from host and port."""
    trusted_proxies: tuple[Network, ...] = ()
    """Proxies whose `X-Forwarded-For` is believed, as addresses or networks. Set where one stands in front:
    without it every visitor has the proxy's address."""
    keep_ip: bool = False
    """Whether visitors' whole IP addresses are kept with clicks and opt-outs. Otherwise the last octet (of
    IPv6 all but 48 bits) is cut off."""
    click_wait_ms: Annotated[int, Meta(ge=0, le=5000)] = 50
    """Milliseconds that a redirect waits for its click to be stored; after them it leads on, and the click is
    stored late."""
    misses_per_minute: Annotated[int, Meta(ge=5, le=10_000)] = 30
    """Unknown codes that one network (a /24, or a /48 of IPv6) may ask for within a minute before it must
    wait."""

    @property
    def address(self) -> str:
        """What stands before the slash and the code in a text."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")


class AdminRoleConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    uid: Annotated[int, Meta(ge=1, le=4_294_967_294)]
    """Numeric id of a user of this machine, as `id -u NAME` prints it. Root and the gateway's own user are
    operators without an entry."""
    role: AdminRole
    """`operator` everything, `shop_admin` one shop's data and campaigns, `agent` conversations, `read_only`
    looking."""
    shops: tuple[Name, ...] = ()
    """Shops that this user sees; an operator sees all."""


class AdminConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    socket: Path | None = None
    """Unix socket of the admin API, at most 107 octets. Without it: `admin.sock` in the state folder."""
    operators_read_texts: bool = False
    """Whether operators see what messages say. True where who runs the server also runs the shop."""
    roles: tuple[AdminRoleConfig, ...] = ()
    """Who may use the console besides root and the gateway's own user."""


class WebhooksConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    allow_private: bool = False
    """Whether a webhook may go to a private or loopback address. True only where shops' servers are in your
    network."""
    timeout_seconds: Annotated[float, Meta(ge=1, le=60)] = 10
    """Seconds that a shop's server has to answer one delivery."""
    retry_for_seconds: Annotated[int, Meta(ge=60, le=604_800)] = 259_200
    """Seconds over which a failing delivery is tried again, with growing pauses; 3 days by default."""
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 64
    """Deliveries in flight at one time over all shops."""


class TestModeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    simulator: bool = True
    """Whether the built-in pretend carrier runs for keys that begin with `est_test_`. Without it and without
    a connector marked `test`, test keys are refused."""


class DefaultsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    country: Country | None = None
    """Country in which numbers without a country code are read. Without it such numbers are refused."""
    currency: Currency = "EUR"
    """Currency of connectors that name none."""
    ttl_seconds: Annotated[int, Meta(ge=30, le=604_800)] = 172_800
    """Seconds after which a message that was not delivered is expired, when the request says nothing; 2
    days."""
    sender: Address | None = None
    """Sender of messages that name none. Without it `from` is required."""


class RetentionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    messages_days: Annotated[
        int,
        Meta(ge=45, le=3650, description="45 or more, so that no scheduled or unfinished message is dropped"),
    ] = 90
    """Days that messages with their parts and receipts are kept; totals are kept longer."""
    receipt_map_days: Annotated[
        int,
        Meta(ge=11, le=60, description="11 or more: 7 days of validity, 3 days of late receipts and today"),
    ] = 11
    """Days that a carrier's message ids are kept for matching receipts."""


class LimitsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    send_at_days: Annotated[int, Meta(ge=1, le=30)] = 30
    """Days ahead that a message may be scheduled."""
    validity_days: Annotated[int, Meta(ge=1, le=7)] = 7
    """Longest `ttl_seconds` that a request may ask, in days."""
    max_parts: Annotated[int, Meta(ge=1, le=255)] = 10
    """Parts into which one text may be split; a longer text is refused. Many carriers take 6 to 10."""
    batch_items: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    """Messages in one batch request."""


class CampaignsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pause_at_failed_percent: Annotated[int, Meta(ge=1, le=100)] = 20
    """A campaign that names no share of its own pauses itself when more than this percentage of at least 200
    outcomes within a minute are failures."""


class ImportsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    max_file_octets: Annotated[int, Meta(ge=1_024, le=8_589_934_592)] = 536_870_912
    """Largest file of people in octets; 512 MiB is about ten million rows. Raise with free space in the state
    folder."""
    kept_hours: Annotated[int, Meta(ge=1, le=720)] = 72
    """Hours that an uploaded file and its refused rows are kept after the last step, for a look at what went
    wrong."""


class StopConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    drain_seconds: Annotated[float, Meta(ge=0, le=300)] = 15
    """Seconds that a stop waits for carriers to answer what was sent. Raise for slow carriers, and systemd's
    `TimeoutStopSec` with it."""


class LoggingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    level: LogLevel = LogLevel.INFO
    """Least important lines to write: `debug`, `info`, `warning` or `error`."""
    format: LogFormat = LogFormat.JSON
    """`json` for machines, `text` for a person at a terminal."""


class IdFormConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    response: IdConversion = IdConversion.AS_IS
    """What to do to the id in a `submit_sm_resp` before it is stored: `as_is`, `hex_to_dec` or
    `dec_to_hex`."""
    receipt: IdConversion = IdConversion.AS_IS
    """What to do to the id in a receipt before it is looked up. Set when receipts stay unmatched and the two
    differ only in base."""
    strip_zeros: bool = False
    """Whether zeros in front of both ids are dropped. True when the carrier pads only one of them."""


class DefaultCharsetConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    send: Charset = Charset.GSM
    """What this carrier reads in data_coding 0: `gsm`, `latin1`, `ascii` or `utf8`. Wrong when "@" arrives as
    "¡"."""
    receive: Charset = Charset.GSM
    """What this carrier writes in data_coding 0 of messages to us; not always the same."""


class TlsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enabled: bool = False
    """Whether to connect by TLS. Most carriers give a port of its own for it."""
    ca_file: Path | None = None
    """Certificates in PEM to trust. Without it: those of this machine. Set for a carrier with its own
    authority."""
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
    bind_mode: BindMode = BindMode.TRANSCEIVER
    """`transceiver`, or `transmitter_receiver` for a pair of binds where the carrier refuses one for both."""
    binds: Annotated[int, Meta(ge=1, le=16)] = 1
    """Binds (or pairs) held at one time. Not more than the carrier allows: another would throw one out."""
    window: Annotated[int, Meta(ge=1, le=5000)] = 10
    """Submits that may await their answer on each bind. Raise when speed stays below `parts_per_second` and
    the carrier allows it."""
    parts_per_second: Annotated[float, Meta(ge=0.1, le=20_000)] = 50
    """Speed over all binds, in parts (one SMS each) a second, evenly spaced. Your contract's figure."""
    enquire_link_seconds: Annotated[float, Meta(ge=1, le=3600)] = 30
    """Seconds of silence after which the bind is tested."""
    response_timeout_seconds: Annotated[float, Meta(ge=1, le=600)] = 60
    """Seconds to wait for an answer to a submit before its outcome is unknown."""
    bind_timeout_seconds: Annotated[float, Meta(ge=1, le=120)] = 10
    """Seconds for connecting, and again for the answer to the bind."""
    receipts: ReceiptMode = ReceiptMode.PER_PART
    """`per_part`, or `per_message` for a carrier that sends one receipt for a long text."""
    id_form: IdFormConfig = field(default_factory=IdFormConfig)
    """How this carrier's message ids are brought to one form."""
    default_charset: DefaultCharsetConfig = field(default_factory=DefaultCharsetConfig)
    """Alphabet behind data_coding 0."""
    concatenation: Concatenation = Concatenation.UDH8
    """How a long text is split: `udh8` or `udh16` (header in the text), `sar` (TLVs), `payload` (one PDU, the
    carrier splits)."""
    source_ton: TypeOfNumber | None = None
    """Type of number of the sender. Without it: 5 for names, 1 for international numbers, 3 for short
    codes."""
    source_npi: NumberingPlan | None = None
    """Numbering plan of the sender. Without it: 1 for international numbers, else 0."""
    destination_ton: TypeOfNumber | None = None
    """Type of number of the recipient. Without it: 1, international."""
    destination_npi: NumberingPlan | None = None
    """Numbering plan of the recipient. Without it: 1."""
    validity: ValidityForm = ValidityForm.RELATIVE
    """How the time to live is told to the carrier: `relative`, `absolute`, or `none` for a carrier that
    refuses it."""
    service_type: Annotated[str, Meta(max_length=5)] = ""
    """`service_type` of each submit. Set only when the carrier asks for it."""
    retry: dict[StatusCode, RetryAction] = {}
    """What to do at a `command_status`, over the built-in table: `throttle` slows the bind and tries again,
    `retry` tries this message again later, `fail` ends it."""
    max_attempts: Annotated[int, Meta(ge=1, le=100)] = 5
    """Tries of one message that the carrier keeps refusing; throttling does not count."""
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


class OpenHoursConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    days: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)]
    """Days of the week: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`."""
    hours: HoursOfDay
    """When marketing may arrive on them, in the recipient's local time."""


class CountryRuleConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    country: Country
    """Country of the recipients."""
    hours: tuple[OpenHoursConfig, ...] = ()
    """Hours of marketing in place of the built-in ones; a day that no entry names is closed."""
    polite: bool = False
    """Whether every day ends at 20:00 at the latest, as French vendors advise."""
    skip_holidays: bool | None = None
    """Whether public holidays are closed. Without it: by the built-in rule of the country."""
    extra_holidays: tuple[DayOfYear, ...] = ()
    """Further days without marketing, such as Good Friday in Alsace-Moselle."""
    ignored_holidays: tuple[DayOfYear, ...] = ()
    """Public holidays on which marketing is sent all the same."""
    max_parts: Annotated[int, Meta(ge=1, le=255)] | None = None
    """Longest marketing text in parts. Without it: one in Senegal, elsewhere `limits.max_parts`."""
    stop_number: Annotated[str, Meta(pattern=r"^[0-9]{3,15}$", description="digits in quotes")] | None = None
    """Number that takes a STOP where the sender is a name, such as your 36xxx in France; texts then say “STOP
    au 36111”. Without it they carry the unsubscribe link."""
    stop_wording: Annotated[str, Meta(min_length=4, max_length=60)] | None = None
    """Words added to marketing texts in place of the built-in ones, with `{number}` or `{link}` where it
    belongs."""


class OrdersConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    attribution_days: Annotated[int, Meta(ge=1, le=30)] = 7
    """Days before an order in which a person's last click on a campaign counts as what led to it."""


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    node: NodeConfig = field(default_factory=NodeConfig)
    """This server on this machine."""
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    """Where messages are kept."""
    http: HttpConfig = field(default_factory=HttpConfig)
    """The API that shops call."""
    public: PublicConfig = field(default_factory=PublicConfig)
    """Redirects and pages that recipients see."""
    admin: AdminConfig = field(default_factory=AdminConfig)
    """The admin API and who may use it."""
    webhooks: WebhooksConfig = field(default_factory=WebhooksConfig)
    """Deliveries to shops' servers."""
    test_mode: TestModeConfig = field(default_factory=TestModeConfig)
    """What test keys send to."""
    defaults: DefaultsConfig = field(default_factory=DefaultsConfig)
    """What a request or a connector leaves out."""
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    """How long rows are kept."""
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    """What a request may ask at most."""
    campaigns: CampaignsConfig = field(default_factory=CampaignsConfig)
    """How campaigns are sent."""
    imports: ImportsConfig = field(default_factory=ImportsConfig)
    """Bringing lists of people in."""
    stop: StopConfig = field(default_factory=StopConfig)
    """How a stop proceeds."""
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    """What is written to standard error."""
    orders: OrdersConfig = field(default_factory=OrdersConfig)
    """What shops earn from campaigns."""
    country_rules: tuple[CountryRuleConfig, ...] = ()
    """Changes to the built-in rules of marketing by country; see country-rules.md."""
    connectors: tuple[ConnectorConfig, ...] = ()
    """Carrier accounts."""
    routes: tuple[RouteConfig, ...] = ()
    """Which connector takes which message; the first route whose conditions hold is used."""


CONFIG_SIZE_OCTETS: Final = 1_048_576
"""Largest configuration file; a thousand connectors with prices fit, a mistaken path to a log does not."""

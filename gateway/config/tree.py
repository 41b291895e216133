"""Every key of `config.yaml` but those of carriers and routes: its type, bounds, default and meaning.

The text below each field is the reference that `docs/configuration.md` repeats. Nothing here reads a file,
compares two keys or decides what a running server does with a value. An absent key means its default; a bound
that a type cannot say is in `checks.py`.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from gateway.config.carriers import ConnectorConfig, RouteConfig
from gateway.config.scalars import (
    Address,
    Country,
    Currency,
    DayOfYear,
    Host,
    HoursOfDay,
    Name,
    Network,
    Path,
    Port,
    Url,
)
from gateway.config.values import Secret


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
    workers: Annotated[int, Meta(ge=1, le=8)] = 1
    """Processes that share this server's work, each a node of its own on one core; at most one a core. See
    workers.md."""


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


class InboundConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    join_seconds: Annotated[int, Meta(ge=30, le=86_400)] = 3_600
    """Seconds to wait for the missing parts of a long text from a handset; after them what came is stored as
    incomplete."""


class TraceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    keep_octets: Annotated[int, Meta(ge=0, le=1_073_741_824)] = 33_554_432
    """Octets of the newest PDUs kept in memory, so that a message's timeline can show its own; 32 MiB holds
    those of some 80,000 messages. 0 keeps none."""


class MetricsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: Host = "127.0.0.1"
    """Address that `GET /metrics` listens on, apart from the API."""
    port: Port | None = None
    """TCP port of the metrics. Without it: none is opened, and they are at the admin socket only."""


class QueueAgeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    otp: Annotated[int, Meta(ge=1, le=604_800)] = 30
    """Seconds that the oldest one-time password may wait."""
    transactional: Annotated[int, Meta(ge=1, le=604_800)] = 300
    """Seconds that the oldest transactional message may wait."""
    bulk: Annotated[int, Meta(ge=1, le=604_800)] = 3_600
    """Seconds that the oldest message of campaigns and batches may wait for its carrier."""


class AlertsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    command: tuple[Annotated[str, Meta(min_length=1, max_length=4096)], ...] = ()
    """Program and arguments run for each alert, its repeat and its end, with the alert as JSON on standard
    input. Without it: none."""
    webhook_url: Url | None = None
    """Address that each alert, its repeat and its end are posted to as JSON. Without it: none."""
    webhook_secret: Secret | None = None
    """Secret of the `webhook-signature` of those posts, as `whsec_…` or `${NAME}`. Set this or
    `webhook_secret_file`, or neither."""
    webhook_secret_file: Path | None = None
    """File whose only line is the secret."""
    repeat_seconds: Annotated[int, Meta(ge=60, le=604_800)] = 3_600
    """Seconds after which an alert that still holds is told again."""
    bind_down_seconds: Annotated[int, Meta(ge=5, le=86_400)] = 60
    """Seconds that a bind may be down; wrong credentials are told at once."""
    queue_age_seconds: QueueAgeConfig = field(default_factory=QueueAgeConfig)
    """How long messages may wait for their carrier, by lane."""
    delivery_percent: Annotated[int, Meta(ge=0, le=100)] = 50
    """Least share of delivered among the receipts of a connector in 15 minutes, of at least 100. 0 is
    silent."""
    unknown_messages: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    """Messages of a connector whose outcome is unknown and about which nobody has decided, above which it is
    told. 0 is silent."""
    disk_free_percent: Annotated[int, Meta(ge=0, le=90)] = 10
    """Least share of free space where the state folder, and with it the bundled Postgres, lies. 0 is
    silent."""
    spend_percent: Annotated[int, Meta(ge=1, le=100)] = 80
    """Share of a shop's daily or monthly spend cap at which it is told; at the whole cap it is told again."""
    otp_per_prefix: Annotated[int, Meta(ge=10, le=1_000_000)] = 500
    """One-time passwords to numbers that agree in all but their last three digits, within an hour, above
    which it smells of fraud."""


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
    inbound: InboundConfig = field(default_factory=InboundConfig)
    """Texts from handsets."""
    trace: TraceConfig = field(default_factory=TraceConfig)
    """PDUs kept for a look."""
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    """Figures for a monitoring system."""
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    """What is told to whoever is on call, and how."""
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

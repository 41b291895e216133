"""The door to the configuration: `config.yaml` read once into one frozen tree, or all that is wrong with it.

The keys are in `tree.py` and `carriers.py`, their kinds in `scalars.py`, their small values in `values.py`,
YAML in `yaml_text.py`, the way from YAML to the tree in `reading.py`, rules between keys in `checks.py`. What
a running server does with a value is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.config.carriers import (
    AddressForm,
    AddressFormConfig,
    BindMode,
    Charset,
    Concatenation,
    ConnectorConfig,
    DefaultCharsetConfig,
    FailureKind,
    IdConversion,
    IdFormConfig,
    InboundAddressConfig,
    InterfaceVersion,
    MessageCategory,
    OctetOrder,
    PriceConfig,
    ReceiptMode,
    RetryAction,
    RouteChoice,
    RouteConfig,
    RouteMatchConfig,
    RouteTargetConfig,
    SenderKind,
    SenderRuleConfig,
    TlsConfig,
    Ucs2Config,
    Unanswered,
    UnknownReceipt,
    ValidityForm,
)
from gateway.config.checks import SIMULATOR, find_conflicts
from gateway.config.findings import ConfigError, Finding, Severity
from gateway.config.reading import read_config
from gateway.config.tree import (
    AdminConfig,
    AdminRole,
    AdminRoleConfig,
    AlertsConfig,
    CampaignsConfig,
    Config,
    CountryRuleConfig,
    DatabaseConfig,
    DefaultsConfig,
    EmbeddedPostgresConfig,
    HttpConfig,
    ImportsConfig,
    InboundConfig,
    LimitsConfig,
    LogFormat,
    LoggingConfig,
    LogLevel,
    MetricsConfig,
    NodeConfig,
    OpenHoursConfig,
    OrdersConfig,
    PublicConfig,
    QueueAgeConfig,
    RetentionConfig,
    StopConfig,
    TestModeConfig,
    TraceConfig,
    WebhooksConfig,
    Weekday,
)
from gateway.config.values import Amount, HostPort, Secret, StatusCode

__all__ = [
    "SIMULATOR",
    "AddressForm",
    "AddressFormConfig",
    "AdminConfig",
    "AdminRole",
    "AdminRoleConfig",
    "AlertsConfig",
    "Amount",
    "BindMode",
    "CampaignsConfig",
    "Charset",
    "Concatenation",
    "Config",
    "ConfigError",
    "ConnectorConfig",
    "CountryRuleConfig",
    "DatabaseConfig",
    "DefaultCharsetConfig",
    "DefaultsConfig",
    "EmbeddedPostgresConfig",
    "FailureKind",
    "Finding",
    "HostPort",
    "HttpConfig",
    "IdConversion",
    "IdFormConfig",
    "ImportsConfig",
    "InboundAddressConfig",
    "InboundConfig",
    "InterfaceVersion",
    "LimitsConfig",
    "LogFormat",
    "LogLevel",
    "LoggingConfig",
    "MessageCategory",
    "MetricsConfig",
    "NodeConfig",
    "OctetOrder",
    "OpenHoursConfig",
    "OrdersConfig",
    "PriceConfig",
    "PublicConfig",
    "QueueAgeConfig",
    "ReceiptMode",
    "RetentionConfig",
    "RetryAction",
    "RouteChoice",
    "RouteConfig",
    "RouteMatchConfig",
    "RouteTargetConfig",
    "Secret",
    "SenderKind",
    "SenderRuleConfig",
    "Severity",
    "StatusCode",
    "StopConfig",
    "TestModeConfig",
    "TlsConfig",
    "TraceConfig",
    "Ucs2Config",
    "Unanswered",
    "UnknownReceipt",
    "ValidityForm",
    "WebhooksConfig",
    "Weekday",
    "check_config",
    "load_config",
]


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of `path`, with secrets taken from `environ` and from the files that it names.

    Paths in it that do not begin with `/` are beside `path`. Raises `ConfigError` with every error found;
    warnings are left to `check_config`. Called once at start and once for each SIGHUP: two results compare
    equal when nothing changed, connector by connector.
    """
    config, findings = _examine(path, environ)
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if config is None or errors:
        raise ConfigError(path, errors)
    return config


def check_config(path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Everything wrong or doubtful in `path`, errors first; empty when it is good. Opens no connection."""
    findings = _examine(path, environ)[1]
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def _examine(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, list[Finding]]:
    config, findings = read_config(path, environ)
    if config is not None:
        findings = findings + find_conflicts(config)
    return config, findings

"""The door to the configuration: read `config.yaml` once into one typed, frozen tree, or say everything that
is wrong.

The keys are in `config_tree.py`, their small values in `config_values.py`, YAML and its faults in
`config_reading.py`, rules between keys in `config_checks.py`. Nothing here knows what a running server does
with a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.config_checks import find_conflicts, find_exposed_secrets
from gateway.config_reading import ConfigError, Finding, Severity, read_config
from gateway.config_tree import (
    AdminConfig,
    AdminRole,
    AdminRoleConfig,
    BindMode,
    Charset,
    Concatenation,
    Config,
    ConnectorConfig,
    DatabaseConfig,
    DefaultCharsetConfig,
    DefaultsConfig,
    EmbeddedPostgresConfig,
    HttpConfig,
    IdConversion,
    IdFormConfig,
    InboundAddressConfig,
    LimitsConfig,
    LogFormat,
    LoggingConfig,
    LogLevel,
    MessageCategory,
    NodeConfig,
    PriceConfig,
    PublicConfig,
    ReceiptMode,
    RetentionConfig,
    RetryAction,
    RouteChoice,
    RouteConfig,
    RouteMatchConfig,
    RouteTargetConfig,
    StopConfig,
    TestModeConfig,
    TlsConfig,
    ValidityForm,
    WebhooksConfig,
)
from gateway.config_values import Amount, HostPort, Secret, StatusCode

__all__ = [
    "AdminConfig",
    "AdminRole",
    "AdminRoleConfig",
    "Amount",
    "BindMode",
    "Charset",
    "Concatenation",
    "Config",
    "ConfigError",
    "ConnectorConfig",
    "DatabaseConfig",
    "DefaultCharsetConfig",
    "DefaultsConfig",
    "EmbeddedPostgresConfig",
    "Finding",
    "HostPort",
    "HttpConfig",
    "IdConversion",
    "IdFormConfig",
    "InboundAddressConfig",
    "LimitsConfig",
    "LogFormat",
    "LogLevel",
    "LoggingConfig",
    "MessageCategory",
    "NodeConfig",
    "PriceConfig",
    "PublicConfig",
    "ReceiptMode",
    "RetentionConfig",
    "RetryAction",
    "RouteChoice",
    "RouteConfig",
    "RouteMatchConfig",
    "RouteTargetConfig",
    "Secret",
    "Severity",
    "StatusCode",
    "StopConfig",
    "TestModeConfig",
    "TlsConfig",
    "ValidityForm",
    "WebhooksConfig",
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
        findings = findings + find_conflicts(config) + find_exposed_secrets(config, path)
    return config, findings

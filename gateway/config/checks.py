"""Rules between the keys of a configuration: names that must exist, be unique or be reached.

Judges a finished tree. Types and bounds of single keys are in `tree.py`; no file is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.config.carriers import (
    AddressForm,
    BindMode,
    Concatenation,
    ConnectorConfig,
    InterfaceVersion,
    RouteConfig,
    RouteMatchConfig,
)
from gateway.config.findings import Finding, Severity, name_nearest
from gateway.config.tree import Config

SIMULATOR: Final = "simulator"
"""Name of the connector that `test_mode.simulator` adds; a route may lead to it, as the demo's does."""

SOCKET_PATH_OCTETS: Final = 107
"""Longest path of a unix socket on Linux: `sun_path` is 108 octets with its NUL, unix(7)."""


def find_conflicts(config: Config) -> list[Finding]:
    """Errors and warnings that no key shows alone, in the file's order."""
    return [
        *_check_database(config),
        *_check_admin(config),
        *_check_retention(config),
        *_check_listeners(config),
        *_check_alerts(config),
        *_check_country_rules(config),
        *_check_connectors(config),
        *_check_routes(config),
    ]


def _error(path: str, message: str) -> Finding:
    return Finding(Severity.ERROR, path, message)


def _warning(path: str, message: str) -> Finding:
    return Finding(Severity.WARNING, path, message)


def _check_database(config: Config) -> Iterator[Finding]:
    database = config.database
    if database.embedded is not None and database.dsn is not None:
        yield _error(
            "database.embedded", "stands beside a database address; keep one: yours, or the bundled Postgres"
        )
    if database.dsn is not None and not database.dsn.reveal().startswith(("postgresql://", "postgres://")):
        yield _error("database.dsn", "is not an address; allowed: postgresql://user:password@host:5432/name")


def _check_admin(config: Config) -> Iterator[Finding]:
    socket = config.admin.socket
    if socket is not None and len(socket.encode()) > SOCKET_PATH_OCTETS:
        yield _error(
            "admin.socket", f"has {len(socket.encode())} octets; allowed: at most {SOCKET_PATH_OCTETS}"
        )
    yield from _refuse_duplicates("admin.roles", "uid", [str(entry.uid) for entry in config.admin.roles])
    for index, entry in enumerate(config.admin.roles):
        if entry.uid == 65534:
            yield _error(
                f"admin.roles[{index}].uid", "65534 is nobody, whom any program may run as; give a real user"
            )


def _check_retention(config: Config) -> Iterator[Finding]:
    """A message may wait `send_at_days`, live `validity_days` and be receipted 3 days after; that bounds
    both ends."""
    needed_days = config.limits.validity_days + 4
    if config.retention.receipt_map_days < needed_days:
        yield _error(
            "retention.receipt_map_days",
            f"found {config.retention.receipt_map_days}; allowed: {needed_days} or more with "
            f"limits.validity_days {config.limits.validity_days}",
        )
    if config.defaults.ttl_seconds > config.limits.validity_days * 86_400:
        yield _error(
            "defaults.ttl_seconds",
            f"found {config.defaults.ttl_seconds:,}; allowed: at most limits.validity_days, "
            f"{config.limits.validity_days * 86_400:,} seconds",
        )


def _check_listeners(config: Config) -> Iterator[Finding]:
    if (config.http.host, config.http.port) == (config.public.host, config.public.port):
        yield _error("public.port", f"{config.public.port} is the API's port too; give each its own")
    metrics = config.metrics
    for name, taken in (("http", config.http), ("public", config.public)):
        if (metrics.host, metrics.port) == (taken.host, taken.port):
            yield _error("metrics.port", f"{metrics.port} is {name}.port too; give each its own")
    for index, text in enumerate(config.public.trusted_proxies):
        try:
            ip_network(text)
        except ValueError as exc:
            yield _error(f"public.trusted_proxies[{index}]", f"is no network: {exc}")


def _check_alerts(config: Config) -> Iterator[Finding]:
    secret = config.alerts.webhook_secret
    if secret is not None and not secret.reveal().startswith("whsec_"):
        yield _error("alerts.webhook_secret", "is no secret for signing; allowed: whsec_ and base64")
    if secret is not None and config.alerts.webhook_url is None:
        yield _warning("alerts.webhook_secret", "is never used, as webhook_url is not set")


def _check_country_rules(config: Config) -> Iterator[Finding]:
    rules = config.country_rules
    yield from _refuse_duplicates("country_rules", "country", [rule.country for rule in rules])
    for index, rule in enumerate(rules):
        at = f"country_rules[{index}]"
        days = [day.value for entry in rule.hours for day in entry.days]
        yield from _refuse_duplicates(f"{at}.hours", "", days)
        for position, entry in enumerate(rule.hours):
            opens, _, closes = entry.hours.partition("-")
            if opens >= closes:
                yield _error(
                    f"{at}.hours[{position}].hours",
                    f'found "{entry.hours}"; allowed: an end after its beginning, on the same day',
                )
        openings = [entry.hours.partition("-")[0] for entry in rule.hours]
        if rule.polite and openings and min(openings) >= "20:00":
            yield _error(f"{at}.polite", "leaves no hour, as these begin at 20:00 or later; set it to false")
        wording = rule.stop_wording
        if wording is None:
            continue
        bare = wording.replace("{number}", "").replace("{link}", "")
        if "{" in bare or "}" in bare:
            yield _error(f"{at}.stop_wording", "has other braces than {number} and {link}; leave them out")
        if "{number}" in wording and rule.stop_number is None:
            yield _error(f"{at}.stop_wording", "says {number}, and stop_number is not set; set it")


def _check_connectors(config: Config) -> Iterator[Finding]:
    yield from _refuse_duplicates("connectors", "name", [connector.name for connector in config.connectors])
    for index, connector in enumerate(config.connectors):
        at = f"connectors[{index}]"
        if connector.name == SIMULATOR and config.test_mode.simulator:
            yield _error(f"{at}.name", f"{SIMULATOR!r} is the connector built in for test keys; rename yours")
        rows = [f"country {price.country} prefix {price.prefix or 'any'}" for price in connector.prices]
        yield from _refuse_duplicates(f"{at}.prices", "", rows)
        addresses = [entry.address for entry in connector.inbound_addresses]
        yield from _refuse_duplicates(f"{at}.inbound_addresses", "address", addresses)
        yield from _check_tls(connector, at)
        yield from _check_wire(connector, at)
        yield from _check_version(connector, at)


def _check_wire(connector: ConnectorConfig, at: str) -> Iterator[Finding]:
    """How it writes and reads: what its own clock and its own numbers are."""
    try:
        ZoneInfo(connector.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield _error(
            f"{at}.time_zone", f'found "{connector.time_zone}"; allowed: a zone such as Europe/Paris or UTC'
        )
    form = connector.address_form
    if form.country is None and AddressForm.NATIONAL in (form.recipient, form.sender):
        yield _error(f"{at}.address_form.country", "is required for the form national")
    hidden = False
    for index, rule in enumerate(connector.sender_rules):
        if rule.send_as is not None and not (rule.send_as.isascii() and rule.send_as.isprintable()):
            yield _error(
                f"{at}.sender_rules[{index}].send_as",
                "holds a character that SMPP has no place for; use letters without accents, digits and signs",
            )
        if hidden:
            yield _warning(f"{at}.sender_rules[{index}]", "is never used: one above takes every sender")
        hidden = hidden or (rule.kind is None and rule.sender is None)


def _check_version(connector: ConnectorConfig, at: str) -> Iterator[Finding]:
    """What SMPP 3.3 does not have: warnings, since there are carriers that mix the two."""
    if connector.interface_version is not InterfaceVersion.V33:
        return
    if connector.bind_mode is BindMode.TRANSCEIVER:
        yield _warning(
            f"{at}.bind_mode",
            "is transceiver, which SMPP 3.3 does not have; such carriers want transmitter_receiver",
        )
    if connector.concatenation in (Concatenation.SAR, Concatenation.PAYLOAD):
        yield _warning(
            f"{at}.concatenation",
            f"is {connector.concatenation.value}, which needs TLVs; to a carrier of 3.3 udh8 is used instead",
        )


def _check_tls(connector: ConnectorConfig, at: str) -> Iterator[Finding]:
    tls = connector.tls
    if tls.key_file is not None and tls.certificate_file is None:
        yield _error(f"{at}.tls.key_file", "stands without certificate_file; add it")
    if not tls.enabled and (tls.ca_file or tls.server_name or tls.certificate_file):
        yield _warning(
            f"{at}.tls", "is described but not enabled, so the password crosses the network unencrypted"
        )


def _check_routes(config: Config) -> Iterator[Finding]:
    names = [connector.name for connector in config.connectors]
    if config.test_mode.simulator:
        names.append(SIMULATOR)
    yield from _refuse_duplicates("routes", "name", [route.name for route in config.routes])
    for index, route in enumerate(config.routes):
        at = f"routes[{index}].connectors"
        yield from _refuse_duplicates(at, "name", [target.name for target in route.connectors])
        for position, target in enumerate(route.connectors):
            if target.name not in names:
                yield _error(
                    f"{at}[{position}].name",
                    f"no connector is named {target.name!r}{name_nearest(target.name, names)}",
                )
    yield from _warn_of_hidden_routes(config.routes)
    if not config.routes:
        return  # every connector takes every message then, in written order
    reached = {target.name for route in config.routes for target in route.connectors}
    for index, connector in enumerate(config.connectors):
        if connector.enabled and not connector.test and connector.name not in reached:
            yield _warning(
                f"connectors[{index}]", f"no route reaches {connector.name!r}, so nothing is sent over it"
            )


def _warn_of_hidden_routes(routes: tuple[RouteConfig, ...]) -> Iterator[Finding]:
    """The first route that holds is used, so nothing gets past one without conditions."""
    catch_all: RouteConfig | None = None
    for index, route in enumerate(routes):
        if catch_all is not None:
            yield _warning(f"routes[{index}]", f"is never used: {catch_all.name!r} above takes every message")
        elif route.match == RouteMatchConfig():
            catch_all = route


def _refuse_duplicates(path: str, key: str, values: Iterable[str]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value in first:
            at = f"{path}[{index}]" + (f".{key}" if key else "")
            yield _error(at, f"{value!r} stands twice, first at {path}[{first[value]}]; keep one")
        first.setdefault(value, index)

"""How a connector's configuration becomes binds: settings, TLS, and which changes need a new bind."""

import ssl

from gateway.config.carriers import BindMode, ConnectorConfig, TlsConfig
from gateway.session import bind as session_bind
from gateway.session.bind import BindSettings, Endpoint
from gateway.session.settings import SessionSettings
from gateway.smpp.timers import TimerSettings

_BIND_KEYS = (
    "address_range", "bind_mode", "bind_timeout_seconds", "binds", "enabled", "enquire_link_seconds", "hosts",
    "password", "response_timeout_seconds", "system_id", "system_type", "tls",
)  # fmt: skip
"""Keys whose change needs new binds; every other takes effect on the binds that are up."""


def needs_new_binds(before: ConnectorConfig, after: ConnectorConfig) -> bool:
    return any(getattr(before, key) != getattr(after, key) for key in _BIND_KEYS)


def modes_of(config: ConnectorConfig) -> tuple[session_bind.BindMode, ...]:
    """The binds that one configured bind stands for: one for both directions, or a pair."""
    if config.bind_mode is BindMode.TRANSCEIVER:
        return (session_bind.BindMode.TRANSCEIVER,)
    return (session_bind.BindMode.TRANSMITTER, session_bind.BindMode.RECEIVER)


def bind_settings(config: ConnectorConfig, mode: session_bind.BindMode, *, bind_no: int) -> BindSettings:
    """The settings of bind `bind_no` (from 1). Binds begin at different hosts, so that one host's end does
    not take all of them.

    Raises `OSError` and `ssl.SSLError` for certificate files that cannot be read.
    """
    endpoints = tuple(Endpoint(host.host, host.port) for host in config.hosts)
    first = (bind_no - 1) % len(endpoints)
    return BindSettings(
        endpoints=endpoints[first:] + endpoints[:first],
        system_id=config.system_id.encode("latin-1", "replace"),
        password=config.password.reveal().encode("latin-1", "replace"),
        mode=mode,
        system_type=config.system_type.encode("latin-1", "replace"),
        address_range=config.address_range.encode("latin-1", "replace"),
        connect_timeout_seconds=config.bind_timeout_seconds,
        tls=_tls_context(config.tls) if config.tls.enabled else None,
        tls_server_name=config.tls.server_name,
        session=SessionSettings(
            window=config.window,
            response_timeout_seconds=config.response_timeout_seconds,
            timers=TimerSettings(
                session_init_seconds=config.bind_timeout_seconds,
                enquire_link_seconds=config.enquire_link_seconds,
            ),
        ),
    )


def _tls_context(config: TlsConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_file)
    context.check_hostname = config.check_name
    if config.certificate_file is not None:
        context.load_cert_chain(config.certificate_file, config.key_file)
    return context

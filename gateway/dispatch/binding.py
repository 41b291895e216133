"""How a connector's configuration becomes binds: settings, TLS, and which changes need a new bind."""

from gateway.config.carriers import BindMode, ConnectorConfig, InterfaceVersion, TlsConfig
from gateway.session import bind as session_bind
from gateway.session.bind import BindSettings
from gateway.session.connecting import Endpoint
from gateway.session.settings import SessionSettings
from gateway.session.tls import TlsSettings
from gateway.smpp.timers import TimerSettings

_VERSIONS = {InterfaceVersion.V33: 0x33, InterfaceVersion.V34: 0x34, InterfaceVersion.V50: 0x50}

_BIND_KEYS = (
    "address_range", "address_range_npi", "address_range_ton", "bind_mode", "bind_timeout_seconds", "binds",
    "enabled", "enquire_link_seconds", "enquire_link_timeout_seconds", "failback_seconds", "hosts",
    "interface_version", "late_answer_seconds", "max_pdu_octets", "password", "response_timeout_seconds",
    "system_id", "system_type", "tls", "unbind_timeout_seconds",
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
    """
    endpoints = tuple(Endpoint(host.host, host.port) for host in config.hosts)
    first = (bind_no - 1) % len(endpoints)
    return BindSettings(
        endpoints=endpoints[first:] + endpoints[:first],
        system_id=_octets(config.system_id),
        password=_octets(config.password.reveal()),
        mode=mode,
        system_type=_octets(config.system_type),
        interface_version=_VERSIONS[config.interface_version],
        addr_ton=config.address_range_ton,
        addr_npi=config.address_range_npi,
        address_range=_octets(config.address_range),
        connect_timeout_seconds=config.bind_timeout_seconds,
        failback_seconds=config.failback_seconds,
        tls=_tls_settings(config.tls) if config.tls.enabled else None,
        session=SessionSettings(
            window=config.window,
            response_timeout_seconds=config.response_timeout_seconds,
            keep_late_seconds=config.late_answer_seconds,
            unbind_timeout_seconds=config.unbind_timeout_seconds,
            max_pdu_octets=config.max_pdu_octets,
            timers=TimerSettings(
                session_init_seconds=config.bind_timeout_seconds,
                enquire_link_seconds=config.enquire_link_seconds,
                enquire_link_timeout_seconds=config.enquire_link_timeout_seconds,
            ),
        ),
    )


def _octets(text: str) -> bytes:
    """As most carriers read it; what Latin-1 has no form for goes out as UTF-8, never as a question mark."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _tls_settings(config: TlsConfig) -> TlsSettings:
    return TlsSettings(
        ca_file=config.ca_file,
        check_name=config.check_name,
        server_name=config.server_name,
        certificate_file=config.certificate_file,
        key_file=config.key_file,
    )

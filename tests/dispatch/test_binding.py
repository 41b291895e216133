"""What a connector's keys make of its binds."""

import dataclasses

import pytest

from gateway.config import HostPort, Secret
from gateway.config.carriers import BindMode, ConnectorConfig, InterfaceVersion, TlsConfig
from gateway.dispatch.binding import bind_settings, modes_of, needs_new_binds
from gateway.session import bind as session_bind
from gateway.session.tls import TlsSettings
from tests.dispatch.carrier_fakes import make_config

TRX = session_bind.BindMode.TRANSCEIVER


def settings_of(**keys):
    return bind_settings(make_config(**keys), TRX, bind_no=1)


@pytest.mark.parametrize(
    ("keys", "path", "expected"),
    [
        ({"address_range": "^39"}, "address_range", b"^39"),
        ({"address_range_ton": 1}, "addr_ton", 1),
        ({"address_range_npi": 9}, "addr_npi", 9),
        ({"system_type": "VMA"}, "system_type", b"VMA"),
        ({"interface_version": InterfaceVersion.V33}, "interface_version", 0x33),
        ({"interface_version": InterfaceVersion.V50}, "interface_version", 0x50),
        ({"failback_seconds": 60}, "failback_seconds", 60),
        ({"bind_timeout_seconds": 3}, "connect_timeout_seconds", 3),
        ({"bind_timeout_seconds": 3}, "session.timers.session_init_seconds", 3),
        ({"enquire_link_seconds": 60}, "session.timers.enquire_link_seconds", 60),
        ({"enquire_link_timeout_seconds": 5}, "session.timers.enquire_link_timeout_seconds", 5),
        ({"response_timeout_seconds": 9}, "session.response_timeout_seconds", 9),
        ({"late_answer_seconds": 7}, "session.keep_late_seconds", 7),
        ({"unbind_timeout_seconds": 2}, "session.unbind_timeout_seconds", 2),
        ({"max_pdu_octets": 2048}, "session.max_pdu_octets", 2048),
        ({"window": 1}, "session.window", 1),
        ({"password": Secret("twelve chars")}, "password", b"twelve chars"),
        ({"password": Secret("pässword")}, "password", "pässword".encode("latin-1")),
        ({"password": Secret("пароль")}, "password", "пароль".encode()),
        (
            {"tls": TlsConfig(enabled=True, ca_file="ca", check_name=False, server_name="n", key_file="k")},
            "tls",
            TlsSettings("ca", False, "n", None, "k"),
        ),
        ({"tls": TlsConfig(ca_file="ca")}, "tls", None),
    ],
)
def test_each_key_reaches_its_bind(keys, path, expected):
    value = settings_of(**keys)
    for name in path.split("."):
        value = getattr(value, name)
    assert value == expected


def test_binds_begin_at_different_hosts_and_know_the_others():  # quirk 26
    hosts = tuple(HostPort(f"h{n}", 1) for n in range(3))
    config = make_config(hosts=hosts, binds=4)
    ways = [
        "".join(endpoint.host[1] for endpoint in bind_settings(config, TRX, bind_no=n).endpoints)
        for n in (1, 2, 3, 4)
    ]
    assert ways == ["012", "120", "201", "012"]


def test_a_pair_stands_for_one_bind():  # quirk 16
    assert modes_of(make_config()) == (TRX,)
    assert modes_of(make_config(bind_mode=BindMode.TRANSMITTER_RECEIVER)) == (
        session_bind.BindMode.TRANSMITTER,
        session_bind.BindMode.RECEIVER,
    )


ANOTHER = {
    "address_range": "x",
    "address_range_npi": 1,
    "address_range_ton": 1,
    "bind_mode": BindMode.TRANSMITTER_RECEIVER,
    "bind_timeout_seconds": 11,
    "binds": 2,
    "enabled": False,
    "enquire_link_seconds": 31,
    "enquire_link_timeout_seconds": 16,
    "failback_seconds": 1,
    "hosts": (HostPort("other", 1),),
    "interface_version": InterfaceVersion.V50,
    "late_answer_seconds": 1,
    "max_pdu_octets": 2048,
    "password": Secret("other"),
    "response_timeout_seconds": 1,
    "system_id": "other",
    "system_type": "other",
    "tls": TlsConfig(enabled=True),
    "unbind_timeout_seconds": 1,
}


@pytest.mark.parametrize("key", sorted(ANOTHER))
def test_a_key_of_the_bind_makes_it_anew(key):
    assert needs_new_binds(make_config(), make_config(**{key: ANOTHER[key]}))


def test_no_other_key_costs_a_bind():
    """Whatever `bind_settings` makes of the rest, it is the same; the window changes on binds that are up."""
    config = make_config(window=99, parts_per_second=7, service_type="CMT", max_attempts=1)
    assert not needs_new_binds(make_config(), config)
    made = bind_settings(config, TRX, bind_no=1)
    same = dataclasses.replace(made, session=dataclasses.replace(made.session, window=10))
    assert same == bind_settings(make_config(), TRX, bind_no=1)
    assert set(ANOTHER) < set(ConnectorConfig.__struct_fields__)

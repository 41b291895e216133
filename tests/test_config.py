"""Reading `config.yaml`: every refusal names the path, what was found, and what would do instead."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import (
    Amount,
    Config,
    ConfigError,
    HostPort,
    LogLevel,
    RetryAction,
    Secret,
    Severity,
    StatusCode,
    check_config,
    load_config,
)
from gateway.config.tree import CONFIG_SIZE_OCTETS

Write = Callable[[str], Path]

GOOD_CONNECTOR = """
connectors:
  - name: smsc-a
    hosts: ["127.0.0.1:2775"]
    system_id: shop
    password: ${PW}
routes:
  - {name: default, connectors: [{name: smsc-a}]}
"""
ENVIRON = {"PW": "s3cret"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        path.chmod(0o600)
        return path

    return write_file


def findings(path: Path) -> list[str]:
    return [str(finding) for finding in check_config(path, ENVIRON)]


def connector(extra: str) -> str:
    """The good file with more keys in its connector."""
    return GOOD_CONNECTOR.replace("    password: ${PW}\n", f"    password: ${{PW}}\n    {extra}\n")


# --- good files ---


def test_an_empty_file_is_a_working_configuration(write: Write) -> None:
    assert load_config(write("# nothing yet\n"), {}) == Config()


def test_a_section_with_all_its_keys_commented_out_keeps_its_defaults(write: Write) -> None:
    assert load_config(write("http:\n  # port: 8080\nconnectors:\n"), {}) == Config()


def test_values_arrive_typed(write: Write) -> None:
    config = load_config(
        write(
            connector('retry: {0x58: retry, "0x0401": fail}\n    prices: [{country: NO, price: "0.0455"}]')
        ),
        ENVIRON,
    )
    read = config.connectors[0]
    assert read.hosts == (HostPort("127.0.0.1", 2775),)
    assert read.retry == {StatusCode(0x58): RetryAction.RETRY, StatusCode(0x401): RetryAction.FAIL}
    assert read.prices[0].price == Amount(45_500)
    assert read.prices[0].country == "NO", "Norway is not false"
    assert config.logging.level is LogLevel.INFO


def test_two_readings_of_one_file_are_equal_so_that_a_reload_changes_nothing(write: Write) -> None:
    path = write(connector("window: 20"))
    first, second = load_config(path, ENVIRON), load_config(path, ENVIRON)
    assert first.connectors[0] == second.connectors[0]
    assert first.connectors[0] != load_config(path, {"PW": "other"}).connectors[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smsc.example.net:2775", HostPort("smsc.example.net", 2775)),
        ("[2001:db8::1]:3550", HostPort("2001:db8::1", 3550)),
    ],
)
def test_hosts_are_names_or_addresses_with_a_port(text: str, expected: HostPort) -> None:
    assert HostPort.parse(text) == expected
    assert str(expected) == text


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_an_amount_survives_being_written_and_read(micros: int) -> None:
    assert Amount.parse(str(Amount(micros))) == Amount(micros)


# --- unknown keys, types and bounds ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nod: {}", "error: nod: unknown key; did you mean 'node'?"),
        ("http: {prot: 1}", "error: http.prot: unknown key; did you mean 'port'?"),
        ("stop: {xyzzy: 1}", "error: stop.xyzzy: unknown key; known here: drain_seconds"),
        ("http: {port: 80800}", "error: http.port: found 80800; allowed: a whole number, 1 to 65,535"),
        ("http: {port: true}", "error: http.port: found true; allowed: a whole number, 1 to 65,535"),
        ("http: {port: '80'}", 'error: http.port: found "80"; allowed: a whole number, 1 to 65,535'),
        ("http: [1]", "error: http: found a list of 1; allowed: keys with values below it"),
        ("http: {host: 1}", "a host name or an IP address; write it in quotes"),
        ("webhooks: {timeout_seconds: 0}", "webhooks.timeout_seconds: found 0; allowed: a number, 1 to 60"),
        ("logging: {level: inf}", "one of debug, info, warning, error; did you mean 'info'?"),
        ("test_mode: {simulator: yes}", 'found "yes"; allowed: true or false'),
        ("defaults: {country: fr}", 'found "fr"; allowed: a two-letter ISO 3166 code in capitals'),
        ('defaults: {sender: "a\\nb"}', "an address of 1 to 20 characters"),
        ("defaults: {currency: null}", "error: defaults.currency: found nothing"),
        ("retention: {messages_days: 44}", "retention.messages_days: found 44; allowed: 45 or more"),
        ("retention: {receipt_map_days: 10}", "retention.receipt_map_days: found 10; allowed: 11 or more"),
        ("limits: {send_at_days: 31}", "limits.send_at_days: found 31; allowed: a whole number, 1 to 30"),
        ("limits: {validity_days: 8}", "limits.validity_days: found 8; allowed: a whole number, 1 to 7"),
        ("public: {base_url: l.example.com}", 'public.base_url: found "l.example.com"; allowed: an http'),
        ("connectors: {name: a}", "error: connectors: found keys with values; allowed: a list"),
        ("connectors: [{}]", "error: connectors[0].name: this key is required"),
        ("- a\n", "error: found a list of 1; allowed: keys with values below it"),
    ],
)
def test_a_fault_names_its_path_what_was_found_and_what_is_allowed(
    write: Write, text: str, expected: str
) -> None:
    found = findings(write(text))
    assert any(expected in finding for finding in found), found


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("windw: 3", "connectors[0].windw: unknown key; did you mean 'window'?"),
        ("tls: {enable: true}", "connectors[0].tls.enable: unknown key; did you mean 'enabled'?"),
        ("id_form: {receipt: hex}", 'connectors[0].id_form.receipt: found "hex"; allowed: one of as_is'),
        ("window: 5001", "connectors[0].window: found 5001; allowed: a whole number, 1 to 5,000"),
        ("parts_per_second: .inf", 'connectors[0].parts_per_second: found ".inf"; allowed: a number'),
        ("retry: {0: fail}", "connectors[0].retry.0: found 0; allowed: a command_status from 0x01"),
        ('retry: {0x58: fail, "0x058": retry}', "connectors[0].retry.0x058: stands twice, in two spellings"),
        ('prices: [{price: "0,045"}]', 'found "0,045"; allowed: a decimal number in quotes'),
        ('prices: [{price: "-1"}]', 'found "-1"; allowed: a decimal number in quotes'),
        ("prices: [{price: 0.045}]", "a bare 0.045 is read as a binary number"),
        ("prices: [{prefix: 33, price: '1'}]", "prices[0].prefix: found 33; allowed: digits in quotes"),
        ("prices: [{price: '1'}, {price: '2'}]", "stands twice, first at connectors[0].prices[0]; keep one"),
        ("inbound_addresses: [{address: a, shop: s}, {address: a, shop: t}]", "'a' stands twice"),
        ("tls: {key_file: k}", "connectors[0].tls.key_file: stands without certificate_file"),
        ("tls: {ca_file: k}", "warning: connectors[0].tls: is described but not enabled"),
        ("sender_rules: [{send_as: Café}]", "sender_rules[0].send_as: holds a character that SMPP has no"),
        ("sender_rules: [{send_as: A}, {ton: 1}]", "sender_rules[1]: is never used: one above takes every"),
        ("address_form: {recipient: national}", "address_form.country: is required for the form national"),
        ("time_zone: Mars/Base", 'time_zone: found "Mars/Base"; allowed: a zone such as Europe/Paris'),
        ('interface_version: "3.3"', "warning: connectors[0].bind_mode: is transceiver, which SMPP 3.3"),
        (
            'interface_version: "3.3"\n    concatenation: sar',
            "warning: connectors[0].concatenation: is sar, which needs TLVs",
        ),
    ],
)
def test_a_fault_in_a_connector_is_named(write: Write, extra: str, expected: str) -> None:
    found = findings(write(connector(extra)))
    assert any(expected in finding for finding in found), found


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "a:0", "a:65536", ":2775", "::1:2775", "user@host:2775", "a: 1", 2775]
)
def test_a_host_without_a_usable_port_is_refused(host: object) -> None:
    with pytest.raises(ValueError, match="host:port"):
        HostPort.parse(host)


def test_all_faults_of_a_file_are_named_in_one_reading(write: Write) -> None:
    path = write("""
        nod: {}
        http: {port: 0, hots: x}
        connectors:
          - {name: A, hosts: [], system_id: "", windw: 1}
          - {name: b, hosts: [x], system_id: u}
    """)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert [finding.path for finding in caught.value.findings] == [
        "nod",
        "http.hots",
        "http.port",
        "connectors[0].windw",
        "connectors[0].name",
        "connectors[0].hosts",
        "connectors[0].system_id",
        "connectors[1].hosts[0]",
    ]
    assert str(path) in str(caught.value)
    assert "did you mean 'node'?" in str(caught.value)


# --- YAML's traps ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http: {}\nhttp: {}\n", "line 2, column 1: the key 'http' stands twice, first on line 1; keep one"),
        ("http: {port: 1, port: 2}", "the key 'port' stands twice"),
        ("a: &x {}\nb: *x\n", "anchors and aliases are not taken"),
        ("[" * 200, "nested deeper than 16 levels"),
        ("http: [", "line 1, column 8: expected the node content"),
        ("!!int x", "invalid literal"),
        ("!!python/object:os.system x", "could not determine a constructor"),
        ("? [1]\n: 2\n", "a key must be a word"),
        ("--- {}\n--- {}\n", "found another document"),
        ("a: \0", "special characters are not allowed"),
    ],
)
def test_what_a_configuration_never_means_is_refused(write: Write, text: str, expected: str) -> None:
    found = findings(write(text))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(("word", "country"), [("NO", "NO"), ("'NO'", "NO")])
def test_norway_is_a_country(write: Write, word: str, country: str) -> None:
    assert load_config(write(f"defaults: {{country: {word}}}"), {}).defaults.country == country


def test_a_number_with_leading_zeros_stays_what_was_written(write: Write) -> None:
    assert load_config(write("defaults: {sender: 0033}"), {}).defaults.sender == "0033"


def test_a_file_that_is_too_large_or_not_text_or_not_there_is_refused(write: Write, tmp_path: Path) -> None:
    assert "is larger than 1,048,576 octets" in findings(write("#" * (CONFIG_SIZE_OCTETS + 1)))[0]
    (tmp_path / "latin.yaml").write_bytes(b"# caf\xe9\n")
    assert "is not UTF-8 text (octet 5)" in findings(tmp_path / "latin.yaml")[0]
    assert "cannot be read: No such file" in findings(tmp_path / "absent.yaml")[0]
    assert "cannot be read: Is a directory" in findings(tmp_path)[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text(alphabet="[]{}:,-?!&*|>'\"#%@ \n0aN", max_size=80)))
def test_any_text_gives_a_configuration_or_findings(write: Write, text: str) -> None:
    check_config(write(text.encode("utf-8", "ignore").decode()), {})


# --- secrets ---


def test_a_secret_never_shows_itself(write: Write) -> None:
    config = load_config(write(GOOD_CONNECTOR), ENVIRON)
    secret = config.connectors[0].password
    assert secret.reveal() == "s3cret"
    for shown in (repr(config), str(secret), repr(secret), f"{secret:>5}", f"{secret!r}", f"{config}"):
        assert "s3cret" not in shown
        assert "***" in shown


def test_a_missing_environment_variable_is_named(write: Write) -> None:
    with pytest.raises(
        ConfigError, match=r"connectors\[0\].password: the environment variable PW is not set"
    ):
        load_config(write(GOOD_CONNECTOR), {})


def test_a_password_that_yaml_read_as_a_number_is_refused_without_showing_it(write: Write) -> None:
    found = findings(write(GOOD_CONNECTOR.replace("${PW}", "12345678")))
    assert found[0].startswith("error: connectors[0].password: found int; allowed: text, in quotes")
    assert "12345678" not in found[0]


def test_a_password_comes_from_a_file_beside_the_configuration(write: Write, tmp_path: Path) -> None:
    (tmp_path / "smsc-a.password").write_text("from file\n")
    path = write(GOOD_CONNECTOR.replace("password: ${PW}", "password_file: smsc-a.password"))
    assert load_config(path, {}).connectors[0].password == Secret("from file")


def test_a_missing_or_doubled_or_absent_password_is_refused(write: Write) -> None:
    missing = findings(write(GOOD_CONNECTOR.replace("password: ${PW}", "password_file: absent")))
    assert "connectors[0].password_file:" in missing[0]
    assert "absent cannot be read: No such file" in missing[0]
    assert "stands beside connectors[0].password" in findings(write(connector("password_file: x")))[0]
    assert findings(write(GOOD_CONNECTOR.replace("    password: ${PW}\n", "")))[0] == (
        "error: connectors[0].password: this key, or password_file, is required"
    )


def test_an_empty_password_may_be_meant(write: Write) -> None:
    config = load_config(write(GOOD_CONNECTOR.replace("${PW}", '""')), {})
    assert config.connectors[0].password.reveal() == ""


def test_the_database_address_comes_from_a_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://u:p@h/d\n")
    config = load_config(write("database: {dsn_file: dsn}"), {})
    assert config.database.dsn == Secret("postgresql://u:p@h/d")


def test_a_file_that_everyone_can_read_is_named_only_when_it_holds_a_secret(write: Write) -> None:
    path = write(GOOD_CONNECTOR)
    path.chmod(0o644)
    assert findings(path) == []
    path = write(GOOD_CONNECTOR.replace("${PW}", "secret"))
    path.chmod(0o644)
    assert len(findings(path)) == 1
    assert f"run `chmod o-r {path}`" in findings(path)[0]
    load_config(path, {})  # a warning does not keep the server from starting


# --- rules between keys ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "database: {dsn: 'postgresql://h/d', embedded: {}}",
            "error: database.embedded: stands beside a database address",
        ),
        ("database: {dsn: 'mysql://h/d'}", "error: database.dsn: is not an address"),
        ("public: {port: 8080}", "error: public.port: 8080 is the API's port too"),
        (f"admin: {{socket: /{'x' * 107}}}", "error: admin.socket: has 108 octets; allowed: at most 107"),
        (
            "admin: {roles: [{uid: 7, role: agent}, {uid: 7, role: operator}]}",
            "error: admin.roles[1].uid: '7' stands twice",
        ),
        ("admin: {roles: [{uid: 65534, role: agent}]}", "error: admin.roles[0].uid: 65534 is nobody"),
        (
            "limits: {validity_days: 1}\ndefaults: {ttl_seconds: 172800}",
            "error: defaults.ttl_seconds: found 172,800; allowed: at most limits.validity_days, 86,400",
        ),
        (
            "country_rules: [{country: FR}, {country: FR}]",
            "error: country_rules[1].country: 'FR' stands twice",
        ),
        (
            "country_rules: [{country: FR, hours: [{days: [mon], hours: '20:00-08:00'}]}]",
            'error: country_rules[0].hours[0].hours: found "20:00-08:00"; allowed: an end after',
        ),
        (
            "country_rules: [{country: FR, hours: [{days: [mon], hours: '08:00-12:00'},"
            " {days: [mon], hours: '14:00-18:00'}]}]",
            "error: country_rules[0].hours[1]: 'mon' stands twice",
        ),
        (
            "country_rules: [{country: FR, polite: true, hours: [{days: [mon], hours: '20:30-22:00'}]}]",
            "error: country_rules[0].polite: leaves no hour",
        ),
        (
            "country_rules: [{country: FR, stop_wording: 'STOP {{ first_name }}'}]",
            "error: country_rules[0].stop_wording: has other braces",
        ),
        (
            "country_rules: [{country: FR, stop_wording: 'STOP au {number}'}]",
            "error: country_rules[0].stop_wording: says {number}, and stop_number is not set",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(write: Write, text: str, expected: str) -> None:
    found = findings(write(text))
    assert any(finding.startswith(expected) for finding in found), found


def test_routes_and_connectors_must_agree(write: Write) -> None:
    two = GOOD_CONNECTOR.replace("[{name: smsc-a}]", "[{name: smsc-b}]")
    assert findings(write(two)) == [
        "error: routes[0].connectors[0].name: no connector is named 'smsc-b'; did you mean 'smsc-a'?",
        "warning: connectors[0]: no route reaches 'smsc-a', so nothing is sent over it",
    ]


def test_without_routes_every_connector_is_reached(write: Write) -> None:
    assert findings(write(GOOD_CONNECTOR[: GOOD_CONNECTOR.index("routes:")])) == []


def test_names_stand_once(write: Write) -> None:
    doubled = GOOD_CONNECTOR.replace(
        "routes:\n",
        "  - {name: smsc-a, hosts: ['h:1'], system_id: u, password: ''}\n"
        "routes:\n  - {name: default, connectors: [{name: smsc-a}, {name: smsc-a}]}\n",
    )
    paths = [
        finding.path
        for finding in check_config(write(doubled), ENVIRON)
        if finding.severity is Severity.ERROR
    ]
    assert paths == ["connectors[1].name", "routes[1].name", "routes[0].connectors[1].name"]


def test_the_built_in_connector_can_be_routed_to_but_not_redefined(write: Write) -> None:
    routed = "routes: [{name: all, connectors: [{name: simulator}]}]"
    assert findings(write(routed)) == []
    assert (
        "no connector is named 'simulator'" in findings(write(routed + "\ntest_mode: {simulator: false}"))[0]
    )
    taken = GOOD_CONNECTOR.replace("smsc-a", "simulator")
    assert findings(write(taken)) == [
        "error: connectors[0].name: 'simulator' is the connector built in for test keys; rename yours"
    ]


def test_a_route_below_one_that_takes_everything_is_pointed_out(write: Write) -> None:
    more = GOOD_CONNECTOR + "  - {name: french, match: {country: [FR]}, connectors: [{name: smsc-a}]}\n"
    assert findings(write(more)) == ["warning: routes[1]: is never used: 'default' above takes every message"]


def test_certificates_are_looked_for_beside_the_file(write: Write) -> None:
    path = write(connector("tls: {enabled: true, ca_file: ca.pem, certificate_file: /etc/ours.pem}"))
    tls = load_config(path, ENVIRON).connectors[0].tls
    assert (tls.ca_file, tls.certificate_file, tls.key_file) == (
        str(path.parent / "ca.pem"),
        "/etc/ours.pem",
        None,
    )


def test_errors_come_before_warnings(write: Write) -> None:
    path = write(connector("tls: {ca_file: x}") + "public: {port: 8080}\n")
    assert [finding.severity for finding in check_config(path, ENVIRON)] == [Severity.ERROR, Severity.WARNING]

"""Which URLs and addresses webhooks may go to."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.errors import TargetRefused
from gateway.webhooks.targets import GuardedResolver, find_fault, parse_target


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("https://shop.example/hook", "https://shop.example/hook"),
        ("http://shop.example:8080/hook?a=1", "http://shop.example:8080/hook?a=1"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://boutique-élégante.example/reçu", "https://xn--boutique-lgante-jnbb.example/re%C3%A7u"),
    ],
)
def test_public_urls_are_accepted(text: str, seen: str) -> None:
    assert str(parse_target(text, allow_private=False)) == seen


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "https:// or http://"),
        ("shop.example/hook", "https:// or http://"),
        ("ftp://shop.example/", "https:// or http://"),
        ("file:///etc/passwd", "https:// or http://"),
        ("https:///hook", "names no host"),
        ("https://./hook", "names no host"),
        ("https://shop.example:0/", "1–65535"),
        ("https://shop.example:70000/", "not a URL"),
        ("https://shop.example:port/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://name:word@shop.example/", "name and password"),
        ("https://name@shop.example/", "name and password"),
        ("https://shop.example/a b", "space or a control"),
        ("https://shop.example/\r\nx: y", "space or a control"),
        ("https://shop.example/\0", "space or a control"),
        ("https://shop.example/" + "a" * 2048, "longer than 2048"),
        ("http://127.1/", "four decimal numbers"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://0x7f000001/", "four decimal numbers"),
        ("http://0x7f.0.0.0x1/", "four decimal numbers"),
        ("http://0177.0.0.1/", "four decimal numbers"),
    ],
)
def test_malformed_urls_are_refused_with_the_reason(text: str, says: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(TargetRefused, match=says):
            parse_target(text, allow_private=allow_private)


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(TargetRefused) as caught:
        parse_target("https://name:hunter2@shop.example/", allow_private=False)
    assert "hunter2" not in str(caught.value)


PRIVATE_HOSTS = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "240.0.0.1", "[::1]", "[fe80::1]", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]",
    "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "localhost", "LOCALHOST", "localhost.", "db.internal",
    "printer.local", "①②⑦.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_private_hosts_are_refused_unless_allowed(host: str) -> None:
    with pytest.raises(TargetRefused, match="allow_private"):
        parse_target(f"https://{host}/hook", allow_private=False)
    assert parse_target(f"https://{host}/hook", allow_private=True)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "[::ffff:0.0.0.0]"]
)
def test_what_is_no_single_host_is_refused_always(host: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(TargetRefused, match="not the address of one host"):
            parse_target(f"https://{host}/hook", allow_private=allow_private)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert find_fault(ip_address(address), allow_private=False) is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_its_ipv6_clothes(address: object) -> None:
    bare = find_fault(ip_address(str(address)), allow_private=False) is None
    for prefix in ("::ffff:", "64:ff9b::"):
        assert (find_fault(ip_address(f"{prefix}{address}"), allow_private=False) is None) is bare


@given(st.text(max_size=80))
def test_any_text_is_accepted_or_refused_and_nothing_else(text: str) -> None:
    for candidate in (text, f"https://{text}", f"https://shop.example/{text}"):
        try:
            parse_target(candidate, allow_private=False)
        except TargetRefused:
            continue


@pytest.mark.integration
async def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    guarded, open_ = GuardedResolver(allow_private=False), GuardedResolver(allow_private=True)
    with pytest.raises(TargetRefused, match=r"'localhost' is refused.*(127\.0\.0\.1|::1).*allow_private"):
        await guarded.resolve("localhost", 80)
    assert {result["host"] for result in await open_.resolve("localhost", 80)} <= {"127.0.0.1", "::1"}
    await guarded.close()
    await open_.close()

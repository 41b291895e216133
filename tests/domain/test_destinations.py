"""Addresses that a campaign's link may have, and their spelling in a redirect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.destinations import LONGEST_URL, find_destination_fault, spell_location

OWN = ["l.example.com"]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/spring?utm_source=sms&sig=a%2Fb%20c+d#top",
        "http://shop.example:8443/",
        "https://boutique-été.example/soldes/été?q=œuf",
        "https://xn--bcher-kva.example",
        "http://127.0.0.1:3000/x",
        "http://localhost/x",
        "https://[2001:db8::1]/x",
        "HTTPS://SHOP.EXAMPLE/",
        "https://shop.example./x",
        "https://l.example.com.shop.example/x",
    ],
)
def test_pages_of_shops_are_taken(url: str) -> None:
    assert find_destination_fault(url, own_hosts=OWN) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "https://"),
        ("shop.example/spring", "https://"),
        ("//shop.example/spring", "https://"),
        ("javascript:alert(1)", "https://"),
        ("data:text/html,x", "https://"),
        ("ftp://shop.example/", "https://"),
        ("https:///spring", "no"),
        ("https://", "no"),
        ("https://./", "no host"),
        ("https://user:pw@shop.example/", "password"),
        ("https://shop.example@evil.example/", "password"),
        ("https://shop.example/a b", "space"),
        ("https://shop.example/\r\nSet-Cookie: a=b", "control"),
        ("https://shop.example/\u0000", "control"),
        ("https://shop.example:99999/", "not a URL"),
        ("https://shop.example:0/", "port"),
        ("https://[::1/", "not a URL"),
        ("https://l.example.com/Ab3xZ9k", "own address"),
        ("https://L.EXAMPLE.com.:443/x", "own address"),
        ("https://shop/spring", "whole name"),
        ("https://shop.example/" + "x" * LONGEST_URL, "longer"),
    ],
)
def test_what_is_no_page_is_refused_with_a_reason(url: str, fault: str) -> None:
    found = find_destination_fault(url, own_hosts=OWN)
    assert found is not None
    assert fault in found


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://shop.example/a?x=%20+%2f&y=a/b#z", "https://shop.example/a?x=%20+%2f&y=a/b#z"),
        ("https://bücher.example:8080/été?q=œ#é", "https://xn--bcher-kva.example:8080/%C3%A9t%C3%A9?q=%C5%93#%C3%A9"),
        ("https://shop.example/%C3%A9t%c3%a9/€", "https://shop.example/%C3%A9t%c3%a9/%E2%82%AC"),
    ],
)  # fmt: skip
def test_a_location_is_ascii_and_keeps_what_was_ascii(url: str, location: str) -> None:
    assert spell_location(url) == location


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://shop.example/", "http://été."]))
def test_whatever_is_taken_can_stand_in_a_header(text: str, head: str) -> None:
    url = head + text
    if find_destination_fault(url, own_hosts=OWN) is None:
        location = spell_location(url)
        assert location.isascii()
        assert location.isprintable()
        assert location.lower().startswith(("http://", "https://"))

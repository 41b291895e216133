"""JSON bodies: what is read, and how each fault is told."""

import json
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.refusals import Refusal
from gateway.intake.requests import SendRequest, decode_batch, decode_body, decode_send


def told(body: bytes) -> tuple[str, str]:
    refusal = decode_send(body)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.detail
    assert refusal.action
    return refusal.code.value, refusal.path


def test_every_field_is_read() -> None:
    request = decode_send(
        b'{"to":"+33612345678","from":"SHOP","text":"hi","category":"otp","send_at":"2026-03-01T09:30:00+01:00",'
        b'"ttl_seconds":60,"webhook_url":"https://example.com","client_reference":"a","metadata":{"a":1,"b":"c"},'
        b'"smart_encoding":true,"sensitive":true,"max_parts":2,"max_price":"0.1"}'
    )
    assert isinstance(request, SendRequest)
    assert (request.sender, request.category, request.metadata) == ("SHOP", "otp", {"a": 1, "b": "c"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"to":',
        b"\xff",
        b'{"to":"\xff"}',
        b'{"to":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b'{"to":NaN}',
        b'{"to":"x"}{}',
        b'{"to":"a\x00"}',
        b'{"ttl_seconds":01}',
        b'{"text":"\\ud800"}',
        b'{"text":"a\\ud800b"}',
        b'{"text":"\\udc00"}',
        b'{"text":"\\ud83d\\ude00\\ude00"}',
    ],
)
def test_what_is_no_json_is_told_without_a_path(body: bytes) -> None:
    assert told(body) == ("invalid_json", "")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"to":' + b"[" * 100_000, b'{"to":' + b'{"a":' * 100_000])
def test_deep_nesting_is_refused_without_harm(body: bytes) -> None:
    assert told(body)[0] == "invalid_field"


def test_a_lone_surrogate_is_named_as_what_it_is() -> None:
    refusal = decode_send(b'{"to":"+33612345678","text":"a\\ud800b"}')
    assert isinstance(refusal, Refusal)
    assert "lone surrogate" in refusal.detail


def test_a_pair_of_surrogates_is_a_character() -> None:
    request = decode_send(b'{"to":"+33612345678","text":"\\ud83d\\ude00"}')
    assert isinstance(request, SendRequest)
    assert request.text == "😀"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"to": 33612345678}, "$.to"),
        ({"to": 3.36e10}, "$.to"),
        ({"to": None}, "$.to"),
        ({"to": ""}, "$.to"),
        ({"to": "9" * 101}, "$.to"),
        ({"text": ""}, "$.text"),
        ({"text": "x" * 40_001}, "$.text"),
        ({"binary": "no base64"}, "$.binary"),
        ({"category": "spam"}, "$.category"),
        ({"send_at": "2026-03-01T09:30:00"}, "$.send_at"),
        ({"send_at": "tomorrow"}, "$.send_at"),
        ({"send_at": 1_700_000_000}, "$.send_at"),
        ({"ttl_seconds": "60"}, "$.ttl_seconds"),
        ({"ttl_seconds": 29}, "$.ttl_seconds"),
        ({"ttl_seconds": 604_801}, "$.ttl_seconds"),
        ({"ttl_seconds": 60.5}, "$.ttl_seconds"),
        ({"ttl_seconds": True}, "$.ttl_seconds"),
        ({"ttl_seconds": 10**400}, "$.ttl_seconds"),
        ({"client_reference": "x" * 129}, "$.client_reference"),
        ({"metadata": {"a": [1]}}, "$.metadata[...]"),
        ({"metadata": {str(n): n for n in range(21)}}, "$.metadata"),
        ({"metadata": {"a": "x" * 501}}, "$.metadata[...]"),
        ({"metadata": {"x" * 41: 1}}, "$.metadata"),
        ({"metadata": {"a": 2**53 + 1}}, "$.metadata[...]"),
        ({"max_parts": 0}, "$.max_parts"),
        ({"max_price": 0.05}, "$.max_price"),
        ({"max_price": "0,05"}, "$.max_price"),
        ({"sensitive": 1}, "$.sensitive"),
        ({"to": "a\0"}, "$.to"),
        ({"text": "a\0"}, "$.text"),
        ({"from": "a\0"}, "$.from"),
        ({"client_reference": "\0"}, "$.client_reference"),
        ({"metadata": {"a": "\0"}}, "$.metadata"),
        ({"metadata": {"\0": 1}}, "$.metadata"),
    ],
)
def test_a_bad_value_is_told_with_its_place(fields: dict[str, object], place: str) -> None:
    body = json.dumps({"to": "+33612345678", **fields}).encode()
    assert told(body) == ("invalid_field", place)


class Named(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z]{1,32}$")]


def test_a_pattern_is_shown_and_money_is_called_money() -> None:
    refusal = decode_body(msgspec.json.Decoder(Named), b'{"name":"Boutique"}')
    assert isinstance(refusal, Refusal)
    assert refusal.action == "Write it to match ^[a-z]{1,32}$."
    refusal = decode_send(b'{"to":"+33612345678","text":"x","max_price":"0,05"}')
    assert isinstance(refusal, Refusal)
    assert "money" in refusal.detail


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"3.6e3", b"3600.0", b"0x10", b"1_000"])
def test_numbers_in_odd_forms_are_refused_not_guessed(number: bytes) -> None:
    assert told(b'{"to":"x","ttl_seconds":' + number + b"}")[0] in ("invalid_field", "invalid_json")


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    request = decode_send(b'{"to":"+33612345678","text":"\\\\u0000"}')
    assert isinstance(request, SendRequest)
    assert request.text == "\\u0000"


def test_an_unknown_field_is_told_with_the_nearest_known_name() -> None:
    refusal = decode_send(b'{"to":"x","txt":"hi"}')
    assert isinstance(refusal, Refusal)
    assert (refusal.code.value, refusal.path, refusal.action) == (
        "unknown_field",
        "$.txt",
        "Did you mean text?",
    )


def test_a_missing_number_is_told() -> None:
    assert told(b'{"text":"hi"}') == ("missing_field", "$.to")


def test_each_item_of_a_batch_is_judged_on_its_own() -> None:
    items = decode_batch(b'{"messages":[{"to":"a"},{"to":5},{"too":"b"},3,{"to":"c"}]}', most=10)
    assert isinstance(items, list)
    assert [item.path if isinstance(item, Refusal) else item.to for item in items] == [
        "a", "$.messages[1].to", "$.messages[2].too", "$.messages[3]", "c",
    ]  # fmt: skip


def test_a_nul_in_one_item_spoils_that_item_only() -> None:
    items = decode_batch(b'{"messages":[{"to":"a"},{"to":"b","text":"\\u0000"}]}', most=10)
    assert isinstance(items, list)
    assert isinstance(items[0], SendRequest)
    assert isinstance(items[1], Refusal)
    assert items[1].path == "$.messages[1].text"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"messages":[]}', "invalid_field"),
        (b'{"messages":{}}', "invalid_field"),
        (b'{"message":[]}', "unknown_field"),
        (b"{}", "missing_field"),
        (b'{"messages":[{"to":"a"},{"to":"b"},{"to":"c"}]}', "batch_too_large"),
        (b'{"messages":[1,2,3]}', "batch_too_large"),
        (b'{"messages":[{]}', "invalid_json"),
    ],
)
def test_what_is_no_batch_is_refused_whole(body: bytes, code: str) -> None:
    refusal = decode_batch(body, most=2)
    assert isinstance(refusal, Refusal)
    assert refusal.code.value == code


@given(st.binary(max_size=200))
def test_any_octets_give_a_request_or_a_refusal(body: bytes) -> None:
    assert isinstance(decode_send(body), SendRequest | Refusal)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["to", "text", "binary", "metadata", "send_at", "ttl_seconds", "max_price", "x"]),
        _values,
    )
)
def test_any_json_gives_a_request_or_a_refusal(value: dict[str, object]) -> None:
    body = json.dumps(value).encode()
    assert isinstance(decode_send(body), SendRequest | Refusal)
    assert (
        not isinstance(decode_batch(b'{"messages":[' + body + b"]}", most=5), Refusal)
        or b"NaN" in body
        or b"Infinity" in body
    )

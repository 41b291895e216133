"""Signatures, against the reference package and a vector of the Standard Webhooks specification."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from gateway.webhooks.errors import BadSecret
from gateway.webhooks.signature import format_secret, parse_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = format_secret(bytes(range(32)))


def now_seconds() -> int:
    """The reference package reads the wall clock: a signature must be fresh."""
    return int(datetime.now(UTC).timestamp())


def test_the_vector_of_the_specification() -> None:
    # From the test vectors that the Standard Webhooks libraries share.
    headers = sign(
        [SECRET], event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("secrets", [[SECRET], [OTHER, SECRET], [SECRET, OTHER]])
def test_the_reference_package_accepts_each_of_the_secrets(secrets: list[str]) -> None:
    body = json.dumps({"text": "été 🎉"}, ensure_ascii=False).encode()
    headers = sign(secrets, event_id="evt_00000000001", timestamp=now_seconds(), body=body)
    for secret in secrets:
        assert Webhook(secret).verify(body, headers) == {"text": "été 🎉"}


def test_the_reference_package_refuses_a_changed_body() -> None:
    headers = sign([SECRET], event_id="evt_00000000001", timestamp=now_seconds(), body=b"{}")
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(b"{ }", headers)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_survives_the_round_trip(length: int) -> None:
    key = bytes(range(length))
    assert parse_secret(format_secret(key)) == key


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadSecret):
        format_secret(bytes(length))


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_QUJD", "whsec_é"]
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(BadSecret) as caught:
        parse_secret(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(caught.value)

"""The signature of Standard Webhooks 1.0 (symmetric, v1), and the secrets it is made with.

Owns the header names, the signed content and the form of a secret. Knows no event and no transport.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from gateway.webhooks.errors import BadSecret

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

SECRET_PREFIX = "whsec_"
SECRET_OCTETS = 32
"""The specification allows 24–64 octets."""


def format_secret(key: bytes) -> str:
    """`key` (24–64 random octets) as shops see it. Raises `BadSecret` for another length."""
    if not 24 <= len(key) <= 64:
        raise BadSecret
    return SECRET_PREFIX + base64.b64encode(key).decode("ascii")


def parse_secret(secret: str) -> bytes:
    """The key within a `whsec_` secret. Raises `BadSecret`."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BadSecret from exc
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise BadSecret
    return key


def sign(secrets: Iterable[str], *, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery sent at `timestamp` (Unix seconds).

    With several secrets, as while one replaces another, each gives one signature and the receiver accepts
    any. Raises `BadSecret`.
    """
    content = b"%s.%d.%s" % (event_id.encode("ascii"), timestamp, body)
    digests = (hmac.new(parse_secret(secret), content, hashlib.sha256).digest() for secret in secrets)
    return {
        ID_HEADER: event_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(f"v1,{base64.b64encode(digest).decode('ascii')}" for digest in digests),
    }

"""Why a request is turned away: a closed set of codes, and the sentence that goes with one.

A refusal is an expected outcome, so it is a value. Codes are stable: callers' programs branch on them.
"""

from dataclasses import dataclass, replace
from enum import Enum


class RefusalCode(Enum):
    """What is wrong. The value is the `code` that callers see; never rename one."""

    INVALID_JSON = "invalid_json"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    BATCH_TOO_LARGE = "batch_too_large"
    INVALID_NUMBER = "invalid_number"
    DESTINATION_NOT_ALLOWED = "destination_not_allowed"
    INVALID_SENDER = "invalid_sender"
    SENDER_MISSING = "sender_missing"
    TEXT_TOO_LONG = "text_too_long"
    TOO_MANY_PARTS = "too_many_parts"
    NO_ROUTE = "no_route"
    TEST_MODE_OFF = "test_mode_off"
    PRICE_TOO_HIGH = "price_too_high"
    PRICE_UNKNOWN = "price_unknown"
    INVALID_SEND_AT = "invalid_send_at"
    INVALID_TTL = "invalid_ttl"
    INVALID_WEBHOOK_URL = "invalid_webhook_url"
    RECIPIENT_OPTED_OUT = "recipient_opted_out"
    CONSENT_MISSING = "consent_missing"
    OTP_CAP_RECIPIENT = "otp_cap_recipient"
    OTP_CAP_PREFIX = "otp_cap_prefix"
    SPEND_CAP_DAY = "spend_cap_day"
    SPEND_CAP_MONTH = "spend_cap_month"
    SPEND_CAP_CURRENCY = "spend_cap_currency"
    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    NOT_FOUND = "not_found"
    NOT_CANCELLABLE = "not_cancellable"
    NOT_RESENDABLE = "not_resendable"
    CONTENT_ERASED = "content_erased"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code, the place in the body (`$.to`; empty when it is not about one), and two sentences."""

    code: RefusalCode
    path: str
    detail: str
    action: str

    def within(self, prefix: str) -> "Refusal":
        """The same refusal seen from a larger body, of which `prefix` (`$.messages[3]`) is this part."""
        return replace(self, path=prefix + self.path.removeprefix("$"))

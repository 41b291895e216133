"""For each shipped profile of the simulator: the settings that make the gateway fit, and what may come of it.

The settings are those that the bind doctor would propose. What becomes of each message is told by the
simulator's own log (`simulator_log.py`); a case says only where the two may differ, and by how much.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """One profile and its connector."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Keys of the connector."""
    sender: str = "BOUTIQUE"
    expected: dict[str, int] | None = field(default_factory=lambda: {"delivered": 200})
    """Messages by state, where chance has no part in it; None: as the log says."""
    lost_answers_most: int = 0
    """Messages that may end as unknown because their answer was lost with a connection."""
    is_receipt_per_message: bool = False


_PAIR = {"bind_mode": "transmitter_receiver"}

CASES: dict[str, Case] = {
    "already-bound": Case({"parts_per_second": 60}, expected=None, lost_answers_most=10),
    "broken-tlvs": Case(),
    "data-sm": Case(),
    "decimal-ids": Case({"id_form": {"receipt": "hex_to_dec"}}),
    "default": Case(),
    "early-receipts": Case({"binds": 2}),
    "errors": Case(
        {"retry": {"0x08": "fail", "0x14": "fail", "0x58": "fail"}, "response_timeout_seconds": 2},
        expected=None,
    ),
    "flaky": Case(
        {"binds": 2, "parts_per_second": 100, "response_timeout_seconds": 6},
        expected=None,
        lost_answers_most=40,
    ),
    "half-open": Case(
        {
            "binds": 2,
            "parts_per_second": 40,
            "enquire_link_seconds": 1,
            "enquire_link_timeout_seconds": 3,
            "response_timeout_seconds": 20,
        },
        expected=None,
        lost_answers_most=30,
    ),
    "hex-ids": Case({"id_form": {"response": "hex_to_dec"}}),
    "latin1": Case({"default_charset": {"send": "latin1", "receive": "latin1"}}),
    "national": Case(
        {
            "address_form": {"recipient": "national", "sender": "national", "country": "FR"},
            "service_type": "CMT",
            "validity": "absolute",
            "time_zone": "Etc/GMT-2",
        },
        sender="+33644000001",
    ),
    "no-esm-class": Case({"receipts_without_esm_class": True}),
    "no-ids": Case(expected={"sent": 200}),
    "octets": Case(),
    "odd-ids": Case({"id_form": {"strip_prefix": "smsc1-", "strip_zeros": True}}),
    "odd-responses": Case(expected=None),
    "odd-texts": Case(expected=None),
    "packed": Case({"default_charset": {"send": "gsm_packed"}}),
    "per-message": Case({"receipts": "per_message", "time_zone": "Etc/GMT-2"}, is_receipt_per_message=True),
    "plus-addresses": Case(
        {"address_form": {"recipient": "plus", "sender": "plus"}},
        sender="+33644000002",
    ),
    "queue-full": Case({"max_queue_full": 1}, expected={"delivered": 198, "failed": 2}),
    "realistic": Case({"retry": {"0x08": "fail"}}, expected=None),
    "repeated-ids": Case(),
    "rough": Case({"parts_per_second": 5000, "window": 100}, expected=None, lost_answers_most=100),
    "sar-only": Case({"concatenation": "sar", "max_parts": 4}),
    "slow": Case({"window": 100}),
    "strays": Case(),
    "strict-window": Case({"window": 1}),
    "throttled": Case({"parts_per_second": 50}),
    "tlv-only": Case(),
    "transmitter-receiver": Case({**_PAIR, "system_type": "SMPP"}),
    "unanswered": Case({"response_timeout_seconds": 2}, expected=None),
    "unbinding": Case({"parts_per_second": 80}, expected=None, lost_answers_most=30),
    "utf8": Case(
        {
            "default_charset": {"send": "utf8", "receive": "utf8"},
            "ucs2": {"send": "little", "receive": "little"},
        }
    ),
    "version-33": Case({**_PAIR, "interface_version": "3.3", "concatenation": "sar"}),
    "wavering": Case(),
}
"""By the profile's name."""

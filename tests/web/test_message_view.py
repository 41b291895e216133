"""A message as the outside sees it, from rows to words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.domain.failures import FailureClass
from gateway.domain.identifiers import first_id_at, time_of_id
from gateway.domain.message import MessageState, Reason
from gateway.domain.public_ids import encode_public_id
from gateway.store.evidence import ReceiptOutcome
from gateway.store.messages import MessageRecord, PartRecord, ReceiptRecord
from gateway.store.outcome_rows import NO_BIND
from gateway.web.message_view import show_in_full, show_message, show_price

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MESSAGE_ID = first_id_at(NOW) + 5
RECORD = MessageRecord(
    shop_id=7,
    id=MESSAGE_ID,
    slot=0,
    connector_id=2,
    connector_name="smsc-a",
    category=2,
    lane=2,
    alphabet=0,
    parts=2,
    is_test=False,
    is_sensitive=False,
    campaign_id=None,
    contact_id=None,
    cost_micros=90_000,
    currency="EUR",
    country="FR",
    send_at=None,
    due_at=None,
    expires_at=NOW + timedelta(days=2),
    to_address="33612345678",
    from_address="SHOP",
    text="secret",
    body=None,
    client_reference=None,
    webhook_url=None,
    metadata=None,
    state=MessageState.QUEUED,
    reason=Reason.NONE,
    failure_class=0,
    attempt=0,
    changed_at=None,
    sent_at=None,
    final_at=None,
    command_status=None,
    stat=None,
    err=None,
    part_states=None,
)


def record(**changes: Any) -> MessageRecord:
    return replace(RECORD, **changes)


def part(number: int = 0, **changes: Any) -> PartRecord:
    made = PartRecord(
        message_id=MESSAGE_ID,
        part=number,
        attempt=0,
        connector_name="smsc-a",
        bind_no=1,
        state=MessageState.SENT,
        command_status=0,
        submitted_at=NOW + timedelta(seconds=1),
        answered_at=NOW + timedelta(seconds=2),
        carrier_id=f"c{number}",
    )
    return replace(made, **changes)


def receipt(number: int = 0, **changes: Any) -> ReceiptRecord:
    made = ReceiptRecord(
        message_id=MESSAGE_ID,
        receipt_id=1,
        part=number,
        state=2,
        outcome=ReceiptOutcome.APPLIED,
        received_at=NOW + timedelta(seconds=3),
        stat="DELIVRD",
        err="000",
        carrier_at=None,
    )
    return replace(made, **changes)


def timeline(*rows: Any, **changes: Any) -> list[tuple[str, str]]:
    parts = [row for row in rows if isinstance(row, PartRecord)]
    receipts = [row for row in rows if isinstance(row, ReceiptRecord)]
    told: Any = show_in_full(record(**changes), parts, receipts)["timeline"]
    return [(entry["what"], entry["detail"]) for entry in told]


def test_a_receipt_shows_the_carriers_date_beside_ours() -> None:
    happened_at = NOW + timedelta(seconds=1)
    told: Any = show_in_full(record(), [part(0)], [receipt(carrier_at=happened_at)])["timeline"]
    [entry] = [each for each in told if each["what"] == "receipt"]
    assert (entry["at"], entry["carrier_at"]) == (NOW + timedelta(seconds=3), happened_at)
    assert f"at {happened_at:%Y-%m-%d %H:%M:%S} UTC by the carrier's clock" in entry["detail"]
    assert {each["carrier_at"] for each in told if each is not entry} == {None}


def test_every_spelling_is_the_apis() -> None:
    shown = show_message(record(metadata='{"a": 1}'))
    assert shown["id"] == encode_public_id("msg", MESSAGE_ID)
    assert (shown["state"], shown["to"], shown["alphabet"], shown["category"]) == (
        "queued",
        "+33612345678",
        "gsm7",
        "transactional",
    )
    assert shown["price"] == {"amount": "0.09", "currency": "EUR"}
    assert msgspec.json.decode(msgspec.json.encode(shown))["metadata"] == {"a": 1}


def test_an_unknown_price_is_null_and_a_free_message_is_not() -> None:
    assert show_price(0, "XXX") is None
    assert show_price(0, "EUR") == {"amount": "0", "currency": "EUR"}


def test_a_text_is_left_out_when_sensitive_and_for_other_eyes() -> None:
    assert show_message(record())["text"] == "secret"
    assert show_message(record(is_sensitive=True))["text"] is None
    assert "secret" not in str(show_in_full(record(), [], [], show_text=False))


def test_an_erased_message_keeps_its_other_fields() -> None:
    shown = show_message(record(to_address=None, text=None))
    assert (shown["to"], shown["text"], shown["state"]) == (None, None, "queued")


def test_a_refusal_keeps_the_carriers_code_and_says_what_it_means() -> None:
    shown = show_message(
        record(
            state=MessageState.FAILED,
            reason=Reason.REJECTED_BY_CARRIER,
            failure_class=FailureClass.INVALID_NUMBER,
            command_status=0x0B,
        )
    )
    failure: Any = shown["failure"]
    assert (failure["class"], failure["command_status"]) == ("invalid_number", "0x0000000b")
    assert "destination" in failure["sentence"].lower() or "number" in failure["sentence"].lower()


def test_a_message_that_expired_at_the_carrier_says_that_the_phone_was_not_reached() -> None:
    expired = {"state": MessageState.EXPIRED, "reason": Reason.VALIDITY_PASSED}
    failure: Any = show_message(record(**expired, stat="EXPIRED", err="027"))["failure"]
    assert (failure["class"], failure["stat"]) == ("expired", "EXPIRED")
    assert "phone could not be reached" in failure["sentence"]
    assert show_message(record(**expired))["failure"] is None
    assert timeline(**expired, final_at=NOW)[-1] == ("expired", "It could not be sent in time.")


def test_a_delivered_message_has_no_failure_whatever_codes_it_gathered() -> None:
    shown = show_message(record(state=MessageState.DELIVERED, stat="DELIVRD", err="000", command_status=0x58))
    assert shown["failure"] is None


def test_the_walk_of_a_delivered_message_is_told_in_order() -> None:
    told = timeline(
        part(0),
        part(1),
        receipt(1),
        receipt(0, receipt_id=2, received_at=NOW + timedelta(seconds=4)),
        state=MessageState.DELIVERED,
        final_at=NOW + timedelta(seconds=4),
        changed_at=NOW + timedelta(seconds=4),
    )
    assert [what for what, _ in told] == [
        "accepted",
        "submitted",
        "submitted",
        "answered",
        "answered",
        "receipt",
        "receipt",
        "delivered",
    ]
    assert told[1][1] == "part 1 of 2 to smsc-a, bind 1, attempt 1"
    assert told[3][1] == "part 1 of 2: the carrier took it as c0"
    assert told[5][1] == "part 2 of 2: stat DELIVRD, err 000"


def test_acceptance_comes_first_though_the_ids_clock_runs_ahead() -> None:
    early = time_of_id(MESSAGE_ID) - timedelta(milliseconds=20)
    told = timeline(part(0, submitted_at=early, answered_at=early), send_at=None)
    assert [what for what, _ in told] == ["accepted", "submitted", "answered"]


def test_refusals_silence_and_odd_receipts_are_told_in_words() -> None:
    told = timeline(
        part(0, command_status=0x58, carrier_id=None),
        part(1, command_status=None, carrier_id=None),
        part(1, command_status=None, carrier_id=None, submitted_at=None),
        receipt(outcome=ReceiptOutcome.LATE),
        receipt(outcome=99, stat="", err=""),
        state=MessageState.UNKNOWN,
        reason=Reason.NO_RESPONSE,
        changed_at=NOW + timedelta(seconds=9),
    )
    details = " | ".join(detail for _, detail in told)
    for words in (
        "refused with 0x00000058",
        "no answer came in time",
        "was not submitted",
        "after the end",
        "stat none, err none",
        "may or may not have gone out",
    ):
        assert words in details
    assert told[-1][0] == "unknown"


def test_a_scheduled_message_says_for_when() -> None:
    told = timeline(send_at=NOW + timedelta(hours=1), state=MessageState.SCHEDULED)
    assert told[1] == ("scheduled", "for 2026-03-01T13:00:00+00:00")


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("state", list(MessageState))
def test_every_state_and_reason_can_be_shown(state: MessageState, reason: Reason) -> None:
    shown = show_in_full(record(state=state, reason=reason, changed_at=NOW), [], [])
    assert msgspec.json.encode(shown)


def test_an_attempt_that_a_crash_cut_short_is_told_as_what_it_is() -> None:
    cut = part(0, bind_no=NO_BIND, state=MessageState.UNKNOWN, command_status=None, carrier_id=None)
    shown: Any = show_in_full(record(), [cut], [])
    assert shown["parts"][0]["bind"] is None
    [told] = [entry for entry in shown["timeline"] if entry["what"] == "abandoned"]
    assert (
        told["detail"] == "part 1 of 2: the gateway stopped while attempt 1 was being sent; it may have left"
    )
    assert not [entry for entry in shown["timeline"] if entry["what"] in {"submitted", "answered"}]

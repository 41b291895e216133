import pytest

from gateway.domain.failures import (
    FailureClass,
    StatusTable,
    Verdict,
    describe_failure,
    judge_receipt,
)
from gateway.smpp.receipts import ReceiptState
from gateway.smpp.statuses import CommandStatus

TABLE = StatusTable()


@pytest.mark.parametrize(
    ("command_status", "failure_class", "verdict"),
    [
        (0x04, FailureClass.NETWORK, Verdict.REBIND),  # quirk 22
        (0x58, FailureClass.THROTTLED, Verdict.THROTTLE),  # quirk 36
        (0x14, FailureClass.THROTTLED, Verdict.THROTTLE),  # quirk 37
        (0x08, FailureClass.NETWORK, Verdict.RETRY),  # quirk 38
        (0x64, FailureClass.NETWORK, Verdict.RETRY),  # quirk 38
        (0x45, FailureClass.REJECTED, Verdict.FAIL),  # quirk 39
        (0x0B, FailureClass.INVALID_NUMBER, Verdict.FAIL),  # quirk 39
        (0x0A, FailureClass.REJECTED, Verdict.FAIL),  # quirk 39
        (0x48, FailureClass.REJECTED, Verdict.FAIL),  # quirk 39
        (0x51, FailureClass.REJECTED, Verdict.FAIL),  # quirk 39
        (0xFF, FailureClass.UNKNOWN, Verdict.FAIL),
        (0x400, FailureClass.UNKNOWN, Verdict.FAIL),  # quirk 40
        (0xFFFFFFFF, FailureClass.UNKNOWN, Verdict.FAIL),  # quirk 40
    ],
)
def test_the_default_ruling(command_status: int, failure_class: FailureClass, verdict: Verdict) -> None:
    ruling = TABLE.judge(command_status)
    assert (ruling.failure_class, ruling.verdict) == (failure_class, verdict)


def test_a_full_queue_pauses_longer_than_throttling_and_nothing_else_pauses() -> None:
    pauses = {status: TABLE.judge(status).pause_seconds for status in CommandStatus}
    assert pauses[CommandStatus.ESME_RMSGQFUL] > pauses[CommandStatus.ESME_RTHROTTLED] > 0
    assert sum(pause > 0 for pause in pauses.values()) == 2


@pytest.mark.parametrize("status", [status for status in CommandStatus if status])
def test_every_status_of_the_specification_has_a_class_and_a_sentence(status: CommandStatus) -> None:
    ruling = TABLE.judge(status)
    assert ruling.failure_class is not FailureClass.NONE
    assert ruling.sentence.endswith(".")


def test_an_unknown_status_keeps_its_number_in_the_sentence() -> None:
    assert "0x4a1" in TABLE.judge(0x4A1).sentence
    assert "0x12345" in TABLE.judge(0x12345).sentence


@pytest.mark.parametrize(
    ("verdict", "failure_class", "pauses"),
    [
        (Verdict.RETRY, FailureClass.NETWORK, False),
        (Verdict.THROTTLE, FailureClass.THROTTLED, True),
        (Verdict.REBIND, FailureClass.NETWORK, False),
        (Verdict.FAIL, FailureClass.UNKNOWN, False),
    ],
)
def test_a_connector_says_what_its_vendor_status_means(
    verdict: Verdict, failure_class: FailureClass, pauses: bool
) -> None:
    ruling = StatusTable({0x401: verdict}).judge(0x401)
    assert (ruling.verdict, ruling.failure_class) == (verdict, failure_class)
    assert (ruling.pause_seconds > 0) is pauses


def test_a_connector_overrules_the_default() -> None:
    table = StatusTable({0x45: Verdict.RETRY, 0x08: Verdict.FAIL, 0x0B: Verdict.FAIL})
    assert table.judge(0x45).verdict is Verdict.RETRY
    assert (table.judge(0x08).verdict, table.judge(0x08).failure_class) == (
        Verdict.FAIL,
        FailureClass.REJECTED,
    )
    assert table.judge(0x0B).failure_class is FailureClass.INVALID_NUMBER
    assert TABLE.judge(0x45).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("state", "failure_class"),
    [
        (ReceiptState.DELIVERED, FailureClass.NONE),
        (ReceiptState.EXPIRED, FailureClass.EXPIRED),
        (ReceiptState.DELETED, FailureClass.REJECTED),
        (ReceiptState.UNDELIVERABLE, FailureClass.UNKNOWN),
        (ReceiptState.REJECTED, FailureClass.REJECTED),
        (ReceiptState.UNKNOWN, FailureClass.UNKNOWN),
        (None, FailureClass.UNKNOWN),
    ],
)
def test_the_state_of_a_receipt_gives_its_class(
    state: ReceiptState | None, failure_class: FailureClass
) -> None:
    assert judge_receipt(state, err="000").failure_class is failure_class


@pytest.mark.parametrize("state", [*ReceiptState, None])
def test_every_receipt_has_a_sentence(state: ReceiptState | None) -> None:
    assert judge_receipt(state).sentence.endswith(".")


def test_a_gsm_network_error_refines_a_failure() -> None:
    ruling = judge_receipt(ReceiptState.UNDELIVERABLE, network_error_type=3, network_error_code=27)
    assert ruling.failure_class is FailureClass.ABSENT
    assert ruling.sentence == "The phone is switched off or out of coverage."


def test_the_error_of_another_network_type_means_nothing_here() -> None:
    ruling = judge_receipt(ReceiptState.UNDELIVERABLE, network_error_type=1, network_error_code=27)
    assert ruling.failure_class is FailureClass.UNKNOWN


def test_an_unlisted_network_error_keeps_the_class_of_the_state() -> None:
    ruling = judge_receipt(ReceiptState.REJECTED, network_error_type=3, network_error_code=999)
    assert ruling.failure_class is FailureClass.REJECTED


def test_the_carriers_own_code_counts_only_by_its_table() -> None:
    classes = {"027": FailureClass.ABSENT}
    plain = judge_receipt(ReceiptState.UNDELIVERABLE, err="027")
    tabled = judge_receipt(ReceiptState.UNDELIVERABLE, err="027", err_classes=classes)
    assert (plain.failure_class, tabled.failure_class) == (FailureClass.UNKNOWN, FailureClass.ABSENT)


def test_no_error_code_contradicts_a_delivery() -> None:
    ruling = judge_receipt(
        ReceiptState.DELIVERED,
        err="027",
        network_error_type=3,
        network_error_code=1,
        err_classes={"027": FailureClass.ABSENT},
    )
    assert ruling.failure_class is FailureClass.NONE


def test_stored_numbers_of_classes_never_change() -> None:
    words = [member.word for member in FailureClass]
    assert words == [
        "",
        "invalid_number",
        "absent",
        "blocked_by_carrier",
        "rejected",
        "throttled",
        "network",
        "expired",
        "unknown",
    ]
    assert [member.value for member in FailureClass] == list(range(9))


@pytest.mark.parametrize("failure_class", list(FailureClass))
def test_every_class_alone_has_a_sentence(failure_class: FailureClass) -> None:
    assert describe_failure(failure_class).endswith(".")

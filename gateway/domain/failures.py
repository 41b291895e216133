"""What a carrier's refusal means: its class, what to do about it, and a sentence for a person.

Owns the default judgement of every `command_status` and of receipts that end in failure; a connector's own
table goes first. Raw codes stay beside the class wherever they are stored. Knows no queue and no clock: how
often and when something is tried again is decided elsewhere (`backoff`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from gateway.smpp.receipts import ReceiptState
from gateway.smpp.statuses import CommandStatus, describe_status


class FailureClass(IntEnum):
    """Why a message failed, in the few kinds that a shop can act on. Stored in Postgres; never renumber."""

    NONE = 0
    INVALID_NUMBER = 1
    ABSENT = 2
    BLOCKED_BY_CARRIER = 3
    REJECTED = 4
    THROTTLED = 5
    NETWORK = 6
    EXPIRED = 7
    UNKNOWN = 8

    @property
    def word(self) -> str:
        return "" if self is FailureClass.NONE else self.name.lower()


class Verdict(Enum):
    """What the dispatcher does after an answer that is not `ESME_ROK`."""

    RETRY = "retry"
    """This message again later; the attempt counts."""
    THROTTLE = "throttle"
    """The bind pauses and slows; the message goes back to the front, the attempt does not count."""
    REBIND = "rebind"
    """The session is of no use; bind anew, then this message again; the attempt does not count."""
    FAIL = "fail"
    """The end of this message at this carrier."""


@dataclass(frozen=True, slots=True)
class StatusRuling:
    """The judgement of one `command_status`. `pause_seconds` is for the bind and 0 unless it throttles."""

    failure_class: FailureClass
    verdict: Verdict
    sentence: str
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ReceiptRuling:
    """The judgement of a final receipt; class `NONE` when it says delivered."""

    failure_class: FailureClass
    sentence: str


THROTTLED_PAUSE_SECONDS: Final = 1.0
"""After 0x58; Kannel pauses a bind as long (gw/smsc/smsc_smpp.c)."""

QUEUE_FULL_PAUSE_SECONDS: Final = 5.0
"""After 0x14, which clears more slowly than a limit counted per second."""

_F = FailureClass
_S = CommandStatus

# SMPP 3.4 §5.1.3. Only what differs from (REJECTED, FAIL) is listed: most statuses complain about our PDU or
# our account, and the same PDU will be refused again.
_EXCEPTIONS: Final[dict[int, tuple[FailureClass, Verdict, float]]] = {
    # Not bound, or bound only to receive: the SMSC restarted or dropped the session behind our back.
    _S.ESME_RINVBNDSTS: (_F.NETWORK, Verdict.REBIND, 0.0),
    _S.ESME_RTHROTTLED: (_F.THROTTLED, Verdict.THROTTLE, THROTTLED_PAUSE_SECONDS),
    _S.ESME_RMSGQFUL: (_F.THROTTLED, Verdict.THROTTLE, QUEUE_FULL_PAUSE_SECONDS),
    _S.ESME_RSYSERR: (_F.NETWORK, Verdict.RETRY, 0.0),
    _S.ESME_RX_T_APPN: (_F.NETWORK, Verdict.RETRY, 0.0),
    _S.ESME_RINVDSTADR: (_F.INVALID_NUMBER, Verdict.FAIL, 0.0),
    _S.ESME_RDELIVERYFAILURE: (_F.UNKNOWN, Verdict.FAIL, 0.0),
    _S.ESME_RUNKNOWNERR: (_F.UNKNOWN, Verdict.FAIL, 0.0),
}


def _rule_by_default(command_status: int) -> StatusRuling:
    if command_status in _EXCEPTIONS:
        failure_class, verdict, pause_seconds = _EXCEPTIONS[command_status]
        return StatusRuling(failure_class, verdict, describe_status(command_status), pause_seconds)
    # A number that the specification does not define says nothing about whose fault it is.
    is_defined = command_status in _S.__members__.values()
    failure_class = _F.REJECTED if is_defined else _F.UNKNOWN
    return StatusRuling(failure_class, Verdict.FAIL, describe_status(command_status))


class StatusTable:
    """The rulings of one connector: the defaults with the operator's verdicts over them.

    `verdicts` holds what the carrier means by a status, above all its own 0x400–0x4ff; the class follows:
    what throttles is `THROTTLED`, what is tried again or rebinds is `NETWORK`, what fails keeps its default
    class.
    """

    def __init__(self, verdicts: Mapping[int, Verdict] | None = None) -> None:
        self._rulings = {int(status): _rule_by_default(status) for status in _S}
        for status, verdict in (verdicts or {}).items():
            self._rulings[status] = _overrule(_rule_by_default(status), verdict)

    def judge(self, command_status: int) -> StatusRuling:
        """The ruling on any status but `ESME_ROK`; an unknown one is final, its number in the sentence."""
        return self._rulings.get(command_status) or _rule_by_default(command_status)


_CLASS_OF_VERDICT: Final = {
    Verdict.THROTTLE: _F.THROTTLED,
    Verdict.RETRY: _F.NETWORK,
    Verdict.REBIND: _F.NETWORK,
}


def _overrule(default: StatusRuling, verdict: Verdict) -> StatusRuling:
    if verdict is default.verdict:
        return default
    if verdict is Verdict.FAIL:
        # Refused for good although usually temporary: the carrier said no, and we know no better.
        return StatusRuling(_F.REJECTED, verdict, default.sentence)
    pause_seconds = THROTTLED_PAUSE_SECONDS if verdict is Verdict.THROTTLE else 0.0
    return StatusRuling(_CLASS_OF_VERDICT[verdict], verdict, default.sentence, pause_seconds)


# Mobile network errors of a short message. 3GPP TS 29.002 §17.6.6 (MAP error codes), which SMPP 3.4 §5.3.2.31
# carries in network_error_code with network type 3.
GSM_NETWORK_TYPE: Final = 3

_GSM_ERRORS: Final[dict[int, ReceiptRuling]] = {
    1: ReceiptRuling(_F.INVALID_NUMBER, "The number is not in use."),
    5: ReceiptRuling(_F.INVALID_NUMBER, "The mobile network does not know this subscriber."),
    6: ReceiptRuling(_F.ABSENT, "The phone is switched off or out of coverage."),
    9: ReceiptRuling(_F.INVALID_NUMBER, "The subscription is not valid in the mobile network."),
    11: ReceiptRuling(_F.BLOCKED_BY_CARRIER, "The subscription does not include text messages."),
    12: ReceiptRuling(_F.BLOCKED_BY_CARRIER, "The mobile network has barred this phone."),
    13: ReceiptRuling(
        _F.BLOCKED_BY_CARRIER, "The subscriber or the mobile network has barred incoming messages."
    ),
    21: ReceiptRuling(_F.REJECTED, "The mobile network does not support this kind of message."),
    27: ReceiptRuling(_F.ABSENT, "The phone is switched off or out of coverage."),
    31: ReceiptRuling(_F.ABSENT, "The phone was busy receiving another message."),
    32: ReceiptRuling(_F.NETWORK, "The phone or the mobile network failed while taking the message."),
    33: ReceiptRuling(_F.ABSENT, "Too many messages wait for this phone already."),
    34: ReceiptRuling(_F.NETWORK, "The mobile network had an internal failure."),
    35: ReceiptRuling(_F.NETWORK, "The mobile network found data missing in the request."),
    36: ReceiptRuling(_F.NETWORK, "The mobile network found unexpected data in the request."),
}

_RECEIPT_STATES: Final[dict[ReceiptState | None, ReceiptRuling]] = {
    ReceiptState.DELIVERED: ReceiptRuling(_F.NONE, "The phone received the message."),
    ReceiptState.EXPIRED: ReceiptRuling(
        _F.EXPIRED, "The phone could not be reached before the message expired."
    ),
    ReceiptState.DELETED: ReceiptRuling(_F.REJECTED, "The carrier deleted the message before delivery."),
    ReceiptState.UNDELIVERABLE: ReceiptRuling(
        _F.UNKNOWN, "The carrier could not deliver the message; no reason given."
    ),
    ReceiptState.REJECTED: ReceiptRuling(_F.REJECTED, "The carrier rejected the message."),
    ReceiptState.SKIPPED: ReceiptRuling(_F.REJECTED, "The carrier skipped the message."),
    ReceiptState.UNKNOWN: ReceiptRuling(_F.UNKNOWN, "The carrier does not know what became of the message."),
}
_UNREADABLE: Final = ReceiptRuling(_F.UNKNOWN, "The carrier's receipt names a state that is not known here.")


def judge_receipt(
    state: ReceiptState | None,
    *,
    err: str = "",
    network_error_type: int | None = None,
    network_error_code: int | None = None,
    err_classes: Mapping[str, FailureClass] | None = None,
) -> ReceiptRuling:
    """The class and sentence of a final receipt.

    `err` is the carrier's own code and means what the carrier says: it counts only through `err_classes`, the
    connector's table, since a wrong guess (“the number is not in use”) costs a shop its customer. A network
    error of GSM is a standard and counts by itself. Both refine a failure; neither contradicts a delivery.
    """
    ruling = _RECEIPT_STATES.get(state, _UNREADABLE)
    if ruling.failure_class is _F.NONE:
        return ruling
    if err_classes is not None and err in err_classes:
        failure_class = err_classes[err]
        return ReceiptRuling(failure_class, _CLASS_SENTENCES[failure_class])
    if network_error_type == GSM_NETWORK_TYPE and network_error_code in _GSM_ERRORS:
        return _GSM_ERRORS[network_error_code]
    return ruling


_CLASS_SENTENCES: Final = {
    _F.NONE: "The carrier reports no failure.",
    _F.INVALID_NUMBER: "The number is not in use.",
    _F.ABSENT: "The phone could not be reached.",
    _F.BLOCKED_BY_CARRIER: "The carrier or the subscriber blocks such messages.",
    _F.REJECTED: "The carrier rejected the message.",
    _F.THROTTLED: "The carrier was too busy.",
    _F.NETWORK: "The mobile network failed.",
    _F.EXPIRED: "The phone could not be reached before the message expired.",
    _F.UNKNOWN: "The carrier could not deliver the message; no reason given.",
}


def describe_failure(failure_class: FailureClass) -> str:
    """A sentence for a class alone, where no status or receipt says more."""
    return _CLASS_SENTENCES[failure_class]

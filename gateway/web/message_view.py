"""A message as the outside sees it: its fields, its parts and its timeline, from rows.

Owns the names and spellings of the JSON; pure. The same view is the answer of the API, the data of a webhook
and the page of the console.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from gateway.domain.failures import FailureClass, describe_failure
from gateway.domain.identifiers import time_of_id
from gateway.domain.lanes import Category, Lane
from gateway.domain.message import ENDS, MessageState, Reason
from gateway.domain.pricing import format_micros
from gateway.domain.public_ids import encode_public_id
from gateway.intake.planning import NO_CURRENCY
from gateway.smpp.statuses import describe_status
from gateway.smpp.text import Alphabet
from gateway.store.evidence import ReceiptOutcome
from gateway.store.messages import MessageRecord, PartRecord, ReceiptRecord
from gateway.store.outcome_rows import NO_BIND

_ENDS_BY_NUMBER = frozenset(int(state) for state in ENDS)
_OUTCOME_WORDS = {
    ReceiptOutcome.APPLIED: "",
    ReceiptOutcome.REPEATED: "; it repeats what was known",
    ReceiptOutcome.INTERMEDIATE: "; not final",
    ReceiptOutcome.LATE: "; it came after the end and changes nothing",
    ReceiptOutcome.INFERRED: "; its id is not known, and only this message can be meant",
    ReceiptOutcome.DISOWNED: "; taken for this message's by mistake, and taken back",
}
_REASON_SENTENCES = {
    Reason.NO_RESPONSE: "The carrier did not answer; the message may or may not have gone out.",
    Reason.NO_RECEIPT: "The carrier took it, and no receipt ever came.",
    Reason.RECEIPT_SAID_UNKNOWN: "The carrier's receipt says that it does not know.",
    Reason.CANCELLED_BY_SHOP: "Cancelled by the shop.",
    Reason.CANCELLED_BY_OPERATOR: "Cancelled by the operator.",
    Reason.VALIDITY_PASSED: "It could not be sent in time.",
    Reason.REJECTED_BY_CARRIER: "The carrier refused it.",
    Reason.RECEIPT_SAID_SO: "The carrier's receipt says so.",
    Reason.RETRIES_EXHAUSTED: "The carrier kept refusing it.",
}


def show_message(record: MessageRecord, *, show_text: bool = True) -> dict[str, object]:
    """The fields of one message. `show_text` False leaves the content out for eyes other than the shop's."""
    has_text = show_text and not record.is_sensitive
    reason = Reason(record.reason)
    return {
        "id": encode_public_id("msg", record.id),
        "state": MessageState(record.state).word,
        "reason": reason.word or None,
        "failure": _show_failure(record),
        "is_test": record.is_test,
        "to": None if record.to_address is None else f"+{record.to_address}",
        "from": record.from_address,
        "country": record.country,
        "category": Category(record.category).word,
        "lane": Lane(record.lane).name.lower(),
        "connector": record.connector_name,
        "alphabet": Alphabet(record.alphabet).name.lower(),
        "part_count": record.parts,
        "price": show_price(record.cost_micros, record.currency),
        "text": record.text if has_text else None,
        "binary": None if record.body is None or not has_text else b64encode(record.body).decode(),
        "sensitive": record.is_sensitive,
        "client_reference": record.client_reference,
        "metadata": None if record.metadata is None else msgspec.Raw(record.metadata.encode()),
        "webhook_url": record.webhook_url,
        "campaign_id": _public("cmp", record.campaign_id),
        "contact_id": _public("ctc", record.contact_id),
        "created_at": time_of_id(record.id),
        "send_at": record.send_at,
        "expires_at": record.expires_at,
        "sent_at": record.sent_at,
        "final_at": record.final_at,
    }


def show_price(cost_micros: int, currency: str) -> dict[str, str] | None:
    """None where the price is not known, which is another thing than nothing."""
    if currency == NO_CURRENCY:
        return None
    return {"amount": format_micros(cost_micros), "currency": currency}


def show_in_full(
    record: MessageRecord,
    parts: Sequence[PartRecord],
    receipts: Sequence[ReceiptRecord],
    *,
    show_text: bool = True,
) -> dict[str, object]:
    """One message with every submission of its parts and its timeline."""
    return {
        **show_message(record, show_text=show_text),
        "parts": _show_parts(record, parts),
        "timeline": _tell_timeline(record, parts, receipts),
    }


def _public(prefix: str, identifier: int | None) -> str | None:
    return None if identifier is None else encode_public_id(prefix, identifier)  # type: ignore[arg-type]  # cmp, ctc


def _show_failure(record: MessageRecord) -> dict[str, object] | None:
    """Why it failed, in our class and sentence beside the carrier's raw codes."""
    failure_class = FailureClass(record.failure_class)
    reason = Reason(record.reason)
    if failure_class is FailureClass.NONE and record.state == MessageState.DELIVERED:
        return None
    if record.state == MessageState.EXPIRED and record.stat:
        failure_class = FailureClass.EXPIRED  # the carrier tried, unlike where our own time ran out
    has_codes = record.command_status or record.stat or record.err
    if failure_class is FailureClass.NONE and not (has_codes and record.state in _ENDS_BY_NUMBER):
        return None
    if failure_class is not FailureClass.NONE:
        sentence = describe_failure(failure_class)
        if record.command_status and reason in (Reason.REJECTED_BY_CARRIER, Reason.RETRIES_EXHAUSTED):
            sentence = describe_status(record.command_status)
    else:
        sentence = _REASON_SENTENCES.get(reason, "")
    return {
        "class": failure_class.word or None,
        "sentence": sentence,
        "command_status": _show_status(record.command_status),
        "stat": record.stat or None,
        "err": record.err or None,
    }


def _show_status(command_status: int | None) -> str | None:
    return None if command_status is None else f"0x{command_status:08x}"


def _show_parts(record: MessageRecord, parts: Sequence[PartRecord]) -> list[dict[str, object]]:
    """Every submission; the last of each part says where the part stands now, earlier ones what came of
    them."""
    standing = record.part_states or b""
    last = {part.part: part.attempt for part in parts}  # they come in the order of attempts
    return [
        _show_part(
            part,
            standing[part.part]
            if part.attempt == last[part.part] and part.part < len(standing)
            else part.state,
        )
        for part in parts
    ]


def _show_part(part: PartRecord, state: int) -> dict[str, object]:
    return {
        "part": part.part + 1,
        "attempt": part.attempt + 1,
        "state": MessageState(state).word,
        "connector": part.connector_name,
        "bind": part.bind_no or None,
        "carrier_id": part.carrier_id,
        "command_status": _show_status(part.command_status),
        "submitted_at": part.submitted_at,
        "answered_at": part.answered_at,
    }


class _Told(NamedTuple):
    """An entry of the timeline; `carrier_at` is what a receipt says of its moment by the carrier's clock.
    `inferred` is of a receipt whose id is not known."""

    at: datetime
    what: str
    detail: str
    carrier_at: datetime | None = None
    inferred: bool = False


def _tell_timeline(
    record: MessageRecord, parts: Sequence[PartRecord], receipts: Sequence[ReceiptRecord]
) -> list[dict[str, object]]:
    created_at = time_of_id(record.id)
    begun: list[_Told] = [_Told(created_at, "accepted", f"for {record.connector_name}")]
    if record.send_at is not None and record.send_at > created_at:
        begun.append(_Told(created_at, "scheduled", f"for {record.send_at.isoformat()}"))
    followed: list[_Told] = []
    for part in parts:
        followed.extend(_tell_part(part, record.parts))
    for receipt in receipts:
        detail = _tell_receipt(receipt, record.parts)
        is_inferred = receipt.outcome == ReceiptOutcome.INFERRED
        followed.append(_Told(receipt.received_at, "receipt", detail, receipt.carrier_at, is_inferred))
    # Acceptance comes first whatever the times say: that of an id may run some milliseconds ahead.
    told = begun + sorted(followed, key=lambda entry: entry.at)
    state = MessageState(record.state)
    if state is MessageState.SENDING:
        on_its_way = "its parts are on their way to the carrier"
        told.append(_Told(record.changed_at or created_at, state.word, on_its_way))
    moment = record.final_at if state in ENDS else record.changed_at
    if moment is not None and (state in ENDS or state is MessageState.UNKNOWN):
        told.append(_Told(moment, state.word, _tell_end(record)))
    return [entry._asdict() for entry in told]


def _tell_part(part: PartRecord, total: int) -> list[_Told]:
    name = f"part {part.part + 1} of {total}"
    if part.bind_no == NO_BIND:
        what = (
            f"{name}: the gateway stopped while attempt {part.attempt + 1} was being sent; it may have left"
        )
        return [_Told(part.answered_at, "abandoned", what)]
    told = []
    if part.submitted_at is not None:
        where = f"to {part.connector_name}, bind {part.bind_no}, attempt {part.attempt + 1}"
        told.append(_Told(part.submitted_at, "submitted", f"{name} {where}"))
    if part.command_status is None:
        what = "no answer came in time" if part.submitted_at else "was not submitted"
    elif part.command_status == 0:
        what = f"the carrier took it as {part.carrier_id}" if part.carrier_id else "the carrier took it"
    else:
        what = f"refused with {_show_status(part.command_status)}: {describe_status(part.command_status)}"
    told.append(_Told(part.answered_at, "answered", f"{name}: {what}"))
    return told


def _tell_receipt(receipt: ReceiptRecord, total: int) -> str:
    codes = f"stat {receipt.stat or 'none'}, err {receipt.err or 'none'}"
    if receipt.carrier_at is not None:
        codes += f", at {receipt.carrier_at:%Y-%m-%d %H:%M:%S} UTC by the carrier's clock"
    try:
        outcome = _OUTCOME_WORDS.get(ReceiptOutcome(receipt.outcome), "")
    except ValueError:
        outcome = ""
    return f"part {receipt.part + 1} of {total}: {codes}{outcome}"


def _tell_end(record: MessageRecord) -> str:
    failure = _show_failure(record)
    if failure is not None and failure["sentence"]:
        return str(failure["sentence"])
    return _REASON_SENTENCES.get(Reason(record.reason), "")

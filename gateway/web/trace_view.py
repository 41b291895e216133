"""A traced PDU as the outside sees it, and what is known of a message whose PDUs are looked for. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from gateway.dispatch.trace_desk import ToldPdu
from gateway.dispatch.trace_search import OpenSubmits, Sought, Submission
from gateway.domain.identifiers import time_of_id
from gateway.domain.message import MessageState
from gateway.store.messages import MessageRecord, PartRecord


def show_pdu(told: ToldPdu) -> dict[str, object]:
    """One line of a trace. `left_out` counts PDUs that passed before it and are not shown."""
    pdu = told.pdu
    return {
        "at": told.at,
        "connector": told.connector,
        "bind": told.bind_no,
        "mode": told.mode,
        "session": told.session_no,
        "direction": "sent" if told.is_sent else "received",
        "command": pdu.command,
        "sequence_number": pdu.sequence_number,
        "status": pdu.status or None,
        "summary": pdu.summary,
        "words": pdu.words,
        "hex": pdu.hex,
        "left_out": told.left_out,
    }


def seek_message(
    record: MessageRecord, parts: Sequence[PartRecord], find_connector: Callable[[str], int | None]
) -> Sought | None:
    """What to look for. None where nothing can be found: not submitted yet, or the number is erased."""
    if record.to_address is None:
        return None
    submissions = tuple(filter(None, (_submission(part, find_connector) for part in parts)))
    open_submits = None
    if record.state == MessageState.SENDING:
        since = (record.changed_at or time_of_id(record.id)).timestamp()
        standing = record.part_states or b""
        most = standing.count(MessageState.SENDING) if standing else record.parts
        open_submits = OpenSubmits(record.connector_id, since, most)
    begins = [submission.submitted_at for submission in submissions]
    if open_submits is not None:
        begins.append(open_submits.since)
    if not begins:
        return None
    return Sought(record.to_address, min(begins), submissions, open_submits)


def _submission(part: PartRecord, find_connector: Callable[[str], int | None]) -> Submission | None:
    connector_id = find_connector(part.connector_name or "")
    if part.submitted_at is None or connector_id is None:
        return None
    return Submission(
        connector_id, part.bind_no, part.submitted_at.timestamp(), part.carrier_id, part.command_status
    )


def show_message_trace(
    public_id: str, told: Sequence[ToldPdu], *, kept_since: datetime | None
) -> dict[str, object]:
    """`kept_since` is when the oldest PDU in memory passed: what is older is forgotten."""
    return {"id": public_id, "kept_since": kept_since, "pdus": [show_pdu(pdu) for pdu in told]}


def join_message_traces(
    own: Mapping[str, object], others: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """One answer out of those of several workers as JSON has them: all PDUs in the order in which they
    passed. Memory goes back to where the shortest does."""
    answers = (own, *others)
    pdus = [pdu for answer in answers for pdu in cast(list[dict[str, object]], answer["pdus"])]
    kept = [str(answer["kept_since"]) for answer in answers if answer["kept_since"] is not None]
    in_order = sorted(pdus, key=lambda pdu: str(pdu["at"]))
    return {**own, "kept_since": max(kept, default=None), "pdus": in_order}

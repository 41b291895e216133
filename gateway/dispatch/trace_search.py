"""The PDUs of one message among those still in memory: its submits, their answers, its receipts, our answers.

First what went to its number about then is picked, in slices so that sending goes on; then, purely, what of
it is this message's: two texts to one person within a second must not be mixed up.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from gateway.dispatch.trace import Chunk
from gateway.dispatch.trace_picking import CarrierForms, NumberPicker, TracedPdu, read_receipt_ids
from gateway.smpp.constants import RESPONSE_BIT, CommandId
from gateway.smpp.hotpath import decode_message_id

_SLICE_CHUNKS: Final = 1_000
_SLICE_OCTETS: Final = 1_048_576
"""Looked through in one turn of the loop, whichever is reached first: 1.1 ms, and 32 MiB in 90 ms in all."""
_SLICE_PICKED: Final = 100
_EARLY_SECONDS: Final = 0.5
_LATE_SECONDS: Final = 5.0
"""Around the time noted with a submit, when the write that carried it passed: the same turn of the loop, but
a clock may be set and a loop may stall."""
_MOST_PICKED: Final = 2_000
"""PDUs among which a message's are told; a number that gets thousands of texts at a time is no person's."""

_SUBMITS: Final = frozenset((CommandId.SUBMIT_SM, CommandId.DATA_SM))
_DELIVERIES: Final = frozenset((CommandId.DELIVER_SM, CommandId.DATA_SM))


@dataclass(frozen=True, slots=True)
class Submission:
    """One submit of one part as it is stored. Times are Unix times."""

    connector_id: int
    bind_no: int
    submitted_at: float
    carrier_id: str | None
    """As the carrier wrote it."""
    command_status: int | None
    """None when no answer came."""


@dataclass(frozen=True, slots=True)
class OpenSubmits:
    """Parts on their way of which nothing is stored yet: at most so many, on this connector, since then."""

    connector_id: int
    since: float
    most: int


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of a message whose PDUs are looked for. `number` is E.164 digits."""

    number: str
    since: float
    submissions: tuple[Submission, ...]
    open_submits: OpenSubmits | None = None


async def find_message_pdus(
    chunks: Sequence[Chunk], sought: Sought, forms: Mapping[int, CarrierForms]
) -> list[TracedPdu]:
    """The message's PDUs among `chunks`, in the order in which they passed. Gives way to the loop between
    slices.
    """
    picker = NumberPicker(sought.number, forms, ids=_known_ids(sought, forms))
    picked: list[TracedPdu] = []
    windows = _list_windows(sought)
    position = bisect_left(chunks, sought.since - _EARLY_SECONDS, key=lambda chunk: chunk.at)
    while position < len(chunks) and len(picked) < _MOST_PICKED:
        octets = 0
        slice_end = min(position + _SLICE_CHUNKS, len(chunks))
        most = len(picked) + _SLICE_PICKED
        while position < slice_end and octets < _SLICE_OCTETS and len(picked) < most:
            chunk = chunks[position]
            may_submit = chunk.is_sent and any(begin <= chunk.at <= end for begin, end in windows)
            picked.extend(picker.pick(chunk, looks_for_number=may_submit))
            octets += len(chunk.octets)
            position += 1
        await asyncio.sleep(0)
    return keep_of_message(picked, sought, forms)


def keep_of_message(
    picked: Sequence[TracedPdu], sought: Sought, forms: Mapping[int, CarrierForms]
) -> list[TracedPdu]:
    """Of all PDUs of the number those of this message, in the same order."""
    answers = _pair_answers(picked)
    submits = [index for index, pdu in enumerate(picked) if pdu.is_sent and pdu.command_id in _SUBMITS]
    unanswered = [index for index in submits if index not in answers]
    by_id: dict[str, list[int]] = {}
    for index in answers.keys() & set(submits):
        by_id.setdefault(_read_message_id(picked[answers[index]]), []).append(index)
    kept: set[int] = set()
    for submission in sorted(sought.submissions, key=_certainty):
        able = submits
        if submission.carrier_id is not None:
            able = by_id.get(submission.carrier_id, []) + unanswered
        found = _find_submit(picked, answers, [index for index in able if index not in kept], submission)
        if found is not None:
            kept.add(found)
    if sought.open_submits is not None:
        kept.update(_find_open(picked, answers, submits, sought.open_submits))
    ids = set(_known_ids(sought, forms))
    for index in kept:
        answer = answers.get(index)
        if answer is not None and (message_id := _read_message_id(picked[answer])):
            connector_id = picked[index].connector_id
            ids.add((connector_id, forms[connector_id].response_id(message_id)))
    for index, pdu in enumerate(picked):
        if not pdu.is_sent and pdu.command_id in _DELIVERIES:
            found_ids = read_receipt_ids(pdu.octets, forms[pdu.connector_id])
            if any((pdu.connector_id, found_id) in ids for found_id in found_ids):
                kept.add(index)
    kept |= {answers[index] for index in kept if index in answers}
    return [picked[index] for index in sorted(kept)]


def _list_windows(sought: Sought) -> list[tuple[float, float]]:
    """When the message's submits passed."""
    windows = [
        (submission.submitted_at - _EARLY_SECONDS, submission.submitted_at + _LATE_SECONDS)
        for submission in sought.submissions
    ]
    if sought.open_submits is not None:
        windows.append((sought.open_submits.since - _EARLY_SECONDS, inf))
    return windows


def _known_ids(sought: Sought, forms: Mapping[int, CarrierForms]) -> list[tuple[int, str]]:
    return [
        (submission.connector_id, forms[submission.connector_id].response_id(submission.carrier_id))
        for submission in sought.submissions
        if submission.carrier_id and submission.connector_id in forms
    ]


def _pair_answers(picked: Sequence[TracedPdu]) -> dict[int, int]:
    """The place of the answer by the place of its request: the next response on the same session with the
    request's number, the other way."""
    waiting: dict[tuple[int, bool, int], int] = {}
    answers: dict[int, int] = {}
    for index, pdu in enumerate(picked):
        if pdu.command_id & RESPONSE_BIT:
            asked = waiting.pop((pdu.session_no, not pdu.is_sent, pdu.sequence_number), None)
            if asked is not None:
                answers[asked] = index
        else:
            waiting[(pdu.session_no, pdu.is_sent, pdu.sequence_number)] = index
    return answers


def _find_submit(
    picked: Sequence[TracedPdu], answers: Mapping[int, int], submits: Sequence[int], submission: Submission
) -> int | None:
    """Which submit a stored submission was: the one whose answer says the same, else the nearest in time."""
    near = [
        index
        for index in submits
        if picked[index].connector_id == submission.connector_id
        and picked[index].bind_no == submission.bind_no
        and -_EARLY_SECONDS <= picked[index].at - submission.submitted_at <= _LATE_SECONDS
        and _answers_alike(picked, answers.get(index), submission)
    ]
    was_silent = submission.command_status is None

    def distance(index: int) -> tuple[bool, float]:
        is_silent = index not in answers
        return is_silent != was_silent, abs(picked[index].at - submission.submitted_at)

    return min(near, key=distance, default=None)


def _certainty(submission: Submission) -> tuple[bool, bool]:
    """Those with an id choose first, those without an answer last."""
    return submission.carrier_id is None, submission.command_status is None


def _answers_alike(picked: Sequence[TracedPdu], answer: int | None, submission: Submission) -> bool:
    if answer is None:
        # The answer may have come too late for what is stored, or have left memory; it cannot be another's.
        return True
    pdu = picked[answer]
    if submission.command_status is None:
        return True  # it came after it was written off
    if pdu.command_status != submission.command_status:
        return False
    return bool(pdu.command_status) or _read_message_id(pdu) == (submission.carrier_id or "")


def _find_open(
    picked: Sequence[TracedPdu], answers: Mapping[int, int], submits: Sequence[int], wanted: OpenSubmits
) -> list[int]:
    """Submits that may be those of parts on their way: the last ones without an answer."""
    found = [
        index
        for index in submits
        if picked[index].connector_id == wanted.connector_id
        and picked[index].at >= wanted.since - _EARLY_SECONDS
        and index not in answers
    ]
    return found[-wanted.most :]


def _read_message_id(answer: TracedPdu) -> str:
    if answer.command_status or answer.command_id not in (
        CommandId.SUBMIT_SM_RESP,
        CommandId.DATA_SM_RESP,
    ):
        return ""
    return decode_message_id(answer.octets, 0, len(answer.octets)).decode("latin-1")

"""Receipts that were inferred: given to their message under guard, settled, or taken away again.

Works inside a batch of the outcome writer. Whose a receipt can only be is decided before
(`domain.inference`), and what it does to its message is judged like any other (`cases`); this file sees to it
that what is known by id always wins.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
from msgspec.structs import replace

from gateway.domain.failures import judge_receipt
from gateway.domain.message import ENDS, MessageState, Reason
from gateway.domain.receipts import wanted_state
from gateway.smpp.receipts import ReceiptState
from gateway.store.database import Connection
from gateway.store.evidence import Disowned, Inference, PartRef, ReceiptOutcome, ReceiptSeen
from gateway.store.matching import Found, Gathering

_SPARE = (ReceiptOutcome.REPEATED, ReceiptOutcome.LATE)
"""Receipts of a part that changed nothing because an inferred one had been quicker."""


class Corrections(NamedTuple):
    """What becomes of inferred receipts beside the evidence of their messages."""

    settled: list[ReceiptSeen]
    """Their message was the right one."""
    given_back: list[ReceiptSeen]
    """They have no message any more, and are looked up on."""


NO_CORRECTIONS = Corrections([], [])


async def read_again(connection: Connection, receipts: Sequence[ReceiptSeen]) -> list[ReceiptSeen]:
    """Receipts that are looked at once more, without those that have their message by now, and with whose
    they are taken to be by now: what was remembered of them may be older."""
    kept = [receipt.unmatched_id for receipt in receipts if receipt.unmatched_id]
    if not kept:
        return list(receipts)
    rows = {row["receipt_id"]: row for row in await connection.fetch("read_inferred", kept)}
    again: list[ReceiptSeen] = []
    for receipt in receipts:
        if not receipt.unmatched_id:
            again.append(receipt)
        elif (row := rows.pop(receipt.unmatched_id, None)) is not None:  # once in a batch
            ref = None if row["inferred_id"] is None else PartRef(*tuple(row)[1:])
            again.append(receipt if ref == receipt.inferred else replace(receipt, inferred=ref))
    return again


async def take_inferences(
    connection: Connection,
    gathering: Gathering,
    items: Sequence[Inference],
    *,
    looked_at: Sequence[ReceiptSeen],
) -> None:
    """Give receipts to the parts that they were inferred to be of, unless they found a message meanwhile.

    Those that this batch looks at by their ids, `looked_at`, are left to another look.
    """
    by_id = {receipt.unmatched_id for receipt in looked_at}
    items = [item for item in items if item.receipt.unmatched_id not in by_id]
    waiting = await _lock(connection, [item.receipt for item in items], ReceiptOutcome.UNMATCHED)
    wanted = [item for item in items if item.receipt.unmatched_id in waiting]
    flights = await gathering.load({item.ref[:3] for item in wanted})
    for item in wanted:
        flight = flights.get(item.ref.id)
        if flight is not None and item.ref.part < len(flight.progress.part_states):
            gathering.match(item.receipt, flight, item.ref.part, is_inferred=True)


async def correct_inferred(
    connection: Connection,
    gathering: Gathering,
    exact: Sequence[Found],
    strangers: Sequence[ReceiptSeen],
    now: datetime,
) -> Corrections:
    """`exact` are inferred receipts whose id was learnt, with the part that has it; `strangers` those whose
    id was not. One of these is given back when every submit of its part has an id, each of them another."""
    receipts = [found.receipt for found in exact] + list(strangers)
    held = await _lock(connection, receipts, ReceiptOutcome.INFERRED)
    receipts = [receipt for receipt in receipts if receipt.unmatched_id in held]
    if not receipts:
        return NO_CORRECTIONS
    standing = await _read_standing(connection, receipts)
    corrections = Corrections([], [])
    disowned: list[ReceiptSeen] = []
    for found in exact:
        receipt = found.receipt
        if receipt.unmatched_id not in held:
            continue
        has_row = standing[receipt.unmatched_id]["outcome"] is not None
        if has_row and _is_settled(found):
            corrections.settled.append(receipt)
            continue
        gathering.match(receipt, found.flight, found.part)
        if has_row:
            disowned.append(receipt)
    for receipt in strangers:
        if receipt.unmatched_id in held and not standing[receipt.unmatched_id]["has_unlearnt_id"]:
            corrections.given_back.append(receipt)
            if standing[receipt.unmatched_id]["outcome"] is not None:
                disowned.append(receipt)
    if disowned:
        await _disown(gathering, disowned, standing, now)
    return corrections


def _is_settled(found: Found) -> bool:
    """Whether the right message has it. Which of its parts is of no account once both have their end."""
    ref = found.receipt.inferred
    assert ref is not None
    if found.flight.id != ref.id:
        return False
    return found.part == ref.part or found.flight.progress.part_states[found.part] in ENDS


async def _disown(
    gathering: Gathering,
    receipts: Sequence[ReceiptSeen],
    standing: dict[int, asyncpg.Record],
    now: datetime,
) -> None:
    refs = [(receipt, receipt.inferred) for receipt in receipts if receipt.inferred is not None]
    flights = await gathering.load({ref[:3] for _, ref in refs})
    for receipt, ref in refs:
        flight = flights.get(ref.id)
        if flight is not None:
            state, reason, failure_class = _stands(standing[receipt.unmatched_id])
            item = Disowned(receipt, ref.part, state, reason, failure_class, now)
            gathering.case_of(flight).evidence.insert(0, item)  # what else came is judged without it


def _stands(row: asyncpg.Record) -> tuple[MessageState, Reason, int]:
    """Where a part stands by everything but its inferred receipt, why, and in which class of failure."""
    told = next((state for state in ReceiptState if state == row["state"]), None)
    wanted = wanted_state(told)
    if wanted is MessageState.FAILED:
        return wanted, Reason.RECEIPT_SAID_SO, int(judge_receipt(told, err=row["err"]).failure_class)
    if wanted is MessageState.EXPIRED:
        return wanted, Reason.VALIDITY_PASSED, 0
    if wanted is MessageState.DELIVERED:
        return wanted, Reason.NONE, 0
    if row["command_status"] == 0:
        return MessageState.SENT, Reason.NONE, 0
    if row["has_unlearnt_id"] or row["command_status"] is None:
        return MessageState.UNKNOWN, Reason.NO_RESPONSE, 0
    return MessageState.FAILED, Reason.REJECTED_BY_CARRIER, 0


async def _lock(connection: Connection, receipts: Sequence[ReceiptSeen], outcome: ReceiptOutcome) -> set[int]:
    ids = [receipt.unmatched_id for receipt in receipts]
    return {row["receipt_id"] for row in await connection.fetch("lock_unmatched", ids, outcome)}


async def _read_standing(
    connection: Connection, receipts: Sequence[ReceiptSeen]
) -> dict[int, asyncpg.Record]:
    refs = [(receipt.unmatched_id, *receipt.inferred) for receipt in receipts if receipt.inferred is not None]
    await connection.execute("join_by_probe")
    rows = await connection.fetch("read_standing", *zip(*refs, strict=True), _SPARE)
    await connection.execute("join_by_array")
    return {row["receipt_id"]: row for row in rows}

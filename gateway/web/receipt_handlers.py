"""Receipts that came for no message, as operators see them: what the carrier wrote, and what is done.

Such a receipt belongs to no shop. Numbers are masked: how they are written helps here, not whose they are.
"""

import re
from typing import Final

from aiohttp import web

from gateway.domain.identifiers import HIGHEST_ID
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Database
from gateway.store.evidence import ReceiptOutcome
from gateway.store.unmatched import RETRIED_FOR, UnmatchedReceipt, list_unmatched
from gateway.web.admin_access import Caller
from gateway.web.admin_handlers import find_connector_id
from gateway.web.bodies import Query
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised

_PAGE_LIMIT = 200
_SHOWN_ID_CHARACTERS: Final = 256
_OUTCOME_OF_WORD: Final = {
    "waiting": ReceiptOutcome.UNMATCHED,
    "given_up": ReceiptOutcome.GIVEN_UP,
    "too_late": ReceiptOutcome.TOO_LATE,
    "inferred": ReceiptOutcome.INFERRED,
}
_WORD_OF_OUTCOME: Final = {int(outcome): word for word, outcome in _OUTCOME_OF_WORD.items()}

# A digit with four before it and two behind: enough is left to see how a number is written, not to call it.
_hide_digits: Final = re.compile(r"(?<=\d{4})\d(?=\d{2})").sub


class ReceiptAdmin:
    """Receipts without a message."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_unmatched(self, request: web.Request, caller: Caller) -> web.Response:
        query = Query(request, ("connector", "state", "limit", "cursor"))
        limit = query.integer("limit", default=50, low=1, high=_PAGE_LIMIT)
        cursor = query.public_id("cursor", "rct")
        found = await list_unmatched(
            self._database,
            _read_outcomes(query.text("state")),
            connector_id=await find_connector_id(self._database, query.text("connector")),
            high_id=HIGHEST_ID if cursor is None else cursor,
            limit=limit + 1,
        )
        page = found[:limit]
        following = encode_public_id("rct", page[-1].receipt_id) if len(found) > limit else None
        return answer_json({"receipts": [_show(receipt) for receipt in page], "next_cursor": following})


def _read_outcomes(word: str | None) -> list[ReceiptOutcome]:
    if word is None:
        return list(_OUTCOME_OF_WORD.values())
    if word not in _OUTCOME_OF_WORD:
        raise ProblemRaised(
            "invalid_parameter",
            f"The parameter state is one of {', '.join(_OUTCOME_OF_WORD)}.",
            "Correct the parameter.",
        )
    return [_OUTCOME_OF_WORD[word]]


def _show(receipt: UnmatchedReceipt) -> dict[str, object]:
    is_waiting = receipt.outcome in (ReceiptOutcome.UNMATCHED, ReceiptOutcome.INFERRED)
    return {
        "id": encode_public_id("rct", receipt.receipt_id),
        "state": _WORD_OF_OUTCOME[receipt.outcome],
        "connector": receipt.connector_name,
        "carrier_id": _cut(receipt.carrier_id),
        "text_carrier_id": _cut(receipt.other_id) or None,
        "stat": receipt.stat or None,
        "err": receipt.err or None,
        "from": mask_digits(receipt.from_address),
        "to": mask_digits(receipt.to_address),
        "received_at": receipt.received_at,
        "carrier_at": receipt.carrier_at,
        "message_id": _message_id(receipt),
        "retried_until": receipt.received_at + RETRIED_FOR if is_waiting else None,
    }


def _message_id(receipt: UnmatchedReceipt) -> str | None:
    """Whose it was taken to be."""
    if receipt.outcome != ReceiptOutcome.INFERRED or receipt.inferred_id is None:
        return None
    return encode_public_id("msg", receipt.inferred_id)


def mask_digits(address: str) -> str:
    """An address as the carrier wrote it, the middle of its number hidden: `+3361•••••78`."""
    return _hide_digits("•", address)


def _cut(carrier_id: str) -> str:
    """No carrier's id is so long; what is may fill 64 KiB of a receipt."""
    return carrier_id if len(carrier_id) <= _SHOWN_ID_CHARACTERS else carrier_id[:_SHOWN_ID_CHARACTERS] + "…"

"""An answer that comes after its message went back to the queue: the message is taken out again.

Only where what has no answer is sent again, by policy or by a person. Owns the deletes that decide against an
intent: whoever takes the queue row away wins. What the answer comes to is judged in `cases`.
"""

from collections.abc import Callable, Sequence

import structlog
from msgspec.structs import replace

from gateway.domain.message import MessageState
from gateway.store.cases import Case
from gateway.store.database import Connection
from gateway.store.evidence import LateAnswer
from gateway.store.matching import Gathering

log = structlog.get_logger("store")

_MAY_WAIT = frozenset({MessageState.QUEUED, MessageState.UNKNOWN})
"""Where memory has a part that may wait to be sent again: of what a person decides memory hears nothing."""
_LOOKS = 2
"""A row that just moves from the schedule to the queue, or to another connector, is in neither for one
statement: the delete waits for that move, and the next one finds it."""


def find_recalling(answers: Sequence[LateAnswer]) -> list[LateAnswer]:
    """Those that say “taken” of a part which, as far as memory knows, may wait to be sent again."""
    return [
        item
        for item in answers
        if item.wanted is MessageState.SENT and item.flight.progress.part_states[item.part] in _MAY_WAIT
    ]


def find_overtaken(case: Case) -> list[LateAnswer]:
    """The late answers that came in the very batch that put their message back: to be told again in the next
    one, when there is a row to take away. Their ids are stored by now."""
    if not case.is_requeued:
        return []
    return [
        replace(item, carrier_id=None, lookup_id=None)
        for item in case.evidence
        if type(item) is LateAnswer
        and item.wanted is MessageState.SENT
        and case.progress.part_states[item.part] == MessageState.QUEUED
    ]


async def recall_answered(
    connection: Connection,
    gathering: Gathering,
    answers: Sequence[LateAnswer],
    connector_ids: Callable[[], list[int]],
) -> None:
    """Take messages whose last waiting part is answered after all out of the queue, and let `cases` know.

    Reads them afresh first: a message that an intent has taken meanwhile is being sent a second time, which
    nothing can undo; that is logged, and both answers stand in its rows.
    """
    fresh = await gathering.load({_key(item) for item in answers}, afresh=True)
    answered: dict[int, set[int]] = {}
    for item in answers:
        case = gathering.case_of(item.flight)
        if item.flight.id not in fresh:
            continue
        waited = case.before.part_states[item.part] == MessageState.QUEUED
        is_resent = waited or fresh[item.flight.id].attempt != case.flight.attempt
        case.flight.copy_state(fresh[item.flight.id])
        case.start_again()
        if case.before.part_states[item.part] == MessageState.QUEUED:
            answered.setdefault(item.flight.id, set()).add(item.part)
        elif is_resent:
            _tell_of_double(item)
    leaving: dict[int, Case] = {}
    for message_id, parts in answered.items():
        case = gathering.cases[message_id]
        waiting = {part for part, held in enumerate(case.before.part_states) if held == MessageState.QUEUED}
        if case.before.state is MessageState.QUEUED and waiting <= parts:
            leaving[message_id] = case
        else:
            case.recalled = frozenset(parts)  # another part waits on, or no row stands in the queue yet
    for _ in range(_LOOKS):
        if leaving:
            for message_id in await _take_away(connection, list(leaving.values()), connector_ids()):
                leaving.pop(message_id).recalled = frozenset(answered[message_id])
    if leaving:
        await _read_again(gathering, [item for item in answers if item.flight.id in leaving])


async def _take_away(connection: Connection, cases: Sequence[Case], connector_ids: list[int]) -> list[int]:
    rows = await connection.fetch(
        "take_back_waiting",
        [case.flight.shop_id for case in cases],
        [case.flight.id for case in cases],
        [case.flight.slot for case in cases],
        connector_ids,
    )
    return [row["id"] for row in rows]


async def _read_again(gathering: Gathering, answers: Sequence[LateAnswer]) -> None:
    """An intent was quicker: these stand elsewhere now."""
    fresh = await gathering.load({_key(item) for item in answers}, afresh=True)
    for item in answers:
        if item.flight.id in fresh:
            case = gathering.cases[item.flight.id]
            case.flight.copy_state(fresh[item.flight.id])
            case.start_again()
        _tell_of_double(item)


def _tell_of_double(item: LateAnswer) -> None:
    log.warning("message.sent_twice", id=item.flight.id, part=item.part + 1)


def _key(item: LateAnswer) -> tuple[int, int, int]:
    return (item.flight.shop_id, item.flight.id, item.flight.slot)

"""The state rows of a batch follow its cases, each under guard: only a row that stands as remembered moves.

Owns how a batch of moves is told to Postgres. What they are is judged in `cases`.

Nearly all messages of a batch move alike: from the same state to the same, at a time that all answers of one
read share. So each kind of move is sent once, a column for each of its values, and every message is its id,
its slot and the number of its move. The driver looks at each value of an array three times: 3.9 µs a message
with an array for every column, 0.9 µs so; and Postgres takes 3.2 µs in place of 4.1 µs.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.store.cases import Case, judge_case
from gateway.store.database import Connection
from gateway.store.errors import StateKeepsMoving
from gateway.store.matching import Gathering

_GUARD_ROUNDS = 3


async def move_states(connection: Connection, gathering: Gathering, now: datetime) -> None:
    """Judge every case and move its row; a row that was not as remembered is read and judged again.

    Raises `StateKeepsMoving`.
    """
    pending = list(gathering.cases.values())
    for _ in range(_GUARD_ROUNDS):
        for case in pending:
            judge_case(case)
        moving = [case for case in pending if case.progress is not case.before]
        if not moving:
            return
        rows = await connection.fetch("move_states", *describe_moves(moving), now)
        if len(rows) == len(moving):
            return
        moved = {row["id"] for row in rows}
        pending = [case for case in moving if case.flight.id not in moved]
        keys = {(case.flight.shop_id, case.flight.id, case.flight.slot) for case in pending}
        fresh = await gathering.load(keys, afresh=True)
        for case in pending:
            if case.flight.id in fresh:
                case.flight.copy_state(fresh[case.flight.id])
                case.start_again()
            else:
                case.vanish()
        pending = [case for case in pending if case.flight.id in fresh]
        if not pending:
            return
    raise StateKeepsMoving(len(pending), pending[0].flight.id)


def describe_moves(cases: Sequence[Case]) -> list[Sequence[object]]:
    """Ids, slots and numbers of moves, as long as there are cases; then the columns of the distinct moves."""
    numbers: dict[tuple[object, ...], int] = {}
    return [
        [case.flight.id for case in cases],
        [case.flight.slot for case in cases],
        [numbers.setdefault(case.describe_move(), len(numbers) + 1) for case in cases],
        *zip(*numbers, strict=True),
    ]

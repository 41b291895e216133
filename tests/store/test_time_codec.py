"""Times that are converted once are, to Postgres and to us, the times that the driver makes of them."""

from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest

from gateway.store.connecting import Dialler
from gateway.store.time_codec import _REMEMBERED, _Read, _Written
from tests.store.rig import Rig

ZERO = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TIMES = [
    datetime(2026, 3, 1, 12, 30, 15, 123_456, tzinfo=UTC),
    datetime(2026, 3, 1, 12, 30, 15, 123_457, tzinfo=UTC),
    datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ZERO,
    ZERO - MICROSECOND,
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    None,
]


@pytest.mark.integration
async def test_a_time_is_the_one_that_the_driver_makes_of_it(rig: Rig) -> None:
    """Written and read in every way there is, by a connection of ours and by one without any of this."""
    ours = await Dialler(rig.dsn).dial(name="test", timeout_seconds=4, statement_seconds=None)
    plain = await asyncpg.connect(rig.dsn)
    try:
        await ours.execute("CREATE TABLE moment (no int, at timestamptz)")
        for _ in range(2):  # the second time they are remembered
            await ours.copy_records_to_table("moment", records=list(enumerate(TIMES)))
            await ours.execute(
                "INSERT INTO moment SELECT * FROM unnest($1::int[], $2::timestamptz[])", [9], TIMES[:1]
            )
            await ours.execute("INSERT INTO moment VALUES (10, $1)", TIMES[0])
            wanted = [*enumerate(TIMES), (9, TIMES[0]), (10, TIMES[0])]
            for connection in (ours, plain):
                rows = await connection.fetch("SELECT no, at FROM moment ORDER BY no")
                assert [tuple(row) for row in rows] == wanted
                arrays = await connection.fetchval("SELECT array_agg(at ORDER BY no) FROM moment")
                assert arrays == [at for _, at in wanted]
            await ours.execute("TRUNCATE moment")
    finally:
        await ours.close()
        await plain.close()


@pytest.mark.integration
async def test_what_is_no_time_is_refused_before_it_is_sent(rig: Rig) -> None:
    """Also a time without a zone: the driver would take it for one of this machine's zone."""
    async with rig.database.connection() as connection:
        for wrong in (datetime(2026, 3, 1), "2026-03-01", 5):
            with pytest.raises(asyncpg.DataError, match="invalid input"):
                await connection.raw.fetchval("SELECT $1::timestamptz", wrong)


def test_a_connection_remembers_some_times_and_no_more() -> None:
    written, read = _Written(), _Read()
    for n in range(3 * _REMEMBERED):
        moment = ZERO + n * MICROSECOND
        assert written[moment] == (n,)
        assert read[(n,)] == moment
        assert max(len(written), len(read)) <= _REMEMBERED

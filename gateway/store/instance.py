"""What belongs to the instance as a whole: its secret, and the numbers of its connectors."""

from collections.abc import Iterable
from datetime import datetime

from gateway.store.database import Database

SECRET_OCTETS = 32


async def read_instance_secret(database: Database, fresh: bytes, now: datetime) -> bytes:
    """The instance's secret; `fresh` becomes it when there is none yet."""
    async with database.transaction() as connection:
        await connection.execute("make_instance", fresh, now)
        return bytes(await connection.fetch_value("read_instance_secret"))


async def register_connectors(database: Database, names: Iterable[str], now: datetime) -> dict[str, int]:
    """The numbers of all connectors by name, those of `names` made where they are new. Names that are no
    longer configured are among them: their messages still have rows."""
    wanted = sorted(set(names))
    async with database.transaction() as connection:
        known = {row["name"]: row["id"] for row in await connection.fetch("list_connectors")}
        if missing := [name for name in wanted if name not in known]:
            await connection.execute("register_connectors", missing, now)
            known = {row["name"]: row["id"] for row in await connection.fetch("list_connectors")}
    return known


async def list_connector_ids(database: Database) -> dict[str, int]:
    """The number of every connector that was ever configured, by name."""
    return {row["name"]: row["id"] for row in await database.fetch("list_connectors")}

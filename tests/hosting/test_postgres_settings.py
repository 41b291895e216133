"""What the bundled Postgres is told."""

from pathlib import Path

import msgspec
import pytest

from gateway.config import Config, DatabaseConfig
from gateway.hosting.postgres_binaries import PostgresBinaries
from gateway.hosting.postgres_settings import choose_settings
from gateway.node.place import Place

BESIDE_THE_POOL = 15
"""Ten writers, the claims, the news of queues, the lease, the probe, and the ledger (docs/workers.md)."""
KEPT_BACK = 3
"""`superuser_reserved_connections`, as it is by default."""
LARGEST_POOL = 50


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_there_are_connections_for_all_workers_with_the_largest_pool_and_for_people(workers: int) -> None:
    config = msgspec.structs.replace(Config(), database=DatabaseConfig(pool_size=LARGEST_POOL))
    pool = Place(1, workers).take_part(config).database.pool_size
    settings = choose_settings(
        PostgresBinaries(Path("/nowhere"), 18, has_lz4=True),
        shared_buffers_mb=64,
        max_wal_size_mb=256,
        workers=workers,
    )
    needed = workers * (pool + BESIDE_THE_POOL) + KEPT_BACK
    assert int(settings["max_connections"]) >= needed + 5

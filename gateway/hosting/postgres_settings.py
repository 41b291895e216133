"""How the bundled Postgres is set: for many small durable writes on a machine that it shares with the
gateway.

Values only; nothing here starts or asks a server.
"""

from __future__ import annotations

from typing import Final

from gateway.hosting.postgres_binaries import PostgresBinaries

DURABILITY: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""What "accepted" rests on: a message answered 202 survives a power cut. Not for sale."""


CONNECTIONS: Final = 75
"""For a server of one process: 50 of its pool in the worst case, 15 beside it, 3 that Postgres keeps back for
superusers, and some for people."""
CONNECTIONS_OF_A_WORKER: Final = 20
"""More for each further worker: the pool is divided among them, but each has 4 of it at least, 15 beside."""


def choose_settings(
    binaries: PostgresBinaries, *, shared_buffers_mb: int, max_wal_size_mb: int, workers: int = 1
) -> dict[str, str]:
    """Settings for a write-heavy database on a small machine. Durability (`fsync` and its kin) stays at its
    default, on."""
    return {
        "shared_buffers": f"{shared_buffers_mb}MB",
        # After each checkpoint the first change of a page writes the whole page to the log, so few and spread
        # checkpoints write less.
        "max_wal_size": f"{max_wal_size_mb}MB",
        "min_wal_size": f"{max(32, max_wal_size_mb // 4)}MB",
        "checkpoint_timeout": "15min",
        "wal_buffers": "16MB",
        # Each new file of the log would be filled with 16 MB of zeros first, while all commits wait: 30 to
        # 60 ms, once a second under a campaign at full speed, until the files of an earlier checkpoint are
        # used again. As durable without: fdatasync writes also where the blocks of a file are.
        "wal_init_zero": "off",
        "wal_compression": "lz4" if binaries.has_lz4 else "off",  # pglz costs more time than it saves here
        # Compiling takes longer than our statements run.
        "jit": "off",
        "random_page_cost": "1.1",
        "work_mem": "8MB",
        "maintenance_work_mem": "128MB",
        "max_connections": str(CONNECTIONS + CONNECTIONS_OF_A_WORKER * (workers - 1)),
        # Tables have a partition a day; a statement without a day locks every partition and its indexes.
        "max_locks_per_transaction": "512",
        "max_parallel_workers_per_gather": "1",
        # Queue tables turn over within minutes; the defaults would leave their dead rows to be read again.
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "autovacuum_vacuum_cost_limit": "1000",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Without details and statements, whose values are phone numbers and texts.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_checkpoints": "off",
        **DURABILITY,
    }

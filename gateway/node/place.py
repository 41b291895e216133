"""Which process of its server a node is, and its part of what the configuration allows the server.

A server of one process is all of it. Knows no process; see docs/workers.md.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gateway.config import Config

ADMIN_SOCKET: Final = "admin.sock"
_LEAST_POOL: Final = 4
"""Connections that requests and queries of a process need to pass one another."""


@dataclass(frozen=True, slots=True)
class Place:
    """Worker `number`, from 1, of `count`. The first speaks for all: it answers operators and monitoring."""

    number: int = 1
    count: int = 1

    @property
    def is_alone(self) -> bool:
        return self.count == 1

    @property
    def is_first(self) -> bool:
        return self.number == 1

    def node_key(self, identity: str) -> str:
        """What this node's number is found by. The first has that of a server alone, so that a server keeps
        its node when the count changes."""
        return identity if self.is_first else f"{identity}-{self.number}"

    def admin_socket(self, config: Config, state_folder: Path) -> Path:
        """Where this node answers operators; those of the others are for the first to ask."""
        if not self.is_first:
            return _sibling_socket(state_folder, self.number)
        return Path(config.admin.socket or state_folder / ADMIN_SOCKET)

    def list_siblings(self, state_folder: Path) -> dict[int, Path]:
        """The sockets of the workers that the first asks, by number; none for the others."""
        numbers = range(2, self.count + 1) if self.is_first else ()
        return {number: _sibling_socket(state_folder, number) for number in numbers}

    def take_part(self, config: Config) -> Config:
        """The configuration with this process's part of each bound that is the server's: memory,
        connections and guesses are not more because there are more processes."""
        if self.is_alone:
            return config
        replace = msgspec.structs.replace
        count, database, public = self.count, config.database, config.public
        return replace(
            config,
            database=replace(
                database, pool_size=max(min(database.pool_size, _LEAST_POOL), database.pool_size // count)
            ),
            public=replace(public, misses_per_minute=max(1, public.misses_per_minute // count)),
            webhooks=replace(config.webhooks, concurrency=max(1, config.webhooks.concurrency // count)),
            trace=replace(config.trace, keep_octets=config.trace.keep_octets // count),
        )


ALONE: Final = Place()


def _sibling_socket(state_folder: Path, number: int) -> Path:
    return state_folder / f"worker-{number}.sock"

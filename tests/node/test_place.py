"""Which process of its server a node is, and its part of the server's bounds."""

from pathlib import Path

import msgspec
import pytest

from gateway.config import Config, DatabaseConfig
from gateway.node.place import ALONE, Place

FOLDER = Path("/var/lib/estafette")


def test_a_server_of_one_process_has_all_that_is_configured() -> None:
    assert ALONE.take_part(Config()) == Config()


@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_parts_of_all_workers_are_not_more_than_the_whole(count: int) -> None:
    whole = Config()
    parts = [Place(number, count).take_part(whole) for number in range(1, count + 1)]
    assert sum(part.public.misses_per_minute for part in parts) <= whole.public.misses_per_minute
    assert sum(part.webhooks.concurrency for part in parts) <= whole.webhooks.concurrency
    assert sum(part.trace.keep_octets for part in parts) <= whole.trace.keep_octets
    assert all(part.database.pool_size >= 4 for part in parts)


def test_a_small_pool_stays_as_it_is_configured() -> None:
    whole = msgspec.structs.replace(Config(), database=DatabaseConfig(pool_size=2))
    assert Place(1, 2).take_part(whole).database.pool_size == 2


def test_the_first_worker_is_the_node_of_the_server_alone() -> None:
    keys = [Place(number, 3).node_key("abc") for number in (1, 2, 3)]
    assert keys[0] == ALONE.node_key("abc")
    assert len(set(keys)) == 3


def test_the_first_answers_operators_and_asks_the_others() -> None:
    config = Config()
    first, second = Place(1, 2), Place(2, 2)
    assert first.admin_socket(config, FOLDER) == FOLDER / "admin.sock"
    assert first.list_siblings(FOLDER) == {2: second.admin_socket(config, FOLDER)}
    assert second.list_siblings(FOLDER) == ALONE.list_siblings(FOLDER) == {}

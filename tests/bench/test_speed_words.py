"""What the words that measure speed plan and read: one-time passwords, copies of rows, names of processes."""

import pytest

from bench.cost import name_child, name_postgres
from bench.errors import BenchError
from bench.growth import plan_copies
from bench.otp import make_password, read_arrivals
from gateway.domain.identifiers import NODE_COUNT
from gateway.domain.phone import normalise_number


def test_passwords_are_found_in_the_sinks_log_by_their_number() -> None:
    texts = [make_password(1_000_000 + number, number) for number in (0, 7)]
    log = "".join(f"170000000{index}.5 {each['to'][1:]} {each['text']}\n" for index, each in enumerate(texts))
    assert read_arrivals(log) == {0: 1_700_000_000.5, 7: 1_700_000_001.5}
    assert all(each["category"] == "otp" and normalise_number(each["to"]) for each in texts)


def test_a_password_that_came_twice_spoils_the_measurement() -> None:
    line = f"1700000000.5 33600000000 {make_password(0, 3)['text']}\n"
    with pytest.raises(BenchError, match="password 3"):
        read_arrivals(line * 2)


@pytest.mark.parametrize(
    ("messages", "cycle"), [(1_000_000, 100_000), (10_000_000, 100_000), (20, 100), (32, 1)]
)
def test_copies_are_as_many_as_there_are_other_nodes_at_most(messages: int, cycle: int) -> None:
    first, copies = plan_copies(messages, cycle)
    assert first >= cycle
    assert copies < NODE_COUNT
    assert first * (copies + 1) >= messages


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("postgres: walwriter ", "postgres: walwriter"),
        ("postgres: estafette estafette [local] idle", "postgres: connections"),
        ("postgres: estafette estafette [local] COMMIT", "postgres: connections"),
    ],
)
def test_connections_of_postgres_have_one_name_whatever_they_do(title: str, name: str) -> None:
    assert name_postgres(title) == name


def test_a_worker_is_known_from_what_the_gateway_starts() -> None:
    title = "python -m gateway.cli serve --config config.yaml"
    assert name_child(title, title) == "gateway: worker"
    assert name_child("python -m gateway.audience.importing", title) == "gateway: gateway.audience.importing"

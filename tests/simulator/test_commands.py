import pytest

from gateway.simulator.commands import (
    BODIES,
    HELP,
    Drop,
    Resume,
    Stall,
    Stats,
    Throttle,
    Unbind,
    parse_body,
    parse_line,
)
from gateway.simulator.errors import CommandRefused
from gateway.simulator.mo import MoRequest


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (
            "mo +33639981234 36180 STOP  now",
            MoRequest(sender="+33639981234", recipient="36180", text="STOP now"),
        ),
        ("drop", Drop()),
        ("drop shop", Drop("shop")),
        ("unbind shop", Unbind("shop")),
        ("stall 2.5", Stall(2.5)),
        ("resume", Resume()),
        ("throttle 50", Throttle(50)),
        ("throttle off", Throttle(None)),
        ("stats", Stats()),
    ],
)
def test_lines_of_the_console_are_read(line: str, command: object) -> None:
    assert parse_line(line) == command


@pytest.mark.parametrize(
    ("name", "body", "command"),
    [
        (
            "mo",
            b'{"from": "+33639981234", "to": "36180", "text": "STOP"}',
            MoRequest(sender="+33639981234", recipient="36180", text="STOP"),
        ),
        ("drop", b"", Drop()),
        ("stall", b'{"seconds": 3}', Stall(3.0)),
        ("throttle", b'{"parts_per_second": null}', Throttle(None)),
    ],
)
def test_bodies_are_read(name: str, body: bytes, command: object) -> None:
    assert parse_body(name, body) == command


@pytest.mark.parametrize(
    "line",
    [
        "",
        "mo 33639981234 36180",
        "drop a b",
        "stall",
        "stall x",
        "stall 0",
        "stall nan",
        "throttle 0",
        "throttle x",
        "resume now",
        "fly",
        'mo "a b',
        "mo x\x01 y z",
    ],
)
def test_a_line_that_makes_no_sense_is_refused(line: str) -> None:
    with pytest.raises(CommandRefused):
        parse_line(line)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("drop", b"{"),
        ("drop", b"[]"),
        ("drop", b'{"system": "x"}'),
        ("stall", b""),
        ("stall", b'{"seconds": -1}'),
        ("stall", b'{"seconds": 1e999}'),
        ("mo", b'{"from": "1", "to": "2", "txt": "x"}'),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(CommandRefused):
        parse_body(name, body)


def test_help_names_every_command() -> None:
    for name in (*BODIES, "stats", "quit"):
        assert f"  {name}" in HELP

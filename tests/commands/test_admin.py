"""`estafette admin` hands its line to the console, with the socket that the configuration means."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from admin_tui.__main__ import make_parser
from gateway.commands import admin
from gateway.commands.errors import CommandError


def read(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    admin.add_arguments(parser)
    return parser.parse_args(words)


def test_the_socket_is_that_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("admin: {socket: /run/estafette/admin.sock}\n")
    line = admin.console_arguments(read("--config", str(config), "--read-only", "--shop", "boutique"))
    assert line == ["--socket", "/run/estafette/admin.sock", "--shop", "boutique", "--read-only"]


def test_a_configuration_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no configuration"):
        admin.console_arguments(read("--config", str(tmp_path / "none.yaml")))


def test_the_console_understands_every_line_that_is_handed_on() -> None:
    line = admin.console_arguments(
        read(
            *("--url", "https://sms.example", "--token-file", "token", "--language", "ro"),
            *("--screenshot", "overview", "--size", "80x24", "--out", "o.svg"),
            *("--keys", "3,enter", "--at", "2026-07-21T14:05:09Z"),
        )
    )
    options = make_parser().parse_args(line)
    assert (options.url, options.language, options.size) == ("https://sms.example", "ro", "80x24")
    moment = datetime(2026, 7, 21, 14, 5, 9, tzinfo=UTC)
    assert (options.keys, options.at, options.socket) == ("3,enter", moment, None)

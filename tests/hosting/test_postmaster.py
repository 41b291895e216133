"""What is read from a postmaster.pid, and what is not believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.hosting.postmaster import Postmaster, is_alive, process_serves, read_postmaster

# Written by Postgres 18.6 while it took connections, and while initdb's single process ran.
READY = "4711\n/srv/state/data\n1763771227\n5432\n/srv/state/data\n\n  1245  7\nready   \n"
SINGLE = "-4712\n/srv/state/data\n1763771227\n0\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (READY, Postmaster(4711, is_ready=True)),
        (READY.replace("ready   ", "starting"), Postmaster(4711, is_ready=False)),
        (SINGLE, Postmaster(4712, is_ready=False)),
        ("", None),
        ("\n\n", None),
        ("garbage\n", None),
        ("0\n", None),
        ("-1\n", None),
        ("1\n", None),
    ],
)
def test_a_number_that_must_not_be_signalled_never_comes_out(
    tmp_path: Path, text: str, expected: Postmaster | None
) -> None:
    (tmp_path / "postmaster.pid").write_text(text)
    assert read_postmaster(tmp_path / "postmaster.pid") == expected


def test_a_missing_file_means_no_server(tmp_path: Path) -> None:
    assert read_postmaster(tmp_path / "postmaster.pid") is None


def test_a_stranger_is_not_taken_for_a_server(tmp_path: Path) -> None:
    assert is_alive(os.getpid())
    assert not process_serves(os.getpid(), Path.cwd())

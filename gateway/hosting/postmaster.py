"""What a `postmaster.pid` and the process table say about a server on a data folder.

Reads; starts, signals and deletes nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The process named in a `postmaster.pid`, which may be long gone."""

    pid: int
    is_ready: bool
    """Whether it takes connections: line 8 is `ready` then, and `starting` all through a recovery."""


def read_postmaster(path: Path) -> Postmaster | None:
    """The postmaster that `path` names, or None when the file is missing, empty or not finished.

    The number is negative while a single process (`initdb`, `postgres --single`) works on the folder. Given
    to `kill` as it is, it would reach a whole process group, so only its absolute value leaves this function.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().lstrip("-").isdigit():
        return None
    pid = abs(int(lines[0]))
    if pid <= 1:
        return None
    return Postmaster(pid, is_ready=len(lines) >= 8 and lines[7].strip() == "ready")


def process_serves(pid: int, data: Path) -> bool:
    """Whether process `pid` is a Postgres working in `data`, whose servers make it their working folder.

    Where there is no `/proc`, any such process is taken for one: to wait for a stranger is a nuisance, to
    overtake a live server loses data.
    """
    if not Path("/proc/self").exists():
        return True
    try:
        working_folder = os.readlink(f"/proc/{pid}/cwd")
        command = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return False
    except PermissionError:
        return False  # another user's process; ours run as our user, or we are root
    return command.startswith("postgres") and working_folder == str(data.resolve())


def is_alive(pid: int) -> bool:
    """Whether a process has this number, ours or not, even one that ended and was not yet collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

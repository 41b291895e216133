"""Which user a Postgres of ours runs as, and how a child becomes that user and never outlives its parent.

Knows users, file modes and signals. Knows nothing of Postgres, except that it refuses to run as root.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from gateway.hosting.errors import HostingError

_PR_SET_PDEATHSIG: Final = 1
"""prctl(2): the signal a process gets when the thread that forked it ends."""

_PREFERRED_ACCOUNTS: Final = ("estafette", "nobody")
"""Never the system's `postgres`: it may own other clusters on this machine."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine for a child to run as."""

    name: str
    uid: int
    gid: int


def choose_account(effective_uid: int) -> Account | None:
    """The unprivileged account for children of root; None for everyone else, whose children stay
    themselves."""
    if effective_uid != 0:
        return None
    for name in _PREFERRED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise HostingError(
        "Postgres does not run as root, and this machine has neither a user 'estafette' nor 'nobody'; "
        "run `useradd --system estafette`, or start as an ordinary user"
    )


def spawn(
    command: Sequence[str | Path],
    *,
    account: Account | None,
    environment: Mapping[str, str],
    output: IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start `command` as `account` in a session of its own, to get SIGINT the moment this process dies.

    The kernel ties that signal to the forking *thread*: a Postgres started from a short-lived thread was dead
    two seconds later. So this refuses every thread but the main one. A session of its own keeps Ctrl-C from
    reaching the child before we have drained. Linux only; elsewhere a killed parent leaves the child, which
    the next start finds.
    """
    if threading.current_thread() is not threading.main_thread():
        raise HostingError(
            "child processes are started from the main thread only: they die with their thread"
        )
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=dict(environment),
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=prepare_death_signal(signal.SIGINT),
    )


def prepare_death_signal(number: signal.Signals) -> Callable[[], None] | None:
    """What a child calls to get signal `number` the moment the forking thread of its parent, which calls
    this, ends; None where there is no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def die_with_parent() -> None:
        # After the fork, and after setuid, because a change of user clears the setting.
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return die_with_parent


def can_run(command: Sequence[str | Path], account: Account | None) -> bool:
    """Whether `command` runs as `account` and exits with 0: the only test that sees modes, ACLs and
    libraries."""
    try:
        completed = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            timeout=30,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError:
        return False
    return completed.returncode == 0


def can_enter(directory: Path, account: Account | None) -> bool:
    """Whether `account` reaches `directory` through all folders above it."""
    return can_run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory], account)

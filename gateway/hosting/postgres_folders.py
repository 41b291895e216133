"""The folders of the bundled Postgres: whose they are, who can reach them, where its socket fits.

Knows modes, owners and the length of a path. Starts no server.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from gateway.hosting.accounts import Account, can_enter
from gateway.hosting.errors import HostingError, PostgresDataUnusable

SOCKET_PATH_OCTETS: Final = 107
"""Longest path of a unix socket on Linux: `sun_path` is 108 octets with its NUL, unix(7)."""

SOCKET_NAME: Final = ".s.PGSQL.5432"
"""Postgres names its socket after its port."""


def prepare_directory(directory: Path, account: Account | None) -> None:
    """Make `directory` for the server's files and see that `account` can enter it. Raises `HostingError`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o711 if account else 0o700)
    except OSError as exc:
        raise HostingError(f"the folder {directory} cannot be made or opened: {exc.strerror}") from exc
    if not can_enter(directory, account):
        raise HostingError(
            f"the user {account.name if account else os.geteuid()}, whom Postgres runs as, cannot enter "
            f"{directory}: a folder above it is closed, and stays so. Set node.state_directory to a folder "
            "outside of homes, such as /var/lib/estafette"
        )


def give_to(folder: Path, account: Account | None) -> None:
    """Close `folder` to everyone but the server's user (and root)."""
    folder.chmod(0o700)
    if account:
        os.chown(folder, account.uid, account.gid)


def refuse_other_major(data: Path, major: int) -> None:
    """Raise `PostgresDataUnusable` when another major version wrote `data`; Postgres would refuse too, in
    fewer words."""
    written = (data / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    if written != str(major):
        raise PostgresDataUnusable(
            data,
            f"was written by Postgres {written} and cannot be read by {major}: start the release that wrote "
            "it, take a dump with pg_dump, move the folder away, start this release, load the dump with psql",
        )


def prepare_socket_folder(data: Path, account: Account | None, runtime_folder: str) -> Path:
    """The data folder itself, which only its owner and root can enter, or a short folder when its path is too
    long.

    `runtime_folder` is where only this user can write (`/run` for root, else `$XDG_RUNTIME_DIR`), or empty.
    """
    if len(os.fsencode(data / SOCKET_NAME)) <= SOCKET_PATH_OCTETS:
        return data
    name = f"estafette-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    if runtime_folder and os.access(runtime_folder, os.W_OK):
        folder = Path(runtime_folder) / name
        folder.mkdir(exist_ok=True, mode=0o700)
    else:
        # Anyone can write to /tmp, so a name known beforehand could already be someone's trap.
        folder = Path(tempfile.mkdtemp(prefix="estafette-", dir="/tmp"))
    give_to(folder, account)
    return folder


def remove_socket_folder(folder: Path, data: Path) -> None:
    """Remove a short socket folder after the server has gone; the data folder is left alone."""
    if folder != data:
        with contextlib.suppress(OSError):
            folder.rmdir()

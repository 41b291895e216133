"""The state folder: where it is, who holds it, and which node it makes this server.

A node's identity is its state folder under `flock`. A restart takes the folder and its leases at once, while
a second start on a held folder is refused. What the other rooms keep inside is theirs.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.hosting.errors import HostingError, StateDirectoryBusy
from gateway.hosting.postmaster import is_alive

IDENTITY_OCTETS: Final = 16
"""Random octets in a node's identity: enough that two state folders never share one."""

_FOLDER_MODE: Final = 0o710
"""The group passes through to the admin socket and lists nothing; each file inside is closed by its own
mode."""
_FOLDER_MODE_OF_ROOT: Final = 0o711
"""Root's bundled Postgres runs as another user, who must pass through."""


def resolve_state_directory(configured: str | None, environ: Mapping[str, str], effective_uid: int) -> Path:
    """Where state is kept: the configured folder, systemd's, root's, or the user's by the XDG specification.

    Raises `HostingError` when an ordinary user has no home to keep it in.
    """
    if configured is not None:
        return Path(configured).absolute()
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])  # systemd.exec(5): several are joined by colons
    if effective_uid == 0:
        return Path("/var/lib/estafette")
    xdg = environ.get("XDG_STATE_HOME", "")
    if xdg.startswith("/"):  # the specification says to ignore relative ones
        return Path(xdg) / "estafette"
    if environ.get("HOME"):
        return Path(environ["HOME"]) / ".local" / "state" / "estafette"
    raise HostingError("there is no folder for state: HOME is not set; set node.state_directory")


class StateDirectory:
    """A state folder held by this process until `close()` or its death, whichever comes first.

    The kernel frees `flock` with the process, so no stale lock outlives a crash or a power cut. A process
    forked meanwhile holds it too: until it is gone nobody else takes the folder.
    """

    def __init__(self, path: Path, lock_descriptor: int, identity: str) -> None:
        self.path = path
        self.identity = identity
        """32 hexadecimal digits, made at the first start in this folder and kept for good."""
        self._lock_descriptor: int | None = lock_descriptor

    @classmethod
    def acquire(cls, path: Path) -> Self:
        """Make the folder if it is missing and hold it. Raises `StateDirectoryBusy` or `HostingError`."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(_FOLDER_MODE_OF_ROOT if os.geteuid() == 0 else _FOLDER_MODE)
            descriptor = _lock(path)
        except OSError as exc:
            raise HostingError(
                f"the state folder {path} cannot be used: {exc.strerror}; "
                "give its owner's account, or another folder (node.state_directory)"
            ) from exc
        try:
            return cls(path, descriptor, _read_or_make_identity(path / "node-identity"))
        except BaseException:
            os.close(descriptor)
            raise

    def close(self) -> None:
        """Let the folder go. A second call does nothing."""
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as exc:
        holder = os.pread(descriptor, 32, 0).strip()
        os.close(descriptor)
        pid = int(holder) if holder.isdigit() else None
        raise StateDirectoryBusy(path, pid, is_orphaned=pid is not None and not is_alive(pid)) from exc
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _read_or_make_identity(path: Path) -> str:
    """The identity in `path`, written first if missing; whole or not there, even after a power cut."""
    try:
        identity = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        identity = secrets.token_hex(IDENTITY_OCTETS)
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(identity + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_directory(path.parent)
    if len(identity) != 2 * IDENTITY_OCTETS or set(identity) - set("0123456789abcdef"):
        raise HostingError(
            f"{path} does not hold a node identity; restore it, or delete it to become a new node"
        )
    return identity


def sync_directory(path: Path) -> None:
    """Make the names in a folder survive a power cut, as `fsync` of a file alone does not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

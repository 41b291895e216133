"""The hosting room's branch of the error tree: faults of this machine that a person must put right."""

from __future__ import annotations

import errno
from pathlib import Path

from gateway.errors import EstafetteError


class HostingError(EstafetteError):
    """Something about this machine, its users, folders or processes stands in the way."""


class StateDirectoryBusy(HostingError):
    """Another live process owns the state folder; starting twice on it would double binds and messages.

    `pid` took it, and `is_orphaned` says that it is gone but for processes that it started.
    """

    def __init__(self, path: Path, pid: int | None, *, is_orphaned: bool = False) -> None:
        self.path = path
        self.pid = pid
        holder = f"process {pid}" if pid else "another process"
        advice = "stop that one"
        if is_orphaned:
            holder = f"what {holder} started before it ended"
            advice = f"wait until that has stopped, or end it (`fuser {path}/lock` finds it)"
        super().__init__(
            f"the state folder {path} is in use by {holder}; {advice}, "
            "or give this one a state folder of its own (node.state_directory)"
        )


class AddressTaken(HostingError):
    """Another program listens where this server is to listen, or the address is none of this machine."""

    def __init__(self, host: str, port: int, fault: OSError) -> None:
        self.host = host
        self.port = port
        in_use = fault.errno == errno.EADDRINUSE
        reason = "is in use by another program" if in_use else f"cannot be used: {fault.strerror}"
        super().__init__(f"port {port} of {host} {reason}; end that one, or change the configuration")


class PostgresMissing(HostingError):
    """No Postgres program was found: neither the bundled one nor one of this machine."""


class PostgresDataUnusable(HostingError):
    """The data folder cannot be served by these binaries; starting would not help."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"the Postgres data folder {path} {reason}")


class PostgresStartFailed(HostingError):
    """The Postgres program ended before it took connections; `log_tail` is what it wrote last."""

    def __init__(self, program: str, exit_status: int, log_path: Path, log_tail: str) -> None:
        self.program = program
        self.exit_status = exit_status
        self.log_path = log_path
        self.log_tail = log_tail
        super().__init__(
            f"{program} ended with status {exit_status}; see {log_path}. It wrote last:\n{log_tail}"
        )

"""How a command ends: its exit status, and the errors that a person at a terminal is told in one sentence."""

from enum import IntEnum
from pathlib import Path

from gateway.errors import EstafetteError


class ExitStatus(IntEnum):
    """What a script may rely on."""

    DONE = 0
    REFUSED = 1
    """The server or the data said no: not found, not allowed, not balanced, faults in a configuration."""
    USAGE = 2
    """The command line was not understood."""
    UNREACHABLE = 3
    """No server, or no database, answered."""
    INTERRUPTED = 130
    """Ended by Ctrl-C."""


class CommandError(EstafetteError):
    """A command that cannot do what was asked; the message says why and what to do."""

    exit_status = ExitStatus.REFUSED


class ServerUnreachable(CommandError):
    """Nothing answers on the admin socket."""

    exit_status = ExitStatus.UNREACHABLE

    def __init__(self, socket_path: Path, reason: str) -> None:
        super().__init__(
            f"no server answers on {socket_path} ({reason}); start it with `estafette serve`, or name "
            "another with --config or --socket"
        )
        self.socket_path = socket_path


class DatabaseUnreachable(CommandError):
    """The configured Postgres does not answer, or does not let us in."""

    exit_status = ExitStatus.UNREACHABLE

    def __init__(self, reason: str) -> None:
        one_line = " ".join(reason.split())
        super().__init__(f"the database is not reachable ({one_line}); see database.dsn in the configuration")


class AdminRefused(CommandError):
    """The server answered with a problem: its status, stable code, and sentence."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


class ServerWithoutDatabase(AdminRefused):
    """The server runs, and its Postgres does not answer."""

    exit_status = ExitStatus.UNREACHABLE

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, code, f"{detail} `estafette status` says since when.")

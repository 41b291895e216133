"""What can go wrong with the simulator, by what the person at its keyboard must do.

SimulatorError
├── ProfileError      the profile cannot be used: correct the file
├── CommandRefused    a command does not make sense, or cannot be done now
└── LogBroken         the log cannot be written: free the disk or name another file
"""

from gateway.errors import EstafetteError


class SimulatorError(EstafetteError):
    """Something about the simulator went wrong."""


class ProfileError(SimulatorError):
    """A profile that cannot be used. `source` names it; the message says which key and what is allowed."""

    def __init__(self, source: str, fault: str) -> None:
        super().__init__(f"profile {source} cannot be used: {fault}")
        self.source = source


class CommandRefused(SimulatorError):
    """A command that was understood badly or cannot be obeyed now. `is_conflict` tells the second from the
    first: it may work later, for example once somebody has bound.
    """

    def __init__(self, message: str, *, is_conflict: bool = False) -> None:
        super().__init__(message)
        self.is_conflict = is_conflict


class LogBroken(SimulatorError):
    """The log refused a write; what was not logged was not taken either."""

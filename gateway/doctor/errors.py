"""What can keep the doctor from examining a carrier at all."""

from gateway.errors import EstafetteError


class DoctorError(EstafetteError):
    """An examination that could not be made; the message says why and what to do."""


class NoBind(DoctorError):
    """No session could be bound. `command_status` is the SMSC's, where it said one."""

    def __init__(self, message: str, command_status: int | None = None) -> None:
        super().__init__(message)
        self.command_status = command_status

"""Why a server of several processes did not start."""

from gateway.errors import EstafetteError


class WorkerNotStarted(EstafetteError):
    """A worker ended before the server was up; `fault` is what it said, in a sentence."""

    def __init__(self, number: int, fault: str) -> None:
        self.number = number
        super().__init__(f"worker {number} did not start: {fault}")

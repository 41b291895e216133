"""What can keep a measurement from being taken."""

from gateway.errors import EstafetteError


class BenchError(EstafetteError):
    """The measurement was not taken, or its end was not reached; no figure is printed then."""

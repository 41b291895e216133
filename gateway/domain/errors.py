"""The branch of the error tree that belongs to the rules in this room; each module adds its own leaves."""

from gateway.errors import EstafetteError


class DomainError(EstafetteError):
    """A value that the rules refuse, said so that the person who typed it can put it right."""

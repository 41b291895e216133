"""What can keep the demonstration from running, said to someone who has used this program for a minute."""

from gateway.errors import EstafetteError


class DemoError(EstafetteError):
    """The demonstration cannot go on; the message says what to do."""

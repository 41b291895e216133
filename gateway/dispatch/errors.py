"""What can go wrong in dispatch, beyond what a carrier or the database does.

DispatchError
└── TooManyWatches      a trace is watched by as many as may
"""

from gateway.errors import EstafetteError


class DispatchError(EstafetteError):
    """Something about sending and receiving went wrong."""


class TooManyWatches(DispatchError):
    """Each one who watches costs the loop that sends; end another trace first."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"{most} traces run already, and no more may; end one of them first")

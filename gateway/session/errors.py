"""What can go wrong with a session, by what the caller must do."""

from gateway.errors import EstafetteError
from gateway.session.owner import CloseReason
from gateway.smpp.statuses import describe_status, label_status


class SessionError(EstafetteError):
    """Something about an SMPP session went wrong."""


class NoRoom(SessionError):
    """A request was given to a session that cannot take one: a bug of the caller, who must ask `room`
    first.
    """

    def __init__(self, peer: str, state: str) -> None:
        super().__init__(
            f"session with {peer} ({state}) has no room for a request; ask `room` before each one"
        )


class BindRefused(SessionError):
    """The SMSC answered the bind with an error. `command_status` says which; see `backoff` for what to do."""

    def __init__(self, peer: str, command_status: int) -> None:
        why = describe_status(command_status).rstrip(".")
        super().__init__(f"{peer} refused the bind with {label_status(command_status)}: {why}")
        self.peer = peer
        self.command_status = command_status


class SessionClosed(SessionError):
    """The session ended before what was asked could happen; connect again."""

    def __init__(self, peer: str, reason: CloseReason) -> None:
        super().__init__(f"the session with {peer} closed: {reason.detail}")
        self.peer = peer
        self.reason = reason


class ConnectFailed(SessionError):
    """A host could not be reached; try it or the next one again after a while."""

    def __init__(self, reason: CloseReason) -> None:
        super().__init__(reason.detail)
        self.reason = reason


class TlsUnusable(SessionError):
    """The files that TLS needs cannot be used: a person must look. `setting` is the key below `tls`."""

    def __init__(self, setting: str, files: str, cause: Exception) -> None:
        super().__init__(
            f"no connection: tls.{setting} {files} cannot be used: {cause}; it must be readable and in PEM"
        )
        self.setting = setting

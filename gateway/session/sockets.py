"""What the kernel is asked to do for an SMPP connection, where it can: send at once, notice a dead peer.

Owns socket options and nothing else.
"""

import socket
from typing import Any, Final

from gateway.smpp.timers import TimerSettings

_KEEPALIVE_IDLE_SECONDS: Final = 60
"""Well inside the few minutes after which firewalls forget an idle connection (quirk 19), also where a
carrier forbids enquire_link more often than once an hour."""

_KEEPALIVE_INTERVAL_SECONDS: Final = 15
_LONGEST_PATIENCE_SECONDS: Final = 45.0


def unacknowledged_seconds(timers: TimerSettings) -> float:
    """How long octets may stay unacknowledged by the peer's kernel before the connection counts as dead.

    As long as enquire_link would take to find out, but 45 s at most; never less, so that a busy peer that
    reads late is not cut earlier than by the protocol itself (quirk 18).
    """
    found_out = timers.enquire_link_seconds + timers.enquire_link_timeout_seconds
    return min(found_out, _LONGEST_PATIENCE_SECONDS) if found_out > 0 else _LONGEST_PATIENCE_SECONDS


def keep_alive(connection: Any, timers: TimerSettings) -> None:
    """Set the options of one connected TCP socket, or of uvloop's stand-in for one.

    Linux has all of them; elsewhere those that are missing are left out, and enquire_link does the work
    alone, if later.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": _KEEPALIVE_IDLE_SECONDS,
        "TCP_KEEPINTVL": _KEEPALIVE_INTERVAL_SECONDS,
        "TCP_USER_TIMEOUT": int(unacknowledged_seconds(timers) * 1000),
    }
    for name, value in options.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

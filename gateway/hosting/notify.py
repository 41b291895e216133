"""Word to systemd over its notification socket, as sd_notify(3) describes it; silent where there is none.

A worker of a server speaks the same way to the process that started it, which reads it here. Knows the
datagrams and nothing of what the server is doing.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

NOTICE_OCTETS: Final = 4_096
"""Longest datagram that a worker sends; a longer one is cut."""


class ServiceNotifier:
    """Sends readiness, status and watchdog beats to the service manager that started this process, if any."""

    def __init__(
        self,
        address: str | None,
        watchdog_seconds: float | None,
        *,
        channel: socket.socket | None = None,
    ) -> None:
        """`channel` is a connected socket to speak to in place of `address`."""
        self._address = address
        self._channel = channel
        self.watchdog_seconds = watchdog_seconds
        """Longest pause between two beats, or None when no watchdog is armed; beat at half of it."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        microseconds = environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID") in (None, str(os.getpid()))
        watchdog_seconds = int(microseconds) / 1e6 if microseconds.isdigit() and is_ours else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_seconds)

    def ready(self, status: str) -> None:
        """Start-up is complete: units ordered after this one may start."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={_one_line(status)}")

    def starting(self, status: str, extend_seconds: float) -> None:
        """Start-up goes on (a long recovery, say): do not give up before `extend_seconds` from now."""
        self._send(f"STATUS={_one_line(status)}\nEXTEND_TIMEOUT_USEC={round(extend_seconds * 1e6)}")

    def reloading(self, monotonic_microseconds: int) -> None:
        """A reload has begun; `ready` ends it. systemd 253 wants the time, older ones ignore it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_microseconds}")

    def stopping(self, status: str) -> None:
        self._send(f"STOPPING=1\nSTATUS={_one_line(status)}")

    def failed(self, fault: str) -> None:
        """What ends this process, for the one that started it to tell."""
        self._send(f"X_FAULT={_one_line(fault)}")

    def watchdog(self) -> None:
        """Still alive. Send it from the event loop, so that a stuck loop is noticed."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.send(state.encode()[:NOTICE_OCTETS])
            return
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            # A manager that is away or slow is no reason to stop sending messages.
            with contextlib.suppress(OSError):
                channel.sendto(state.encode(), address)


@dataclass(frozen=True, slots=True)
class Notice:
    """What one datagram says."""

    is_ready: bool = False
    is_beat: bool = False
    status: str | None = None
    extend_seconds: float | None = None
    """How much longer the start may take."""
    fault: str | None = None


def read_notice(datagram: bytes) -> Notice:
    """Unknown and unreadable lines mean nothing."""
    lines = datagram.decode("utf-8", "replace").splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    extend = said.get("EXTEND_TIMEOUT_USEC", "")
    return Notice(
        is_ready=said.get("READY") == "1",
        is_beat=said.get("WATCHDOG") == "1",
        status=said.get("STATUS"),
        extend_seconds=int(extend) / 1e6 if extend.isascii() and extend.isdigit() else None,
        fault=said.get("X_FAULT"),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())

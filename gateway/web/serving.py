"""How an application is put on a socket: time limits, no access log, and faults of the protocol in one line.

Owns what aiohttp is told; knows no route.
"""

import contextlib
import grp
import logging
import os
import socket
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger("web")

_SOCKET_BACKLOG = 128
_KEEPALIVE_SECONDS = 75.0
_LINGERING_SECONDS = 2.0
"""How long the rest of a refused body is read, so that the caller sees the answer and not a reset."""


def make_runner(app: web.Application, *, keepalive_seconds: float = _KEEPALIVE_SECONDS) -> web.AppRunner:
    """A runner for `app`. The caller sets it up, adds a site and cleans it up.

    `keepalive_seconds` is also what a caller has for sending the head of a request.
    """
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        logger=_OneLineLogger(logging.getLogger("gateway.web.serving"), {}),
        keepalive_timeout=keepalive_seconds,
        lingering_time=_LINGERING_SECONDS,
        auto_decompress=False,
        shutdown_timeout=5.0,
    )


def open_admin_socket(path: Path, *, group: str | None) -> socket.socket:
    """A listening unix socket of mode 0660 that belongs to `group`, where such a group exists and we may;
    of mode 0600 without one.

    Replaces what a killed server left behind; the lock on the state folder keeps two servers from one path.
    Raises `OSError`: the path is longer than 107 octets, or the folder is not writable.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Never open to others, not even for the moment before a chmod.
    before = os.umask(0o117 if group else 0o177)
    try:
        listener.bind(str(path))
        listener.listen(_SOCKET_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    if group is not None:
        with contextlib.suppress(KeyError, PermissionError):
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
    return listener


class _OneLineLogger(logging.LoggerAdapter[logging.Logger]):
    """Says what aiohttp noticed: one line for a caller who sends no HTTP, the traceback for anything else."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        if level < logging.WARNING:
            return
        fault = options.get("exc_info")
        text = str(msg) % args if args else str(msg)
        if isinstance(fault, HttpProcessingError):
            log.info("http.not_understood", what=text, fault=str(fault.message).partition("\n")[0])
        else:
            log.error("http.failed", what=text, exc_info=fault)

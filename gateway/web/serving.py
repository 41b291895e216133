"""How an application is put on a socket: time limits, no access log, and faults of the protocol in one line.

Owns what aiohttp is told; knows no route.
"""

import logging
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger("web")

_KEEPALIVE_SECONDS = 75.0
_LINGERING_SECONDS = 2.0
"""How long the rest of a refused body is read, so that the caller sees the answer and not a reset."""


def make_runner(app: web.Application) -> web.AppRunner:
    """A runner for `app`. The caller sets it up, adds a site and cleans it up."""
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        logger=_OneLineLogger(logging.getLogger("gateway.web.serving"), {}),
        keepalive_timeout=_KEEPALIVE_SECONDS,
        lingering_time=_LINGERING_SECONDS,
        auto_decompress=False,
        shutdown_timeout=5.0,
    )


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

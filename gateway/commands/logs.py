"""Where log lines go and how they look: standard error, JSON for machines or text for a person.

Set once, before anything logs. Which events there are is each room's business.
"""

import sys
from typing import Any

import msgspec
import structlog

from gateway.config import LogFormat, LoggingConfig

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logging(config: LoggingConfig) -> None:
    """Write log lines of `config.level` and above to standard error, in `config.format`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if config.format is LogFormat.JSON:
        rendering: list[Any] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_encode),
        ]
    else:
        # Where rich is installed the default shows local variables: texts, numbers, passwords.
        plain = structlog.dev.plain_traceback
        rendering = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[config.level.value]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _encode(event: dict[str, object], **_: object) -> str:
    """What is not JSON by itself is written as text: a log line never fails for its field."""
    return msgspec.json.encode(event, enc_hook=str).decode()

"""What a worker is from its fork to its end: a node like any other, on a footing that it shares.

Runs in the forked process. Knows nothing of the other workers.
"""

import asyncio
import socket
import traceback
from collections.abc import Callable
from typing import Final

import structlog
import uvloop

from gateway.config import Config
from gateway.errors import EstafetteError
from gateway.hosting.notify import ServiceNotifier
from gateway.main import serve
from gateway.node.ground import Footing
from gateway.node.place import Place

DONE: Final = 0
FAILED: Final = 1


def run_worker(
    channel: socket.socket,
    *,
    config: Config,
    load: Callable[[], Config],
    footing: Footing,
    place: Place,
    watchdog_seconds: float | None,
) -> int:
    """Run until SIGTERM or until it fails; the exit status. What ended it is said on `channel`."""
    structlog.contextvars.bind_contextvars(worker=place.number)
    notifier = ServiceNotifier(None, watchdog_seconds, channel=channel)
    serving = serve(config, load, notifier=notifier, footing=footing, place=place)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serving)
    except EstafetteError as exc:
        notifier.failed(str(exc))
        return FAILED
    except BaseException as exc:
        notifier.failed(f"{type(exc).__name__}: {exc}")
        traceback.print_exc()
        return FAILED
    return DONE

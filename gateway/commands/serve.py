"""`estafette serve`: the server in the foreground, in one process or several, until SIGTERM or Ctrl-C; SIGHUP
reads the configuration again."""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable

import uvloop

from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.logs import configure_logging
from gateway.commands.options import SYSTEM_CONFIG, add_config_option, find_config
from gateway.config import Config, load_config
from gateway.main import serve
from gateway.workers.server import serve_workers

_COLLECTIONS = (50_000, 20, 50)
"""Objects made before the collector looks for cycles. Thousands of messages are alive at any time, and hardly
any cycles: with Python's own 700 a campaign's message cost 118 µs, with these 100, at the same memory. What
the start has loaded is set aside: looking through it took 0.1 s, in which nothing was sent."""


_MOST_WORKERS = 8
"""As `node.workers` allows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_option(parser)
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_read_workers,
        help=f"processes that share the work, 1 to {_MOST_WORKERS}, at most one a core; else node.workers",
    )
    parser.epilog = "SIGTERM and Ctrl-C stop it in order; SIGHUP reads the configuration again."


def _read_workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {_MOST_WORKERS}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    path = find_config(arguments.config)
    if path is None:
        raise CommandError(
            f"there is no configuration: neither ./config.yaml nor {SYSTEM_CONFIG}; copy "
            "config.example.yaml and name it with --config, or try `estafette demo`"
        )

    def load() -> Config:
        return load_config(path, os.environ)

    config = load()
    configure_logging(config.logging)
    gc.set_threshold(*_COLLECTIONS)
    gc.collect()
    gc.freeze()
    workers = arguments.workers or config.node.workers
    if workers == 1:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config, load))
    else:
        _serve_workers(config, load, workers)
    return ExitStatus.DONE


def _serve_workers(config: Config, load: Callable[[], Config], count: int) -> None:
    """On asyncio's own loop, which a forked process can leave behind; workers have uvloop's."""
    if not sys.platform.startswith("linux"):
        raise CommandError("several workers need Linux; start with one")
    with asyncio.Runner() as runner:
        runner.run(serve_workers(config, load, count=count))

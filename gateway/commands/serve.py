"""`estafette serve`: the server in the foreground, until SIGTERM or Ctrl-C; SIGHUP reads the configuration
again."""

import argparse
import asyncio
import gc
import os

import uvloop

from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.logs import configure_logging
from gateway.commands.options import SYSTEM_CONFIG, add_config_option, find_config
from gateway.config import load_config
from gateway.main import serve

_COLLECTIONS = (50_000, 20, 50)
"""Objects made before the collector looks for cycles. Thousands of messages are alive at any time, and hardly
any cycles: with Python's own 700 a campaign's message cost 118 µs, with these 100, at the same memory. What
the start has loaded is set aside: looking through it took 0.1 s, in which nothing was sent."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_option(parser)
    parser.epilog = "SIGTERM and Ctrl-C stop it in order; SIGHUP reads the configuration again."


def run(arguments: argparse.Namespace) -> int:
    path = find_config(arguments.config)
    if path is None:
        raise CommandError(
            f"there is no configuration: neither ./config.yaml nor {SYSTEM_CONFIG}; copy "
            "config.example.yaml and name it with --config, or try `estafette demo`"
        )
    configure_logging(load_config(path, os.environ).logging)
    gc.set_threshold(*_COLLECTIONS)
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(lambda: load_config(path, os.environ)))
    return ExitStatus.DONE

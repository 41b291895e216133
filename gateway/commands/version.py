"""`estafette version`: what is installed, in the words that a bug report needs."""

import argparse
import json
import platform
from importlib.metadata import PackageNotFoundError, version

from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_json_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps({"version": read_version(), "python": platform.python_version()}))
    else:
        print(f"estafette {read_version()} on Python {platform.python_version()}")
    return ExitStatus.DONE


def read_version() -> str:
    """The installed version; `unknown` when the program runs from a checkout that was never installed."""
    try:
        return version("estafette")
    except PackageNotFoundError:
        return "unknown"

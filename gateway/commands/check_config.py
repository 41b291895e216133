"""`estafette check-config`: every fault of a configuration with its place; whether a server would start."""

import argparse
import json
import os
from pathlib import Path

from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import SYSTEM_CONFIG, add_json_option, find_config
from gateway.config import Severity, check_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        help=f"the configuration; else $ESTAFETTE_CONFIG, ./config.yaml, or {SYSTEM_CONFIG}",
    )
    add_json_option(parser)
    parser.epilog = "Warnings leave the exit status at 0; a server starts in spite of them."


def run(arguments: argparse.Namespace) -> int:
    path = find_config(arguments.file)
    if path is None:
        raise CommandError("there is no configuration to check; name one")
    findings = check_config(Path(path), os.environ)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if arguments.json:
        rows = [
            {"severity": finding.severity.value, "path": finding.path, "message": finding.message}
            for finding in findings
        ]
        print(json.dumps({"file": str(path), "errors": errors, "findings": rows}, ensure_ascii=False))
    else:
        for finding in findings:
            print(finding)
        print(f"{path}: {_summarise(errors, len(findings) - errors)}")
    return ExitStatus.REFUSED if errors else ExitStatus.DONE


def _summarise(errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "good"
    return f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"

"""`estafette db`: the schema of the database, without a running server."""

import argparse
import asyncio
import json

from gateway.commands.errors import ExitStatus
from gateway.commands.local_database import open_server
from gateway.commands.options import add_config_option, add_json_option, read_configuration
from gateway.config import Config
from gateway.store.migrations import Migration, locate_sql, migrate, read_migrations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    migrate_word = words.add_parser(
        "migrate",
        help="apply what is missing; a server does this too when it starts",
        description="Apply the migrations that this database lacks, in order, each in its own transaction.",
    )
    add_config_option(migrate_word)
    add_json_option(migrate_word)


def run(arguments: argparse.Namespace) -> int:
    applied = asyncio.run(_migrate(read_configuration(arguments.config)))
    if arguments.json:
        print(json.dumps({"applied": [migration.file_name for migration in applied]}))
    else:
        for migration in applied:
            print(f"applied {migration.file_name}")
        if not applied:
            print("the database is up to date")
    return ExitStatus.DONE


async def _migrate(config: Config) -> list[Migration]:
    async with open_server(config) as dsn:
        return await migrate(dsn, read_migrations(locate_sql() / "migrations"))

"""`estafette hold` and `estafette release`: stop sending, and send again, without stopping the server.

What is held stays queued and expires as it would have; a hold outlives a restart.
"""

import argparse

from gateway.commands.errors import ExitStatus
from gateway.commands.options import add_server_options, connect
from gateway.commands.tables import print_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=("marketing", "all"),
        help="marketing only, or one-time passwords and all the rest too",
    )
    parser.add_argument("--shop", metavar="NAME", help="this shop only")
    parser.add_argument("--reason", default="", metavar="TEXT", help="for the audit log and the next on call")
    add_server_options(parser)
    parser.set_defaults(action=parser.prog.split()[-1])


def run(arguments: argparse.Namespace) -> int:
    body: dict[str, object] = {"scope": arguments.what}
    if arguments.shop:
        body["shop"] = arguments.shop
    if arguments.reason:
        body["reason"] = arguments.reason
    answer = connect(arguments).post(f"/admin/{arguments.action}", body)
    if arguments.json:
        print_document(answer)
        return ExitStatus.DONE
    print(_describe(arguments, is_changed=answer["changed"]))
    return ExitStatus.DONE


def _describe(arguments: argparse.Namespace, *, is_changed: bool) -> str:
    what = "marketing" if arguments.what == "marketing" else "everything"
    whose = f"of shop {arguments.shop}" if arguments.shop else "of every shop"
    if arguments.action == "hold":
        return f"{what} {whose} is held{'; nothing of it leaves' if is_changed else ' already'}"
    return f"{what} {whose} {'is sent again' if is_changed else 'was not held'}"

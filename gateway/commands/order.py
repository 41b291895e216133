"""`estafette order`: orders of a shop without a developer, from a CSV file; repeats do no harm."""

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, add_shop_option, choose_shop, connect
from gateway.commands.order_file import FIELDS, OrderRow, Reading, open_orders, read_orders
from gateway.commands.tables import format_table, print_document

_BATCH = 1_000
_SHOWN_FAULTS = 20

_IMPORT = """Bring in orders from a CSV file with a heading line. Each is known by the id that the shop
gave it: a file may be given again, and a row for a known order brings it up to date. Columns are found
by headings; id and amount are needed. Orders are credited to the last click of their person in the days
before."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    imported = words.add_parser("import", help="orders from a CSV file", description=_IMPORT)
    imported.add_argument("file", type=Path, metavar="FILE")
    imported.add_argument("--dry-run", action="store_true", help="say what would be, and keep nothing")
    imported.add_argument("--currency", metavar="CUR", help="where the file has no such column (the shop's)")
    imported.add_argument(
        "--time-zone", default="UTC", metavar="ZONE", help="of times without an offset, such as Europe/Paris"
    )
    imported.add_argument(
        "--column", action="append", default=[], metavar="FIELD=HEADING", help=f"one of {', '.join(FIELDS)}"
    )
    show = words.add_parser("show", help="one order, and what led to it", description="One order.")
    show.add_argument("id", help="the shop's own id, or ours")
    for one in (imported, show):
        add_shop_option(one)
        add_server_options(one)


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    shop = choose_shop(client, arguments.shop)
    if arguments.word == "show":
        return _show(client.get(f"{shop}/orders/{quote(arguments.id, safe='')}"), as_json=arguments.json)
    return _import(client, shop, arguments)


def _import(client: AdminClient, shop: str, arguments: argparse.Namespace) -> int:
    counts = {"rows": 0, "created": 0, "known": 0, "credited": 0}
    faults: list[tuple[int, str]] = []
    with open_orders(arguments.file) as file:
        rows = read_orders(file, _find_reading(client, shop, arguments))
        for batch in _cut(rows):
            counts["rows"] += len(batch)
            faults += [(row.row, row.fault) for row in batch if row.order is None]
            good = [row for row in batch if row.order is not None]
            if not good:
                continue
            orders: list[object] = [row.order for row in good]
            answer = client.post(f"{shop}/orders/batch", {"orders": orders, "dry_run": arguments.dry_run})
            counts["created"] += answer["created"]
            counts["known"] += answer["known"]
            for row, item in zip(good, answer["orders"], strict=True):
                if item["problem"] is not None:
                    faults.append((row.row, item["problem"]["detail"]))
                elif item["order"]["campaign_id"] is not None:
                    counts["credited"] += 1
    return _tell_outcome(counts, sorted(faults), arguments)


def _tell_outcome(
    counts: dict[str, int], faults: list[tuple[int, str]], arguments: argparse.Namespace
) -> int:
    if arguments.json:
        told = [{"row": row, "detail": detail} for row, detail in faults]
        print_document({**counts, "refused": len(faults), "dry_run": arguments.dry_run, "faults": told})
    else:
        mood = "would be" if arguments.dry_run else "were"
        print(
            f"{counts['rows']} rows: {counts['created']} orders {mood} new, {counts['known']} known,"
            f" {len(faults)} refused; {counts['credited']} came of a campaign"
        )
        if faults:
            print(format_table(("row", "what is wrong"), faults[:_SHOWN_FAULTS]), file=sys.stderr)
        if len(faults) > _SHOWN_FAULTS:
            print(f"… and {len(faults) - _SHOWN_FAULTS} more; --json lists them all", file=sys.stderr)
    return ExitStatus.REFUSED if faults else ExitStatus.DONE


def _find_reading(client: AdminClient, shop: str, arguments: argparse.Namespace) -> Reading:
    columns: dict[str, str] = {}
    for given in arguments.column:
        field, _, heading = given.partition("=")
        if field not in FIELDS or not heading:
            raise CommandError(f"--column {given}: write FIELD=HEADING with one of {', '.join(FIELDS)}")
        columns[field] = heading
    try:
        zone = ZoneInfo(arguments.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise CommandError(
            f"there is no time zone {arguments.time_zone}; write one like Europe/Paris"
        ) from exc
    currency = arguments.currency
    if currency is None:
        shops = client.get("/admin/shops")["shops"]
        currency = next((each["currency"] for each in shops if shop.endswith(f"/{each['name']}")), None)
    return Reading(currency, zone, columns)


def _cut(rows: Iterator[OrderRow]) -> Iterator[list[OrderRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _show(order: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_document(order)
        return ExitStatus.DONE
    amount, refunded = order["amount"], order["refunded"]
    fields = (
        ("id", f"{order['id']} ({order['order_id']})"),
        ("state", order["state"]),
        ("amount", f"{amount['amount']} {amount['currency']}"),
        ("refunded", f"{refunded['amount']} {refunded['currency']}"),
        ("ordered at", order["ordered_at"]),
        ("number", order["number"]),
        ("campaign", order["campaign_name"]),
        ("click at", order["click_at"]),
    )
    print("\n".join(f"{name:11} {value}" for name, value in fields if value is not None))
    return ExitStatus.DONE

"""`estafette list`: lists of people of one shop. Deleting a list forgets who was on it, never the people."""

import argparse
from typing import Any
from urllib.parse import quote

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError, ExitStatus
from gateway.commands.options import add_server_options, add_shop_option, choose_shop, connect
from gateway.commands.paging import read_pages
from gateway.commands.person import find_person
from gateway.commands.tables import format_table, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    listing = words.add_parser("list", help="every list", description="Every list of the shop, newest first.")
    create = words.add_parser("create", help="make a list", description="Make an empty list.")
    create.add_argument("name", help="what people call it, such as “Clients 2026”")
    show = words.add_parser(
        "show", help="one list", description="One list, and how many of its people may get marketing."
    )
    rename = words.add_parser("rename", help="name it anew", description="Give a list another name.")
    delete = words.add_parser(
        "delete", help="delete a list", description="Delete a list; the people on it stay contacts."
    )
    add = words.add_parser("add", help="put people on it", description="Put people of the shop on a list.")
    remove = words.add_parser(
        "remove", help="take people off it", description="Take people off a list; they stay contacts."
    )
    for one in (show, rename, delete, add, remove):
        one.add_argument("list", help="its name, or its id such as lst_1nGf0K2aQbL")
    for one in (add, remove):
        one.add_argument(
            "people", nargs="+", metavar="PERSON", help="a number, or an id such as ctc_1nGf0K2aQbL"
        )
    rename.add_argument("name", help="the new name")
    for one in (listing, create, show, rename, delete, add, remove):
        add_shop_option(one)
        add_server_options(one)


def run(arguments: argparse.Namespace) -> int:
    client = connect(arguments)
    shop = choose_shop(client, arguments.shop)
    answer, text = _ANSWERS[arguments.word](client, shop, arguments)
    print_answer(answer, text, as_json=arguments.json)
    return ExitStatus.DONE


def find_list(client: AdminClient, shop: str, named: str) -> dict[str, Any]:
    """The list of this name or id. Raises `CommandError` when the shop has none."""
    for each in read_pages(client, f"{shop}/lists", "lists"):
        if named in (each["name"], each["id"]):
            return each
    raise CommandError(f"there is no list {named}; `estafette list list` shows them")


def _list(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    lists = list(read_pages(client, f"{shop}/lists", "lists"))
    if not lists:
        return {"lists": []}, "There is no list. `estafette list create NAME` makes one."
    rows = [(each["id"], each["member_count"], each["created_at"][:10], each["name"]) for each in lists]
    return {"lists": lists}, format_table(("id", "people", "made", "name"), rows)


def _create(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    made = client.post(f"{shop}/lists", {"name": arguments.name})
    return made, f"list {made['name']} is made: {made['id']}"


def _show(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    found = client.get(_path_of(client, shop, arguments.list))
    fields = (
        ("id", found["id"]),
        ("name", found["name"]),
        ("people", found["member_count"]),
        ("marketing", f"{found['marketing_count']} may be sent it"),
        ("made", found["created_at"]),
    )
    return found, "\n".join(f"{name:10} {value}" for name, value in fields)


def _rename(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    renamed = client.patch(_path_of(client, shop, arguments.list), {"name": arguments.name})
    return renamed, f"list {renamed['id']} is called {renamed['name']} now"


def _delete(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    found = find_list(client, shop, arguments.list)
    client.delete(f"{shop}/lists/{quote(found['id'], safe='')}")
    return {
        "deleted": found["id"]
    }, f"list {found['name']} is deleted; its {found['member_count']} people stay"


def _add(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    found = find_list(client, shop, arguments.list)
    answer = client.post(_members_of(shop, found), _name_people(client, shop, arguments.people))
    return answer, f"{answer['added']} of {len(arguments.people)} are on {found['name']} now that were not"


def _remove(client: AdminClient, shop: str, arguments: argparse.Namespace) -> tuple[Any, str]:
    found = find_list(client, shop, arguments.list)
    answer = client.delete(_members_of(shop, found), _name_people(client, shop, arguments.people))
    return answer, f"{answer['removed']} of {len(arguments.people)} are off {found['name']} now"


def _name_people(client: AdminClient, shop: str, people: list[str]) -> dict[str, object]:
    return {"contacts": [find_person(client, shop, person)["id"] for person in people]}


def _members_of(shop: str, found: dict[str, Any]) -> str:
    return f"{shop}/lists/{quote(found['id'], safe='')}/members"


def _path_of(client: AdminClient, shop: str, named: str) -> str:
    return f"{shop}/lists/{quote(find_list(client, shop, named)['id'], safe='')}"


_ANSWERS = {
    "list": _list,
    "create": _create,
    "show": _show,
    "rename": _rename,
    "delete": _delete,
    "add": _add,
    "remove": _remove,
}

"""How lists, contacts, consents and opt-outs are written in tables and on the page of a contact. Pure."""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from admin_tui.cells import clean
from admin_tui.client import Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, day_time
from admin_tui.states import look, show_state

LIST_COLUMNS: Final = (
    Column("name", "audience.columns.name", 24, grows=True),
    Column("members", "audience.columns.members", 11, "right"),
    Column("updated", "audience.columns.updated", 14, rank=1),
)
CONTACT_COLUMNS: Final = (
    Column("number", "audience.columns.number", 16),
    Column("name", "audience.columns.name", 18, grows=True),
    Column("country", "audience.columns.country", 7, rank=3),
    Column("consent", "audience.columns.consent", 14, rank=1),
    Column("suppressed", "audience.columns.suppressed", 13, rank=2),
    Column("tags", "audience.columns.tags", 16, rank=4),
)
OPT_OUT_COLUMNS: Final = (
    Column("number", "audience.columns.number", 16),
    Column("scope", "audience.columns.scope", 13),
    Column("source", "audience.columns.source", 22, grows=True),
    Column("when", "audience.columns.when", 14),
)
MESSAGE_COLUMNS: Final = (
    Column("when", "audience.columns.when", 12),
    Column("state", "campaigns.columns.state", 13),
    Column("text", "audience.contact.messages", 20, grows=True),
)


def list_row(desk: Desk, item: Json) -> Row:
    members = int(item.get("member_count", 0))
    cells = {
        "name": clean(item["name"]),
        "members": desk.words.number(members),
        "updated": day_time(desk.local(item.get("updated_at")), desk.now()),
    }
    return Row(item["id"], cells, {"name": clean(item["name"]).lower(), "members": members})


def contact_row(desk: Desk, item: Json) -> Row:
    cells: dict[str, str | Text] = {
        "number": show_number(desk, item),
        "name": full_name(item) or NOTHING,
        "country": item.get("country") or NOTHING,
        "consent": show_consent(desk, item.get("marketing_consent", "unknown")),
        "suppressed": show_scope(desk, item.get("suppressed", "none")),
        "tags": clean(", ".join(item.get("tags") or ())),
    }
    return Row(item["id"], cells)


def opt_out_row(desk: Desk, item: Json) -> Row:
    cells: dict[str, str | Text] = {
        "number": show_number(desk, item),
        "scope": show_scope(desk, item["scope"]),
        "source": show_source(desk, item.get("source", "")),
        "when": day_time(desk.local(item.get("created_at")), desk.now()),
    }
    return Row(opt_out_key(item), cells)


def opt_out_key(item: Json) -> str:
    """What tells opt-outs apart: the number or, where it was erased, the contact and the time."""
    return str(item.get("number") or f"{item.get('contact_id')}·{item.get('created_at')}")


def full_name(contact: Json) -> str:
    """First and last name, as far as they are known."""
    return clean(" ".join(part for part in (contact.get("first_name"), contact.get("last_name")) if part))


def show_number(desk: Desk, item: Json) -> str:
    return item.get("number") or desk.say("audience.erased")


def show_consent(desk: Desk, state: str) -> Text:
    """Consent as glyph, word and colour."""
    glyph, colour = ("?", "yellow") if state == "unknown" else look(state)
    key = f"audience.consent.{state}"
    return Text(f"{glyph} {desk.say(key) if desk.words.has(key) else state}", style=colour)


def show_scope(desk: Desk, scope: str) -> Text:
    """What is kept from a person, as glyph, word and colour."""
    glyph, colour = look(scope)
    key = f"audience.scope.{scope}"
    if scope == "none":
        return Text(NOTHING, style=colour)
    return Text(f"{glyph} {desk.say(key) if desk.words.has(key) else scope}", style=colour)


def show_source(desk: Desk, source: str) -> str:
    """How an opt-out came: a word of ours where the server names a way, else what it says."""
    way, _, rest = source.partition(":")
    key = f"audience.way.{way}"
    if not desk.words.has(key):
        return clean(source)
    return f"{desk.say(key)}{': ' + clean(rest.strip()) if rest.strip() else ''}"


def describe_contact(desk: Desk, contact: Json) -> Iterator[tuple[str, str | Text]]:
    """Label and value of everything that is known of a person."""
    say = desk.say
    yield say("audience.contact.number"), show_number(desk, contact)
    yield say("audience.contact.name"), full_name(contact) or NOTHING
    where = [part for part in (contact.get("country"), contact.get("time_zone")) if part]
    yield say("audience.contact.country"), ", ".join(where) or NOTHING
    yield say("audience.contact.marketing"), show_consent(desk, contact.get("marketing_consent", "unknown"))
    yield say("audience.contact.suppressed"), show_scope(desk, contact.get("suppressed", "none"))
    if contact.get("language"):
        yield say("audience.contact.language"), clean(contact["language"])
    if contact.get("tags"):
        yield say("audience.contact.tags"), clean(", ".join(contact["tags"]))
    for name, value in (contact.get("attributes") or {}).items():
        yield clean(name), _attribute(desk, value)
    yield say("audience.contact.source"), clean(contact.get("source") or NOTHING)
    yield say("audience.contact.since"), day_time(desk.local(contact.get("created_at")), desk.now())


def describe_consents(desk: Desk, consents: list[Json]) -> Text:
    """The log of what a person said, newest first: when, what, where, with which words."""
    drawn = Text(desk.say("audience.contact.proof") + "\n", style="bold")
    if not consents:
        drawn.append(desk.say("audience.contact.no_proof"), "yellow not bold")
    for number, consent in enumerate(consents):
        drawn.append("\n" if number else "")
        when = day_time(desk.local(consent.get("said_at") or consent.get("recorded_at")), desk.now())
        drawn.append(f"{when:<12} ", "not bold")
        drawn.append_text(show_consent(desk, consent["state"]))
        drawn.append(f"  {show_source(desk, consent.get('source') or '')}", "not bold")
        if consent.get("wording"):
            drawn.append(f"\n{'':13}“{clean(consent['wording'])}”", "italic not bold")
    return drawn


def message_row(desk: Desk, item: Json) -> Row:
    """A message of a person: its text, or its kind where texts are the shop's own."""
    kind = f"campaigns.kind.{item.get('category')}"
    cells: dict[str, str | Text] = {
        "when": day_time(desk.local(item.get("created_at")), desk.now()),
        "state": show_state(desk.words, item["state"]),
        "text": clean(item.get("text") or (desk.say(kind) if desk.words.has(kind) else "")),
    }
    return Row(item["id"], cells)


def _attribute(desk: Desk, value: object) -> str:
    if isinstance(value, bool):
        return desk.say("audience.contact.yes" if value else "audience.contact.no")
    if isinstance(value, int | float):
        return desk.words.number(value, decimals=0 if float(value).is_integer() else 2)
    return clean(value)

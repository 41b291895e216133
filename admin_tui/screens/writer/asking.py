"""What the writer asks over its form: which field, where a link leads, as whom the text is shown.

Each asks in a dialog and returns the answer, or None when it was left. Run them in workers.
"""

from collections.abc import Mapping, Sequence

from textual.app import App

from admin_tui.client import Failure, FailureKind, Json
from admin_tui.desk import Desk
from admin_tui.dialogs.choose import Choice, Choose
from admin_tui.dialogs.form import Field, Form
from admin_tui.screens.writer.draft import Draft, DraftLink, is_address
from admin_tui.screens.writer.person_chooser import PersonChooser


async def ask_field(app: App[None], desk: Desk, fields: Sequence[str]) -> str | None:
    """One of the fields that the text may use."""
    choices = [Choice(field, field) for field in fields]
    hint = desk.say("writer.message.fields_hint")
    return await app.push_screen_wait(Choose(desk, desk.say("writer.message.fields"), choices, hint=hint))


async def ask_link(app: App[None], desk: Desk, draft: Draft) -> DraftLink | None:
    """A link of the draft: the one that leads to the address already, or a new one with a free name."""

    async def take(values: Mapping[str, str]) -> Json | Failure:
        url = values["url"] if "://" in values["url"] else f"https://{values['url']}"
        if not is_address(url):
            return Failure(FailureKind.REFUSED, desk.say("writer.message.link_fault"), path="url")
        return {"url": url}

    fields = [Field("url", "writer.message.link", "writer.message.link_hint")]
    answer = await app.push_screen_wait(Form(desk, "writer.message.links", fields, take))
    if answer is None:
        return None
    known = next((link for link in draft.links if link.url == answer["url"]), None)
    return known or DraftLink(draft.next_link_name(), answer["url"])


async def ask_person(app: App[None], desk: Desk, contacts_path: str, draft: Draft) -> Json | None:
    """A contact of the first list, or of the shop while no list is chosen."""
    list_id = draft.lists[0] if draft.lists else None
    return await app.push_screen_wait(PersonChooser(desk, contacts_path, list_id=list_id))

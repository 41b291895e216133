"""The small forms of the audience: a list, a contact, an opt-out. Each gives fields and makes one request."""

from collections.abc import Mapping, Sequence

from admin_tui.client import Failure, FailureKind, Json
from admin_tui.desk import Desk
from admin_tui.dialogs.form import Field, Form
from admin_tui.screens.writer.recipients import parse_numbers

_NO_LIST = "-"


def list_form(desk: Desk, known: Json | None = None) -> Form:
    """Make a list or, with `known`, rename it."""

    async def send(values: Mapping[str, str]) -> Json | Failure:
        body = {"name": values["name"]}
        if known is None:
            return await desk.client.post(desk.shop_path("/lists"), body)
        return await desk.client.patch(desk.shop_path(f"/lists/{known['id']}"), body)

    title = "audience.form.new_list" if known is None else "audience.form.rename_list"
    name = "" if known is None else str(known["name"])
    return Form(desk, title, [Field("name", "audience.form.list_name", value=name)], send)


def contact_form(desk: Desk, lists: Sequence[Json], *, chosen: str = "", known: Json | None = None) -> Form:
    """Add a contact, to a list where one is `chosen`, or change a `known` one."""

    async def send(values: Mapping[str, str]) -> Json | Failure:
        body: Json = {
            "first_name": values["first_name"] or None,
            "last_name": values["last_name"] or None,
            "language": values["language"] or None,
            "tags": [tag.strip() for tag in values["tags"].split(",") if tag.strip()],
        }
        if known is not None:
            return await desk.client.patch(desk.shop_path(f"/contacts/{known['id']}"), body)
        body["number"] = "".join(parse_numbers(values["number"])[:1])
        if values["source"]:
            if not values["wording"]:
                sentence = desk.say("audience.form.wording_needed")
                return Failure(FailureKind.REFUSED, sentence, path="wording")
            body["consent"] = {"state": "opted_in", "source": values["source"], "wording": values["wording"]}
        if values["list"] != _NO_LIST:
            body["lists"] = [values["list"]]
        return await desk.client.post(desk.shop_path("/contacts"), body)

    person = known or {}
    fields = [
        Field("first_name", "audience.form.first_name", value=person.get("first_name") or ""),
        Field("last_name", "audience.form.last_name", value=person.get("last_name") or ""),
        Field("language", "audience.form.language", value=person.get("language") or ""),
        Field("tags", "audience.form.tags", value=", ".join(person.get("tags") or ())),
    ]
    if known is not None:
        return Form(desk, "audience.keys.edit", fields, send)
    choices = [(_NO_LIST, "audience.form.no_list"), *((item["id"], item["name"]) for item in lists)]
    fields = [
        Field("number", "audience.form.number"),
        *fields,
        Field("list", "audience.form.list", value=chosen or _NO_LIST, choices=choices),
        Field("source", "audience.form.consent_source", "audience.form.consent_source_hint"),
        Field("wording", "audience.form.consent_wording"),
    ]
    return Form(desk, "audience.form.new_contact", fields, send)


def opt_out_form(desk: Desk, *, number: str = "") -> Form:
    """Keep a number from marketing or from everything."""

    async def send(values: Mapping[str, str]) -> Json | Failure:
        body = {
            "number": "".join(parse_numbers(values["number"])[:1]),
            "scope": values["scope"],
            "reason": values["reason"] or None,
        }
        answer = await desk.client.post(desk.shop_path("/opt-outs"), body)
        return answer if isinstance(answer, Failure) else {"number": body["number"], **answer}

    scopes = [("marketing", "audience.form.scope_marketing"), ("all", "audience.form.scope_all")]
    fields = [
        Field("number", "audience.form.number", value=number),
        Field("scope", "audience.form.opt_out_scope", choices=scopes),
        Field("reason", "audience.form.reason"),
    ]
    return Form(desk, "audience.form.new_opt_out", fields, send)

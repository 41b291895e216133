"""One message in full: what became of it in words, every hop with its time, parts with the carrier's ids."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from admin_tui.access import CHANGE_MESSAGES
from admin_tui.cells import clean, fit
from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.dialogs.confirm import ConfirmCost
from admin_tui.figures import NOTHING, exact_time, money
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.states import look, show_state

_CAN_CANCEL = frozenset({"scheduled", "queued"})
_LABEL_CELLS = 14


class MessagePage(ConsoleScreen):
    """The page of one message, renewed while it moves."""

    NAME = "message"
    NEEDS: ClassVar[Mapping[str, str]] = {"resend": CHANGE_MESSAGES, "cancel": CHANGE_MESSAGES}
    BINDINGS: ClassVar[list[BindingType]] = [bind("back"), bind("resend"), bind("cancel"), bind("copy")]

    DEFAULT_CSS = "MessagePage #scroll { padding: 0 1; }"

    def __init__(self, desk: Desk, message_id: str) -> None:
        super().__init__(desk)
        self._message_id = message_id
        self._message: Json = {}

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="scroll", can_focus=True):
            yield Static(id="page", markup=False)

    async def load(self) -> Failure | None:
        answer = await self.desk.client.get(self.desk.shop_path(f"/messages/{self._message_id}"))
        if isinstance(answer, Failure):
            return answer
        self._message = answer
        self.query_one("#page", Static).update(draw_message(self.desk, answer))
        self.refresh_bindings()
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel" and self._message.get("state") not in _CAN_CANCEL:
            return False
        if action == "resend" and self._message.get("state") in (None, *_CAN_CANCEL, "sending"):
            return False
        return super().check_action(action, parameters)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._message_id)
        self.tell("frame.copied")

    @work(group="act", exclusive=True)
    async def action_cancel(self) -> None:
        await self._ask_and_post("cancel")

    @work(group="act", exclusive=True)
    async def action_resend(self) -> None:
        await self._ask_and_post("resend")

    async def _ask_and_post(self, verb: str) -> None:
        say, to = self.desk.say, self._message["to"] or NOTHING
        cost = money(self.desk.words, self._message["price"])
        question = say(f"messages.{verb}_question", to=to)
        radius = say(f"messages.{verb}_cost", parts=self._message["part_count"], cost=cost)
        if not await self.app.push_screen_wait(ConfirmCost(self.desk, question, radius)):
            return
        answer = await self.desk.client.post(f"/admin/messages/{self._message_id}/{verb}")
        if isinstance(answer, Failure):
            self.tell_failure(answer)
            return
        self.tell(f"messages.{verb}_done")
        self.reload()


def draw_message(desk: Desk, message: Json) -> Text:
    """The whole page as text: what it is, what went wrong, its hops, its parts, its clicks."""
    text = Text()
    text.append_text(show_state(desk.words, message["state"]))
    text.append(f"  {message['to'] or desk.say('messages.erased')}", "bold")
    text.append(f"  {message['id']}\n", "bright_black")
    _draw_failure(desk, message.get("failure"), text)
    text.append("\n")
    for label, value in _list_facts(desk, message):
        text.append(fit(desk.say(f"messages.{label}"), _LABEL_CELLS), "bright_black")
        text.append(f" {clean(value)}\n")
    _draw_timeline(desk, message.get("timeline", ()), text)
    _draw_parts(desk, message.get("parts", ()), text)
    _draw_clicks(desk, message.get("clicks", ()), text)
    text.rstrip()
    return text


def _draw_failure(desk: Desk, failure: Json | None, text: Text) -> None:
    if not failure:
        return
    codes = [
        f"{name} {failure[key]}"
        for key, name in (("command_status", "command_status"), ("stat", "stat"), ("err", "err"))
        if failure.get(key)
    ]
    text.append(f"✖ {clean(failure['sentence'])}", "red")
    text.append(f"  {' · '.join(codes)}\n" if codes else "\n", "bright_black")


def _list_facts(desk: Desk, message: Json) -> list[tuple[str, str]]:
    words = desk.words
    body = desk.say("messages.hidden") if message["text"] is None else message["text"]
    facts = [
        ("text", body),
        ("from", message["from"]),
        ("country", message["country"]),
        ("category", desk.say(f"frame.category.{message['category']}")),
        ("connector", message["connector"] or NOTHING),
        (
            "length",
            desk.say("messages.length_told", count=message["part_count"], alphabet=message["alphabet"]),
        ),
        ("price", money(words, message["price"])),
        ("created", exact_time(desk.local(message["created_at"]))),
    ]
    for key, label in (("send_at", "send_at"), ("expires_at", "expires")):
        if message.get(key):
            facts.append((label, exact_time(desk.local(message[key]))))
    for key, label in (("campaign_id", "campaign"), ("client_reference", "reference")):
        if message.get(key):
            facts.append((label, str(message[key])))
    return facts


def _draw_timeline(desk: Desk, hops: Sequence[Json], text: Text) -> None:
    text.append(f"\n{desk.say('messages.timeline')}\n", "bold")
    for hop in hops:
        glyph, colour = look(hop["what"])
        key = f"messages.hop.{hop['what']}"
        what = desk.say(key) if desk.words.has(key) else desk.say(f"frame.state.{hop['what']}")
        text.append(f"{exact_time(desk.local(hop['at']))} ", "bright_black")
        text.append(fit(f"{glyph} {what}", 14), colour)
        text.append(f" {clean(hop['detail'])}\n")


def _draw_parts(desk: Desk, parts: Sequence[Json], text: Text) -> None:
    if not parts:
        return
    text.append(f"\n{desk.say('messages.parts_title')}\n", "bold")
    for part in parts:
        text.append(fit(desk.say("messages.part", part=part["part"], attempt=part["attempt"]), 18))
        text.append_text(show_state(desk.words, part["state"]))
        where = f"  {part['connector']}/{part['bind']}" if part.get("connector") else ""
        carrier = f"  id {part['carrier_id']}" if part.get("carrier_id") else ""
        status = f"  {part['command_status']}" if part.get("command_status") else ""
        text.append(clean(where + carrier + status) + "\n")


def _draw_clicks(desk: Desk, clicks: Sequence[Any], text: Text) -> None:
    if not clicks:
        return
    text.append(f"\n{desk.say('messages.clicks')}\n", "bold")
    for click in clicks:
        at = exact_time(desk.local(click.get("at") or click.get("clicked_at")))
        verdict = str(click.get("verdict", ""))
        device = str(click.get("device") or "")
        link = str(click.get("url") or click.get("link") or "")
        text.append(f"{at} ", "bright_black")
        text.append(f"{clean(verdict)}  {clean(device)}  {clean(link)}".rstrip() + "\n")

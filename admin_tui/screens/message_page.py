"""One message in full: what became of it in words, every hop with its time, parts with the carrier's ids."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
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
from admin_tui.figures import NOTHING, day_time, exact_time, money
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.pdus import draw_body, draw_line
from admin_tui.states import DULL, look, show_state

_CAN_CANCEL = frozenset({"scheduled", "queued"})
_LABEL_CELLS = 14
_PDU_MARGIN = "    "


class MessagePage(ConsoleScreen):
    """The page of one message, renewed while it moves."""

    NAME = "message"
    NEEDS: ClassVar[Mapping[str, str]] = {"resend": CHANGE_MESSAGES, "cancel": CHANGE_MESSAGES}
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("back"),
        bind("resend"),
        bind("cancel"),
        bind("octets"),
        bind("copy"),
    ]

    DEFAULT_CSS = "MessagePage #scroll { padding: 0 1; }"

    def __init__(self, desk: Desk, message_id: str) -> None:
        super().__init__(desk)
        self._message_id = message_id
        self._message: Json = {}
        self._trace: Json = {}
        self._traced_state = ""
        self._shows_octets = False

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="scroll", can_focus=True):
            yield Static(id="page", markup=False)
            yield Static(id="pdus", markup=False)

    async def load(self) -> Failure | None:
        answer = await self.desk.client.get(self.desk.shop_path(f"/messages/{self._message_id}"))
        if isinstance(answer, Failure):
            return answer
        self._message = answer
        self.query_one("#page", Static).update(draw_message(self.desk, answer))
        self.refresh_bindings()
        if answer["state"] != self._traced_state:
            await self._load_trace()
        return None

    async def _load_trace(self) -> None:
        """Looked for when the page opens, when the message moves and on F5: it reads the server's memory."""
        answer = await self.desk.client.get(f"/admin/messages/{self._message_id}/trace")
        if not isinstance(answer, Failure):
            self._trace, self._traced_state = answer, self._message["state"]
            self._show_trace()

    def _show_trace(self) -> None:
        drawn = draw_pdus(self.desk, self._message, self._trace, shows_octets=self._shows_octets)
        self.query_one("#pdus", Static).update(drawn)
        self.refresh_bindings()

    def action_reload(self) -> None:
        self._traced_state = ""
        self.reload()

    def action_octets(self) -> None:
        self._shows_octets = not self._shows_octets
        self._show_trace()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel" and self._message.get("state") not in _CAN_CANCEL:
            return False
        if action == "octets" and not self._trace.get("pdus"):
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


def draw_message(desk: Desk, message: Json) -> Group:
    """The whole page: what it is, what went wrong, its hops, its parts, its clicks."""
    head = Text()
    head.append_text(show_state(desk.words, message["state"]))
    head.append(f"  {message['to'] or desk.say('messages.erased')}", "bold")
    head.append(f"  {message['id']}\n", DULL)
    _draw_failure(desk, message.get("failure"), head)
    facts = _make_grid()
    for label, value in _list_facts(desk, message):
        facts.add_row(Text(fit(desk.say(f"messages.{label}"), _LABEL_CELLS), DULL), Text(clean(value)))
    return Group(
        head,
        facts,
        *_draw_timeline(desk, message["created_at"], message.get("timeline", ())),
        *_draw_parts(desk, message.get("parts", ())),
        *_draw_clicks(desk, message.get("clicks", ())),
    )


def _make_grid() -> Table:
    """Columns without lines; what is too long for its own goes on below, in its column."""
    return Table.grid(padding=(0, 1, 0, 0))


def _draw_failure(desk: Desk, failure: Json | None, text: Text) -> None:
    if not failure:
        return
    codes = [
        f"{name} {failure[key]}"
        for key, name in (("command_status", "command_status"), ("stat", "stat"), ("err", "err"))
        if failure.get(key)
    ]
    text.append(f"✖ {clean(failure['sentence'])}", "red")
    text.append(f"  {' · '.join(codes)}\n" if codes else "\n", DULL)


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


def _draw_timeline(desk: Desk, created_at: str, hops: Sequence[Json]) -> Iterator[RenderableType]:
    """The time alone for the day it was taken in, with the day for later ones."""
    yield Text(f"\n{desk.say('messages.timeline')}", "bold")
    grid = _make_grid()
    created = desk.local(created_at)
    for hop in hops:
        glyph, colour = look(hop["what"])
        key = f"messages.hop.{hop['what']}"
        what = desk.say(key) if desk.words.has(key) else desk.say(f"frame.state.{hop['what']}")
        at = desk.local(hop["at"])
        is_same_day = at is not None and created is not None and at.date() == created.date()
        told = exact_time(at)[11:] if is_same_day else exact_time(at)
        grid.add_row(
            Text(told, DULL, no_wrap=True), Text(f"{glyph} {what}", colour), Text(clean(hop["detail"]))
        )
    yield grid


def _draw_parts(desk: Desk, parts: Sequence[Json]) -> Iterator[RenderableType]:
    if not parts:
        return
    yield Text(f"\n{desk.say('messages.parts_title')}", "bold")
    grid = _make_grid()
    for part in parts:
        where = f"{part['connector']}/{part['bind']}" if part.get("connector") else ""
        carrier = f"id {part['carrier_id']}" if part.get("carrier_id") else ""
        grid.add_row(
            desk.say("messages.part", part=part["part"], attempt=part["attempt"]),
            show_state(desk.words, part["state"]),
            Text(clean(where)),
            Text(clean(carrier)),
            Text(part.get("command_status") or ""),
        )
    yield grid


def _draw_clicks(desk: Desk, clicks: Sequence[Json]) -> Iterator[RenderableType]:
    if not clicks:
        return
    yield Text(f"\n{desk.say('messages.clicks')}", "bold")
    grid = _make_grid()
    for click in clicks:
        grid.add_row(
            Text(exact_time(desk.local(click["at"])), DULL, no_wrap=True),
            *(
                Text(clean(click.get(name) or ""))
                for name in ("link", "verdict", "device", "address", "agent")
            ),
        )
    yield grid


def draw_pdus(desk: Desk, message: Json, trace: Json, *, shows_octets: bool) -> Text:
    """What passed between the server and the carrier for this message, or why nothing of it is known."""
    text = Text(f"\n{desk.say('messages.pdus')}\n", "bold")
    text.append_text(Text(_tell_memory(desk, message, trace), DULL))
    for pdu in trace["pdus"]:
        text.append_text(draw_line(desk, pdu)).append("\n")
        text.append_text(draw_body(pdu, shows_octets=shows_octets, margin=_PDU_MARGIN)).append("\n")
    text.rstrip()
    return text


def _tell_memory(desk: Desk, message: Json, trace: Json) -> str:
    """How far back the memory of PDUs goes, where it does not hold all of the message."""
    kept_since = desk.local(trace["kept_since"])
    created = desk.local(message["created_at"])
    if kept_since is None or created is None:
        return desk.say("messages.pdus_off")
    since = day_time(kept_since, desk.now())
    if not trace["pdus"]:
        return desk.say("messages.pdus_none", since=since)
    return desk.say("messages.pdus_since", since=since) + "\n" if created < kept_since else ""

"""The writer as a screen: walks the steps, keeps the draft as it changes, asks for the preview and the check.

Each step's form is a panel of its own; this holds the one draft between them. Leaving at any moment keeps it.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher, Static

from admin_tui import access
from admin_tui.cells import clean, cut
from admin_tui.client import Failure, FailureKind, Json
from admin_tui.desk import Desk
from admin_tui.figures import day_time
from admin_tui.keys import bind
from admin_tui.screens.audience.lines import full_name, show_number
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.campaign_page.page import CampaignPage
from admin_tui.screens.writer import check_panel, trial_panel
from admin_tui.screens.writer.asking import ask_field, ask_link, ask_person
from admin_tui.screens.writer.audience_panel import AudiencePanel, draw_count
from admin_tui.screens.writer.check_panel import CheckPanel
from admin_tui.screens.writer.costly import replace_costly
from admin_tui.screens.writer.draft import Draft, Step
from admin_tui.screens.writer.kept_drafts import KeptDrafts, default_folder
from admin_tui.screens.writer.kind_panel import KindPanel
from admin_tui.screens.writer.message_panel import MessagePanel
from admin_tui.screens.writer.panels import Edited, StepPanel
from admin_tui.screens.writer.preview_pane import PreviewPane
from admin_tui.screens.writer.saving import DraftSaver, SaveStatus
from admin_tui.screens.writer.sender_panel import SenderPanel
from admin_tui.screens.writer.start_panel import StartPanel, draw_summary
from admin_tui.screens.writer.step_list import STEPS, StepList
from admin_tui.screens.writer.time_panel import TimePanel
from admin_tui.screens.writer.trial_panel import TrialPanel

PREVIEW_AFTER_SECONDS = 0.25
SAVE_AFTER_SECONDS = 1.0
COUNT_AFTER_SECONDS = 0.6
_RETRY_SECONDS = 5.0
_SHOWS_PREVIEW = frozenset({Step.MESSAGE, Step.SENDER, Step.TEST})
_NARROW_CELLS = 76
_NAME_CELLS = 28


class WriterScreen(ConsoleScreen):
    """Writes a new campaign, or goes on with the draft `campaign`."""

    NAME = "writer"
    REFRESH_SECONDS = None
    NEEDS: ClassVar[Mapping[str, str]] = {"start": access.CHANGE_CAMPAIGNS}
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("next_step", label="writer.keys.next", is_first=True),
        bind("last_step", label="writer.keys.last", is_first=True),
        bind("next_pane", "next_field", label="writer.keys.next_field"),
        bind("insert_field", label="writer.keys.field", is_first=True),
        bind("insert_link", label="writer.keys.link", is_first=True),
        bind("replace_character", label="writer.keys.replace", is_first=True),
        bind("as_contact", label="writer.keys.contact", is_first=True),
        bind("save", label="writer.keys.save", is_first=True, is_shown=False),
        bind("back", label="writer.keys.leave"),
    ]
    DEFAULT_CSS = """
    WriterScreen #place { height: 1; padding: 0 1; text-style: bold; background: $boost; }
    WriterScreen #form { width: 1fr; height: 1fr; }
    WriterScreen #preview { width: 42%; }
    WriterScreen.narrow #steps { display: none; }
    WriterScreen.narrow #preview { width: 45%; }
    """

    def __init__(self, desk: Desk, campaign: Json | None = None, *, kept: KeptDrafts | None = None) -> None:
        super().__init__(desk)
        self.draft = Draft() if campaign is None else Draft.of_campaign(campaign)
        self.step = Step.KIND
        self._shop = desk.shop
        self._kept = kept or KeptDrafts(default_folder(dict(os.environ)))
        self._saver = DraftSaver(
            desk.client,
            self._shop,
            self._kept,
            clock=desk.clock,
            unnamed=desk.say("writer.unnamed"),
            on_conflict=lambda: self.tell("writer.conflict"),
        )
        if campaign is not None:
            self._saver.take_saved(self.draft)
        self._lists: Sequence[Json] = ()
        self._country: str | None = None
        self._fields: Sequence[str] = ()
        self._person: Json | None = None
        self._preview: Json | None = None
        self._estimate: Json | None = None
        self._estimated: Draft | None = None
        self._is_started = False

    # What stands on it.

    def compose_body(self) -> ComposeResult:
        yield Static(id="place", markup=False)
        with Horizontal():
            yield StepList(self.desk)
            with ContentSwitcher(initial="step-kind", id="form"):
                yield KindPanel(self.desk)
                yield AudiencePanel(self.desk)
                yield MessagePanel(self.desk)
                yield SenderPanel(self.desk)
                yield TimePanel(self.desk)
                yield CheckPanel(self.desk)
                yield TrialPanel(self.desk)
                yield StartPanel(self.desk)
            yield PreviewPane(self.desk)

    def on_mount(self) -> None:
        super().on_mount()
        self._take_up_kept()
        self.call_after_refresh(self._show_all)
        self.set_interval(_RETRY_SECONDS, self._save_if_unsaved)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < _NARROW_CELLS, "narrow")

    def on_unmount(self) -> None:
        if not self._is_started:
            self._saver.keep_here(self.draft)

    async def load(self) -> Failure | None:
        """The shop's lists and country; the draft itself is here already."""
        lists = await self.desk.client.get(self._path("/lists"), {"limit": 200})
        if isinstance(lists, Failure):
            return None if lists.kind is FailureKind.AWAY else lists
        self._lists = lists["lists"]
        shops = await self.desk.client.get("/admin/shops")
        if not isinstance(shops, Failure):
            found = [shop.get("country") for shop in shops["shops"] if shop["name"] == self._shop]
            self._country = found[0] if found else None
        self.query_one(AudiencePanel).offer(self._lists)
        self._recount()
        self._ask_preview()
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("insert_field", "insert_link", "replace_character") and self.step is not Step.MESSAGE:
            return False
        if action == "as_contact" and self.step not in _SHOWS_PREVIEW:
            return False
        if action == "next_field" and self.step is Step.MESSAGE:  # the text alone, where Tab completes
            return False
        if action == "next_step" and self.step is STEPS[-1]:
            return False
        if action == "last_step" and self.step is STEPS[0]:
            return False
        return super().check_action(action, parameters)

    # Walking the steps.

    def action_next_step(self) -> None:
        self.go_to(STEPS[STEPS.index(self.step) + 1])

    def action_next_field(self) -> None:
        self.focus_next()

    def action_last_step(self) -> None:
        self.go_to(STEPS[STEPS.index(self.step) - 1])

    def go_to(self, step: Step) -> None:
        """Open a step. What was written so far is saved on the way."""
        self.step = step
        self._show_all()
        self._save_soon(0.0)
        if step in (Step.CHECK, Step.START):
            self.run_worker(self._check(), group="check", exclusive=True)
        if step in _SHOWS_PREVIEW:
            self._ask_preview()
        self.refresh_bindings()

    def action_back(self) -> None:
        self.run_worker(self._leave(), group="leave", exclusive=True)

    def action_save(self) -> None:
        self._save_soon(0.0)

    # Writing.

    @on(Edited)
    def _edited(self, event: Edited) -> None:
        event.stop()
        changed = replace(self.draft, **event.changes)
        if changed == self.draft:
            return
        self.draft = changed
        self._saver.keep_here(changed)
        self._show_place()
        self._save_soon(SAVE_AFTER_SECONDS)
        if event.changes.keys() & {"text", "category", "sender", "language", "links", "lists"}:
            self._ask_preview()
        if event.changes.keys() & {"lists", "exclude_lists", "exclude_received_days", "category"}:
            self._recount()

    def action_insert_field(self) -> None:
        self.run_worker(self._choose_field(), group="ask", exclusive=True)

    def action_insert_link(self) -> None:
        self.run_worker(self._ask_link(), group="ask", exclusive=True)

    def action_as_contact(self) -> None:
        self.run_worker(self._choose_person(), group="ask", exclusive=True)

    def action_replace_character(self) -> None:
        forcing = (self._preview or {}).get("forcing") or ()
        if not any(entry.get("replacement") is not None for entry in forcing):
            self.tell("writer.message.not_replaceable")
            return
        text, count = replace_costly(self.draft.text, forcing)
        if not count:
            self.tell("writer.message.from_contact")
            return
        self.query_one(MessagePanel).rewrite(text)
        self.tell("writer.message.replaced", count=count)

    async def _choose_field(self) -> None:
        field = await ask_field(self.app, self.desk, self._fields)
        if field is not None:
            self.query_one(MessagePanel).insert_field(field)

    async def _ask_link(self) -> None:
        link = await ask_link(self.app, self.desk, self.draft)
        if link is None:
            return
        if link not in self.draft.links:
            self.post_message(Edited(links=(*self.draft.links, link)))
            self.query_one(MessagePanel).show_links((*self.draft.links, link))
        self.query_one(MessagePanel).insert_field(link.name)

    async def _choose_person(self) -> None:
        person = await ask_person(self.app, self.desk, self._path("/contacts"), self.draft)
        if person is not None:
            self._person = person
            self.query_one(TrialPanel).explain(self._person_name())
            self._ask_preview()

    # Saving.

    def _save_soon(self, seconds: float) -> None:
        self.run_worker(self._save_after(seconds), group="save", exclusive=True)

    async def _save_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await asyncio.shield(asyncio.ensure_future(self._save()))

    async def _save(self) -> bool:
        """True when the server has the draft as it is on screen."""
        sent = self.draft
        saved = await self._saver.save(sent)
        self.draft = replace(self.draft, id=saved.id, version=saved.version)
        if not self.is_being_taken_down:
            self._show_place()
        return self._saver.status is SaveStatus.SAVED

    def _save_if_unsaved(self) -> None:
        if self._saver.status in (SaveStatus.LOCAL, SaveStatus.LOST) and not self._is_started:
            self._save_soon(0.0)

    def _take_up_kept(self) -> None:
        kept = self._kept.find(self._shop, self.draft.id)
        if kept is None:
            return
        self.draft = replace(kept.draft, id=self.draft.id, version=self.draft.version)
        self._saver.keep_here(self.draft)
        self.tell("writer.restored", when=day_time(kept.kept_at.astimezone(self.desk.zone), self.desk.now()))
        self._save_soon(SAVE_AFTER_SECONDS)

    async def _leave(self) -> None:
        is_saved = self.draft.is_blank() or await self._save()
        if not self.draft.is_blank():
            self.app.notify(self.desk.say("writer.kept" if is_saved else "writer.kept_here"), markup=False)
        if self.is_current:
            self.app.pop_screen()

    # Preview, count, check.

    def _ask_preview(self) -> None:
        self.query_one(PreviewPane).add_class("old")
        self.run_worker(self._load_preview(), group="preview", exclusive=True)

    async def _load_preview(self) -> None:
        await asyncio.sleep(PREVIEW_AFTER_SECONDS)
        draft = self.draft
        body = {
            "text": draft.text,
            "category": draft.category,
            "sender": draft.sender,
            "language": draft.language,
            "links": draft.body()["links"],
            "country": self._country,
            "contact": None if self._person is None else self._person["id"],
            "list": draft.lists[0] if draft.lists else None,
        }
        answer = await self.desk.client.post(self._path("/text-preview"), body)
        if self.is_being_taken_down:
            return
        if not isinstance(answer, Failure):
            self._preview = answer
            self._fields = answer.get("fields") or ()
            self.query_one(MessagePanel).offer_fields(self._fields)
        shown = answer if draft.text.strip() or isinstance(answer, Failure) else None
        self.query_one(PreviewPane).show(shown, person=self._person_name())

    def _recount(self) -> None:
        panel = self.query_one(AudiencePanel)
        panel.tell_count(draw_count(self.desk, self.draft, self._lists, None))
        if self.draft.lists and self.draft.text.strip():
            self.run_worker(self._count(), group="count", exclusive=True)

    async def _count(self) -> None:
        await asyncio.sleep(COUNT_AFTER_SECONDS)
        failure = await self._load_estimate()
        if failure is None and self._estimate is not None and not self.is_being_taken_down:
            counted = draw_count(self.desk, self.draft, self._lists, self._estimate)
            self.query_one(AudiencePanel).tell_count(counted)

    async def _load_estimate(self) -> Failure | None:
        if not await asyncio.shield(asyncio.ensure_future(self._save())):
            return self._saver.failure
        if self._estimated == self.draft and self._estimate is not None and self.step is Step.START:
            return None
        draft = self.draft
        answer = await self.desk.client.post(self._path(f"/campaigns/{draft.id}/estimate"))
        if isinstance(answer, Failure):
            return answer
        self._estimate, self._estimated = answer, draft
        return None

    async def _check(self) -> None:
        panel, start = self.query_one(CheckPanel), self.query_one(StartPanel)
        if self.draft.unfinished():
            missing = check_panel.draw_missing(self.desk, self.draft)
            panel.tell(missing)
            start.ask(missing, None)
            return
        if self.step is Step.CHECK:
            panel.tell(Text(self.desk.say("writer.check.counting"), "dim"))
        failure = await self._load_estimate()
        if failure is not None or self._estimate is None:
            told = check_panel.draw_failure(self.desk, failure) if failure is not None else Text()
            panel.tell(told)
            start.ask(told, None)
            return
        panel.tell(check_panel.draw_estimate(self.desk, self._estimate))
        recipients = int(self._estimate["recipients"])
        if not self.desk.may(access.CHANGE_CAMPAIGNS):
            start.ask(Text(self.desk.say("writer.start.read_only")), None)
        elif not recipients:
            start.ask(Text(f"✖ {self.desk.say('writer.check.nobody')}", "red"), None)
        else:
            start.ask(draw_summary(self.desk, self.draft, self._estimate), recipients)
            if self.step is Step.START:
                start.focus_first()

    # Trying and starting.

    @on(TrialPanel.Wanted)
    def _trial_wanted(self, event: TrialPanel.Wanted) -> None:
        event.stop()
        self.run_worker(self._try(event.numbers), group="trial", exclusive=True)

    async def _try(self, numbers: list[str]) -> None:
        panel = self.query_one(TrialPanel)
        if not await self._save():
            failure = self._saver.failure
            panel.tell(Text() if failure is None else trial_panel.draw_trial(self.desk, failure))
            return
        body = {"to": numbers, "contact": None if self._person is None else self._person["id"]}
        answer = await self.desk.client.post(self._path(f"/campaigns/{self.draft.id}/test"), body)
        panel.tell(trial_panel.draw_trial(self.desk, answer))

    @on(StartPanel.Confirmed)
    def _confirmed(self, event: StartPanel.Confirmed) -> None:
        event.stop()
        self.run_worker(self._start(), group="start", exclusive=True)

    async def _start(self) -> None:
        panel = self.query_one(StartPanel)
        if self._estimate is None or not await self._save():
            failure = self._saver.failure
            panel.tell("" if failure is None else self.desk.describe(failure), is_wrong=True)
            return
        body = {"recipients": int(self._estimate["recipients"]), "version": self.draft.version}
        answer = await self.desk.client.post(self._path(f"/campaigns/{self.draft.id}/start"), body)
        if not isinstance(answer, Failure):
            self._is_started = True
            self._saver.forget(self.draft)
            told = "writer.start.planned" if answer.get("start_at") else "writer.start.started"
            self.app.notify(self.desk.say(told), timeout=10, markup=False)
            self.app.switch_screen(CampaignPage(self.desk, answer))
            return
        panel.tell(self.desk.describe(answer), is_wrong=True)
        if answer.code == "recipients_changed":
            self._estimated = None
            await self._check()
            count = 0 if self._estimate is None else int(self._estimate["recipients"])
            panel.tell(self.desk.say("writer.start.changed", count=count), is_wrong=True)

    # Drawing.

    def _show_all(self) -> None:
        for panel in self.query(StepPanel):
            if panel.STEP is self.step or not panel.has_class("filled"):
                panel.add_class("filled")
                panel.show(self.draft)
        self.query_one("#form", ContentSwitcher).current = f"step-{self.step.value}"
        self.query_one(PreviewPane).display = self.step in _SHOWS_PREVIEW
        self.query_one(TrialPanel).explain(self._person_name())
        self._show_place()
        self.query_one(f"#step-{self.step.value}", StepPanel).focus_first()

    def _show_place(self) -> None:
        say = self.desk.say
        name = cut(clean(self.draft.name), _NAME_CELLS)
        title = say("writer.title", name=name) if name else say("writer.title_new")
        saved = self._draw_saved()
        where = say(
            "writer.step_of",
            at=str(STEPS.index(self.step) + 1),
            all=str(len(STEPS)),
            step=say(f"writer.steps.{self.step.value}"),
        )
        narrow = f" · {saved}" if self.has_class("narrow") else ""
        self.query_one("#place", Static).update(
            Text(f"{title} · {where}{narrow}", no_wrap=True, overflow="ellipsis")
        )
        self.query_one(StepList).show(self.draft, self.step, saved=saved)

    def _draw_saved(self) -> str:
        failure = self._saver.failure
        if self._saver.status is SaveStatus.REFUSED and failure is not None:
            return self.desk.say("writer.saved.refused", reason=self.desk.describe(failure))
        return self.desk.say(f"writer.saved.{self._saver.status.value}")

    def _person_name(self) -> str:
        return "" if self._person is None else full_name(self._person) or show_number(self.desk, self._person)

    def _path(self, tail: str) -> str:
        return f"/admin/shops/{quote(self._shop, safe='')}{tail}"

"""The import as a screen: walks the steps, follows dry run and import to their end."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import ContentSwitcher, Input, Static

from admin_tui import access
from admin_tui.cells import clean
from admin_tui.client import Failure, FailureKind, Json
from admin_tui.desk import Desk
from admin_tui.dialogs.choose import Choice, Choose
from admin_tui.dialogs.confirm import ConfirmCost
from admin_tui.dialogs.form import Field, Form
from admin_tui.keys import bind
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.importing.columns_panel import ColumnsPanel, list_columns, show_target
from admin_tui.screens.importing.consent_panel import ConsentPanel
from admin_tui.screens.importing.mapping import ImportSettings, targets_of
from admin_tui.screens.importing.outcome_panel import CheckPanel, OutcomePanel, ResultPanel, RunPanel
from admin_tui.screens.importing.outcome_words import draw_headline
from admin_tui.screens.importing.panels import IMPORT_STEPS, ImportPanel, ImportStep
from admin_tui.screens.importing.sending import FileSender
from admin_tui.screens.importing.source_panel import SourcePanel

POLL_SECONDS: Final = 0.5
_MOST_FAULTS: Final = 20
_AT_WORK: Final = frozenset({"running"})


class ImportScreen(ConsoleScreen):
    """From the file to the result. `contact_list` is the list from which the import was begun."""

    NAME = "import"
    REFRESH_SECONDS = None
    NEEDS: ClassVar[Mapping[str, str]] = {"next_step": access.CHANGE_AUDIENCE}
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("next_step", label="importing.keys.next", is_first=True),
        bind("last_step", label="importing.keys.last", is_first=True),
        bind("next_pane", "app.focus_next", label="writer.keys.next_field"),
        bind("copy"),
        bind("cancel", label="importing.keys.cancel"),
        bind("export", label="importing.keys.faults"),
        bind("back", label="importing.keys.leave"),
    ]
    DEFAULT_CSS = """
    ImportScreen #place { height: 1; padding: 0 1; text-style: bold; background: $boost; }
    ImportScreen ContentSwitcher { height: 1fr; }
    """

    def __init__(self, desk: Desk, *, contact_list: Json | None = None) -> None:
        super().__init__(desk)
        self.step = ImportStep.SOURCE
        self.job: Json | None = None
        self.settings = ImportSettings(())
        self._shop = desk.shop
        self._list = contact_list
        self._lists: Sequence[Json] = ()
        self._fields: Sequence[str] = ()
        self._country = ""
        self._source = SourcePanel(desk)
        self._sender = FileSender(
            desk,
            self._source,
            self._path,
            is_waiting=lambda: self.step is ImportStep.SOURCE,
            on_address=self.refresh_bindings,
        )

    # What stands on it.

    def compose_body(self) -> ComposeResult:
        yield Static(id="place", markup=False)
        with ContentSwitcher(initial="step-source"):
            yield self._source
            yield ColumnsPanel(self.desk)
            yield ConsentPanel(self.desk)
            yield CheckPanel(self.desk)
            yield RunPanel(self.desk)
            yield ResultPanel(self.desk)

    def on_mount(self) -> None:
        super().on_mount()
        self.call_after_refresh(self.go_to, ImportStep.SOURCE)

    async def load(self) -> Failure | None:
        """Lists, fields and the country of the shop."""
        lists = await self.desk.client.get(self._path("/lists"), {"limit": 200})
        fields = await self.desk.client.get(self._path("/contact-fields"))
        shops = await self.desk.client.get("/admin/shops")
        for answer in (lists, fields, shops):
            if isinstance(answer, Failure):
                return answer
        assert not isinstance(lists, Failure)
        assert not isinstance(fields, Failure)
        assert not isinstance(shops, Failure)
        self._lists = lists["lists"]
        self._fields = [field["name"] for field in fields["fields"]]
        found = [shop.get("country") for shop in shops["shops"] if shop["name"] == self._shop]
        self._country = (found[0] if found else None) or ""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        state = "" if self.job is None else self.job["state"]
        if action == "next_step" and self.step in (ImportStep.RUN, ImportStep.RESULT):
            return False
        if action == "last_step" and self.step not in (
            ImportStep.COLUMNS,
            ImportStep.CONSENT,
            ImportStep.CHECK,
        ):
            return False
        if action == "copy" and not (self.step is ImportStep.SOURCE and self._sender.has_address):
            return False
        if action == "cancel" and not (self.step in (ImportStep.CHECK, ImportStep.RUN) and self._is_at_work):
            return False
        if action == "export":
            refused = 0 if self.job is None else int((self.job.get("counts") or {}).get("refused") or 0)
            return refused > 0 and state in ("checked", "finished") and not self._is_at_work
        return super().check_action(action, parameters)

    # Walking the steps.

    def go_to(self, step: ImportStep) -> None:
        """Open a step."""
        self.step = step
        self.query_one(ContentSwitcher).current = f"step-{step.value}"
        where = self.desk.say(
            "importing.step_of",
            at=str(IMPORT_STEPS.index(step) + 1),
            all=str(len(IMPORT_STEPS)),
            step=self.desk.say(f"importing.steps.{step.value}"),
        )
        self.query_one("#place", Static).update(f"{self.desk.say('importing.title')} · {where}")
        if step is ImportStep.COLUMNS:
            self._show_columns()
        self.query_one(f"#step-{step.value}", ImportPanel).focus_first()
        self.refresh_bindings()

    def action_next_step(self) -> None:
        match self.step:
            case ImportStep.SOURCE:
                self.run_worker(self._send_file(), group="send", exclusive=True)
            case ImportStep.COLUMNS:
                self._leave_columns()
            case ImportStep.CONSENT:
                self._leave_consent()
            case ImportStep.CHECK if self.job is not None and self.job["state"] == "checked":
                self.run_worker(self._begin("start", ImportStep.RUN), group="run", exclusive=True)
            case _:
                pass

    def action_last_step(self) -> None:
        if self._is_at_work:
            return
        self.go_to(IMPORT_STEPS[IMPORT_STEPS.index(self.step) - 1])

    def action_copy(self) -> None:
        """Put the upload page's address into the person's own clipboard, through the terminal."""
        self.app.copy_to_clipboard(self.query_one(SourcePanel).address)
        self.tell("frame.copied")

    def action_cancel(self) -> None:
        self.run_worker(self._cancel(), group="act", exclusive=True)

    def action_export(self) -> None:
        self.run_worker(self._save_faults(), group="act", exclusive=True)

    # The file.

    @on(Input.Submitted, "#path")
    def _path_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next_step()

    @on(SourcePanel.TicketWanted)
    def _ticket_wanted(self, event: SourcePanel.TicketWanted) -> None:
        event.stop()
        self.run_worker(self._wait_for_upload(), group="send", exclusive=True)

    async def _send_file(self) -> None:
        self._take(await self._sender.send())

    async def _wait_for_upload(self) -> None:
        self._take(await self._sender.wait_for_upload())

    def _take(self, job: Json | None) -> None:
        """The server has the file and says what it sees in it; None where no file came."""
        if job is None:
            return
        self.job = job
        if job["state"] == "failed":
            fault = clean(job.get("fault") or "")
            self.query_one(SourcePanel).tell(
                self.desk.say("importing.result.failed", reason=fault), is_wrong=True
            )
            return
        self.settings = ImportSettings.suggested(job["detected"], default_country=self._country)
        name = Path(str(job.get("file_name") or "")).stem
        chosen = None if self._list is None else str(self._list["id"])
        self.query_one(ConsentPanel).offer(self._lists, chosen=chosen, suggested_name=clean(name))
        self.go_to(ImportStep.COLUMNS)

    # Columns and permission.

    @on(ColumnsPanel.MeaningWanted)
    def _meaning_wanted(self, event: ColumnsPanel.MeaningWanted) -> None:
        event.stop()
        self.run_worker(self._choose_meaning(event.index), group="ask", exclusive=True)

    @on(ColumnsPanel.Changed)
    def _columns_changed(self, event: ColumnsPanel.Changed) -> None:
        event.stop()
        changed = replace(self.settings, **event.changes)
        if changed != self.settings:
            is_redrawn = changed.has_header != self.settings.has_header
            self.settings = changed
            if is_redrawn:
                self._show_columns()

    async def _choose_meaning(self, index: int) -> None:
        if self.job is None:
            return
        column = list_columns(self.desk, self.job, self.settings)[index]
        heading = column["heading"] if self.settings.has_header else ""
        choices = [
            Choice(target, show_target(self.desk, target, self._fields))
            for target in targets_of(heading, self._fields)
        ]
        title = self.desk.say("importing.columns.choose", column=column["heading"])
        chosen = await self.app.push_screen_wait(Choose(self.desk, title, choices, chosen=column["target"]))
        if chosen is not None:
            self.settings = self.settings.with_column(index, chosen)
            self._show_columns()

    def _show_columns(self) -> None:
        if self.job is not None:
            self.query_one(ColumnsPanel).show(self.job, self.settings, self._fields)

    def _leave_columns(self) -> None:
        if self.settings.has_number():
            self.go_to(ImportStep.CONSENT)
        else:
            self.query_one(ColumnsPanel).tell(self.desk.say("importing.columns.no_number"))

    def _leave_consent(self) -> None:
        panel = self.query_one(ConsentPanel)
        fault = panel.fault()
        panel.tell(fault)
        if not fault:
            self.settings = panel.apply(self.settings)
            self.run_worker(self._begin("check", ImportStep.CHECK), group="run", exclusive=True)

    # The dry run and the import.

    @property
    def _is_at_work(self) -> bool:
        """The server reads or writes at this moment."""
        if self.job is None:
            return False
        phase = (self.job.get("progress") or {}).get("phase")
        is_checking = self.step is ImportStep.CHECK and self.job["state"] == "uploaded" and phase != "done"
        return self.job["state"] in _AT_WORK or is_checking

    async def _begin(self, action: str, step: ImportStep) -> None:
        assert self.job is not None
        answer = await self.desk.client.post(
            self._path(f"/imports/{self.job['id']}/{action}"), self.settings.body()
        )
        if isinstance(answer, Failure):
            self._tell_refusal(answer)
            return
        self.job = answer
        self.go_to(step)
        await self._follow()

    def _tell_refusal(self, failure: Failure) -> None:
        if self.step is ImportStep.CONSENT:
            self.query_one(ConsentPanel).tell(self.desk.describe(failure))
        else:
            self.tell_failure(failure)

    async def _follow(self) -> None:
        """Ask how far it is until it is over; a silent server is asked again."""
        assert self.job is not None
        self._show_outcome_of([])
        while self._is_at_work:
            await asyncio.sleep(POLL_SECONDS)
            answer = await self.desk.client.get(self._path(f"/imports/{self.job['id']}"))
            if isinstance(answer, Failure):
                if answer.kind is not FailureKind.AWAY:
                    self.tell_failure(answer)
                    return
                continue
            self.job = answer
            self._show_outcome_of([])
        faults = await self.desk.client.get(
            self._path(f"/imports/{self.job['id']}/faults"), {"limit": _MOST_FAULTS}
        )
        if self.step is ImportStep.RUN or self.job["state"] in ("failed", "cancelled"):
            self.go_to(ImportStep.RESULT)
        self._show_outcome_of([] if isinstance(faults, Failure) else faults["faults"])
        self.refresh_bindings()

    def _show_outcome_of(self, faults: Sequence[Json]) -> None:
        assert self.job is not None
        panel = self.query_one(f"#step-{self.step.value}", OutcomePanel)
        headline = draw_headline(self.desk, self.job, self.settings, self.step, is_at_work=self._is_at_work)
        panel.show(headline, self.job, faults, is_at_work=self._is_at_work)
        self.refresh_bindings()

    async def _cancel(self) -> None:
        if self.job is None:
            return
        question = self.desk.say("importing.ask.cancel")
        body = self.desk.say("importing.ask.cancel_body")
        if not await self.app.push_screen_wait(ConfirmCost(self.desk, question, body)):
            return
        answer = await self.desk.client.post(self._path(f"/imports/{self.job['id']}/cancel"))
        if isinstance(answer, Failure):
            self.tell_failure(answer)

    async def _save_faults(self) -> None:
        if self.job is None:
            return
        job_id = self.job["id"]

        async def save(values: Mapping[str, str]) -> Json | Failure:
            path = await asyncio.to_thread(Path(values["path"]).expanduser)
            written = await self.desk.client.download(self._path(f"/imports/{job_id}/faults.csv"), path)
            return written if isinstance(written, Failure) else {"path": str(path)}

        suggested = str(Path.cwd() / f"{job_id}-faults.csv")
        fields = [Field("path", "importing.result.faults_path", value=suggested)]
        answer = await self.app.push_screen_wait(Form(self.desk, "importing.keys.faults", fields, save))
        if answer is not None:
            self.tell("importing.result.faults_saved", path=answer["path"])

    def _path(self, tail: str) -> str:
        return f"/admin/shops/{quote(self._shop, safe='')}{tail}"

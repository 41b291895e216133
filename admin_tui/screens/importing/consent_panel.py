"""On which list the people go, and whether they agreed to marketing: where, and with which words."""

from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, RadioSet, Select, Static

from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.marks import MarkedRadio
from admin_tui.screens.importing.mapping import Consent, ImportSettings
from admin_tui.screens.importing.panels import ImportPanel, ImportStep

NEW_LIST, NO_LIST = "new", "none"
_KNOWN = ("update", "keep")


class ConsentPanel(ImportPanel):
    """Rows without a permission that can be proven get no marketing; the panel says so."""

    STEP = ImportStep.CONSENT
    DEFAULT_CSS = """
    ConsentPanel #proof { height: auto; }
    ConsentPanel Select { width: 100%; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._settings = ImportSettings(())

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield Label(f"{say('importing.consent.list')} {say('importing.consent.list_hint')}", markup=False)
        yield Select(self._choices(()), allow_blank=False, id="list", compact=True)
        yield Input(id="new-list", placeholder=say("importing.consent.new_list"), compact=True)
        yield Label(f"{say('importing.consent.ask')} {say('writer.choose_hint')}", markup=False)
        with RadioSet(id="agreed", compact=True):
            yield MarkedRadio(say("importing.consent.no"), value=True)
            yield MarkedRadio(say("importing.consent.yes"))
        with Vertical(id="proof"):
            yield Label(say("importing.consent.source"), markup=False)
            yield Input(id="consent-source", placeholder=say("importing.consent.source_hint"), compact=True)
            yield Label(say("importing.consent.wording"), markup=False)
            yield Input(id="consent-wording", placeholder=say("importing.consent.wording_hint"), compact=True)
        yield Static(id="told", markup=False)
        yield Label(say("importing.consent.known"), markup=False)
        with RadioSet(id="known", compact=True):
            for number, known in enumerate(_KNOWN):
                yield MarkedRadio(say(f"importing.consent.{known}"), value=number == 0)
        yield Label(say("importing.consent.tags"), markup=False)
        yield Input(id="tags", compact=True)

    def on_mount(self) -> None:
        self._show_fields()

    def offer(self, lists: Sequence[Json], *, chosen: str | None, suggested_name: str) -> None:
        """The shop's lists; `chosen` is the one that the import was begun from."""
        select = self.query_one("#list", Select)
        select.set_options(self._choices(lists))
        select.value = chosen or NEW_LIST
        field = self.query_one("#new-list", Input)
        if not field.value:
            field.value = suggested_name

    def fault(self) -> str:
        """What is missing, as a sentence; empty when all is answered."""
        if self._list_value == NEW_LIST and not self._text("new-list"):
            return self.desk.say("importing.consent.list_needed")
        if self._agreed and not (self._text("consent-source") and self._text("consent-wording")):
            return self.desk.say("importing.consent.needed")
        return ""

    def apply(self, settings: ImportSettings) -> ImportSettings:
        """The settings with what was answered here."""
        chosen = self._list_value
        return replace(
            settings,
            list_id=chosen if chosen not in (NEW_LIST, NO_LIST) else None,
            new_list=self._text("new-list") if chosen == NEW_LIST else None,
            consent=Consent(self._agreed, self._text("consent-source"), self._text("consent-wording")),
            on_known=_KNOWN[max(0, self.query_one("#known", RadioSet).pressed_index)],
            tags=tuple(tag.strip() for tag in self._text("tags").split(",") if tag.strip()),
        )

    def tell(self, sentence: str) -> None:
        self.query_one("#told", Static).update(Text(f"✖ {sentence}" if sentence else "", "red"))

    @on(Select.Changed, "#list")
    def _list_chosen(self, event: Select.Changed) -> None:
        event.stop()
        self._show_fields()

    @on(RadioSet.Changed, "#agreed")
    def _agreed_chosen(self, event: RadioSet.Changed) -> None:
        event.stop()
        self._show_fields()
        if self._agreed:
            self.query_one("#consent-source").focus()

    def _show_fields(self) -> None:
        self.query_one("#new-list").display = self._list_value == NEW_LIST
        self.query_one("#proof").display = self._agreed
        self.tell("")

    @property
    def _agreed(self) -> bool:
        return self.query_one("#agreed", RadioSet).pressed_index == 1

    @property
    def _list_value(self) -> str:
        return str(self.query_one("#list", Select).value)

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _choices(self, lists: Sequence[Json]) -> list[tuple[str, str]]:
        return [
            (self.desk.say("importing.consent.make_list"), NEW_LIST),
            *((item["name"], item["id"]) for item in lists),
            (self.desk.say("importing.consent.no_list"), NO_LIST),
        ]

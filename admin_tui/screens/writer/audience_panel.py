"""Step 2: the lists that get the message, the lists that do not, and how many people that is."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from admin_tui.cells import clean, fit
from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.keys import bind
from admin_tui.screens.writer.draft import Draft, Step
from admin_tui.screens.writer.panels import AskedLine, Edited, StepPanel

MOST_RECENT_DAYS = 90
"""What the API allows."""


class ListChoices(OptionList):
    """Every list with what is done with its people; the space bar goes from nothing to send to exclude."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("mark", label="writer.keys.choose"),
        bind("down", "cursor_down", is_shown=False),
        bind("up", "cursor_up", is_shown=False),
    ]
    DEFAULT_CSS = """
    ListChoices { height: auto; max-height: 10; border: none; padding: 0; background: $surface; }
    ListChoices:focus { border: none; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="lists", markup=False)
        self._desk = desk
        self._lists: Sequence[Json] = ()
        self.chosen: tuple[str, ...] = ()
        self.excluded: tuple[str, ...] = ()

    def offer(self, lists: Sequence[Json]) -> None:
        """Show these lists, with the marks that they have."""
        self._lists = lists
        at = self.highlighted
        self.clear_options()
        self.add_options([Option(self._draw(item), id=item["id"]) for item in lists])
        if lists:
            self.highlighted = min(at or 0, len(lists) - 1)

    def mark_all(self, chosen: tuple[str, ...], excluded: tuple[str, ...]) -> None:
        self.chosen, self.excluded = chosen, excluded
        self.offer(self._lists)

    def on_resize(self) -> None:
        self.offer(self._lists)

    def action_mark(self) -> None:
        self.action_select()

    def turn(self, list_id: str) -> None:
        """The next of send, exclude, neither."""
        if list_id in self.chosen:
            self.chosen = tuple(one for one in self.chosen if one != list_id)
            self.excluded = (*self.excluded, list_id)
        elif list_id in self.excluded:
            self.excluded = tuple(one for one in self.excluded if one != list_id)
        else:
            self.chosen = (*self.chosen, list_id)
        self.offer(self._lists)

    def _draw(self, item: Json) -> Text:
        say = self._desk.say
        marks = {"in": f"[✔ {say('writer.audience.in')}]", "out": f"[✖ {say('writer.audience.out')}]"}
        width = max(len(mark) for mark in marks.values())
        if item["id"] in self.chosen:
            drawn = Text(marks["in"].ljust(width), "bold green")
        elif item["id"] in self.excluded:
            drawn = Text(marks["out"].ljust(width), "bold red")
        else:
            drawn = Text("[ ]".ljust(width))
        count = self._desk.words.number(int(item.get("member_count", 0)))
        room = max(8, self.size.width - width - len(count) - 4)
        drawn.append(f" {fit(clean(item['name']), room)} {count}", "not bold default")
        drawn.no_wrap = True
        return drawn


class AudiencePanel(StepPanel):
    """Lists, exclusions, and the live count with who is left out and why."""

    STEP = Step.AUDIENCE

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield Static(
            f"{say('writer.audience.lists')}: {say('writer.audience.lists_hint')}",
            classes="note",
            markup=False,
        )
        yield ListChoices(self.desk)
        yield Static(id="no-lists", classes="note", markup=False)
        yield Static(classes="space")
        yield AskedLine("recent", say("writer.audience.recent"))
        yield Static(id="count", classes="told", markup=False)

    def show(self, draft: Draft) -> None:
        self._choices.mark_all(draft.lists, draft.exclude_lists)
        days = draft.exclude_received_days
        self.query_one("#recent", Input).value = "" if days is None else str(days)

    def offer(self, lists: Sequence[Json]) -> None:
        """The shop's lists have come."""
        self._choices.offer(lists)
        self._choices.display = bool(lists)
        told = "" if lists else self.desk.say("writer.audience.no_lists")
        self.query_one("#no-lists", Static).update(told)
        self.query_one("#no-lists").display = bool(told)

    def tell_count(self, counted: Text) -> None:
        self.query_one("#count", Static).update(counted)

    @on(OptionList.OptionSelected, "#lists")
    def _turned(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self._choices.turn(event.option_id)
            self.post_message(Edited(lists=self._choices.chosen, exclude_lists=self._choices.excluded))

    @on(Input.Changed, "#recent")
    def _days_typed(self, event: Input.Changed) -> None:
        typed = event.value.strip()
        days = int(typed) if typed.isdecimal() else None
        is_wrong = bool(typed) and (days is None or not 1 <= days <= MOST_RECENT_DAYS)
        line = self.query_one("#asked-recent", AskedLine)
        line.tell(self.desk.say("writer.audience.days_fault") if is_wrong else "", is_wrong=is_wrong)
        if not is_wrong:
            self.post_message(Edited(exclude_received_days=days))

    @property
    def _choices(self) -> ListChoices:
        return self.query_one(ListChoices)


def draw_count(desk: Desk, draft: Draft, lists: Sequence[Json], estimate: Mapping[str, Any] | None) -> Text:
    """How many people get it and who is left out; without an estimate, how many the lists hold."""
    say, words = desk.say, desk.words
    if not draft.lists:
        return Text(say("writer.audience.none_chosen"), "yellow")
    if estimate is None:
        held = sum(int(item.get("member_count", 0)) for item in lists if item["id"] in draft.lists)
        chosen = say("writer.audience.list_count", count=len(draft.lists))
        people = f"{say('writer.audience.about')} {say('campaigns.unit.people', count=held)}"
        return Text(say("writer.audience.chosen", lists=chosen, people=people))
    drawn = Text()
    drawn.append(words.number(estimate["recipients"]), "bold green" if estimate["recipients"] else "bold red")
    drawn.append(f" {say('writer.audience.get_it')}")
    excluded = {reason: count for reason, count in (estimate.get("excluded") or {}).items() if count}
    if excluded:
        drawn.append(f"\n{words.number(sum(excluded.values()))}", "bold")
        drawn.append(f" {say('writer.audience.left_out')}")
        for reason, count in sorted(excluded.items(), key=lambda entry: -entry[1]):
            drawn.append(f"\n  {words.number(count):>9} {say(f'campaigns.exclusion.{reason}')}")
    return drawn

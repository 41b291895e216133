"""Step 5: when it starts, how long it may take, how fast it goes, when it stops by itself."""

from dataclasses import dataclass
from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Label, RadioSet, Static

from admin_tui.desk import Desk
from admin_tui.figures import span
from admin_tui.marks import MarkedRadio
from admin_tui.screens.writer.draft import DEFAULT_PAUSE_PERCENT, Draft, Step
from admin_tui.screens.writer.moments import (
    as_utc_text,
    from_utc_text,
    moment_text,
    parse_moment,
    parse_span,
    span_text,
)
from admin_tui.screens.writer.panels import AskedLine, Edited, StepPanel

LEAST_SPREAD_SECONDS, MOST_SPREAD_SECONDS = 60, 604_800
LEAST_SPEED, MOST_SPEED = 0.1, 20_000.0
"""What the API allows."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What was made of a typed answer: a value, and the sentence that stands below it."""

    value: object
    told: str = ""
    is_wrong: bool = False


class TimePanel(StepPanel):
    """Times are typed as people say them; what was understood stands below each line."""

    STEP = Step.TIME

    def compose(self) -> ComposeResult:
        say = self.desk.say
        yield Label(f"{say('writer.time.when')} {say('writer.choose_hint')}", markup=False)
        with RadioSet(id="when", compact=True):
            yield MarkedRadio(say("writer.time.now"), value=True)
            yield MarkedRadio(say("writer.time.at"))
        yield AskedLine("start_at", say("writer.time.start_at"), say("writer.time.start_hint"))
        yield AskedLine("spread_seconds", say("writer.time.spread"), say("writer.time.spread_hint"))
        yield AskedLine("send_until", say("writer.time.until"), say("writer.time.start_hint"))
        yield AskedLine("parts_per_second", say("writer.time.speed"))
        yield AskedLine("pause_at_failed_percent", say("writer.time.pause"), str(DEFAULT_PAUSE_PERCENT))
        yield Static(say("writer.time.quiet"), classes="note", markup=False)

    def show(self, draft: Draft) -> None:
        now = self._now()
        values = {
            "start_at": moment_text(from_utc_text(draft.start_at, now=now)) if draft.start_at else "",
            "spread_seconds": span_text(draft.spread_seconds) if draft.spread_seconds else "",
            "send_until": moment_text(from_utc_text(draft.send_until, now=now)) if draft.send_until else "",
            "parts_per_second": "" if draft.parts_per_second is None else f"{draft.parts_per_second:g}",
            "pause_at_failed_percent": str(draft.pause_at_failed_percent),
        }
        for name, value in values.items():
            self.query_one(f"#{name}", Input).value = value
        list(self.query(MarkedRadio))[1 if draft.start_at else 0].value = True
        self._show_start(bool(draft.start_at))

    @on(RadioSet.Changed, "#when")
    def _when_chosen(self, event: RadioSet.Changed) -> None:
        is_later = event.index == 1
        self._show_start(is_later)
        if is_later:
            self._judge("start_at")
        else:
            self.post_message(Edited(start_at=None))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._judge(event.input.id or "")

    def _judge(self, name: str) -> None:
        typed = self.query_one(f"#{name}", Input).value.strip()
        understood = understand(self.desk, name, typed, now=self._now())
        if (
            name == "send_until"
            and not understood.is_wrong
            and understood.value
            and self._is_before_start(typed)
        ):
            understood = Understood(None, self.desk.say("writer.time.before_start"), is_wrong=True)
        self.query_one(f"#asked-{name}", AskedLine).tell(understood.told, is_wrong=understood.is_wrong)
        if not understood.is_wrong and not (name == "start_at" and self._starts_now):
            self.post_message(Edited(**{name: understood.value}))

    def _is_before_start(self, until: str) -> bool:
        now = self._now()
        start = None if self._starts_now else parse_moment(self.query_one("#start_at", Input).value, now=now)
        end = parse_moment(until, now=now)
        return start is not None and end is not None and end <= start

    @property
    def _starts_now(self) -> bool:
        return self.query_one("#when", RadioSet).pressed_index != 1

    def _show_start(self, is_later: bool) -> None:
        self.query_one("#asked-start_at").display = is_later

    def _now(self) -> datetime:
        return self.desk.now().astimezone(self.desk.zone)


def understand(desk: Desk, name: str, typed: str, *, now: datetime) -> Understood:
    """What a typed answer to the question `name` means. Empty means the default."""
    if name == "pause_at_failed_percent":
        return _percent(desk, typed)
    if not typed:
        return Understood(None)
    match name:
        case "start_at" | "send_until":
            moment = parse_moment(typed, now=now)
            if moment is None:
                return Understood(None, desk.say("writer.time.fault"), is_wrong=True)
            if moment <= now:
                return Understood(None, desk.say("writer.time.past"), is_wrong=True)
            told = desk.say("writer.time.means", when=moment.strftime("%Y-%m-%d %H:%M %Z"))
            return Understood(
                as_utc_text(moment), f"{told} ({span(desk.words, (moment - now).total_seconds())})"
            )
        case "spread_seconds":
            seconds = parse_span(typed)
            if seconds is None or not LEAST_SPREAD_SECONDS <= seconds <= MOST_SPREAD_SECONDS:
                return Understood(None, desk.say("writer.time.fault"), is_wrong=True)
            return Understood(seconds, desk.say("writer.time.span_means", span=span(desk.words, seconds)))
        case _:
            return _speed(desk, typed)


def _speed(desk: Desk, typed: str) -> Understood:
    try:
        speed = float(typed.replace(",", "."))
    except ValueError:
        speed = 0.0
    if not LEAST_SPEED <= speed <= MOST_SPEED:
        return Understood(None, desk.say("writer.time.speed_fault"), is_wrong=True)
    return Understood(speed)


def _percent(desk: Desk, typed: str) -> Understood:
    percent = int(typed) if typed.isdecimal() else DEFAULT_PAUSE_PERCENT if not typed else 0
    if not 1 <= percent <= 100:
        return Understood(None, desk.say("writer.time.percent_fault"), is_wrong=True)
    return Understood(percent)

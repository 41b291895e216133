"""The lines that stand on every screen: the node above, the keys of what has the focus below.

The top line is drawn from the feed; the bottom line from the bindings that are alive now, at most eight.
"""

from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text
from textual.screen import Screen
from textual.widgets import Static

from admin_tui.cells import cells, clean, cut
from admin_tui.desk import Desk
from admin_tui.figures import short, span
from admin_tui.keys import show_key

MOST_KEYS: Final = 8
FEW_ROWS: Final = 20
"""Below it the line of screens gives its row to the data."""
_ALWAYS_LAST: Final = ("help", "palette")


class TopLine(Static):
    """`node · shop · ● 7/8 binds · in 212/s out 198/s · queue 3.2k · ▲2 alerts · LIVE 1s`."""

    DEFAULT_CSS = """
    TopLine { dock: top; height: 1; background: $primary-background; color: $text; padding: 0 1; }
    TopLine.stale { background: $error; color: $text; text-style: bold; }
    TopLine.frozen { background: $accent; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(markup=False)
        self._desk = desk

    def on_mount(self) -> None:
        self.set_interval(1.0, self.update_line)
        self.update_line()

    def on_resize(self) -> None:
        self.update_line()

    def update_line(self) -> None:
        """Draw what the feed knows now."""
        desk = self._desk
        self.set_class(desk.feed.is_stale, "stale")
        self.set_class(desk.is_frozen and not desk.feed.is_stale, "frozen")
        self.update(draw_top_line(desk, max(10, self.size.width - 2)))


def draw_top_line(desk: Desk, width: int) -> Text:
    """The line in `width` cells; where space is short the less urgent parts go first."""
    pulse = draw_pulse(desk)
    told = _tell_node(desk)
    while told and sum(cells(part) + 3 for _, part in told) + cells(pulse) > width:
        told.remove(max(told, key=lambda entry: entry[0]))
    line = cut(" · ".join(part for _, part in told), max(0, width - cells(pulse) - 1))
    return Text(line + " " * max(1, width - cells(line) - cells(pulse)) + pulse, no_wrap=True)


def draw_pulse(desk: Desk) -> str:
    """LIVE, STALE or FROZEN, with the age of what is shown."""
    age = span(desk.words, desk.feed.age_seconds)
    if desk.feed.is_stale:
        word = "frame.stale" if desk.feed.has_answered else "frame.no_answer"
        return f"✖ {desk.say(word)} {age}"
    if desk.is_frozen:
        return f"‖ {desk.say('frame.frozen')} {age}"
    if not desk.feed.has_answered:
        return desk.say("frame.connecting")
    mode = f"{desk.say('frame.read_only')} · " if desk.is_read_only else ""
    return f"{mode}● {desk.say('frame.live')}"


def _tell_node(desk: Desk) -> list[tuple[int, str]]:
    """Parts of the line with a rank each; the highest goes first where space is short."""
    seen: Any = desk.feed.snapshot
    shop = desk.shop or desk.say("frame.no_shop")
    if not seen:
        return [(0, "Estafette"), (1, clean(shop))]
    words = desk.words
    up, binds = seen.get("binds_up", 0), seen.get("binds", 0)
    glyph = "●" if binds and up == binds else "◐" if up else "○"
    told = [
        (5, clean(seen.get("node", {}).get("name", ""))),
        (0, clean(shop)),
        (2, f"{glyph} {desk.say('frame.binds', up=up, binds=binds)}"),
        (
            3,
            desk.say(
                "frame.speed",
                incoming=short(words, seen.get("in_per_second", 0)),
                outgoing=short(words, seen.get("out_per_second", 0)),
            ),
        ),
        (4, desk.say("frame.queue", messages=short(words, seen.get("queue", 0)))),
    ]
    if any(hold.get("scope") for hold in seen.get("holds", ())):
        told.append((1, f"‖ {desk.say('frame.held')}"))
    alerts = seen.get("alerts", ())
    if alerts:
        told.append((1, f"▲ {desk.say('frame.alerts', count=len(alerts))}"))
    return [(rank, part) for rank, part in told if part]


class ScreensLine(Static):
    """`1 Overview  2 Campaigns …`, the one that is seen marked; gone where rows are short."""

    DEFAULT_CSS = """
    ScreensLine { dock: top; height: 1; margin-top: 1; padding: 0 1; color: $text-muted; }
    ScreensLine.short { display: none; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(markup=False)
        self._desk = desk

    def on_mount(self) -> None:
        self.update_line()

    def on_resize(self) -> None:
        self.update_line()

    def update_line(self) -> None:
        """Draw the screens that this person may see."""
        self.set_class(self.app.size.height < FEW_ROWS, "short")
        width = max(10, self.app.size.width - 2)
        self.update(draw_screens(self._desk, self.app.current_mode, width))


def draw_screens(desk: Desk, current: str, width: int) -> Text:
    """Number and name of each screen; numbers alone where names do not fit, but for the current one."""
    named = [(number, name, desk.say(f"frame.screens.{name}")) for number, name in desk.screens]
    fits = sum(cells(label) + 4 for _, _, label in named) <= width
    line = Text(no_wrap=True)
    for number, name, label in named:
        is_current = name == current
        shown = f"{number} {label}" if fits or is_current else str(number)
        line.append(f" {shown} ", "bold reverse" if is_current else "")
    line.truncate(width)
    return line


class BottomLine(Static):
    """The keys of the focused thing, at most eight, as many as fit."""

    DEFAULT_CSS = """
    BottomLine { dock: bottom; height: 1; background: $panel; color: $text; padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(markup=False)
        self._desk = desk

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._keys_changed)
        self.call_after_refresh(self.update_line)

    def on_resize(self) -> None:
        self.update_line()

    def _keys_changed(self, screen: Screen[Any]) -> None:
        self.update_line()

    def update_line(self) -> None:
        if self.is_attached and self.screen.is_attached:
            self.update(draw_keys(list_keys(self.screen, self._desk), max(10, self.size.width - 2)))


def list_keys(screen: Screen[Any], desk: Desk) -> list[tuple[str, str, str]]:
    """(id, key, label) of the bindings to show, those of the focused widget first."""
    chosen: dict[str, tuple[str, str, str]] = {}
    for _, binding, enabled, _tooltip in screen.active_bindings.values():
        if enabled and binding.show and binding.id and binding.id not in chosen:
            label = desk.say(binding.description)
            chosen[binding.id] = (binding.id, binding.key_display or show_key(binding.key), label)
    own = [entry for entry in chosen.values() if entry[0] not in _ALWAYS_LAST]
    last = [chosen[key_id] for key_id in _ALWAYS_LAST if key_id in chosen]
    return own[: MOST_KEYS - len(last)] + last


def draw_keys(keys: Sequence[tuple[str, str, str]], width: int) -> Text:
    """`n new  p pause …`; where space is short, whole keys go, help last of all."""
    kept = list(keys)
    while kept and sum(cells(key) + 1 + cells(label) + 2 for _, key, label in kept) - 2 > width:
        goes = next((entry for entry in reversed(kept) if entry[0] != "help"), kept[-1])
        kept.remove(goes)
    line = Text(no_wrap=True)
    for number, (_, key, label) in enumerate(kept):
        if number:
            line.append("  ")
        line.append(key, "bold reverse" if len(key) > 9 else "bold")
        line.append(f" {label}")
    return line

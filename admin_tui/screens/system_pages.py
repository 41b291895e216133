"""The pages of the system screen as text: the ledger in words, one note of the audit log, what runs."""

import json
from typing import Final

from rich.text import Text

from admin_tui.cells import clean, fit
from admin_tui.client import Json
from admin_tui.desk import Desk
from admin_tui.figures import day_time, exact_time, span
from admin_tui.states import DULL, look

_PAIR_KEYS: Final = frozenset({"name", "agrees", "ids"})
_MOST_IDS: Final = 12


def draw_ledger(desk: Desk, report: Json) -> Text:
    """The verdict first, then where messages stand, then what was compared, what differs on top."""
    words, text = desk.words, Text()
    pairs = sorted(report["pairs"], key=lambda pair: pair["agrees"])
    differing = sum(not pair["agrees"] for pair in pairs)
    if report["balanced"]:
        told = desk.say("system.balanced", messages=report["messages"], comparisons=len(pairs))
        text.append(f"✔ {told}\n", "bold green")
    else:
        told = desk.say("system.unbalanced", differing=differing, comparisons=len(pairs))
        text.append(f"✖ {told}\n", "bold red")
    text.append(f"\n{desk.say('system.standing')}\n", "bold")
    for state, count in report["messages_by_state"].items():
        if count:
            glyph, colour = look(state)
            key = f"frame.state.{state}"
            name = desk.say(key) if words.has(key) else state
            text.append(fit(f"{glyph} {name}", 18), colour)
            text.append(words.number(count).rjust(14) + "\n")
    text.append(f"\n{desk.say('system.compared')}\n", "bold")
    for pair in pairs:
        counts = [
            f"{words.number(count)} {label.replace('_', ' ')}"
            for label, count in pair.items()
            if label not in _PAIR_KEYS
        ]
        text.append("✔ " if pair["agrees"] else "✖ ", "green" if pair["agrees"] else "bold red")
        text.append(f"{clean(pair['name'])}: {(' = ' if pair['agrees'] else ' ≠ ').join(counts)}\n")
        if pair["ids"]:
            text.append(f"    {' '.join(clean(name) for name in pair['ids'][:_MOST_IDS])}\n")
    text.rstrip()
    return text


def draw_note(desk: Desk, note: Json) -> Text:
    """Who did what to what, and its data as the log keeps them."""
    text = Text()
    for label, value in (
        ("at", exact_time(desk.local(note["at"]))),
        ("actor", note["actor"]),
        ("action", note["action"]),
        ("subject", note["subject"]),
    ):
        text.append(fit(desk.say(f"system.{label}"), 14), DULL)
        text.append(f"{clean(value)}\n")
    for line in json.dumps(note["data"], indent=2, ensure_ascii=False).splitlines():
        text.append(f"{clean(line)}\n")
    text.rstrip()
    return text


def draw_about(desk: Desk, status: Json) -> Text:
    """The node, the database, the webhooks, and who sits here."""
    words, node, hooks = desk.words, status["node"], status["webhooks"]
    started = desk.local(node["started_at"])
    up_for = span(words, desk.seconds_since(node["started_at"]))
    yes, no = desk.say("frame.yes"), desk.say("frame.no")
    facts = (
        ("version", node["version"]),
        ("host", node["host"]),
        ("node", f"{node['node_no']} / {node['epoch']}"),
        ("up_since", f"{day_time(started, desk.now())} ({up_for})"),
        ("lease", yes if node["holds_lease"] else no),
        ("database", desk.say(f"system.database_{status['database']}")),
        ("to_be_stored", words.number(status["waiting_to_be_stored"])),
        (
            "webhooks",
            desk.say(
                "system.webhooks_told",
                waiting=hooks["waiting"],
                delivered=hooks["delivered"],
                retried=hooks["retried"],
                lost=hooks["given_up"],
            ),
        ),
        ("you", f"{desk.say(f'frame.role.{desk.access.role}')}" + _say_mode(desk)),
        ("address", str(desk.client.address)),
    )
    text = Text()
    for label, value in facts:
        text.append(fit(desk.say(f"system.{label}"), 24), DULL)
        text.append(f"{clean(value)}\n")
    text.rstrip()
    return text


def _say_mode(desk: Desk) -> str:
    return f", {desk.say('frame.read_only')}" if desk.is_read_only else ""

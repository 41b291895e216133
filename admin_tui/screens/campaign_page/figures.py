"""The lines of a campaign's result: each number with its name, its share, and what stands behind it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from admin_tui.cells import clean
from admin_tui.client import Json
from admin_tui.columns import Column, Row
from admin_tui.desk import Desk
from admin_tui.figures import NOTHING, moneys, percent, span

COLUMNS: Final = (
    Column("label", "report.columns.figure", 30, grows=True),
    Column("value", "report.columns.value", 16, "right"),
    Column("share", "report.columns.share", 8, "right"),
)
_MESSAGE_STATES: Final = ("waiting", "expired", "unknown", "cancelled", "blocked")


def list_figures(desk: Desk, report: Mapping[str, Any]) -> list[Json]:
    """Every line in order. `behind` names the rows that Enter opens and with which criteria; absent, none."""
    return [
        *_audience(desk, report),
        *_funnel(desk, report),
        *_failures(desk, report),
        *_clicks(desk, report),
        *_opt_outs(desk, report),
        *_money(desk, report),
        *_countries(desk, report),
    ]


def make_row(desk: Desk, figure: Json) -> Row:
    """A line of the table; what can be opened is marked."""
    depth = int(figure.get("depth", 1))
    if figure.get("is_heading"):
        return Row(figure["key"], {"label": Text(figure["label"], "bold underline")})
    label = Text("  " * (depth - 1))
    label.append("› " if figure.get("behind") else "  ", "cyan")
    label.append(clean(figure["label"]))
    value = Text(figure["value"], figure.get("style", "bold"))
    return Row(figure["key"], {"label": label, "value": value, "share": figure.get("share", "")})


def _heading(desk: Desk, name: str) -> Json:
    return {"key": f"section.{name}", "label": desk.say(f"report.section.{name}"), "is_heading": True}


def _count(
    desk: Desk,
    key: str,
    count: int,
    *,
    label: str = "",
    whole: int = 0,
    behind: Sequence[str | dict[str, str]] | None = None,
    depth: int = 1,
    style: str = "bold",
) -> Json:
    figure: Json = {
        "key": key,
        "label": label or desk.say(f"report.{key}"),
        "value": desk.words.number(count),
        "share": percent(desk.words, count, whole) if whole else "",
        "depth": depth,
        "style": style if count else "dim",
    }
    if behind is not None and count:
        figure["behind"] = behind
    return figure


def _audience(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    yield _heading(desk, "audience")
    people = int(report.get("people", 0))
    yield _count(desk, "people", people)
    excluded = {reason: int(count) for reason, count in (report.get("excluded") or {}).items() if count}
    yield _count(desk, "left_out", sum(excluded.values()), whole=people)
    for reason, count in sorted(excluded.items(), key=lambda entry: -entry[1]):
        yield _count(
            desk,
            f"excluded.{reason}",
            count,
            label=desk.say(f"campaigns.exclusion.{reason}"),
            behind=("recipients", {"exclusion": reason}),
            depth=2,
            style="",
        )
    recipients = int(report.get("recipients", 0))
    yield _count(desk, "recipients", recipients, whole=people, behind=("recipients", {"exclusion": "none"}))


def _funnel(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    yield _heading(desk, "funnel")
    messages, sent = int(report.get("messages", 0)), int(report.get("sent", 0))
    yield _count(desk, "messages", messages, behind=("messages", {}))
    yield _count(desk, "parts", int(report.get("parts", 0)))
    yield _count(desk, "sent", sent, whole=messages, behind=("messages", {}))
    delivered = int(report.get("delivered", 0))
    yield _count(
        desk,
        "delivered",
        delivered,
        whole=sent,
        behind=("messages", {"state": "delivered"}),
        style="bold green",
    )
    people = int((report.get("clicks") or {}).get("people", 0))
    yield _count(desk, "clicked", people, whole=delivered, behind=("clicks", {"verdict": "person"}))
    orders = int((report.get("orders") or {}).get("count", 0))
    yield _count(desk, "ordered", orders, whole=people, behind=("orders", {}))
    for state in _MESSAGE_STATES:
        count = int(report.get(state, 0))
        if count:
            yield _count(
                desk, state, count, whole=messages, behind=("messages", {"state": _state_of(state)}), style=""
            )
    yield _times(desk, "delivery_time", report.get("delivery_seconds"))


def _state_of(name: str) -> str:
    return "queued" if name == "waiting" else name


def _failures(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    failures = report.get("failures") or ()
    failed = int(report.get("failed", 0))
    if not failures and not failed:
        return
    yield _heading(desk, "failures")
    messages = int(report.get("messages", 0))
    yield _count(
        desk, "failed", failed, whole=messages, behind=("messages", {"state": "failed"}), style="bold red"
    )
    for failure in failures:
        name = failure["failure_class"]
        key = f"overview.failure.{name}"
        yield _count(
            desk,
            f"failure.{name}",
            int(failure["messages"]),
            label=desk.say(key) if desk.words.has(key) else failure.get("sentence") or name,
            whole=failed,
            behind=("messages", {"failure_class": name}),
            depth=2,
            style="",
        )
        for code in failure.get("codes") or ():
            shown = " ".join(str(code[part]) for part in ("command_status", "stat", "err") if code.get(part))
            yield _count(
                desk,
                f"failure.{name}.{shown}",
                int(code["messages"]),
                label=shown or desk.say("report.no_code"),
                depth=3,
                style="dim",
            )


def _clicks(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    clicks = report.get("clicks") or {}
    human, bot = int(clicks.get("human", 0)), int(clicks.get("bot", 0))
    if not human and not bot and not report.get("links"):
        return
    yield _heading(desk, "clicks")
    yield _count(desk, "clicks_human", human, whole=human + bot, behind=("clicks", {"verdict": "person"}))
    yield _count(desk, "clicks_bot", bot, whole=human + bot, behind=("clicks", {"verdict": "bot"}))
    for verdict, count in (clicks.get("by_verdict") or {}).items():
        if verdict != "person" and count:
            yield _count(
                desk,
                f"verdict.{verdict}",
                int(count),
                label=_word(desk, f"report.verdict.{verdict}", verdict),
                behind=("clicks", {"verdict": verdict}),
                depth=2,
                style="",
            )
    for device, count in (clicks.get("by_device") or {}).items():
        if not count:
            continue
        yield _count(
            desk,
            f"device.{device}",
            int(count),
            label=_word(desk, f"report.device.{device}", device),
            whole=human,
            depth=2,
            style="",
        )
    for link in report.get("links") or ():
        yield _count(
            desk, f"link.{link['id']}", int(link["clicks"]), label=f"{link['name']} → {link['url']}", style=""
        )
    yield _times(desk, "click_time", clicks.get("time_to_click_seconds"))


def _opt_outs(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    opt_outs = report.get("opt_outs") or {}
    people, delivered = int(opt_outs.get("people", 0)), int(report.get("delivered", 0))
    yield _heading(desk, "opt_outs")
    yield _count(
        desk,
        "opted_out",
        people,
        whole=delivered,
        behind=("opt-outs", {}),
    )
    for way, count in (opt_outs.get("by_way") or {}).items():
        if count:
            yield _count(
                desk, f"way.{way}", int(count), label=_word(desk, f"report.by_{way}", way), depth=2, style=""
            )


def _money(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    yield _heading(desk, "money")
    words, orders = desk.words, report.get("orders") or {}
    yield {"key": "cost", "label": desk.say("report.cost"), "value": moneys(words, report.get("cost") or ())}
    revenue: Json = {
        "key": "revenue",
        "label": desk.say("report.revenue"),
        "value": moneys(words, orders.get("revenue") or ()),
    }
    if orders.get("count"):
        revenue["behind"] = ("orders", {})
    yield revenue
    if orders.get("refunds"):
        yield _count(desk, "refunds", int(orders["refunds"]), behind=("orders", {}), style="")
    roi = report.get("roi")
    yield {
        "key": "roi",
        "label": desk.say("report.roi")
        if not report.get("roi_note")
        else f"{desk.say('report.roi')}: {report['roi_note']}",
        "value": NOTHING if roi is None else words.number(float(roi), decimals=2),
    }
    days = orders.get("attribution_days")
    if days:
        yield {"key": "attribution", "label": desk.say("report.attribution", count=int(days)), "value": ""}


def _countries(desk: Desk, report: Mapping[str, Any]) -> Iterator[Json]:
    countries = report.get("by_country") or ()
    if not countries:
        return
    yield _heading(desk, "countries")
    for country in countries:
        told = f"{country['country'] or NOTHING}  {moneys(desk.words, country.get('cost') or ())}"
        yield _count(
            desk,
            f"country.{country['country']}",
            int(country["messages"]),
            label=told,
            behind=("messages", {"country": str(country["country"])}),
            style="",
        ) | {"share": percent(desk.words, country["delivered"], country["messages"])}


def _times(desk: Desk, key: str, seconds: Mapping[str, Any] | None) -> Json:
    shown = NOTHING
    if seconds is not None:
        shown = f"{span(desk.words, seconds['p50'])} / {span(desk.words, seconds['p95'])}"
    return {"key": key, "label": desk.say(f"report.{key}"), "value": shown}


def _word(desk: Desk, key: str, otherwise: str) -> str:
    return desk.say(key) if desk.words.has(key) else clean(otherwise)

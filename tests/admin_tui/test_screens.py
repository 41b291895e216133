"""Overview, Messages, Carriers and System: how they look at two sizes, and what their keys do."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.admin_tui.console import open_console, press, text_of, wait_for
from tests.admin_tui.fake_api import running_api
from tests.admin_tui.fake_frame import add_own_routes

WALK = [
    ("overview", ()),
    ("help", ("question_mark",)),
    ("command-line", ("escape", "colon")),
    ("alerts", ("escape", "exclamation_mark")),
    ("messages", ("escape", "3")),
    ("message", ("enter",)),
    ("carriers", ("8",)),
    ("carriers-bind", ("G", "tab")),
    ("carriers-history", ("tab",)),
    ("system-keys", ("9",)),
    ("system-new-key", ("n",)),
    ("system-shops", ("escape", "tab")),
    ("system-ledger", ("tab",)),
    ("system-audit", ("tab",)),
    ("system-nodes", ("tab",)),
    ("system-about", ("tab",)),
]
"""Every page by the keys that lead to it from the one before."""


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_every_page_looks_as_it_was_last_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: SnapshotAssertion, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running_api(Path(), add_own_routes) as api, open_console(api, size=size) as (app, pilot):
        for name, keys in WALK:
            seen = await press(pilot, app, *keys)
            assert seen == looks(name=f"{name}-{size[0]}x{size[1]}"), name


@pytest.mark.parametrize("language", ["fr", "it", "ro"])
async def test_other_languages_fit_the_smallest_screen(
    tmp_path: Path, looks: SnapshotAssertion, language: str
) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, language=language) as (app, pilot),
    ):
        seen = [text_of(app)]
        for key in ("3", "8", "9"):
            seen.append(await press(pilot, app, key))
        assert "\n\n".join(seen) == looks(name=f"frame-{language}-80x24")


async def test_an_empty_overview_says_how_to_begin(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        nothing = {
            "taken_in": 0,
            "sent": 0,
            "delivered_percent": None,
            "failed": 0,
            "clicks": 0,
            "revenue": [],
        }
        series = {"step_seconds": 3600, "starts_at": "2026-07-20T14:00:00Z"}
        series |= {name: [0] * 24 for name in ("taken_in", "sent", "delivered", "failed", "clicks")}
        api.data["overview"] = {**nothing, "series": series, "failures": [], "campaigns": []}
        async with open_console(api) as (app, _):
            assert "Nothing sent yet. 4 imports a list, 2 writes a campaign." in text_of(app)


async def test_enter_on_a_tile_opens_what_it_counts(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        seen = await press(pilot, app, "right", "right", "right", "enter")
        assert "state:failed · last 24 h" in seen
        asked = [query for _, path, query, _ in api.asked if path.endswith("/messages")]
        assert asked[-1]["state"] == "failed"
        assert asked[-1]["from_time"] == "2026-07-20T14:05:09Z"


async def test_a_longer_span_is_asked_for_and_named(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        assert "last 168 h" in await press(pilot, app, "right_square_bracket")
        assert "last 6 h" in await press(pilot, app, "left_square_bracket", "left_square_bracket")


async def test_a_chart_takes_the_whole_screen_and_gives_it_back(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        assert "Campaigns now" not in await press(pilot, app, "m")
        assert "Campaigns now" in await press(pilot, app, "m")


async def test_pages_follow_the_cursor_and_it_stays_on_its_row(
    tmp_path: Path,
) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="messages") as (app, pilot),
    ):
        table = app.screen.query_one("#table")
        await press(pilot, app, "G")
        await wait_for(pilot, lambda: table.row_count == 400)
        focused = table.focused_key
        new = {**api.data["messages"][0], "id": "msg_9000000", "text": "just now"}
        api.data["messages"].insert(0, new)
        await press(pilot, app, "f5")
        assert table.focused_key == focused
        assert table.row_count == 401
        await press(pilot, app, "G")
        await wait_for(pilot, lambda: table.row_count == 451)


async def test_a_message_is_found_by_what_is_typed(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="messages") as (app, pilot),
    ):
        await press(pilot, app, "slash")
        await pilot.press(*"4711", "enter")
        await wait_for(pilot, lambda: "4711 · last 24 h" in text_of(app) and app.is_settled)
        assert "Soldes" not in text_of(app)
        assert "all messages" in await press(pilot, app, "escape")


async def test_a_message_is_sent_again_only_after_a_question(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="messages") as (app, pilot),
    ):
        await press(pilot, app, "enter", "R")
        await wait_for(pilot, lambda: "The person may get it twice." in text_of(app))
        await press(pilot, app, "n")
        assert not api.calls("POST", "/resend")
        await press(pilot, app, "R")
        await wait_for(pilot, lambda: "The person may get it twice." in text_of(app))
        await pilot.press("y")
        await wait_for(pilot, lambda: "on its way again" in text_of(app))
        assert len(api.calls("POST", "/resend")) == 1


async def test_what_the_server_refuses_is_said(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="messages") as (app, pilot),
    ):
        api.refuse("POST", "/admin/messages/msg_7000000/resend", 409, "not_resendable", "Not again.")
        await press(pilot, app, "enter", "R")
        await wait_for(pilot, lambda: "The person may get it twice." in text_of(app))
        await pilot.press("y")
        await wait_for(pilot, lambda: "Not again." in text_of(app))


async def test_a_new_key_is_shown_once_and_copied(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="system") as (app, pilot),
    ):
        await press(pilot, app, "n")
        await wait_for(pilot, lambda: "New API key" in text_of(app))
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "est_live_secretsecret" in text_of(app))
        assert api.calls("POST", "/admin/keys") == [{"shop": "boutique", "mode": "test", "label": ""}]
        await press(pilot, app, "y")
        assert app.clipboard == "est_live_secretsecret"
        assert "est_live_secretsecret" not in await press(pilot, app, "escape")


async def test_a_form_says_what_the_server_refuses_and_stays(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="system") as (app, pilot),
    ):
        api.refuse("POST", "/admin/shops", 409, "name_taken", "That name is taken.", path="$.name")
        await press(pilot, app, "tab", "n")
        await wait_for(pilot, lambda: "New shop" in text_of(app))
        await pilot.press("x", "ctrl+s")
        await wait_for(pilot, lambda: "That name is taken." in text_of(app))
        assert app.focused is not None
        assert app.focused.id == "field-name"


async def test_a_key_is_revoked_only_after_a_question(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="system") as (app, pilot),
    ):
        await press(pilot, app, "x")
        await wait_for(pilot, lambda: "Revoke the key est_live_…k3Qz" in text_of(app))
        await press(pilot, app, "y")
        await wait_for(pilot, lambda: api.data["keys"][0]["revoked_at"] is not None)


async def test_a_ledger_that_differs_says_so_first(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        pair = {"name": "states and rollups", "agrees": False, "ids": ["msg_1", "msg_2"], "a": 7, "b": 9}
        api.data["ledger"] = {
            "balanced": False,
            "messages": 9,
            "messages_by_state": {"sent": 9},
            "pairs": [{"name": "fine", "agrees": True, "ids": [], "a": 1, "b": 1}, pair],
        }
        async with open_console(api, screen="system") as (app, pilot):
            seen = await press(pilot, app, "tab", "tab")
            assert "✖ The ledger DOES NOT BALANCE: 1 of 2 comparisons differ." in seen
            assert seen.index("✖ states and rollups: 7 a ≠ 9 b") < seen.index("✔ fine")
            assert "msg_1 msg_2" in seen


async def test_a_carrier_is_found_from_the_command_line(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        await press(pilot, app, "colon")
        await pilot.press(*"connector smsc-b", "enter")
        await wait_for(pilot, lambda: app.current_mode == "carriers" and app.is_settled)
        await wait_for(pilot, lambda: app.screen.query_one("#table").focused_key == "smsc-b/1")

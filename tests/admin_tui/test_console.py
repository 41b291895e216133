"""The frame as a person meets it: keys pressed, what stands on the screen, what the server was asked."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.widgets import Input

import admin_tui
from admin_tui.keys import KEYS, KEYS_BY_ID, QUESTION_KEYS
from tests.admin_tui.console import make_console, open_console, press, text_of, wait_for
from tests.admin_tui.fake_api import FakeApi, running_api
from tests.admin_tui.fake_frame import RTL_NAME, add_own_routes

SCREENS = ("overview", "messages", "carriers", "system")


def test_one_letter_has_one_meaning() -> None:
    holders: dict[str, str] = {}
    for key in KEYS:
        if key.id in QUESTION_KEYS:
            continue
        for name in key.keys.split(","):
            assert holders.setdefault(name, key.id) == key.id, name


def test_every_binding_of_the_console_comes_from_the_table() -> None:
    for _, name, _ in pkgutil.walk_packages(admin_tui.__path__, "admin_tui."):
        if name == "admin_tui.__main__":
            continue
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and value.__module__ == name:
                for binding in value.__dict__.get("BINDINGS", ()):
                    assert isinstance(binding, Binding), f"{name}: make it with bind()"
                    assert binding.id in KEYS_BY_ID, f"{name}: {binding}"
                    assert binding.key == KEYS_BY_ID[str(binding.id)].keys, f"{name}: {binding}"


async def test_the_frame_tells_node_shop_binds_speed_and_alerts(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api, size=(120, 30)) as (app, _):
        first = text_of(app).splitlines()[0]
        for told in (
            "node-1",
            "boutique",
            "◐ 7/8 binds",
            "in 212/s out 198/s",
            "queue 3.2k",
            "▲ 1 alert",
            "● LIVE",
        ):
            assert told in first


async def test_a_killed_server_leaves_the_data_stale_and_a_new_one_brings_it_back(tmp_path: Path) -> None:
    now = [0.0]
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, monotonic=lambda: now[0]) as (app, pilot),
    ):
        assert "271,312" in text_of(app)
        await api.stop()
        now[0] += 12
        await app.poll_once()
        seen = await press(pilot, app, "f5")
        assert "STALE 12 s" in seen.splitlines()[0]
        assert "271,312" in seen
        assert app.screen.has_class("stale")
        await api.start(tmp_path / "a.sock", (add_own_routes,))
        await app.poll_once()
        await wait_for(pilot, lambda: app.is_settled and not app.screen.has_class("stale"))
        assert "● LIVE" in text_of(app).splitlines()[0]


async def test_started_without_a_server_it_says_so_and_begins_once_one_answers(tmp_path: Path) -> None:
    api = FakeApi(socket_path=tmp_path / "a.sock")
    app = make_console(api)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: "No server answers at" in text_of(app))
        assert "NO ANSWER" in text_of(app).splitlines()[0]
        await api.start(tmp_path / "a.sock", (add_own_routes,))
        await app.poll_once()
        await wait_for(pilot, lambda: "271,312" in text_of(app))
    await api.stop()


async def test_numbers_go_to_screens_which_stay_as_they_were_left(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        seen = await press(pilot, app, "3", "enter")
        assert "Timeline" in seen
        assert "Carrier " in await press(pilot, app, "8")
        assert "Timeline" in await press(pilot, app, "3")
        assert "all messages" in await press(pilot, app, "3")


async def test_a_frozen_screen_stands_still_and_says_so(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        assert "‖ FROZEN" in await press(pilot, app, "F")
        assert "● LIVE" in await press(pilot, app, "F")


async def test_help_describes_every_key_that_works_here(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, size=(100, 60), screen="messages") as (app, pilot),
    ):
        seen = await press(pilot, app, "question_mark")
        for meaning in ("Open what the cursor is on.", "A longer span of time.", "Leave the console"):
            assert meaning in seen
        assert "Keys of" not in await press(pilot, app, "escape")


async def test_marketing_is_held_at_once_and_released_only_after_a_question(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        await press(pilot, app, "H")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/admin/hold")))
        assert api.calls("POST", "/admin/hold") == [{"scope": "marketing", "shop": None, "reason": ""}]
        await wait_for(pilot, lambda: "z takes it back" in text_of(app))
        await press(pilot, app, "z")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/admin/release")))
        api.data["snapshot"] = {"holds": [{"scope": "marketing", "shop": None}]}
        await app.poll_once()
        assert "marketing held" in text_of(app)
        seen = await press(pilot, app, "H")
        await wait_for(pilot, lambda: "Release the marketing of every shop?" in text_of(app))
        await press(pilot, app, "enter")
        assert len(api.calls("POST", "/admin/release")) == 1, f"the focus is on No: {seen}"
        await press(pilot, app, "H")
        await wait_for(pilot, lambda: "Release the marketing" in text_of(app))
        await press(pilot, app, "y")
        await wait_for(pilot, lambda: len(api.calls("POST", "/admin/release")) == 2)


async def test_the_command_line_completes_and_finds_a_number(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        await pilot.press("colon")
        await wait_for(pilot, lambda: "Tab completes" in text_of(app))
        await pilot.press("t", "o", "tab", *"+33612000037", "enter")
        await wait_for(pilot, lambda: "+33612000037 · last 24 h" in text_of(app) and app.is_settled)
        asked = [query for _, path, query, _ in api.asked if path.endswith("/messages")]
        assert asked[-1]["to"] == "+33612000037"


async def test_another_language_is_spoken_at_once_everywhere(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        await press(pilot, app, "3")
        await pilot.press("colon")
        await wait_for(pilot, lambda: "Tab completes" in text_of(app))
        await pilot.press(*"language fr", "enter")
        await wait_for(pilot, lambda: "tous les messages" in text_of(app))
        assert "EN DIRECT" in text_of(app)
        assert "Reçus" in await press(pilot, app, "1")


async def test_another_shop_is_shown_everywhere(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api) as (app, pilot):
        await app.choose_shop("officina")
        await wait_for(pilot, lambda: app.is_settled)
        assert "officina" in text_of(app).splitlines()[0]
        assert any(path == "/admin/shops/officina/overview" for _, path, _, _ in api.asked)


@pytest.mark.parametrize(
    ("role", "rights", "seen", "absent"),
    [
        ("shop_admin", ["see_status", "see_messages", "manage_keys"], "9 System", "8 Carriers"),
        ("agent", ["see_status", "see_messages"], "3 Messages", "9 System"),
    ],
)  # fmt: skip
async def test_what_a_role_does_not_allow_is_not_shown(
    tmp_path: Path, role: str, rights: list[str], seen: str, absent: str
) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        api.role, api.rights, api.shops = role, rights, ["boutique"]
        async with open_console(api) as (app, pilot):
            line = text_of(app).splitlines()[1]
            assert seen in line
            assert absent not in line
            await press(pilot, app, "8", "H")
            assert app.current_mode == "overview"
            assert not api.calls("POST", "/admin/hold")


async def test_read_only_changes_nothing(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, screen="messages", is_read_only=True) as (app, pilot),
    ):
        assert "read-only" in text_of(app).splitlines()[0]
        seen = await press(pilot, app, "enter", "R", "x", "H", "9", "n")
        assert "resend" not in seen
        assert {method for method, *_ in api.asked} == {"GET"}


async def test_keys_are_remapped_by_the_person(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        app = make_console(api, keymap={"freeze": "f8"})
        async with app.run_test() as pilot:
            await wait_for(pilot, lambda: app.is_settled)
            await pilot.press("F")
            assert not app.desk.is_frozen
            await pilot.press("f8")
            assert app.desk.is_frozen


async def test_what_is_wrong_in_the_settings_is_told(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        app = make_console(api, faults=["c.toml: there is no setting langage."])
        async with app.run_test(notifications=True) as pilot:
            await wait_for(pilot, lambda: "there is no setting" in text_of(app))


async def test_without_a_shop_it_says_where_to_make_one(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        api.forced["GET", "/admin/shops"] = (200, {"shops": []})
        async with open_console(api) as (app, pilot):
            assert "There is no shop yet." in text_of(app)
            assert "Keys   Shops" in await press(pilot, app, "9")


@pytest.mark.parametrize("screen", SCREENS)
async def test_no_size_breaks_a_screen(tmp_path: Path, screen: str) -> None:
    async with running_api(tmp_path, add_own_routes) as api, open_console(api, screen=screen) as (app, pilot):
        for size in ((60, 15), (40, 10), (200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert len(text_of(app).splitlines()) == size[1]


async def test_hostile_names_and_a_pasted_novel_do_no_harm(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        api.data["snapshot"] = {"node": {"name": "\x1b[2Jevil[red]", "version": "1"}}
        async with open_console(api, screen="messages", size=(120, 30)) as (app, pilot):
            assert "·[2Jevil[red]" in text_of(app)
            assert RTL_NAME in text_of(app)
            await pilot.press("slash")
            app.screen.query_one("#filter", Input).value = "🎉مر[/b]" * 1_500
            seen = await press(pilot, app, "enter")
            assert "No match" in seen


async def test_an_unreadable_answer_is_a_sentence_on_the_screen(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        api.refuse(
            "GET", "/admin/shops/boutique/overview", 422, "invalid_parameter", "That span is too long."
        )
        async with open_console(api) as (app, _):
            assert "✖ That span is too long." in text_of(app)

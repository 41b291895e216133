"""Messages that no carrier answered: how an operator comes to them, and what each key asks of the server."""

from pathlib import Path

from tests.admin_tui.console import open_console, press, text_of, wait_for
from tests.admin_tui.fake_api import running_api
from tests.admin_tui.fake_frame import add_own_routes, make_status
from tests.admin_tui.fake_unknown import add_unknown_routes, make_unknown


async def test_one_message_or_all_listed_are_sent_again_after_a_question_with_their_cost(
    tmp_path: Path,
) -> None:
    async with running_api(tmp_path, add_own_routes, add_unknown_routes) as api:
        api.data["status"] = {**make_status(), "unknown_messages": 3}
        api.data["unknown"] = [make_unknown(1), make_unknown(2), make_unknown(3, valid_seconds=0)]
        async with open_console(api, screen="carriers", size=(120, 40)) as (app, pilot):
            assert "3 messages have no answer; u lists them" in text_of(app)
            seen = await press(pilot, app, "u")
            assert "+3363•••••03" in seen
            assert "one-time code" in seen
            await pilot.press("R")
            await wait_for(pilot, lambda: "Send again?" in text_of(app))
            asked = " ".join(text_of(app).replace("│", " ").split())
            assert "a person gets it twice" in asked
            assert "All that are listed, 3: 0.27 EUR" in asked
            await pilot.press("enter")  # No is at hand
            await wait_for(pilot, lambda: "Send again?" not in text_of(app))
            assert not api.calls("POST", "/resend")
            await pilot.press("R")
            await wait_for(pilot, lambda: "Send again?" in text_of(app))
            await pilot.press("y")
            await wait_for(pilot, lambda: "1 message is sent again." in text_of(app))
            assert api.calls("POST", "/resend") == [{"reason": "", "ids": [make_unknown(1)["id"]]}]
            await wait_for(pilot, lambda: "+3363•••••01" not in text_of(app))
            await pilot.press("R")
            await wait_for(pilot, lambda: "Send again?" in text_of(app))
            await pilot.press("tab", "tab", "enter", "down", "enter")
            await pilot.press("tab", *"lost", "tab", "y")
            await wait_for(pilot, lambda: "1 left: its validity is over." in text_of(app))
            sent = api.calls("POST", "/resend")[1]
            assert (sent["reason"], set(sent["filter"])) == ("lost", {"before"})


async def test_a_filter_narrows_what_is_closed_and_an_empty_list_is_said_in_words(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes, add_unknown_routes) as api:
        api.data["unknown"] = [make_unknown(1), make_unknown(2, connector="smsc-b", category="marketing")]
        async with open_console(api, screen="carriers") as (app, pilot):
            await press(pilot, app, "u", "slash")
            await pilot.press(*"smsc-b", "enter")
            await wait_for(pilot, lambda: "+3363•••••01" not in text_of(app))
            await pilot.press("x")
            await wait_for(pilot, lambda: "Close?" in text_of(app))
            await pilot.press("y")
            await wait_for(pilot, lambda: "None of smsc-b. Esc shows all." in text_of(app))
            assert api.calls("POST", "/close") == [{"reason": "", "ids": [make_unknown(2)["id"]]}]
            api.refuse("GET", "/admin/unknown", 404, "not_found", "There is no connector named x.")
            await press(pilot, app, "escape")
            await wait_for(pilot, lambda: "There is no connector named x." in text_of(app))


async def test_who_may_look_only_decides_nothing(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes, add_unknown_routes) as api:
        api.rights.remove("change_messages")
        async with open_console(api, screen="carriers") as (app, pilot):
            await press(pilot, app, "u", "R", "x")
            assert "resend" not in text_of(app)
            assert not [path for verb, path, _, _ in api.asked if verb != "GET"]

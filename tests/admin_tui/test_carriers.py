"""Carriers, their live trace, and alerts: what an operator sees, and what each key asks of the server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from admin_tui.app import ConsoleApp
from admin_tui.screens.carriers.trace_lines import TraceLines
from admin_tui.screens.carriers.trace_list import TraceList
from tests.admin_tui.console import open_console, press, text_of, wait_for
from tests.admin_tui.fake_api import FakeApi, running_api
from tests.admin_tui.fake_carriers import make_pdu
from tests.admin_tui.fake_frame import add_own_routes


@asynccontextmanager
async def carriers(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[FakeApi, ConsoleApp, Pilot[None]]]:
    async with (
        running_api(tmp_path, add_own_routes) as api,
        open_console(api, **{"screen": "carriers", **options}) as (app, pilot),
    ):
        yield api, app, pilot


async def type_command(pilot: Pilot[None], app: ConsoleApp, line: str) -> None:
    await press(pilot, app, "colon")
    await pilot.press(*line, "enter")
    await pilot.pause()


async def test_taking_down_asks_with_what_waits_and_no_is_the_answer_at_hand(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        await pilot.press("p")
        await wait_for(pilot, lambda: "Take smsc-a down?" in text_of(app))
        seen = text_of(app)
        assert "≥10,003 messages wait for it and 38 submits await" in " ".join(seen.split())
        await pilot.press("enter")
        await wait_for(pilot, lambda: "Take smsc-a down?" not in text_of(app))
        assert not api.calls("POST", "/down")


async def test_binds_of_other_nodes_are_listed_with_who_holds_them(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        first, second = api.data["status"]["connectors"]
        elsewhere = {"node": 1, "host": "sms2", "is_up": True, "parts_per_second": 100.0}
        first["binds"].pop()
        first["elsewhere"] = [{**elsewhere, "bind": 2}]
        second["binds"] = []
        second["elsewhere"] = [{**elsewhere, "bind": 1, "is_up": False}]
        lines = (await press(pilot, app, "f5")).splitlines()
        assert "● bound" in lines[4]
        assert "node 1, sms2" in lines[4]
        assert "✖ down" in lines[5]
        await press(pilot, app, "G")
        assert "Held by" in await press(pilot, app, "tab")
        await pilot.press("a")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/retry")))


async def test_a_connector_taken_down_is_seen_as_such_and_the_same_key_brings_it_up(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        await pilot.press("p")
        await wait_for(pilot, lambda: "Take smsc-a down?" in text_of(app))
        await pilot.press("tab", "tab", "tab", *"line test", "enter", "y")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/down")))
        await wait_for(pilot, lambda: "‖ taken down" in text_of(app))
        assert api.calls("POST", "/down") == [{"for_seconds": 3600, "reason": "line test"}]
        await press(pilot, app, "tab")
        assert "taken down by uid 1000, until 15:35: line test" in text_of(app)
        api.data["status"]["connectors"].reverse()
        assert "‖ taken down" in (await press(pilot, app, "f5")).splitlines()[3], "it keeps its place"
        await press(pilot, app, "p")
        await wait_for(pilot, lambda: "‖ taken down" not in text_of(app))
        assert api.calls("POST", "/up") == [{}]


async def test_speed_and_window_are_changed_for_a_while_and_empty_goes_back_to_the_file(
    tmp_path: Path,
) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        await pilot.press("v")
        await wait_for(pilot, lambda: "Speed and window of smsc-a" in text_of(app))
        assert "empty: as the file says, 200" in text_of(app)
        await pilot.press(*"fast", "ctrl+s")
        await wait_for(pilot, lambda: "This is no number." in text_of(app))
        await pilot.press(*(["backspace"] * 4), *"42,5", "enter", *"20", "ctrl+s")
        await wait_for(pilot, lambda: bool(api.calls("PATCH", "/smsc-a")))
        assert api.calls("PATCH", "/smsc-a") == [
            {"parts_per_second": 42.5, "window": 20, "for_seconds": 3600, "reason": ""}
        ]
        await wait_for(pilot, lambda: "Speed and window" not in text_of(app))
        await press(pilot, app, "G", "v")
        await wait_for(pilot, lambda: "Speed and window of smsc-b" in text_of(app))
        await pilot.press("backspace", "backspace", "ctrl+s")
        await wait_for(pilot, lambda: bool(api.calls("PATCH", "/smsc-b")))
        assert api.calls("PATCH", "/smsc-b")[0]["parts_per_second"] is None


async def test_a_bind_that_waits_is_tried_again_at_once_and_no_other(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        await press(pilot, app, "a")
        assert not api.calls("POST", "/retry")
        await press(pilot, app, "G", "a")
        await wait_for(pilot, lambda: "smsc-b tries again now." in text_of(app))
        assert len(api.calls("POST", "/retry")) == 1


async def test_the_command_line_acts_on_a_connector(tmp_path: Path) -> None:
    async with carriers(tmp_path, screen="overview") as (api, app, pilot):
        await type_command(pilot, app, "connector smsc-b retry")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/retry")))
        await type_command(pilot, app, "connector smsc-b speed 40")
        await wait_for(pilot, lambda: "Speed and window of smsc-b" in text_of(app))
        await pilot.press("escape")
        await type_command(pilot, app, "connector smsc-x down")
        await wait_for(pilot, lambda: "There is no carrier smsc-x." in text_of(app))


async def test_who_may_look_only_changes_no_connector(tmp_path: Path) -> None:
    async with carriers(tmp_path, is_read_only=True) as (api, app, pilot):
        await press(pilot, app, "p", "v", "G", "a")
        assert "take down" not in text_of(app)
        await type_command(pilot, app, "connector smsc-b retry")
        await wait_for(pilot, lambda: "You may look only." in text_of(app))
        assert not [path for verb, path, _, _ in api.asked if verb != "GET"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_the_live_trace_looks_as_it_was_last_looked_at(
    tmp_path: Path, looks: SnapshotAssertion, size: tuple[int, int]
) -> None:
    async with carriers(tmp_path, size=size) as (api, app, pilot):
        refused = make_pdu(3, status="0x58 ESME_RTHROTTLED", summary="", words=[])
        api.data["pdus"] = [make_pdu(0), make_pdu(1), make_pdu(2, left_out=1_204), refused]
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: "ESME_RTHROTTLED" in text_of(app))
        seen = await press(pilot, app, "up")
        assert seen == looks(name=f"trace-{size[0]}x{size[1]}")


async def test_the_trace_stands_still_while_it_is_read_and_goes_on_at_the_end(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        api.data["pdus"] = [make_pdu(number) for number in range(4)]
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: "submit_sm_resp 2" in text_of(app))
        await press(pilot, app, "up")
        api.data["pdus"].append(make_pdu(4))
        await wait_for(pilot, lambda: "standing still, 1 more" in text_of(app))
        assert "submit_sm 3" not in text_of(app)
        seen = await press(pilot, app, "G")
        assert "submit_sm 3" in seen
        assert "● following" in seen
        await press(pilot, app, "F")
        api.data["pdus"].append(make_pdu(5))
        await wait_for(pilot, lambda: "standing still, 1 more" in text_of(app))
        await press(pilot, app, "F")
        await wait_for(pilot, lambda: "submit_sm_resp 3" in text_of(app))


async def test_the_octets_are_shown_in_place_of_the_words(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        api.data["pdus"] = [make_pdu(0)]
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: "text hidden" in text_of(app))
        seen = await press(pilot, app, "h")
        assert "0000  00 00 00 2f 00 00 00 04 00 00 00 00 00 00 00 02" in seen
        assert "0010  ·· ·· ··" in seen
        assert "text hidden" not in seen


async def test_a_number_begins_a_trace_of_its_own(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        api.data["pdus"] = [make_pdu(0)]
        await press(pilot, app, "enter", "slash")
        await pilot.press(*"+33639981234", "enter")
        await wait_for(pilot, lambda: "only +33639981234" in text_of(app))
        await wait_for(pilot, lambda: api.data["watching"] == 1)
        asked = [query for _, path, query, _ in api.asked if path.endswith("/trace")]
        assert asked == [{}, {"number": "+33639981234"}]


async def test_a_number_that_is_none_is_refused_in_words_and_not_asked_again(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        path = "/admin/connectors/smsc-a/trace"
        api.refuse("GET", path, 400, "invalid_parameter", "The parameter number is a phone number.")
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: "The parameter number is a phone number." in text_of(app))
        await pilot.pause(0.1)
        assert sum(asked == path for _, asked, _, _ in api.asked) == 1


async def test_the_stream_ends_when_another_screen_is_seen_and_begins_again_on_return(
    tmp_path: Path,
) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        api.data["pdus"] = [make_pdu(0)]
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: api.data["watching"] == 1)
        await press(pilot, app, "question_mark", "escape")
        assert api.data["watching"] == 1, "a question over it leaves the stream"
        await press(pilot, app, "1")
        await wait_for(pilot, lambda: api.data["watching"] == 0)
        await pilot.press("8")
        await wait_for(pilot, lambda: api.data["watching"] == 1)
        await wait_for(pilot, lambda: "the connection to the server broke off" in text_of(app))
        await press(pilot, app, "escape")
        await wait_for(pilot, lambda: api.data["watching"] == 0)


async def test_a_trace_goes_on_when_the_server_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin_tui.screens.carriers.trace_page._FIRST_WAIT_SECONDS", 0.05)
    async with carriers(tmp_path) as (api, app, pilot):
        api.data["pdus"] = [make_pdu(0)]
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: "text hidden" in text_of(app))
        await api.stop()
        api.data["pdus"] = [make_pdu(1)]
        await pilot.pause(0.1)
        await api.start(tmp_path / "a.sock", (add_own_routes,))
        await wait_for(pilot, lambda: "submit_sm_resp 1" in text_of(app))
        shown = app.screen.query_one(TraceList).lines.shown
        assert any(line.pdu is None for line in shown), "it says where it broke off"


def test_lines_beyond_the_most_are_left_out_and_counted() -> None:
    lines = TraceLines(most=3)
    lines.take(make_pdu(number) for number in range(2))
    assert lines.show() == 0
    lines.take(make_pdu(number) for number in range(2, 8))
    assert lines.held == 6
    assert lines.show() == 3
    assert [line.pdu["sequence_number"] for line in lines.shown if line.pdu] == [3, 4, 4]
    lines.take([make_pdu(8, left_out=5)])
    lines.show()
    assert [line.left_out for line in lines.shown] == [None, 5, None]


async def test_an_alert_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (_, app, pilot):
        seen = await press(pilot, app, "exclamation_mark")
        assert "8 shows the error and the last changes of the bind." in seen
        seen = await press(pilot, app, "G")
        assert "from 09:05 to 10:05" in seen
        assert "To let one-time codes have the whole speed" in seen
        assert "Take smsc-a" not in await press(pilot, app, "escape")


async def test_people_of_a_shop_are_told_who_sees_to_what_is_not_theirs(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        api.role, api.shops, api.rights = "shop_admin", ["boutique"], ["see_status", "see_messages"]
        async with open_console(api) as (app, pilot):
            seen = await press(pilot, app, "exclamation_mark")
            assert "The operators of this server are told, and see to it." in seen
            assert "At this pace the shop will reach its cap." in await press(pilot, app, "j")


async def test_no_alert_is_said_in_words(tmp_path: Path) -> None:
    async with carriers(tmp_path) as (api, app, pilot):
        api.data["alerts"] = {"alerts": [], "recent": []}
        assert "Nothing needs a look." in await press(pilot, app, "exclamation_mark")


async def test_the_pdus_of_a_message_stand_below_its_timeline(tmp_path: Path) -> None:
    async with carriers(tmp_path, screen="messages", size=(120, 70)) as (_, app, pilot):
        await press(pilot, app, "enter")
        await wait_for(pilot, lambda: "submit_sm_resp 1  0x00 ESME_ROK" in text_of(app))
        seen = text_of(app)
        assert seen.index("Timeline") < seen.index("PDUs") < seen.index("short_message of 60 octets")
        seen = await press(pilot, app, "h")
        assert "0010  ·· ·· ··" in seen


@pytest.mark.parametrize(
    ("kept_since", "told"),
    [
        (None, "No PDUs are in memory"),
        ("2026-07-21T14:04:00.000Z", "Nothing of it passed since 14:04"),
    ],
)
async def test_a_message_without_pdus_says_why(tmp_path: Path, kept_since: str | None, told: str) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        api.data["message_trace"] = {"kept_since": kept_since, "pdus": []}
        async with open_console(api, screen="messages", size=(120, 70)) as (app, pilot):
            await press(pilot, app, "enter")
            await wait_for(pilot, lambda: told in text_of(app))

"""One screen drawn into a file, as the documents and the demo do."""

import re
from pathlib import Path

import pytest

from admin_tui.__main__ import main
from admin_tui.screenshot import draw_screen, parse_size
from tests.admin_tui.console import make_console
from tests.admin_tui.fake_api import FakeApi, running_api
from tests.admin_tui.fake_audience import add_audience_routes
from tests.admin_tui.fake_frame import add_own_routes


async def test_a_screen_is_drawn_with_its_data_after_keys(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_own_routes) as api:
        out = tmp_path / "m.svg"
        assert await draw_screen(make_console(api, screen="messages"), (80, 24), out, ["enter"]) == ""
        svg = out.read_text(encoding="utf-8")
        assert svg.startswith("<svg")
        assert "Timeline" in svg
        assert "url(" not in re.sub(r"url\(#", "", svg), "a drawing fetches nothing from elsewhere"


async def test_what_is_typed_and_what_it_sets_going_are_in_the_drawing(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_text("Téléphone;Prénom\n")
    async with running_api(tmp_path, add_own_routes, add_audience_routes) as api:
        out = tmp_path / "i.svg"
        keys = ["i", f"type:{path}", "ctrl+n"]
        assert await draw_screen(make_console(api, screen="audience"), (80, 24), out, keys) == ""
        assert "Columns" in out.read_text(encoding="utf-8")


async def test_without_a_server_it_says_why_and_draws_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin_tui.screenshot._DEADLINE_SECONDS", 0.3)
    out = tmp_path / "o.svg"
    fault = await draw_screen(make_console(FakeApi(socket_path=tmp_path / "a.sock")), (80, 24), out, [])
    assert fault.startswith("No server answers at")
    assert not out.exists()


def test_sizes_are_kept_within_what_the_console_can_draw() -> None:
    assert parse_size("80x24") == (80, 24)
    assert parse_size("1x9999") == (60, 200)
    assert parse_size("wide") == (120, 40)


def test_a_screen_that_is_none_is_refused_with_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--socket", "x", "--screenshot", "nowhere", "--out", "x.svg"]) == 1
    assert "overview" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--size", "wide"),
        ("--at", "yesterday"),
        ("--out", "/nowhere/x.svg"),
        ("--token-file", "/nowhere/token"),
    ],
)
def test_an_option_that_cannot_be_used_is_told_in_a_sentence(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--url", "http://127.0.0.1:1", "--screenshot", "overview", "--out", str(tmp_path / "x.svg")]
    with pytest.raises(SystemExit) as ended:
        main([*line, option, value])
    assert ended.value.code == 2
    assert f"argument {option}: {value}" in capsys.readouterr().err

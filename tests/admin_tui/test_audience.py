"""Lists, contacts, opt-outs and the import by keys alone, with the questions that each costs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from admin_tui.app import ConsoleApp
from admin_tui.dialogs.confirm import ConfirmCost, TypeToConfirm
from admin_tui.screens.audience.contact_page import ContactPage
from admin_tui.screens.audience.export import harmless
from admin_tui.screens.importing.panels import ImportStep
from admin_tui.screens.importing.screen import ImportScreen
from tests.admin_tui.console import open_console, text_of, wait_for
from tests.admin_tui.fake_api import FakeApi, running_api
from tests.admin_tui.fake_audience import add_audience_routes, make_import
from tests.admin_tui.fake_frame import add_own_routes

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin_tui.screens.importing.screen.POLL_SECONDS", 0.02)
    monkeypatch.setattr("admin_tui.screens.importing.sending.UPLOAD_POLL_SECONDS", 0.02)


@asynccontextmanager
async def looking(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[FakeApi, ConsoleApp, Pilot[None]]]:
    async with (
        running_api(tmp_path, add_audience_routes, add_own_routes) as api,
        open_console(api, screen="audience", **options) as (app, pilot),
    ):
        yield api, app, pilot


@asynccontextmanager
async def importing(
    tmp_path: Path, **options: Any
) -> AsyncIterator[tuple[FakeApi, ConsoleApp, Pilot[None], ImportScreen]]:
    """The import begun from the people of the first list."""
    async with looking(tmp_path, **options) as (api, app, pilot):
        await pilot.press("enter")
        await wait_for(pilot, lambda: "Ștefan" in text_of(app))
        await pilot.press("i")
        await wait_for(pilot, lambda: isinstance(app.screen, ImportScreen) and app.is_settled)
        assert isinstance(app.screen, ImportScreen)
        yield api, app, pilot, app.screen


async def send_file(tmp_path: Path, pilot: Pilot[None], screen: ImportScreen) -> None:
    """A file of this machine; stands on its columns."""
    path = tmp_path / "clients.csv"
    path.write_text("Téléphone;Prénom;Nom;Ville;Remarques\n")
    screen.query_one("#path", Input).value = str(path)
    await pilot.press("ctrl+n")
    await wait_for(pilot, lambda: screen.step is ImportStep.COLUMNS)


@SIZES
async def test_lists_contacts_and_a_person_look_as_they_should(
    tmp_path: Path, size: tuple[int, int], looks: SnapshotAssertion
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with looking(tmp_path, size=size) as (_, app, pilot):
        await wait_for(pilot, lambda: "9,310 may get marketing" in text_of(app))
        assert text_of(app) == looks(name=f"lists-{name}")
        await pilot.press("tab")
        await wait_for(pilot, lambda: "Ștefan" in text_of(app))
        assert text_of(app) == looks(name=f"contacts-{name}")
        await pilot.press("down", "down", "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, ContactPage) and app.is_settled)
        assert "“Je veux recevoir des offres par SMS”" in text_of(app)
        assert text_of(app) == looks(name=f"contact-{name}")


async def test_enter_on_a_list_shows_its_people_and_a_filter_searches_them(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("enter")
        await wait_for(pilot, lambda: "Contacts of “Clients du magasin”" in text_of(app))
        await pilot.press("slash", *"lef", "enter")
        await wait_for(pilot, lambda: "Ștefan" not in text_of(app) and "Lefèvre" in text_of(app))
        query = next(query for _, path, query, _ in reversed(api.asked) if path.endswith("/contacts"))
        assert (query["list"], query["q"]) == ("lst_1", "lef")
        await pilot.press("escape", "escape")
        await wait_for(pilot, lambda: "▐Lists▌" in text_of(app))


async def test_a_person_is_erased_by_the_typed_number_only(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("tab")
        await wait_for(pilot, lambda: "Ștefan" in text_of(app))
        await pilot.press("x")
        await wait_for(pilot, lambda: isinstance(app.screen, TypeToConfirm))
        await pilot.press(*"+33612", "enter")
        assert isinstance(app.screen, TypeToConfirm)
        await pilot.press(*"000000", "enter")
        await wait_for(pilot, lambda: bool(api.calls("DELETE", "/contacts/ctc_0")))


async def test_an_opt_out_is_lifted_after_a_question_and_one_without_a_number_stays(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("tab", "tab")
        await wait_for(pilot, lambda: "(erased)" in text_of(app))
        await pilot.press("x")
        await wait_for(pilot, lambda: isinstance(app.screen, ConfirmCost))
        await pilot.press("y")
        await wait_for(pilot, lambda: bool(api.calls("DELETE", "/opt-outs/+33612000002")))
        await wait_for(pilot, lambda: app.is_settled)
        await pilot.press("down", "x")
        await wait_for(pilot, lambda: "The number is erased" in text_of(app))


async def test_permission_without_its_words_is_not_sent(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("tab")
        await wait_for(pilot, lambda: "Ștefan" in text_of(app))
        await pilot.press("n")
        await wait_for(pilot, lambda: bool(app.screen.query("#field-source")))
        app.screen.query_one("#field-number", Input).value = "+33 6 12 34 56 78"
        app.screen.query_one("#field-source", Input).value = "at the till"
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "Write the words too" in text_of(app))
        assert api.calls("POST", "/contacts") == []
        app.screen.query_one("#field-wording", Input).value = "Offers please"
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/contacts")))
        body = api.calls("POST", "/contacts")[0]
        assert body["number"] == "+33612345678"
        assert body["consent"] == {"state": "opted_in", "source": "at the till", "wording": "Offers please"}


async def test_a_list_is_exported_whole_and_never_over_a_file(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    async with looking(tmp_path) as (_, app, pilot):
        await pilot.press("o")
        await wait_for(pilot, lambda: bool(app.screen.query("#path")))
        app.screen.query_one("#path", Input).value = str(target)
        await pilot.press("enter")
        await wait_for(pilot, lambda: "450 contacts in" in text_of(app))
        lines = target.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 451
        assert lines[1] == "+33612000000,Amélie,Lefèvre,FR,fr,vip,opted_in"
        await pilot.press("o")
        await wait_for(pilot, lambda: bool(app.screen.query("#path")))
        app.screen.query_one("#path", Input).value = str(target)
        await pilot.press("enter")
        await wait_for(pilot, lambda: "exists already" in text_of(app))


def test_an_export_holds_no_formula() -> None:
    assert [harmless(value) for value in ("=1+1", "@SUM", "-2", "+33612", "+cmd")] == [
        "'=1+1",
        "'@SUM",
        "'-2",
        "+33612",
        "'+cmd",
    ]


@SIZES
async def test_an_import_goes_from_the_file_to_its_result(
    tmp_path: Path, size: tuple[int, int], looks: SnapshotAssertion
) -> None:
    name = f"{size[0]}x{size[1]}"
    async with importing(tmp_path, size=size) as (api, app, pilot, screen):
        assert text_of(app) == looks(name=f"import-source-{name}")
        await send_file(tmp_path, pilot, screen)
        assert text_of(app) == looks(name=f"import-columns-{name}")
        await pilot.press("ctrl+n", "tab", "down", "enter")
        await pilot.pause()
        await pilot.press(*"till", "tab", *"SMS offers")
        assert text_of(app) == looks(name=f"import-consent-{name}")
        await pilot.press("ctrl+n")
        await wait_for(pilot, lambda: "This is what the import would do" in text_of(app))
        assert text_of(app) == looks(name=f"import-check-{name}")
        await pilot.press("ctrl+n")
        await wait_for(
            pilot, lambda: screen.step is ImportStep.RESULT and "12,480 new people" in text_of(app)
        )
        await wait_for(pilot, lambda: "6.12345678E+08" in text_of(app))
        assert text_of(app) == looks(name=f"import-result-{name}")
        settings = api.calls("POST", "/start")[0]
        assert settings == api.calls("POST", "/check")[0]
        assert (settings["list"], settings["new_list"], settings["default_country"]) == ("lst_1", None, "FR")
        assert settings["consent"] == {
            "state": "opted_in",
            "source": "till",
            "wording": "SMS offers",
            "said_at": None,
        }
        await pilot.press("o")
        await wait_for(pilot, lambda: bool(app.screen.query("#field-path")))
        app.screen.query_one("#field-path", Input).value = str(tmp_path / "faults.csv")
        await pilot.press("enter")
        await wait_for(pilot, lambda: (tmp_path / "faults.csv").exists())


async def test_a_column_gets_another_meaning_and_the_number_is_asked_for(tmp_path: Path) -> None:
    async with importing(tmp_path) as (_, app, pilot, screen):
        await send_file(tmp_path, pilot, screen)
        await pilot.press("enter", *"leave", "enter")
        await wait_for(pilot, lambda: app.screen is screen)
        assert screen.settings.columns[0] == "ignore"
        await pilot.press("ctrl+n")
        assert "Say which column holds the number." in text_of(app)
        await pilot.press("down", "enter", *"numb", "enter")
        await wait_for(pilot, lambda: app.screen is screen)
        assert screen.settings.columns[:2] == ("ignore", "number")


async def test_people_without_a_permission_are_told_to_get_no_marketing(tmp_path: Path) -> None:
    async with importing(tmp_path) as (_, app, pilot, screen):
        await send_file(tmp_path, pilot, screen)
        await pilot.press("ctrl+n", "ctrl+n")
        await wait_for(pilot, lambda: "they get no marketing" in text_of(app))


async def test_pasted_rows_are_sent_as_a_file(tmp_path: Path) -> None:
    async with importing(tmp_path) as (api, _, pilot, screen):
        await pilot.press("tab", "down", "enter")
        await pilot.press("ctrl+n")
        screen.query_one("#pasted", TextArea).insert("number\tname\n+33612000001\tمريم 🌸\n" * 3_000)
        await pilot.press("ctrl+n")
        await wait_for(pilot, lambda: screen.step is ImportStep.COLUMNS)
        assert api.data["uploaded"][0]["file_name"] == "pasted.csv"


async def test_a_file_from_the_upload_page_is_taken_when_it_arrives(tmp_path: Path) -> None:
    async with importing(tmp_path) as (api, app, pilot, screen):
        await pilot.press("tab", "down", "down", "enter")
        await wait_for(pilot, lambda: "https://l.example.com/upload/Zk3mQ9xW2bT7" in text_of(app))
        assert "█▀▀▀▀▀█" in text_of(app)
        await pilot.press("y")
        assert app.clipboard == "https://l.example.com/upload/Zk3mQ9xW2bT7"
        api.data["uploaded"].insert(0, make_import(id="imp_9", file_name="laptop.xlsx"))
        await wait_for(pilot, lambda: screen.step is ImportStep.COLUMNS)
        assert "laptop.xlsx" in text_of(app)


async def test_a_broken_file_and_a_refusal_are_said_where_they_happen(tmp_path: Path) -> None:
    async with importing(tmp_path) as (api, app, pilot, screen):
        await pilot.press("ctrl+n")
        assert "Type the path of a file." in text_of(app)
        api.data["uploaded_as"] = make_import(
            state="failed", fault="the file is empty; export the list again."
        )
        path = tmp_path / "empty.csv"
        path.write_text("")
        screen.query_one("#path", Input).value = str(path)
        await pilot.press("ctrl+n")
        await wait_for(pilot, lambda: "the file is empty" in text_of(app))
        assert screen.step is ImportStep.SOURCE


async def test_an_import_at_work_is_stopped_after_a_question(tmp_path: Path) -> None:
    async with importing(tmp_path) as (api, app, pilot, screen):
        api.data["import_run"] = [make_import(state="running")]
        await send_file(tmp_path, pilot, screen)
        await pilot.press("ctrl+n", "ctrl+n")
        await wait_for(pilot, lambda: "This is what the import would do" in text_of(app))
        await pilot.press("ctrl+n")
        await wait_for(pilot, lambda: screen.step is ImportStep.RUN)
        await pilot.press("x")
        await wait_for(pilot, lambda: isinstance(app.screen, ConfirmCost))
        await pilot.press("y")
        await wait_for(pilot, lambda: "The import was stopped." in text_of(app))

"""Writing a campaign by keys alone: from the name to the start, and no lost text whatever goes away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from admin_tui.app import ConsoleApp
from admin_tui.screens.campaign_page.page import CampaignPage
from admin_tui.screens.writer.message_panel import MessageArea
from admin_tui.screens.writer.saving import SaveStatus
from admin_tui.screens.writer.screen import WriterScreen
from tests.admin_tui.console import open_console, text_of, wait_for
from tests.admin_tui.fake_api import SHOP, FakeApi, running_api
from tests.admin_tui.fake_audience import add_audience_routes
from tests.admin_tui.fake_campaigns import BASE, RECIPIENTS, add_campaign_routes, make_estimate


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("admin_tui.screens.writer.screen.PREVIEW_AFTER_SECONDS", 0.02)
    monkeypatch.setattr("admin_tui.screens.writer.screen.SAVE_AFTER_SECONDS", 0.05)
    monkeypatch.setattr("admin_tui.screens.writer.screen.COUNT_AFTER_SECONDS", 0.02)


@asynccontextmanager
async def writing(
    tmp_path: Path, *, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[tuple[FakeApi, ConsoleApp, Pilot[None], WriterScreen]]:
    """The writer of a new campaign."""
    async with (
        running_api(tmp_path, add_campaign_routes, add_audience_routes) as api,
        open_console(api, size=size, screen="campaigns", **options) as (app, pilot),
    ):
        await pilot.press("n")
        await wait_for(pilot, lambda: isinstance(app.screen, WriterScreen) and app.is_settled)
        assert isinstance(app.screen, WriterScreen)
        yield api, app, pilot, app.screen


async def fill(pilot: Pilot[None], writer: WriterScreen, text: str = "Boutique: -30 %") -> None:
    """Name, one list and a text; stands on the message."""
    await pilot.press(*"Soldes", "ctrl+n", "space", "ctrl+n")
    await paste(pilot, writer, text)
    await saved(pilot, writer)


async def paste(pilot: Pilot[None], writer: WriterScreen, text: str) -> None:
    writer.query_one(MessageArea).insert(text)
    await pilot.pause()


def has_answers(app: ConsoleApp) -> bool:
    """Nothing that was asked of the server is still out."""
    return all(worker.is_finished or worker.group == "feed" for worker in app.workers)


async def saved(pilot: Pilot[None], writer: WriterScreen) -> None:
    await wait_for(
        pilot, lambda: writer._saver.status is SaveStatus.SAVED and writer.draft == writer._saver._saved
    )


async def test_a_campaign_is_written_tried_and_started_by_the_keys_on_screen(tmp_path: Path) -> None:
    async with writing(tmp_path) as (api, app, pilot, writer):
        await fill(pilot, writer)
        await pilot.press("ctrl+n", "ctrl+n", "ctrl+n")
        await wait_for(pilot, lambda: "12,480 get the message" in text_of(app))
        await pilot.press("ctrl+n", *"+33612345678", "enter")
        await wait_for(pilot, lambda: "Sent to +33612345678" in text_of(app))
        await pilot.press("ctrl+n")
        await wait_for(pilot, lambda: "Type the number of recipients, 12,480" in text_of(app))
        await pilot.press(*"12481", "enter")
        assert "That is not 12,480." in text_of(app)
        assert api.calls("POST", "/start") == []
        await pilot.press("backspace", "0", "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, CampaignPage) and app.is_settled)
        assert api.calls("POST", "/start") == [{"recipients": RECIPIENTS, "version": writer.draft.version}]
        assert "You may close this console" in text_of(app)
        kept = api.data["campaigns"][0]
        assert (kept["name"], kept["text"], kept["audience"]["lists"]) == (
            "Soldes",
            "Boutique: -30 %",
            ["lst_1"],
        )


async def test_an_audience_that_changed_is_asked_for_again(tmp_path: Path) -> None:
    async with writing(tmp_path) as (api, app, pilot, writer):
        await fill(pilot, writer)
        writer.go_to(writer.step.START)
        await wait_for(pilot, lambda: "12,480, then ↵ to start" in text_of(app))
        api.data["estimate"] = make_estimate(recipients=9_000)
        api.refuse(
            "POST", f"{BASE}/campaigns/{writer.draft.id}/start", 409, "recipients_changed", "It is 9000 now."
        )
        await pilot.press(*"12480", "enter")
        await wait_for(pilot, lambda: "it is 9,000 now" in text_of(app))
        assert "Type the number of recipients, 9,000" in text_of(app)


async def test_fields_are_completed_and_a_costly_character_is_replaced_by_one_key(tmp_path: Path) -> None:
    async with writing(tmp_path) as (_, app, pilot, writer):
        await fill(pilot, writer, "L’offre: {{ fir")
        await wait_for(pilot, lambda: "Tab → first_name" in text_of(app))
        await pilot.press("tab")
        assert writer.draft.text == "L’offre: {{ first_name | default('friend') }}"
        await wait_for(pilot, lambda: "70-character alphabet" in text_of(app))
        assert "with ^R" in text_of(app)
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert writer.draft.text.startswith("L'offre")
        await wait_for(pilot, lambda: "160-character alphabet" in text_of(app))


async def test_a_link_is_put_in_by_a_key(tmp_path: Path) -> None:
    async with writing(tmp_path) as (_, app, pilot, writer):
        await fill(pilot, writer, "Tout ici: ")
        await pilot.press("ctrl+l", *"boutique.example", "enter")
        await wait_for(pilot, lambda: app.screen is writer)
        assert writer.draft.text == "Tout ici: {{ link }}"
        assert [link.url for link in writer.draft.links] == ["https://boutique.example"]


async def test_the_preview_shows_the_text_as_the_chosen_contact_reads_it(tmp_path: Path) -> None:
    async with writing(tmp_path) as (api, app, pilot, writer):
        await fill(pilot, writer)
        await pilot.press("ctrl+o")
        await wait_for(pilot, lambda: "Ștefan" in text_of(app))
        await pilot.press("down", "enter")
        await wait_for(pilot, lambda: "as Ștefan Țepeș" in text_of(app))
        assert api.calls("POST", "/text-preview")[-1]["contact"] == "ctc_1"


async def test_leaving_half_way_keeps_the_draft_on_the_server(tmp_path: Path) -> None:
    async with writing(tmp_path) as (api, app, pilot, writer):
        await pilot.press(*"Rentrée", "escape")
        await wait_for(pilot, lambda: app.screen is not writer)
        assert api.data["campaigns"][0]["name"] == "Rentrée"
        assert not list((tmp_path / "state").rglob("*.json"))


async def test_no_text_is_lost_with_the_server_and_the_console(tmp_path: Path) -> None:
    text = "Ça reste 🌞 مرحبا " * 10
    async with writing(tmp_path) as (api, app, pilot, writer):
        await fill(pilot, writer, "")
        await api.stop()
        await paste(pilot, writer, text)
        await wait_for(pilot, lambda: writer._saver.status is SaveStatus.LOCAL)
        campaign = writer.draft
    async with running_api(tmp_path, add_campaign_routes, add_audience_routes) as api:
        api.data["campaigns"].insert(
            0, {**api.data["campaigns"][0], "id": campaign.id, "version": campaign.version, "name": "Soldes"}
        )
        async with open_console(api, screen="campaigns") as (app, pilot):
            await pilot.press("enter")
            await wait_for(pilot, lambda: isinstance(app.screen, WriterScreen) and app.is_settled)
            assert isinstance(app.screen, WriterScreen)
            assert app.screen.draft.text == text
            await saved(pilot, app.screen)
            assert api.data["campaigns"][0]["text"] == text


async def test_a_server_that_comes_back_gets_what_was_written_meanwhile(tmp_path: Path) -> None:
    async with writing(tmp_path) as (api, _, pilot, writer):
        await fill(pilot, writer)
        api.refuse("PATCH", f"{BASE}/campaigns/{writer.draft.id}", 503, "store_unavailable", "Away.")
        await paste(pilot, writer, " encore")
        await wait_for(pilot, lambda: writer._saver.status is SaveStatus.LOCAL)
        api.forced.clear()
        writer._save_if_unsaved()
        await saved(pilot, writer)
        assert api.data["campaigns"][0]["text"].endswith("encore")


async def test_a_campaign_that_somebody_else_changed_goes_on_as_a_new_draft(tmp_path: Path) -> None:
    async with writing(tmp_path) as (api, app, pilot, writer):
        await fill(pilot, writer)
        first = writer.draft.id
        api.data["campaigns"][0]["version"] = 9
        await paste(pilot, writer, " à moi")
        await wait_for(pilot, lambda: writer.draft.id != first)
        assert api.data["campaigns"][0]["text"] == "Boutique: -30 % à moi"
        assert "Somebody else changed" in text_of(app)


async def test_ten_thousand_pasted_characters_break_nothing(tmp_path: Path) -> None:
    async with writing(tmp_path, size=(60, 15)) as (api, app, pilot, writer):
        await fill(pilot, writer, ("é😀مر\t" * 3_000)[:12_000])
        assert len(writer.draft.text) == 10_000
        await pilot.resize_terminal(80, 24)
        await pilot.press("ctrl+n", "ctrl+g")
        api.refuse("POST", f"{BASE}/text-preview", 422, "text_too_long", "The text is too long.")
        await paste(pilot, writer, "x")
        assert writer.draft.text
        assert text_of(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_each_step_looks_as_it_should(
    tmp_path: Path, size: tuple[int, int], looks: SnapshotAssertion
) -> None:
    async with writing(tmp_path, size=size) as (_, app, pilot, writer):
        await fill(pilot, writer, "Boutique: l’offre du jour {{ link }} 😀")
        for step in type(writer.step):
            writer.go_to(step)
            await saved(pilot, writer)
            await wait_for(pilot, lambda: has_answers(app))
            name = f"writer-{step.value}-{size[0]}x{size[1]}"
            assert text_of(app) == looks(name=name)


async def test_a_person_who_may_only_look_cannot_write(tmp_path: Path) -> None:
    async with (
        running_api(tmp_path, add_campaign_routes, add_audience_routes) as api,
        open_console(api, screen="campaigns", is_read_only=True) as (app, pilot),
    ):
        await pilot.press("n", "p", "x", "t")
        assert not isinstance(app.screen, WriterScreen)
        assert "new campaign" not in text_of(app)
        assert SHOP in text_of(app)

"""The table of campaigns and the page of one: what each key does, and what each question says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from admin_tui.app import ConsoleApp
from admin_tui.dialogs.confirm import ConfirmCost, TypeToConfirm
from admin_tui.screens.campaign_page.page import CampaignPage
from admin_tui.screens.campaign_page.rows_page import RowsPage
from admin_tui.screens.campaign_progress import done_share, unsent
from admin_tui.screens.messages import MessagesScreen
from tests.admin_tui.console import open_console, text_of, wait_for
from tests.admin_tui.fake_api import FakeApi, running_api
from tests.admin_tui.fake_audience import add_audience_routes
from tests.admin_tui.fake_campaigns import BASE, add_campaign_routes, make_progress
from tests.admin_tui.fake_frame import add_own_routes

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


@asynccontextmanager
async def looking(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[FakeApi, ConsoleApp, Pilot[None]]]:
    async with (
        running_api(tmp_path, add_campaign_routes, add_audience_routes, add_own_routes) as api,
        open_console(api, screen="campaigns", **options) as (app, pilot),
    ):
        yield api, app, pilot


async def open_running(app: ConsoleApp, pilot: Pilot[None]) -> None:
    """The page of the campaign that runs."""
    await pilot.press("down", "down", "enter")
    await wait_for(pilot, lambda: isinstance(app.screen, CampaignPage) and app.is_settled)


@SIZES
async def test_campaigns_and_the_page_of_one_look_as_they_should(
    tmp_path: Path, size: tuple[int, int], looks: SnapshotAssertion
) -> None:
    async with looking(tmp_path, size=size) as (_, app, pilot):
        assert text_of(app) == looks(name=f"campaigns-{size[0]}x{size[1]}")
        await open_running(app, pilot)
        assert text_of(app) == looks(name=f"campaign-{size[0]}x{size[1]}")
        await pilot.press("tab")
        await pilot.pause()
        assert text_of(app) == looks(name=f"campaign-charts-{size[0]}x{size[1]}")


async def test_without_campaigns_the_screen_says_which_key_writes_one(tmp_path: Path) -> None:
    async with running_api(tmp_path, add_campaign_routes, add_audience_routes) as api:
        api.data["campaigns"].clear()
        async with open_console(api, screen="campaigns") as (app, _):
            assert "No campaigns. n writes one; it takes a list first (4, i)." in text_of(app)


async def test_pausing_is_done_at_once_and_taken_back_by_z(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("down", "down", "p")
        await wait_for(pilot, lambda: "‖ paused       █████" in text_of(app))
        await pilot.press("z")
        await wait_for(pilot, lambda: bool(api.calls("POST", "/cmp_4/resume")))
        await pilot.press("home", "p")
        await wait_for(pilot, lambda: "Only a running or paused campaign" in text_of(app))


async def test_cancelling_says_how_many_get_nothing_and_waits_for_a_yes(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("down", "down", "x")
        await wait_for(pilot, lambda: isinstance(app.screen, ConfirmCost))
        assert "17,590 people who have not had it yet get nothing" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert api.calls("POST", "/cancel") == []
        await pilot.press("x")
        await wait_for(pilot, lambda: isinstance(app.screen, ConfirmCost))
        await pilot.press("y")
        await wait_for(pilot, lambda: api.calls("POST", "/cmp_4/cancel") == [{"confirm": 17_590}])


async def test_a_draft_is_deleted_by_its_typed_name(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await pilot.press("x")
        await wait_for(pilot, lambda: isinstance(app.screen, TypeToConfirm))
        await pilot.press(*"Rentree", "enter")
        assert len(api.data["campaigns"]) == 6
        app.screen.query_one("#typed").value = "Rentrée des classes"  # type: ignore[attr-defined] # an Input
        await pilot.press("enter")
        await wait_for(pilot, lambda: len(api.data["campaigns"]) == 5)


async def test_a_number_opens_the_rows_behind_it(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await open_running(app, pilot)
        await pilot.press("down", "down", "down", "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, RowsPage) and app.is_settled)
        assert ("exclusion", "opted_out") in [
            pair
            for verb, path, query, _ in api.asked
            if path.endswith("/recipients")
            for pair in query.items()
        ]
        assert "Left out of" in text_of(app)
        await pilot.press("escape")
        await wait_for(pilot, lambda: isinstance(app.screen, CampaignPage))
        await pilot.press(*["down"] * 7, "enter")
        await wait_for(pilot, lambda: isinstance(app.screen, MessagesScreen) and app.is_settled)
        query = next(query for _, path, query, _ in reversed(api.asked) if path == f"{BASE}/messages")
        assert (query["campaign_id"], query["state"]) == ("cmp_4", "delivered")


async def test_the_speed_of_a_running_campaign_is_changed_on_its_page(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await open_running(app, pilot)
        await pilot.press("v", *"50", "enter")
        await wait_for(
            pilot, lambda: api.calls("PATCH", "/cmp_4") == [{"version": 1, "parts_per_second": 50.0}]
        )


async def test_a_failed_report_keeps_what_is_shown(tmp_path: Path) -> None:
    async with looking(tmp_path) as (api, app, pilot):
        await open_running(app, pilot)
        await api.stop()
        app.screen.reload()  # type: ignore[attr-defined] # a ConsoleScreen
        await wait_for(pilot, lambda: app.screen.has_class("stale"))
        assert "28,467" in text_of(app)


@pytest.mark.parametrize("language", ["fr", "it", "ro"])
async def test_the_page_speaks_every_language(tmp_path: Path, language: str) -> None:
    async with looking(tmp_path, language=language) as (_, app, pilot):
        await open_running(app, pilot)
        assert "report." not in text_of(app)
        assert {"fr": "désinscrits", "it": "disiscritti", "ro": "dezabonați"}[language] in text_of(app)


def test_progress_counts_who_will_get_nothing_more() -> None:
    campaign = {"state": "running", "progress": {**make_progress(1_000, 400), "waiting": 100}}
    assert unsent(campaign) == 700
    assert done_share(campaign) == pytest.approx(0.3)
    assert done_share(
        {**campaign, "progress": {**campaign["progress"], "frozen_slots": 128}}
    ) == pytest.approx(0.15)
    assert done_share({"state": "draft"}) == 0.0
    assert done_share({"state": "finished"}) == 1.0

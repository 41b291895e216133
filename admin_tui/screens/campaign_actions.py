"""What a person may do to a campaign wherever one is shown: pause, resume, cancel, test, duplicate, delete.

Each asks as much as it costs, calls the API once and says what happened. Knows no table and no page.
"""

from collections.abc import Mapping
from typing import Final

from admin_tui.cells import clean
from admin_tui.client import Failure, Json
from admin_tui.dialogs.confirm import ConfirmCost, OfferUndo, TypeToConfirm
from admin_tui.dialogs.form import Field, Form
from admin_tui.screens.base import ConsoleScreen
from admin_tui.screens.campaign_progress import ENDED, UNDER_WAY, unsent
from admin_tui.screens.writer.recipients import parse_numbers

MOST_TEST_NUMBERS: Final = 5


class CampaignActions:
    """Actions for `screen`, which is loaded again after each. Run them in workers: they wait for answers."""

    def __init__(self, screen: ConsoleScreen) -> None:
        self._screen = screen
        self._desk = screen.desk

    async def toggle_pause(self, campaign: Json | None) -> None:
        """Pause what runs, resume what is paused; `z` takes it back."""
        if campaign is None or campaign["state"] not in UNDER_WAY:
            self._screen.tell("campaigns.cannot.pause")
            return
        action = "pause" if campaign["state"] == "running" else "resume"
        if not await self._act(campaign, action):
            return
        undoing = "resume" if action == "pause" else "pause"

        async def undo() -> None:
            await self._act(campaign, undoing)

        did = "campaigns.did.paused" if action == "pause" else "campaigns.did.resumed"
        self._screen.post_message(OfferUndo(self._desk.say(did, name=self._name(campaign)), undo))

    async def cancel(self, campaign: Json | None) -> None:
        """Ask with how many people get nothing, then end the campaign."""
        if campaign is None or campaign["state"] in ENDED:
            self._screen.tell("campaigns.cannot.cancel")
            return
        if campaign["state"] == "draft":
            await self.delete(campaign)
            return
        left = unsent(campaign)
        body = (
            "campaigns.ask.cancel_running"
            if campaign["state"] in UNDER_WAY
            else "campaigns.ask.cancel_planned"
        )
        question = self._desk.say("campaigns.ask.cancel", name=self._name(campaign))
        if not await self._screen.app.push_screen_wait(
            ConfirmCost(self._desk, question, self._desk.say(body, count=left))
        ):
            return
        if await self._act(campaign, "cancel", {"confirm": left}):
            self._screen.tell("campaigns.did.cancelled", name=self._name(campaign))

    async def test(self, campaign: Json | None) -> None:
        """Ask for up to five own numbers and send them the text."""
        if campaign is None or not campaign.get("text"):
            self._screen.tell("campaigns.cannot.test")
            return
        path = self._path(campaign, "/test")

        async def send(values: Mapping[str, str]) -> Json | Failure:
            numbers = parse_numbers(values["to"])
            return await self._desk.client.post(path, {"to": numbers, "contact": None})

        fields = [Field("to", "writer.test.to", "writer.test.hint")]
        answer = await self._screen.app.push_screen_wait(
            Form(self._desk, "campaigns.keys.test", fields, send)
        )
        if answer is not None:
            self._screen.tell("campaigns.did.tested", count=len(answer.get("messages", ())))

    async def duplicate(self, campaign: Json | None) -> Json | None:
        """A new draft like this campaign; returns it."""
        if campaign is None:
            return None
        answer = await self._desk.client.post(self._path(campaign, "/duplicate"))
        if isinstance(answer, Failure):
            self._screen.tell_failure(answer)
            return None
        self._screen.tell("campaigns.did.duplicated", name=clean(answer.get("name", "")))
        self._screen.reload()
        return answer

    async def delete(self, campaign: Json | None) -> bool:
        """Delete a draft, by its typed name where it has one. True when it is gone."""
        if campaign is None or campaign["state"] != "draft":
            self._screen.tell("campaigns.cannot.delete")
            return False
        name = clean(campaign["name"]).strip()
        question = self._desk.say("campaigns.ask.delete", name=self._name(campaign))
        body = self._desk.say("campaigns.ask.delete_body")
        asked: ConfirmCost | TypeToConfirm = (
            TypeToConfirm(self._desk, question, body, name)
            if name
            else ConfirmCost(self._desk, question, body)
        )
        if not await self._screen.app.push_screen_wait(asked):
            return False
        answer = await self._desk.client.delete(self._path(campaign, ""))
        if isinstance(answer, Failure):
            self._screen.tell_failure(answer)
            return False
        self._screen.tell("campaigns.did.deleted", name=self._name(campaign))
        self._screen.reload()
        return True

    async def _act(self, campaign: Json, action: str, body: Json | None = None) -> bool:
        answer = await self._desk.client.post(self._path(campaign, f"/{action}"), body)
        if isinstance(answer, Failure):
            self._screen.tell_failure(answer)
        self._screen.reload()
        return not isinstance(answer, Failure)

    def _path(self, campaign: Json, tail: str) -> str:
        return self._desk.shop_path(f"/campaigns/{campaign['id']}{tail}")

    def _name(self, campaign: Json) -> str:
        return clean(campaign["name"]) or self._desk.say("campaigns.untitled")

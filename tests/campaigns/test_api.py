"""What the endpoints of campaigns refuse, and what they answer, without anything being sent."""

from typing import Any

import pytest

from tests.campaigns.acting import act, add_people, draft, gateway_and_carrier, show, submits
from tests.web.harness import soon

pytestmark = pytest.mark.integration


async def test_campaigns_are_written_changed_tried_and_refused(database: str) -> None:
    """One gateway for all: starting one takes longer than any of these looks."""
    async with gateway_and_carrier(database) as (running, carrier):
        call = running.shop.call
        list_id = await add_people(running, 10)

        async def refused(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
            status, problem = await call(method, path, body, **headers)
            return status, problem["code"], problem.get("path", "")

        # Saved at all.
        assert await refused("POST", "/v1/campaigns", {"name": "x", "category": "otp"}) == (
            422, "invalid_field", "$.category",
        )  # fmt: skip
        bad_list = {"name": "x", "audience": {"lists": ["lst_00000000001"]}}
        assert await refused("POST", "/v1/campaigns", bad_list) == (404, "not_found", "$.audience.lists[0]")
        bad_name = {"name": "x", "links": [{"name": "stop_link", "url": "https://example.com"}]}
        assert await refused("POST", "/v1/campaigns", bad_name) == (422, "invalid_field", "$.links[0].name")
        # A lost update.
        campaign = await draft(running, list_id)
        path = f"/v1/campaigns/{campaign['id']}"
        status, changed = await call(
            "PATCH", path, {"version": 1, "name": "Autre", "text": "Allo {{ oops }}"}
        )
        assert (status, changed["version"], changed["name"]) == (200, 2, "Autre")
        assert await refused("PATCH", path, {"version": 1, "name": "Lost"}) == (
            409, "version_conflict", "$.version",
        )  # fmt: skip
        # Refused at the estimate and at the start alike.
        assert await refused("POST", f"{path}/estimate") == (422, "invalid_text", "$.text")
        assert await refused("POST", f"{path}/start", {"recipients": 10, "version": 2}) == (
            422, "invalid_text", "$.text",
        )  # fmt: skip
        await call("PATCH", path, {"version": 2, "text": "Allo {{ first_name }}"})
        assert await refused("POST", f"{path}/start", {"recipients": 9, "version": 3}) == (
            409, "recipients_changed", "$.recipients",
        )  # fmt: skip
        assert await refused("POST", f"{path}/start", {"recipients": 10, "version": 2}) == (
            409, "version_conflict", "$.version",
        )  # fmt: skip
        assert await refused("POST", f"{path}/pause") == (409, "campaign_state", "")
        # Tried out: a transactional message that belongs to no campaign.
        status, tried = await call("POST", f"{path}/test", {"to": ["+33612000001"]})
        assert (status, tried["messages"][0]["category"]) == (202, "transactional")
        sent = await running.shop.until(tried["messages"][0]["id"], "delivered")
        assert sent["text"].startswith("Allo Marie")
        assert (sent["campaign_id"], sent["metadata"]) == (None, {"campaign_test": campaign["id"]})
        # Planned for later, taken back, copied, deleted.
        await call("PATCH", path, {"version": 3, "start_at": "2099-01-01T00:00:00Z"})
        assert await refused("POST", f"{path}/start", {"recipients": 10, "version": 4}) == (
            422, "invalid_field", "$.start_at",
        )  # fmt: skip
        await call("PATCH", path, {"version": 4, "start_at": soon(days=1)})
        started = await act(running, campaign, "start", recipients=10, version=5)
        assert started["state"] == "planned"
        assert await refused("DELETE", path) == (409, "campaign_not_draft", "")
        assert await refused("PATCH", path, {"version": 6, "text": "x"}) == (409, "campaign_not_draft", "")
        status, renamed = await call("PATCH", path, {"version": 6, "name": "Demain"})
        assert (status, renamed["state"]) == (200, "planned")
        assert (await act(running, campaign, "unplan"))["state"] == "draft"
        status, copy = await call("POST", f"{path}/duplicate")
        assert (status, copy["name"], copy["start_at"]) == (201, "Demain 2", None)
        assert (await call("DELETE", f"/v1/campaigns/{copy['id']}"))[0] == 204
        status, listed = await call("GET", "/v1/campaigns?state=draft&limit=1")
        assert [each["id"] for each in listed["campaigns"]] == [campaign["id"]]
        assert (await show(running, campaign))["progress"]["people"] == 0
        # Nobody else's, and nobody without the scope.
        assert await refused("GET", "/v1/campaigns/cmp_00000000001") == (404, "not_found", "")
        assert len(submits(carrier)) == 1


async def test_a_test_key_reaches_no_campaign(database: str) -> None:
    async with gateway_and_carrier(database) as (running, _):
        status, problem = await running.shop.call("GET", "/v1/campaigns", key=running.shop.test)
        assert (status, problem["code"]) == (403, "live_key_needed")

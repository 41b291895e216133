"""The pretend API's connectors as they are changed, its alerts, and the PDUs that pass."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.admin_tui.fake_api import FakeApi, Json, answer, moment


def make_bind(number: int, state: str, **changes: Any) -> Json:
    return {
        "bind": number,
        "mode": "transceiver",
        "state": state,
        "since": moment(26),
        "endpoint": "198.51.100.7:2775",
        "last_error": None,
        "failure": None,
        "failures": 0,
        "next_retry_at": None,
        "remarks": [],
        "window": 50,
        "in_flight": 38,
        "submitted": 1_284_930,
        "bad_pdus": 0,
        "late_answers": 0,
        "stray_responses": 0,
        "history": [make_change(26, "bound"), make_change(26.01, "connecting")],
        **changes,
    }


def make_change(hours_ago: float, state: str, **changes: Any) -> Json:
    """One line of a bind's history."""
    change = {"at": moment(hours_ago), "state": state, "endpoint": "198.51.100.7:2775", "error": None}
    return {**change, "failure": None, "next_retry_at": None, **changes}


def make_limit(cause: str | None = None, **changes: Any) -> Json:
    return {"cause": cause, "command_status": None, "parts_per_second": 200.0, "of": 200.0, **changes}


def make_override(key: str, value: float | None, **changes: Any) -> Json:
    made = {"key": key, "value": value, "author": "uid 1000", "reason": "throttled", "made_at": moment(0.5)}
    return {**made, "expires_at": moment(-1.5), **changes}


def make_connector(name: str, binds: list[Json], speed: float, **changes: Any) -> Json:
    return {
        "name": name,
        "is_up": True,
        "parts_per_second": speed,
        "parts_per_second_limit": 200.0,
        "claimed": 120,
        "intended": 14,
        "in_flight": 38,
        "submitted_parts": 1_284_930,
        "limited_by": "",
        "limit": make_limit(),
        "configured": {"parts_per_second": 200.0, "window": 50},
        "overrides": [],
        "binds": binds,
        **changes,
    }


def make_connectors() -> list[Json]:
    """One at its own speed, one slowed by its carrier and by a person, with a bind that tries again."""
    why = "bind refused with 0x0000000e: the password is wrong"
    retrying = make_bind(
        2,
        "backing_off",
        since=moment(0.2),
        last_error=why,
        failure="credentials",
        failures=7,
        next_retry_at=moment(-12 / 3600),
        in_flight=0,
        history=[
            make_change(0.2, "backing_off", error=why),
            make_change(0.21, "connecting"),
            make_change(0.3, "backing_off", error="no connection to 198.51.100.7:2775: no answer in time"),
            make_change(26, "bound"),
        ],
    )
    slowed = {
        "parts_per_second_limit": 40.0,
        "limited_by": "limited by carrier: 0x58, 12/s of 40/s (ESME_RTHROTTLED)",
        "limit": make_limit("carrier", command_status="0x58", parts_per_second=12.5, of=40.0),
        "overrides": [make_override("parts_per_second", 40.0)],
    }
    own = {"limited_by": "at its parts_per_second, 200", "limit": make_limit("speed")}
    return [
        make_connector("smsc-a", [make_bind(1, "bound"), make_bind(2, "bound", in_flight=36)], 198.0, **own),
        make_connector("smsc-b", [make_bind(1, "bound", in_flight=4), retrying], 12.5, **slowed),
    ]


def make_pdu(number: int, **changes: Any) -> Json:
    """The `number`th PDU: submits and their answers in turn."""
    is_sent = number % 2 == 0
    pdu: Json = {
        "at": moment(0.5 - number / 36_000),
        "connector": "smsc-a",
        "bind": 1,
        "mode": "transceiver",
        "session": 1,
        "direction": "sent" if is_sent else "received",
        "command": "submit_sm" if is_sent else "submit_sm_resp",
        "sequence_number": number // 2 + 1,
        "status": None if is_sent else "0x00 ESME_ROK",
        "summary": "BOUTIQUE → 33639981234" if is_sent else f'message_id "8f{number}"',
        "words": ['destination_addr "33639981234"', "short_message of 60 octets: text hidden"]
        if is_sent
        else [f'message_id "8f{number}"'],
        "hex": "00 00 00 2f 00 00 00 04 00 00 00 00 00 00 00 02 ·· ·· ··",
        "left_out": 0,
    }
    return {**pdu, **changes}


def make_alerts() -> Json:
    def alert(kind: str, subject: str, sentence: str, **changes: Any) -> Json:
        told = {"kind": kind, "subject": subject, "shop": None, "sentence": sentence}
        times = {"raised_at": moment(0.2), "told_at": moment(0.2), "cleared_at": None, "times_told": 1}
        return {**told, **times, **changes}

    return {
        "alerts": [
            alert("bind_down", "smsc-b bind 2", "smsc-b: bind 2 is down since 13:52 UTC: no answer in time."),
            alert(
                "spend_near_cap",
                "boutique/month",
                "Shop boutique has spent 81 % of its cap of the month.",
                shop="boutique",
                raised_at=moment(30),
                times_told=30,
            ),
        ],
        "recent": [
            alert(
                "queue_age",
                "smsc-a bulk",
                "smsc-a: the oldest message of the bulk lane waits for 12 min; 10 min are allowed.",
                raised_at=moment(5),
                cleared_at=moment(4),
            )
        ],
    }


def add_carrier_routes(app: web.Application, api: FakeApi, have: Callable[[str], Any]) -> None:
    """`have("status")` has the connectors; `api.data["pdus"]` passes at once on a live trace, which then
    stays open until the console leaves: `api.data["watching"]` counts those that do."""
    api.data.setdefault("watching", 0)

    def find(request: web.Request) -> Json:
        name = request.match_info["name"]
        return next(each for each in have("status")["connectors"] if each["name"] == name)

    async def down(request: web.Request) -> web.Response:
        connector = find(request)
        wanted = await request.json()
        connector["overrides"].append(make_override("down", None, reason=wanted["reason"]))
        connector["is_up"], connector["kept"] = False, connector["binds"]
        connector["binds"] = []
        return answer(connector)

    async def up(request: web.Request) -> web.Response:
        connector = find(request)
        connector["overrides"] = [each for each in connector["overrides"] if each["key"] != "down"]
        connector["is_up"], connector["binds"] = True, connector.pop("kept")
        return answer({"name": connector["name"], "changed": True})

    async def retry(request: web.Request) -> web.Response:
        return answer({"name": find(request)["name"]})

    async def change(request: web.Request) -> web.Response:
        return answer(find(request))

    async def trace(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        api.data["watching"] += 1
        sent = 0
        try:
            while request.transport is not None and not request.transport.is_closing():
                pdus = api.data.get("pdus", ())
                if len(pdus) > sent:
                    lines = (json.dumps(pdu).encode() + b"\n" for pdu in pdus[sent:])
                    await response.write(b"".join(lines))
                    sent = len(pdus)
                await asyncio.sleep(0.01)
        finally:
            api.data["watching"] -= 1
        return response

    async def message_trace(request: web.Request) -> web.Response:
        known = {"kept_since": moment(0.6), "pdus": [make_pdu(0), make_pdu(1)]}
        return answer({"id": request.match_info["id"], **api.data.get("message_trace", known)})

    async def alerts(request: web.Request) -> web.Response:
        return answer(api.data.setdefault("alerts", make_alerts()))

    add = app.router.add_route
    add("POST", "/admin/connectors/{name}/down", down)
    add("POST", "/admin/connectors/{name}/up", up)
    add("POST", "/admin/connectors/{name}/retry", retry)
    add("PATCH", "/admin/connectors/{name}", change)
    add("GET", "/admin/connectors/{name}/trace", trace)
    add("GET", "/admin/messages/{id}/trace", message_trace)
    add("GET", "/admin/alerts", alerts)

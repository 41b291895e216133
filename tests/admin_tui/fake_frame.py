"""The pretend API's data for Overview, Messages, Carriers and System: a busy afternoon of one shop."""

import math
from typing import Any

from aiohttp import web

from tests.admin_tui.fake_api import SHOP, FakeApi, Json, answer, moment, page
from tests.admin_tui.fake_carriers import add_carrier_routes, make_connectors

RTL_NAME = "مريم الفاسي"
EMOJI_TEXT = "Votre colis est arrivé 📦👩‍👩‍👧 au point relais, code 4711"


def make_message(number: int, **changes: Any) -> Json:
    """The `number`th message, newest first."""
    states = ("delivered", "delivered", "sent", "failed", "queued", "delivered", "expired", "unknown")
    state = states[number % len(states)]
    texts = ("Soldes -30 % chez Boutique ce week-end", EMOJI_TEXT, None, f"{RTL_NAME} 20% خصم", "Code 123456")
    message: Json = {
        "id": f"msg_{7_000_000 - number}",
        "state": state,
        "reason": None,
        "failure": None,
        "is_test": False,
        "to": f"+3361{2_000_000 + number * 37 % 7_999_999:07}",
        "from": "BOUTIQUE",
        "country": "FR",
        "category": ("marketing", "transactional", "otp")[number % 3],
        "lane": "bulk",
        "connector": "smsc-a",
        "alphabet": "gsm7",
        "part_count": 1 + number % 3,
        "price": None if number % 7 == 6 else {"amount": f"0.0{4 + number % 5}2", "currency": "EUR"},
        "text": texts[number % len(texts)],
        "binary": None,
        "sensitive": False,
        "client_reference": None,
        "metadata": None,
        "webhook_url": None,
        "campaign_id": "cmp_4fG7" if number % 3 == 0 else None,
        "contact_id": None,
        "created_at": moment(number / 60),
        "send_at": None,
        "expires_at": moment(-24),
        "sent_at": None,
        "final_at": None,
    }
    return {**message, **changes}


def make_full_message() -> Json:
    """A message of three parts, one of them refused first, that failed in the end."""
    failure = {
        "class": "absent",
        "sentence": "The phone could not be reached.",
        "command_status": None,
        "stat": "UNDELIV",
        "err": "027",
    }
    parts = [
        {
            "part": 1,
            "attempt": 1,
            "state": "queued",
            "connector": "smsc-a",
            "bind": 1,
            "carrier_id": None,
            "command_status": "0x00000058",
            "submitted_at": moment(3),
            "answered_at": moment(3),
        },
        *(
            {
                "part": number,
                "attempt": 3 - number if number == 1 else 1,
                "state": "failed" if number == 2 else "delivered",
                "connector": "smsc-a",
                "bind": 2,
                "carrier_id": f"8f{number}a77c1",
                "command_status": None,
                "submitted_at": moment(2.9),
                "answered_at": moment(2.9),
            }
            for number in (1, 2, 3)
        ),
    ]
    timeline = [
        (3.01, "accepted", "for smsc-a"),
        (3.0, "submitted", "part 1 of 3 to smsc-a, bind 1, attempt 1"),
        (3.0, "answered", "part 1 of 3: refused with 0x00000058: the carrier asks for a pause"),
        (2.9, "submitted", "part 1 of 3 to smsc-a, bind 2, attempt 2"),
        (2.9, "answered", "part 1 of 3: the carrier took it as 8f1a77c1"),
        (2.5, "receipt", "part 2 of 3: stat UNDELIV, err 027"),
        (2.5, "failed", "The phone could not be reached."),
    ]
    return make_message(
        3,
        failure=failure,
        text=EMOJI_TEXT,
        part_count=3,
        parts=parts,
        timeline=[{"at": moment(hours), "what": what, "detail": detail} for hours, what, detail in timeline],
        clicks=[_click()],
    )


def _click() -> Json:
    return {
        "at": moment(1),
        "verdict": "human",
        "device": "phone",
        "link": "soldes",
        "address": "203.0.113.0",
    }


def make_overview() -> Json:
    steps = range(288)
    sent = [max(0, round(900 + 800 * math.sin(step / 24) + 90 * math.sin(step * 7))) for step in steps]
    delivered = [round(count * 0.94) for count in sent]
    failed = [round(count * 0.03) for count in sent]
    return {
        "now": moment(),
        "hours": 24,
        "taken_in": 271_312,
        "sent": sum(sent),
        "delivered": sum(delivered),
        "delivered_percent": 94.1,
        "failed": sum(failed),
        "clicks": 8_412,
        "revenue": [{"amount": "18240.50", "currency": "EUR"}],
        "series": {
            "step_seconds": 300,
            "starts_at": moment(24),
            "taken_in": sent,
            "sent": sent,
            "delivered": delivered,
            "failed": failed,
            "clicks": [count // 30 for count in sent],
        },
        "failures": [
            {"failure_class": "absent", "sentence": "The phone could not be reached.", "messages": 4_210},
            {"failure_class": "expired", "sentence": "Too late.", "messages": 1_830},
            {"failure_class": "invalid_number", "sentence": "No such number.", "messages": 950},
            {"failure_class": "blocked_by_carrier", "sentence": "Blocked.", "messages": 430},
            {"failure_class": "network", "sentence": "The network failed.", "messages": 120},
        ],
        "campaigns": [
            _campaign("Soldes d'été, vague 2", "running", 64_120, 100_000, 412.0, 87),
            _campaign(f"{RTL_NAME} 🎉 Ramadan", "paused", 12_000, 48_000, 0.0, None),
        ],
        "inbound": {"texts": 41, "stops": 7},
    }


def _campaign(name: str, state: str, done: int, whole: int, speed: float, eta: int | None) -> Json:
    progress = {
        "recipients": whole,
        "frozen_slots": 256,
        "expanded": whole - (whole - done) // 2,
        "waiting": (whole - done) - (whole - done) // 2,
        "sent": done,
        "delivered": round(done * 0.9),
        "failed": round(done * 0.03),
        "parts_per_second": speed,
        "eta_seconds": eta,
    }
    return {"id": f"cmp_{whole}", "name": name, "state": state, "category": "marketing", "progress": progress}


def make_status() -> Json:
    return {
        "node": {
            "node_no": 1,
            "epoch": 4,
            "host": "sms-1",
            "version": "0.1.0",
            "started_at": moment(52),
            "holds_lease": True,
        },
        "database": "up",
        "binds_up": 3,
        "binds": 4,
        "parts_per_second": 198.0,
        "waiting_to_be_stored": 0,
        "queue": [
            _waiting("smsc-a", "otp", "otp", 3, 0),
            _waiting("smsc-a", "bulk", "marketing", 10_000, 212),
            _waiting("smsc-b", "transactional", "transactional", 214, 35),
        ],
        "webhooks": {
            "waiting": 12,
            "due": 2,
            "in_flight": 1,
            "resting_targets": 0,
            "delivered": 48_211,
            "retried": 31,
            "given_up": 0,
        },
        "holds": [],
        "limits": ["smsc-a: its own limit of 200 parts/s.", "smsc-b: bind 2 is down."],
        "connectors": make_connectors(),
    }


def _waiting(connector: str, lane: str, category: str, messages: int, oldest_seconds: int) -> Json:
    return {
        "connector": connector,
        "lane": lane,
        "category": category,
        "messages": messages,
        "is_at_least": messages >= 10_000,
        "oldest_seconds": oldest_seconds,
    }


def make_ledger() -> Json:
    return {
        "balanced": True,
        "messages": 1_284_930,
        "messages_by_state": {
            "scheduled": 0,
            "queued": 10_217,
            "sending": 14,
            "sent": 3_911,
            "delivered": 1_270_788,
        },
        "pairs": [
            _pair("messages taken in", taken_in=1_284_930, standing=1_284_930),
            _pair("states and rollups", states=1_274_713, rollups=1_274_713),
            _pair("parts and answers", parts=1_402_118, answers=1_402_118),
        ],
        "receipts_unmatched_open": 0,
    }


def _pair(name: str, **counts: int) -> Json:
    values = list(counts.values())
    return {"name": name, "agrees": len(set(values)) == 1, "ids": [], **counts}


def make_keys() -> list[Json]:
    return [
        _key(1, "live", "est_live_…k3Qz", "web shop", None),
        _key(2, "test", "est_test_…9aB1", "staging", None),
        _key(3, "live", "est_live_…0Xy7", "", moment(72)),
    ]


def _key(number: int, mode: str, hint: str, label: str, revoked_at: str | None) -> Json:
    return {
        "id": number,
        "shop": SHOP,
        "mode": mode,
        "hint": hint,
        "label": label,
        "scopes": ["messages:write"],
        "created_at": moment(300),
        "revoked_at": revoked_at,
    }


def make_notes() -> list[Json]:
    actions = (
        ("campaign.start", "campaign cmp_4fG7", {"recipients": 100_000}),
        ("hold", "every shop", {"scope": "marketing", "reason": "price error"}),
        ("release", "every shop", {"scope": "marketing", "reason": ""}),
        ("key.create", "key 1 of shop boutique", {"label": "web shop"}),
    )
    return [
        {
            "id": str(9_000 - number),
            "at": moment(number / 2),
            "actor": "uid 1000",
            "action": actions[number % 4][0],
            "subject": actions[number % 4][1],
            "data": actions[number % 4][2],
        }
        for number in range(40)
    ]


def make_nodes() -> list[Json]:
    """This one with two binds, one that is stopping, and one that died."""
    lag = {"loop_lag_seconds": 0.012, "intake_rows_waiting": 3, "outcomes_waiting": 1, "in_flight": 40}
    held = [
        {"connector": "smsc-a", "bind": number, "is_up": number == 1, "parts_per_second": 100.0}
        for number in (1, 2)
    ]
    this = {
        "node": 0, "is_this": True, "state": "alive", "host": "sms1", "pid": 4711, "version": "0.1.0",
        "epoch": 7, "started_at": moment(26), "renewed_seconds_ago": 0.8, "binds": held, "shards": 16,
        "slots": 256, "lag": lag,
    }  # fmt: skip
    other = {**this, "is_this": False, "host": "sms2", "binds": [], "shards": 0, "slots": 0, "lag": {}}
    return [
        this,
        {**other, "node": 1, "state": "stopping", "renewed_seconds_ago": 2.0},
        {**other, "node": 2, "state": "gone", "renewed_seconds_ago": 840.0},
    ]


def add_own_routes(app: web.Application, api: FakeApi) -> None:
    """The routes of the four screens. `api.data` overrides what a `make_…` gives, by the names below."""
    makers: dict[str, Any] = {
        "overview": make_overview,
        "status": make_status,
        "ledger": make_ledger,
        "keys": make_keys,
        "notes": make_notes,
        "nodes": make_nodes,
        "messages": lambda: [make_message(number) for number in range(450)],
        "message": make_full_message,
    }

    def have(name: str) -> Any:
        if name not in api.data:
            api.data[name] = makers[name]()
        return api.data[name]

    async def overview(request: web.Request) -> web.Response:
        return answer({**have("overview"), "hours": int(request.query["hours"])})

    async def status(request: web.Request) -> web.Response:
        return answer(have("status"))

    async def connectors(request: web.Request) -> web.Response:
        return answer({"connectors": have("status")["connectors"]})

    async def messages(request: web.Request) -> web.Response:
        wanted = {name: value for name, value in request.query.items() if name in ("to", "id", "state")}
        found = [item for item in have("messages") if wanted.items() <= item.items()]
        text = request.query.get("q", "")
        return page(request, [item for item in found if text in (item["text"] or "")], "messages")

    async def message(request: web.Request) -> web.Response:
        return answer({**have("message"), "id": request.match_info["id"]})

    async def act_on_message(request: web.Request) -> web.Response:
        return answer(have("message"))

    async def hold(request: web.Request) -> web.Response:
        return answer({"scope": "marketing", "shop": None, "changed": True})

    async def keys(request: web.Request) -> web.Response:
        return answer({"keys": have("keys")})

    async def create_key(request: web.Request) -> web.Response:
        wanted = await request.json()
        made = {**_key(4, wanted["mode"], "est_live_…new1", wanted["label"], None), "shop": wanted["shop"]}
        have("keys").append(made)
        return answer({**made, "key": "est_live_secretsecret"}, 201)

    async def revoke_key(request: web.Request) -> web.Response:
        key = next(key for key in have("keys") if str(key["id"]) == request.match_info["id"])
        key["revoked_at"] = moment()
        return answer(key)

    async def create_shop(request: web.Request) -> web.Response:
        return answer({**await request.json(), "webhook_secret": "whsec_secretsecret"}, 201)

    async def ledger(request: web.Request) -> web.Response:
        return answer(have("ledger"))

    async def audit(request: web.Request) -> web.Response:
        before = int(request.query.get("before", "9999"))
        return answer({"audit": [note for note in have("notes") if int(note["id"]) < before]})

    async def nodes(request: web.Request) -> web.Response:
        return answer({"nodes": have("nodes")})

    add = app.router.add_route
    add("GET", "/admin/shops/{shop}/overview", overview)
    add("GET", "/admin/shops/{shop}/messages", messages)
    add("GET", "/admin/shops/{shop}/messages/{id}", message)
    add("POST", "/admin/messages/{id}/{verb}", act_on_message)
    add("GET", "/admin/status", status)
    add("GET", "/admin/connectors", connectors)
    add("POST", "/admin/hold", hold)
    add("POST", "/admin/release", hold)
    add("GET", "/admin/keys", keys)
    add("POST", "/admin/keys", create_key)
    add("DELETE", "/admin/keys/{id}", revoke_key)
    add("POST", "/admin/shops", create_shop)
    add("GET", "/admin/ledger", ledger)
    add("GET", "/admin/audit", audit)
    add("GET", "/admin/nodes", nodes)
    add_carrier_routes(app, api, have)

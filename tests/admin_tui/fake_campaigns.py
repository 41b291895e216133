"""The pretend API's campaigns: drafts that are kept, a preview, an estimate, one campaign of each state."""

from typing import Any

from aiohttp import web

from tests.admin_tui.fake_api import SHOP, FakeApi, Json, answer, moment, page

BASE = f"/admin/shops/{SHOP}"
RECIPIENTS = 12_480


def euros(amount: str) -> Json:
    return {"amount": amount, "currency": "EUR"}


def make_campaign(number: int, state: str, name: str, **changes: Any) -> Json:
    """A campaign as the API shows it."""
    campaign: Json = {
        "id": f"cmp_{number}",
        "name": name,
        "category": "marketing",
        "state": state,
        "pause_reason": None,
        "version": 1,
        "text": "",
        "sender": None,
        "language": None,
        "links": [],
        "audience": {"lists": [], "exclude_lists": [], "exclude_received_days": None},
        "start_at": None,
        "spread_seconds": None,
        "send_until": None,
        "parts_per_second": None,
        "pause_at_failed_percent": None,
        "progress": make_progress(0, 0),
        "created_at": moment(48),
        "created_by": "uid 1000",
        "updated_at": moment(1),
        "started_at": None if state in ("draft", "planned") else moment(3),
        "finished_at": moment(1) if state in ("finished", "cancelled") else None,
    }
    return {**campaign, **changes}


def make_progress(recipients: int, done: int, *, rate: float = 0.0, slots: int = 256) -> Json:
    left = recipients - done
    return {
        "people": recipients + 520 if recipients else 0,
        "excluded": 520 if recipients else 0,
        "recipients": recipients,
        "frozen_slots": slots,
        "expanded": done,
        "sent": done,
        "delivered": done * 9 // 10,
        "failed": done // 50,
        "waiting": 0,
        "parts_per_second": rate,
        "eta_seconds": round(left / rate) if rate else None,
    }


def make_results(sent: int, revenue: list[Json], roi: str | None) -> Json:
    delivered = sent * 93 // 100
    return {
        "sent": sent,
        "delivered": delivered,
        "clicked": delivered // 9,
        "opt_outs": sent // 300,
        "revenue": revenue,
        "roi": roi,
    }


def make_campaigns() -> list[Json]:
    """One of each state, newest first."""
    written = {
        "text": "Boutique: -30 % ce week-end, {{ first_name | default('vous') }} ! {{ link }}",
        "links": [{"name": "link", "url": "https://boutique.example/soldes"}],
        "audience": {"lists": ["lst_1"], "exclude_lists": [], "exclude_received_days": 7},
    }
    return [
        make_campaign(6, "draft", "Rentrée des classes", **written),
        make_campaign(5, "planned", "Ouverture du nouveau magasin de Lyon", start_at=moment(-20), **written),
        make_campaign(
            4,
            "running",
            "Soldes d'été 🌞 deuxième démarque",
            progress=make_progress(48_200, 30_610, rate=198.0),
            results=make_results(30_610, [euros("4120.50")], "2.87"),
            **written,
        ),
        make_campaign(
            3,
            "paused",
            "عروض الصيف",
            pause_reason="error_rate",
            progress=make_progress(9_000, 1_200),
            results=make_results(1_200, [], None),
            **written,
        ),
        make_campaign(
            2,
            "finished",
            "Fête des mères",
            progress=make_progress(22_150, 22_150),
            results=make_results(22_150, [euros("18240.00")], "14.20"),
            **written,
        ),
        make_campaign(
            1,
            "cancelled",
            "Essai",
            progress=make_progress(300, 120),
            results=make_results(120, [], None),
            **written,
        ),
    ]


def make_preview(body: Json) -> Json:
    """What the server would make of a text: the name put in, the mention added, characters counted."""
    text = body["text"].replace("{{ first_name | default('vous') }}", "Amélie")
    text = text.replace("{{ link }}", "https://l.example.com/Ab3xZ9k")
    added = " STOP au 36111" if body["category"] == "marketing" and text else None
    rendered = text + (added or "")
    costly = {"’": "'", "“": '"', "😀": None}
    forcing = [
        {"character": one, "positions": [body["text"].index(one)], "replacement": costly[one]}
        for one in costly
        if one in body["text"]
    ]
    per_part = 70 if forcing else 160
    parts = max(1, -(-len(rendered) // per_part))
    faults = (
        [{"position": body["text"].index("{{ nam"), "fault": "there is no field nam"}]
        if "{{ nam" in body["text"]
        else []
    )
    return {
        "text": rendered,
        "added": added,
        "alphabet": "ucs2" if forcing else "gsm7",
        "characters": len(rendered),
        "characters_left": parts * per_part - len(rendered),
        "parts": parts,
        "price": euros(f"0.{parts * 42:03}"),
        "forcing": forcing,
        "faults": faults,
        "warnings": [],
        "fields": ["first_name", "last_name", "number", "country", "language", "city", "link", "stop_link"],
    }


def make_estimate(**changes: Any) -> Json:
    estimate: Json = {
        "people": 13_000,
        "recipients": RECIPIENTS,
        "excluded": {"consent_missing": 220, "opted_out": 290, "received_recently": 10},
        "alphabet": {"gsm7": 12_000, "ucs2": 480},
        "parts": {"total": 13_310, "best": 1, "median": 1, "worst": 2},
        "forcing": [{"character": "ș", "messages": 480}],
        "cost": [euros("559.02")],
        "unpriced_recipients": 0,
        "by_route": [
            {
                "connector": "smsc-a",
                "country": "FR",
                "recipients": 12_000,
                "parts": 12_700,
                "cost": euros("533.40"),
            },
            {"connector": "smsc-b", "country": "BE", "recipients": 480, "parts": 610, "cost": euros("25.62")},
        ],
        "finish": {
            "starts_at": moment(),
            "finishes_at": moment(-0.08),
            "seconds": 266.2,
            "limited_by": "connector smsc-a: 50 parts/s",
        },
        "deferred": {"recipients": 480, "until": moment(-18)},
        "too_late": 0,
        "warnings": [
            {"code": "no_advertiser", "detail": "The text does not say who writes: put Boutique in it."}
        ],
        "sampled": True,
    }
    return {**estimate, **changes}


def make_report(campaign: Json) -> Json:
    hours = [
        {
            "hour": moment(6 - number),
            "messages": 4_000 + 900 * number,
            "sent": 4_000 + 900 * number,
            "delivered": 3_700 + 850 * number,
            "failed": 60 + 11 * number,
            "clicks": 90 * number,
            "people": 80 * number,
            "orders": 4 * number,
            "opt_outs": number,
        }
        for number in range(6)
    ]
    return {
        "campaign": {
            key: campaign[key] for key in ("id", "name", "state", "category", "started_at", "finished_at")
        },
        "people": 48_720,
        "excluded": {"opted_out": 300, "consent_missing": 220},
        "recipients": 48_200,
        "messages": 30_610,
        "parts": 31_900,
        "cost": [euros("1339.80")],
        "sent": 30_610,
        "delivered": 28_467,
        "failed": 612,
        "expired": 40,
        "unknown": 12,
        "cancelled": 0,
        "blocked": 3,
        "waiting": 17_590,
        "failures": [
            {
                "failure_class": "absent",
                "sentence": "The phone could not be reached.",
                "messages": 430,
                "codes": [
                    {"command_status": None, "stat": "UNDELIV", "err": "027", "messages": 400},
                    {"command_status": None, "stat": "UNDELIV", "err": "006", "messages": 30},
                ],
            },
            {
                "failure_class": "invalid_number",
                "sentence": "There is no such number.",
                "messages": 182,
                "codes": [{"command_status": "0x0000000b", "stat": None, "err": None, "messages": 182}],
            },
        ],
        "delivery_seconds": {"p50": 2.1, "p95": 9.8},
        "clicks": {
            "human": 3_420,
            "bot": 610,
            "people": 3_102,
            "by_verdict": {"person": 3_420, "declared": 410, "no_agent": 0, "preview": 200},
            "by_device": {"unknown": 0, "phone": 3_200, "tablet": 0, "desktop": 220},
            "time_to_click_seconds": {"p50": 312, "p95": 9_400},
            "histogram": [
                {"seconds": 60, "people": 420},
                {"seconds": 300, "people": 1_010},
                {"seconds": 900, "people": 780},
                {"seconds": 3_600, "people": 590},
                {"seconds": 86_400, "people": 302},
            ],
        },
        "links": [
            {
                "id": "lnk_1",
                "name": "link",
                "url": "https://boutique.example/soldes",
                "clicks": 3_420,
                "people": 3_102,
            }
        ],
        "opt_outs": {"people": 104, "by_way": {"text": 61, "page": 43, "shop": 0, "api": 0}},
        "orders": {"count": 87, "refunds": 2, "revenue": [euros("5184.90")], "attribution_days": 7},
        "roi": "2.87",
        "roi_note": None,
        "by_hour": hours,
        "by_country": [
            {
                "country": "FR",
                "messages": 29_000,
                "delivered": 27_100,
                "failed": 500,
                "parts": 30_000,
                "cost": [euros("1260.00")],
                "people": 2_990,
                "orders": 84,
            },
            {
                "country": "BE",
                "messages": 1_610,
                "delivered": 1_367,
                "failed": 112,
                "parts": 1_900,
                "cost": [euros("79.80")],
                "people": 112,
                "orders": 3,
            },
        ],
    }


def add_campaign_routes(app: web.Application, api: FakeApi) -> None:
    """Campaigns kept in `api.data["campaigns"]`; `estimate` and `report` of `api.data` replace the
    usual ones."""
    campaigns: list[Json] = api.data.setdefault("campaigns", make_campaigns())

    def find(request: web.Request) -> Json:
        return next(one for one in campaigns if one["id"] == request.match_info["id"])

    async def listed(request: web.Request) -> web.Response:
        state = request.query.get("state")
        shown = [one for one in campaigns if state in (None, one["state"])]
        return page(request, [{"results": {}, **one} for one in shown], "campaigns")

    async def create(request: web.Request) -> web.Response:
        body = await request.json()
        campaign = make_campaign(100 + len(campaigns), "draft", body.pop("name"), **body)
        campaigns.insert(0, campaign)
        return answer(campaign, 201)

    async def get(request: web.Request) -> web.Response:
        return answer(find(request))

    async def change(request: web.Request) -> web.Response:
        campaign, body = find(request), await request.json()
        if body.pop("version") != campaign["version"]:
            return answer({"code": "version_conflict", "detail": "It was changed."}, 409)
        campaign.update(body, version=campaign["version"] + 1)
        return answer(campaign)

    async def delete(request: web.Request) -> web.Response:
        campaigns.remove(find(request))
        return web.Response(status=204)

    async def duplicate(request: web.Request) -> web.Response:
        number = 100 + len(campaigns)
        copy = {**find(request), "id": f"cmp_{number}", "state": "draft", "version": 1}
        campaigns.insert(0, copy)
        return answer(copy, 201)

    async def estimate(request: web.Request) -> web.Response:
        return answer(api.data.get("estimate", make_estimate()))

    async def test(request: web.Request) -> web.Response:
        body = await request.json()
        sent = [{"id": f"msg_{number}", "to": to, "part_count": 1} for number, to in enumerate(body["to"])]
        return answer({"messages": sent}, 202)

    def move(state: str) -> Any:
        async def handle(request: web.Request) -> web.Response:
            campaign = find(request)
            campaign.update(state=state, version=campaign["version"] + 1)
            if state == "running":
                campaign.update(started_at=moment(), progress=make_progress(RECIPIENTS, 1_000, rate=50.0))
            return answer(campaign)

        return handle

    async def report(request: web.Request) -> web.Response:
        return answer(api.data.get("report") or make_report(find(request)))

    async def preview(request: web.Request) -> web.Response:
        return answer(make_preview(await request.json()))

    async def recipients(request: web.Request) -> web.Response:
        people = [
            {
                "contact_id": f"ctc_{number}",
                "number": f"+3361200{number:04}",
                "country": "FR",
                "first_name": "Amélie",
                "last_name": None,
                "exclusion": request.query.get("exclusion"),
                "message_id": None,
            }
            for number in range(300)
        ]
        return page(request, people, "recipients")

    async def clicks(request: web.Request) -> web.Response:
        seen = {"link": "link", "number": "+33612000001", "contact_id": "ctc_1", "device": "phone"}
        return page(request, [{"id": "clk_1", "at": moment(1), "verdict": "person", **seen}], "clicks")

    async def orders(request: web.Request) -> web.Response:
        order = {
            "id": "A-1001",
            "order_id": "ord_1",
            "state": "placed",
            "amount": euros("59.90"),
            "refunded": euros("0.00"),
        }
        return page(request, [{**order, "ordered_at": moment(1), "number": "+33612000001"}], "orders")

    async def opt_outs(request: web.Request) -> web.Response:
        row = {"number": "+33612000002", "contact_id": "ctc_2", "country": "FR", "way": "text"}
        rows = [{**row, "detail": "STOP", "said_at": moment(1)}]
        return page(request, rows, "opt_outs")

    one = f"{BASE}/campaigns/{{id}}"
    app.router.add_get(f"{BASE}/campaigns", listed)
    app.router.add_post(f"{BASE}/campaigns", create)
    app.router.add_get(one, get)
    app.router.add_patch(one, change)
    app.router.add_delete(one, delete)
    app.router.add_post(f"{one}/duplicate", duplicate)
    app.router.add_post(f"{one}/estimate", estimate)
    app.router.add_post(f"{one}/test", test)
    for word, state in (
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
    ):
        app.router.add_post(f"{one}/{word}", move(state))
    app.router.add_get(f"{one}/report", report)
    app.router.add_get(f"{one}/recipients", recipients)
    app.router.add_get(f"{one}/clicks", clicks)
    app.router.add_get(f"{one}/orders", orders)
    app.router.add_get(f"{one}/opt-outs", opt_outs)
    app.router.add_post(f"{BASE}/text-preview", preview)

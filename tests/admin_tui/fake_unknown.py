"""The pretend API's messages of unknown outcome: a list that decisions take messages off."""

from typing import Any

from aiohttp import web

from tests.admin_tui.fake_api import FakeApi, Json, answer, moment


def make_unknown(number: int, **changes: Any) -> Json:
    message = {
        "id": f"msg_{number:011}",
        "shop": "boutique",
        "connector": "smsc-a",
        "category": "otp",
        "country": "FR",
        "to": f"+3363•••••{number:02}",
        "since": moment(0.1 * number),
        "expires_at": moment(-1),
        "valid_seconds": 3_000,
        "attempts": 1,
        "parts": 2,
        "parts_unknown": 1,
        "price": {"amount": "0.09", "currency": "EUR"},
        "campaign_id": None,
    }
    return {**message, **changes}


def add_unknown_routes(app: web.Application, api: FakeApi) -> None:
    """`api.data["unknown"]` is what is listed; a message whose validity is over is not sent again."""

    def find(wanted: Any) -> list[Json]:
        return [
            message
            for message in api.data.setdefault("unknown", [make_unknown(1), make_unknown(2)])
            if all(message[name] == wanted[name] for name in ("connector", "category") if wanted.get(name))
        ]

    async def listing(request: web.Request) -> web.Response:
        found = find(request.query)
        price = {"amount": f"{0.09 * len(found):.2f}", "currency": "EUR"}
        counts = [
            {"connector": "smsc-a", "category": "otp", "messages": len(found), "parts": 2, "price": price}
        ]
        body = {"counts": counts if found else [], "is_at_least": False}
        return answer({"messages": found, "next_cursor": None, **body})

    async def decide(request: web.Request) -> web.Response:
        body = await request.json()
        is_resend = request.path.endswith("resend")
        named = [each for each in find(body.get("filter", {})) if each["id"] in body.get("ids", [each["id"]])]
        over = [each for each in named if is_resend and not each["valid_seconds"]]
        api.data["unknown"] = [each for each in api.data["unknown"] if each not in named or each in over]
        refused = [{"id": each["id"], "reason": "validity_passed", "detail": "…"} for each in over]
        counts = {"changed": len(named) - len(over), "refused_count": len(over)}
        return answer({**counts, "refused": refused, "next_cursor": None})

    app.router.add_get("/admin/unknown", listing)
    app.router.add_post("/admin/unknown/resend", decide)
    app.router.add_post("/admin/unknown/close", decide)

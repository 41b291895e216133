"""The pretend API's people: lists, contacts with their consent, opt-outs, and an import that goes its way."""

from typing import Any

from aiohttp import web

from tests.admin_tui.fake_api import SHOP, FakeApi, Json, answer, moment, page

BASE = f"/admin/shops/{SHOP}"
FAULTS = [
    {"row": 17, "reason": "not_a_number", "detail": "“appeler après 18 h” is no number."},
    {"row": 212, "reason": "not_a_number", "detail": "6.12345678E+08 has lost digits in a spreadsheet."},
]


def make_lists() -> list[Json]:
    names = ("Clients du magasin", "Newsletter été 🌻", "زبائن الدار البيضاء", "VIP")
    return [
        {
            "id": f"lst_{number}",
            "name": name,
            "member_count": 12_480 // number**2,
            "created_at": moment(900),
            "updated_at": moment(number * 20),
        }
        for number, name in enumerate(names, start=1)
    ]


def make_contact(number: int) -> Json:
    names = (
        ("Amélie", "Lefèvre"),
        ("Ștefan", "Țepeș"),
        ("مريم", "الفاسي"),
        (None, None),
        ("Zoë 🌸", "D'Angelo"),
    )
    first, last = names[number % len(names)]
    return {
        "id": f"ctc_{number}",
        "number": f"+3361200{number:04}",
        "country": "FR",
        "first_name": first,
        "last_name": last,
        "language": ("fr", None)[number % 2],
        "time_zone": "Europe/Paris",
        "tags": ["vip"] if number % 3 == 0 else [],
        "attributes": {"city": "Lyon", "vip": number % 2 == 0, "orders": 12},
        "source": "import:imp_1",
        "marketing_consent": ("opted_in", "unknown", "opted_out")[number % 3],
        "suppressed": ("none", "none", "marketing")[number % 3],
        "created_at": moment(700),
        "updated_at": moment(3),
    }


CONSENTS = [
    {
        "state": "opted_out",
        "said_at": moment(30),
        "recorded_at": moment(30),
        "source": "text",
        "wording": None,
        "evidence": {"text": "STOP"},
    },
    {
        "state": "opted_in",
        "said_at": moment(700),
        "recorded_at": moment(690),
        "source": "shop counter, Lyon",
        "wording": "Je veux recevoir des offres par SMS",
        "evidence": None,
    },
]

COUNTS = {
    "rows": 13_214,
    "new": 12_480,
    "updated": 310,
    "unchanged": 180,
    "duplicates": 201,
    "refused": 43,
    "opted_out": 12,
    "by_reason": {"not_a_number": 43},
}


def make_import(**changes: Any) -> Json:
    job: Json = {
        "id": "imp_1",
        "file_name": "clients.csv",
        "state": "uploaded",
        "size_octets": 1_204_512,
        "list": None,
        "settings": None,
        "detected": {
            "format": "csv",
            "encoding": "utf-8",
            "delimiter": ";",
            "has_header": True,
            "columns": ["Téléphone", "Prénom", "Nom", "Ville", "Remarques"],
            "suggested": ["number", "first_name", "last_name", "attribute:city", "ignore"],
        },
        "preview": [
            ["Téléphone", "Prénom", "Nom", "Ville", "Remarques"],
            ["06 12 00 00 01", "Amélie", "Lefèvre", "Lyon", ""],
            ["06 12 00 00 02", "Ștefan", "Țepeș", "Paris", "appeler le matin"],
            ["06 12 00 00 03", "مريم", "الفاسي", "Marseille", ""],
        ],
        "counts": {
            "rows": 0,
            "new": 0,
            "updated": 0,
            "unchanged": 0,
            "duplicates": 0,
            "refused": 0,
            "opted_out": 0,
        },
        "progress": {
            "phase": "idle",
            "rows_done": 0,
            "rows_total": None,
            "rows_per_second": 0.0,
            "eta_seconds": None,
        },
        "fault": None,
        "waits_for": None,
        "created_at": moment(),
        "created_by": "uid 1000",
        "finished_at": None,
    }
    return {**job, **changes}


def at_work(phase: str, done: int, total: int | None) -> Json:
    eta = None if total is None else 4
    return {
        "phase": phase,
        "rows_done": done,
        "rows_total": total,
        "rows_per_second": 26_400.0,
        "eta_seconds": eta,
    }


def add_audience_routes(app: web.Application, api: FakeApi) -> None:
    """Lists, contacts and opt-outs of `api.data`; the import stands at each answer of `api.data["import"]`,
    the last of which stays."""
    lists: list[Json] = api.data.setdefault("lists", make_lists())
    contacts: list[Json] = api.data.setdefault("contacts", [make_contact(number) for number in range(450)])
    opt_outs: list[Json] = api.data.setdefault(
        "opt_outs",
        [
            {
                "number": "+33612000002",
                "contact_id": "ctc_2",
                "scope": "marketing",
                "source": "text: STOP",
                "created_at": moment(30),
            },
            {
                "number": None,
                "contact_id": None,
                "scope": "all",
                "source": "shop: asked by letter",
                "created_at": moment(400),
            },
        ],
    )
    jobs: list[Json] = api.data.setdefault(
        "import",
        [
            make_import(progress=at_work("reading", 4_000, None)),
            make_import(state="checked", counts=COUNTS, progress=at_work("done", 13_214, 13_214)),
        ],
    )
    uploaded: list[Json] = api.data.setdefault("uploaded", [])

    def by_id(items: list[Json], request: web.Request) -> Json:
        return next(item for item in items if item["id"] == request.match_info["id"])

    async def get_lists(request: web.Request) -> web.Response:
        return page(request, lists, "lists")

    async def get_list(request: web.Request) -> web.Response:
        return answer({**by_id(lists, request), "marketing_count": 9_310})

    async def make_list(request: web.Request) -> web.Response:
        body = await request.json()
        made = {
            "id": f"lst_{len(lists) + 1}",
            "member_count": 0,
            "created_at": moment(),
            "updated_at": moment(),
            **body,
        }
        lists.append(made)
        return answer(made, 201)

    async def rename_list(request: web.Request) -> web.Response:
        found = by_id(lists, request)
        found.update(await request.json())
        return answer(found)

    async def delete_list(request: web.Request) -> web.Response:
        lists.remove(by_id(lists, request))
        return web.Response(status=204)

    async def get_contacts(request: web.Request) -> web.Response:
        text = request.query.get("q", "").lower()
        found = [
            one
            for one in contacts
            if text in f"{one['first_name']} {one['last_name']} {one['number']}".lower()
        ]
        return page(request, found, "contacts")

    async def get_contact(request: web.Request) -> web.Response:
        return answer(by_id(contacts, request))

    async def put_contact(request: web.Request) -> web.Response:
        return answer({**make_contact(900), **(await request.json())}, 201)

    async def erase(request: web.Request) -> web.Response:
        contacts.remove(by_id(contacts, request))
        return answer({})

    async def consents(request: web.Request) -> web.Response:
        return answer({"consents": api.data.get("consents", CONSENTS)})

    async def fields(request: web.Request) -> web.Response:
        return answer({"fields": [{"name": "city", "kind": "text"}, {"name": "vip", "kind": "boolean"}]})

    async def get_opt_outs(request: web.Request) -> web.Response:
        return page(request, opt_outs, "opt_outs")

    async def opt_out(request: web.Request) -> web.Response:
        return answer(await request.json(), 201)

    async def lift(request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def upload(request: web.Request) -> web.Response:
        job = make_import(file_name=request.query["file_name"])
        uploaded.insert(0, job)
        return answer(api.data.get("uploaded_as", job), 201)

    async def get_imports(request: web.Request) -> web.Response:
        return answer({"imports": uploaded[:1], "next_cursor": None})

    async def get_import(request: web.Request) -> web.Response:
        return answer(jobs.pop(0) if len(jobs) > 1 else jobs[0])

    async def check(request: web.Request) -> web.Response:
        return answer(make_import(progress=at_work("reading", 0, None)))

    async def start(request: web.Request) -> web.Response:
        jobs[:] = api.data.get(
            "import_run",
            [
                make_import(state="running", counts=COUNTS, progress=at_work("merging", 6_000, 13_214)),
                make_import(state="finished", counts=COUNTS, progress=at_work("done", 13_214, 13_214)),
            ],
        )
        return answer(make_import(state="running", progress=at_work("reading", 0, None)))

    async def cancel(request: web.Request) -> web.Response:
        jobs[:] = [make_import(state="cancelled")]
        return answer(jobs[0])

    async def faults(request: web.Request) -> web.Response:
        return answer({"faults": FAULTS, "next_cursor": None})

    async def faults_file(request: web.Request) -> web.Response:
        return web.Response(text="row,reason,detail\n17,not_a_number,x\n", content_type="text/csv")

    async def ticket(request: web.Request) -> web.Response:
        return answer({"url": "https://l.example.com/upload/Zk3mQ9xW2bT7", "expires_at": moment(-0.25)}, 201)

    router = app.router
    router.add_get(f"{BASE}/lists", get_lists)
    router.add_post(f"{BASE}/lists", make_list)
    router.add_get(f"{BASE}/lists/{{id}}", get_list)
    router.add_patch(f"{BASE}/lists/{{id}}", rename_list)
    router.add_delete(f"{BASE}/lists/{{id}}", delete_list)
    router.add_get(f"{BASE}/contacts", get_contacts)
    router.add_post(f"{BASE}/contacts", put_contact)
    router.add_get(f"{BASE}/contacts/{{id}}", get_contact)
    router.add_patch(f"{BASE}/contacts/{{id}}", put_contact)
    router.add_delete(f"{BASE}/contacts/{{id}}", erase)
    router.add_get(f"{BASE}/contacts/{{id}}/consents", consents)
    router.add_get(f"{BASE}/contact-fields", fields)
    router.add_get(f"{BASE}/opt-outs", get_opt_outs)
    router.add_post(f"{BASE}/opt-outs", opt_out)
    router.add_delete(f"{BASE}/opt-outs/{{number}}", lift)
    router.add_get(f"{BASE}/imports", get_imports)
    router.add_post(f"{BASE}/imports", upload)
    router.add_get(f"{BASE}/imports/{{id}}", get_import)
    router.add_post(f"{BASE}/imports/{{id}}/check", check)
    router.add_post(f"{BASE}/imports/{{id}}/start", start)
    router.add_post(f"{BASE}/imports/{{id}}/cancel", cancel)
    router.add_get(f"{BASE}/imports/{{id}}/faults", faults)
    router.add_get(f"{BASE}/imports/{{id}}/faults.csv", faults_file)
    router.add_post(f"{BASE}/upload-tickets", ticket)

"""People of a shop over HTTP: adding, finding, changing, consent, erasing; and their tenants apart."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.store.consents import find_recorded
from tests.web.audience import make_audience_routes
from tests.web.harness import SECRET, Account, Gateway, run_gateway, soon

pytestmark = pytest.mark.integration

ANNA = "+33612345678"


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    async with run_gateway(database, make_routes=make_audience_routes) as running:
        yield running


async def put(gateway: Gateway, shop: Account, *, expect: int = 201, **fields: Any) -> Any:
    body = {"number": ANNA, **fields}
    status, answer, _ = await gateway.call("POST", "/v1/contacts", shop.live, json=body)
    assert status == expect, answer
    return answer


async def find(gateway: Gateway, shop: Account, query: str = "") -> list[str]:
    """The first names of the people that a listing shows."""
    _, answer, _ = await gateway.call("GET", f"/v1/contacts{query}", shop.live)
    return [person["first_name"] for person in answer["contacts"]]


def opted_in(**fields: Any) -> dict[str, Any]:
    return {"consent": {"state": "opted_in", "source": "shop counter", "wording": "I agree", **fields}}


async def test_a_person_is_added_and_shown_with_what_the_number_tells(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    made = await put(gateway, shop, number="06 12 34 56 78", first_name="Anna", tags=["vip", "vip"])
    assert made["number"] == ANNA
    assert made["country"] == "FR"
    assert made["time_zone"] == "Europe/Paris"
    assert made["tags"] == ["vip"]
    assert made["language"] is None
    assert made["marketing_consent"] == "unknown"
    assert made["source"] == "api"
    _, found, _ = await gateway.call("GET", f"/v1/contacts/{made['id']}", shop.live)
    assert found == made


async def test_a_second_put_changes_what_it_says_and_nothing_else(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    first = await put(
        gateway, shop, first_name="Anna", tags=["a"], attributes={"vip": True, "points": 3}, new_fields=True
    )
    second = await put(
        gateway, shop, expect=200, last_name="Rossi", first_name=None, attributes={"points": None}
    )
    assert second["id"] == first["id"]
    assert (second["first_name"], second["last_name"]) == (None, "Rossi")
    assert second["tags"] == ["a"]
    assert second["attributes"] == {"vip": True}
    path = f"/v1/contacts/{first['id']}"
    _, changed, _ = await gateway.call("PATCH", path, shop.live, json={"language": "it", "tags": []})
    assert (changed["language"], changed["tags"], changed["last_name"]) == ("it", [], "Rossi")


async def test_attributes_are_typed_and_unknown_ones_name_the_nearest(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    fields = {"fields": [{"name": "birthday", "kind": "date"}, {"name": "points", "kind": "number"}]}
    assert (await gateway.call("POST", "/v1/contact-fields", shop.live, json=fields))[0] == 201
    made = await put(gateway, shop, attributes={"birthday": "1990-02-28", "points": 4.5})
    assert made["attributes"] == {"birthday": "1990-02-28", "points": 4.5}
    refused = await put(gateway, shop, expect=422, attributes={"birthdy": "1990-02-28"})
    assert (refused["code"], refused["path"]) == ("unknown_field", "$.attributes.birthdy")
    assert "birthday" in refused["action"]
    refused = await put(gateway, shop, expect=422, attributes={"birthday": "1990-02-30"})
    assert (refused["code"], refused["path"]) == ("invalid_field", "$.attributes.birthday")
    other = {"fields": [{"name": "points", "kind": "text"}]}
    assert (await gateway.call("POST", "/v1/contact-fields", shop.live, json=other))[1][
        "code"
    ] == "name_taken"
    _, listed, _ = await gateway.call("GET", "/v1/contact-fields", shop.live)
    assert {field["name"]: field["kind"] for field in listed["fields"]} == {
        "birthday": "date",
        "points": "number",
    }


async def test_a_batch_answers_for_each_entry_and_stores_the_good_ones(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    await put(gateway, shop, first_name="Anna")
    batch = {
        "contacts": [
            {"number": ANNA, "first_name": "Anna"},
            {"number": ANNA, "first_name": "Annie"},
            {"number": "0612345679", "first_name": "Bea"},
            {"number": "0612345679", "first_name": "Béatrice"},
            {"number": "0112345678"},
            {"number": ANNA, "colour": "red"},
            {"number": "0612345670", "attributes": {"size": 3}},
        ]
    }
    status, answer, _ = await gateway.call("POST", "/v1/contacts/batch", shop.live, json=batch)
    assert status == 200
    assert [item["result"] for item in answer["results"]] == [
        "unchanged", "updated", "created", "updated", "refused", "refused", "refused",
    ]  # fmt: skip
    assert (answer["created"], answer["updated"], answer["unchanged"], answer["refused"]) == (1, 2, 1, 3)
    problems = [(item["problem"]["code"], item["problem"]["path"]) for item in answer["results"][4:]]
    assert problems == [
        ("invalid_number", "$.contacts[4].number"),
        ("unknown_field", "$.contacts[5].colour"),
        ("unknown_field", "$.contacts[6].attributes.size"),
    ]
    assert sorted(await find(gateway, shop)) == ["Annie", "Béatrice"]
    keeping = {"contacts": [{"number": ANNA, "first_name": "Other"}], "on_known": "keep"}
    _, answer, _ = await gateway.call("POST", "/v1/contacts/batch", shop.live, json=keeping)
    assert answer["kept"] == 1
    assert "Annie" in await find(gateway, shop)


async def test_people_are_found_by_number_digits_name_tag_consent_and_list(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    _, members, _ = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "Clients"})
    await put(gateway, shop, first_name="Anna", last_name="Rossi", tags=["vip"], lists=[members["id"]])
    await put(gateway, shop, number="+33798765432", first_name="Bea", last_name="Rodin", **opted_in())
    await put(gateway, shop, number="+393331234567", first_name="Carla_x", last_name="Verdi")
    assert await find(gateway, shop, "?q=06+12+34+56+78") == ["Anna"]
    assert await find(gateway, shop, "?q=0033612345678") == ["Anna"]
    assert await find(gateway, shop, "?q=3123") == ["Carla_x"]
    assert await find(gateway, shop, "?q=ro") == ["Bea", "Anna"]
    assert await find(gateway, shop, "?q=ro+ann") == ["Anna"]
    assert await find(gateway, shop, "?q=carla_") == ["Carla_x"]
    assert await find(gateway, shop, "?q=an_a") == []
    assert await find(gateway, shop, "?tag=vip") == ["Anna"]
    assert await find(gateway, shop, "?consent=opted_in") == ["Bea"]
    assert await find(gateway, shop, "?consent=opted_in&q=0612345678") == []
    assert await find(gateway, shop, f"?list={members['id']}") == ["Anna"]
    assert await find(gateway, shop, f"?list={members['id']}&q=0612345678") == ["Anna"]
    assert await find(gateway, shop, f"?list={members['id']}&q=bea") == []
    status, refused, _ = await gateway.call("GET", "/v1/contacts?consent=maybe", shop.live)
    assert (status, refused["code"]) == (400, "invalid_parameter")


async def test_pages_follow_each_other_without_gap_or_repeat(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    _, members, _ = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "All"})
    people = [{"number": f"+336123400{n:02}", "lists": [members["id"]]} for n in range(23)]
    await gateway.call("POST", "/v1/contacts/batch", shop.live, json={"contacts": people})
    for query in ("?limit=5", f"?limit=5&list={members['id']}"):
        seen: list[str] = []
        cursor = ""
        while True:
            _, page, _ = await gateway.call("GET", f"/v1/contacts{query}{cursor}", shop.live)
            seen += [person["number"] for person in page["contacts"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert sorted(seen) == sorted(person["number"] for person in people)


async def test_marketing_reaches_a_person_from_the_moment_of_recorded_consent(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    await put(gateway, shop)
    message = {"to": ANNA, "text": "Sale", "category": "marketing"}
    status, refused, _ = await gateway.call("POST", "/v1/messages", shop.live, json=message)
    assert (status, refused["code"]) == (422, "consent_missing")
    agreed = await put(gateway, shop, expect=200, **opted_in(said_at="2026-03-01T10:00:00Z"))
    assert agreed["marketing_consent"] == "opted_in"
    sent = await gateway.send(shop.live, **message)
    assert sent["category"] == "marketing"
    _, proof, _ = await gateway.call("GET", f"/v1/contacts/{agreed['id']}/consents", shop.live)
    (consent,) = proof["consents"]
    assert (consent["state"], consent["source"], consent["wording"], consent["said_at"]) == (
        "opted_in", "shop counter", "I agree", "2026-03-01T10:00:00Z",
    )  # fmt: skip
    assert consent["evidence"]["by"].startswith("shop boutique key est_live_")


async def test_the_same_consent_again_adds_nothing_and_its_wording_is_kept_once(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    await put(gateway, shop, **opted_in())
    await put(gateway, shop, expect=200, **opted_in())
    assert await gateway.count("consent") == 1
    await put(gateway, shop, expect=200, **opted_in(source="web form"))
    await put(gateway, shop, number="+33612345679", **opted_in())
    assert await gateway.count("consent") == 3
    assert await gateway.count("consent_wording") == 1


async def test_an_old_list_does_not_bring_back_who_opted_out(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    person = await put(gateway, shop, **opted_in(said_at="2026-01-01T00:00:00Z"))
    out = {"number": ANNA, "scope": "marketing", "reason": "asked at the till"}
    status, kept, _ = await gateway.call("POST", "/v1/opt-outs", shop.live, json=out)
    assert (status, kept["contact_id"], kept["source"]) == (201, person["id"], "api:asked at the till")
    for again in (opted_in(), opted_in(said_at="2026-01-02T00:00:00Z")):
        refused = await put(gateway, shop, expect=422, first_name="Changed", **again)
        assert (refused["code"], refused["path"]) == ("recipient_opted_out", "$.consent")
    refused = await put(gateway, shop, expect=422, **opted_in(said_at=soon(hours=1)))
    assert refused["path"] == "$.consent.said_at"
    assert (await find(gateway, shop)) == [None], "a refused entry is refused whole"
    since = datetime.now(UTC) + timedelta(seconds=1)
    back = await put(gateway, shop, expect=200, **opted_in(said_at=since.isoformat()))
    assert (back["marketing_consent"], back["suppressed"]) == ("opted_in", "none")
    assert await gateway.count("suppression") == 0
    recorded = await find_recorded(gateway.database, shop.shop.id, [ANNA[1:]], instance_secret=SECRET)
    assert recorded[ANNA[1:]].wording == "I agree"


async def test_somebody_who_opted_out_before_being_a_contact_stays_out(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    await gateway.call("POST", "/v1/opt-outs", shop.live, json={"number": ANNA})
    made = await put(gateway, shop, first_name="Anna")
    assert made["suppressed"] == "marketing"
    await put(gateway, shop, expect=422, **opted_in())
    _, listed, _ = await gateway.call("GET", "/v1/opt-outs", shop.live)
    assert [(each["number"], each["contact_id"]) for each in listed["opt_outs"]] == [(ANNA, made["id"])]


async def test_erasing_forgets_the_person_everywhere_and_keeps_the_opt_out(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    _, members, _ = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "All"})
    person = await put(gateway, shop, first_name="Anna", lists=[members["id"]], **opted_in())
    waiting = await gateway.send(shop.live, to=ANNA, text="Secret", send_at=soon(hours=2))
    await gateway.call("POST", "/v1/opt-outs", shop.live, json={"number": ANNA})
    status, answer, _ = await gateway.call("DELETE", f"/v1/contacts/{person['id']}", shop.live)
    assert (status, answer["erased"]["messages"]) == (200, 1)
    assert (await gateway.call("GET", f"/v1/contacts/{person['id']}", shop.live))[0] == 404
    _, message, _ = await gateway.call("GET", f"/v1/messages/{waiting['id']}", shop.live)
    assert (message["to"], message["text"]) == (None, None)
    assert (message["state"], message["reason"]) == ("blocked", "content_erased")
    _, held, _ = await gateway.call("GET", f"/v1/lists/{members['id']}", shop.live)
    assert held["member_count"] == 0
    async with gateway.database.connection() as connection:
        consents = await connection.raw.fetch("SELECT contact_id, evidence FROM consent")
        rows = await connection.raw.fetch("SELECT to_address, text, body, contact_id FROM message")
    assert {tuple(row) for row in consents} == {(None, None)}
    assert {tuple(row) for row in rows} == {(None, None, None, None)}
    again = await put(gateway, shop)
    assert again["id"] != person["id"]
    assert again["suppressed"] == "marketing"
    await put(gateway, shop, expect=422, **opted_in())


async def test_somebody_who_is_no_contact_is_erased_by_number(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    other = await gateway.add_shop("other")
    await gateway.send(shop.live, to=ANNA, text="Secret")
    kept = await gateway.send(other.live, to=ANNA, text="Theirs")
    status, answer, _ = await gateway.call("DELETE", "/v1/contacts/%2B33612345678", shop.live)
    assert (status, answer["erased"]["messages"]) == (200, 1)
    assert (await gateway.call("DELETE", "/v1/contacts/0798765432", shop.live))[0] == 404
    _, message, _ = await gateway.call("GET", f"/v1/messages/{kept['id']}", other.live)
    assert (message["to"], message["text"], message["state"]) == (ANNA, "Theirs", "queued")


async def test_lifting_an_opt_out_gives_back_only_what_the_shop_took(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    await put(gateway, shop, **opted_in())
    await gateway.call("POST", "/v1/opt-outs", shop.live, json={"number": ANNA})
    (out,) = await contacts(gateway, shop)
    assert (out["marketing_consent"], out["suppressed"]) == ("opted_out", "marketing")
    assert (await gateway.call("DELETE", "/v1/opt-outs/0612345678", shop.live))[0] == 204
    (back,) = await contacts(gateway, shop)
    assert (back["marketing_consent"], back["suppressed"]) == ("opted_in", "none")
    async with gateway.database.connection() as connection:
        await gateway.call("POST", "/v1/opt-outs", shop.live, json={"number": ANNA})
        await connection.raw.execute("UPDATE suppression SET source = 'text:STOP'")
    assert (await gateway.call("DELETE", "/v1/opt-outs/0612345678", shop.live))[0] == 204
    (back,) = await contacts(gateway, shop)
    assert (back["marketing_consent"], back["suppressed"]) == ("unknown", "none")
    assert (await gateway.call("DELETE", "/v1/opt-outs/0612345678?scope=all", shop.live))[0] == 404


async def contacts(gateway: Gateway, shop: Account) -> list[Any]:
    found: list[Any] = (await gateway.call("GET", "/v1/contacts", shop.live))[1]["contacts"]
    return found


async def test_an_opt_out_from_all_ends_whatever_waits(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    code = await gateway.send(shop.live, to=ANNA, text="1234", category="otp", send_at=soon(hours=1))
    out = {"number": ANNA, "scope": "all"}
    assert (await gateway.call("POST", "/v1/opt-outs", shop.live, json=out))[0] == 201
    assert (await gateway.call("POST", "/v1/opt-outs", shop.live, json=out))[0] == 200
    message = await ended(gateway, shop, code["id"])
    assert (message["state"], message["reason"]) == ("blocked", "suppressed")


async def ended(gateway: Gateway, shop: Account, message_id: str) -> Any:
    """The message once the outcome writer has ended it."""
    for _ in range(100):
        _, message, _ = await gateway.call("GET", f"/v1/messages/{message_id}", shop.live)
        if message["state"] not in ("scheduled", "queued"):
            break
    return message


async def test_opt_outs_are_paged_newest_first(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    numbers = [f"+336123456{n:02}" for n in range(7)]
    for number in numbers:
        await gateway.call("POST", "/v1/opt-outs", shop.live, json={"number": number, "reason": number[-2:]})
    seen, cursor = [], ""
    while True:
        _, page, _ = await gateway.call("GET", f"/v1/opt-outs?limit=3{cursor}", shop.live)
        seen += [each["source"] for each in page["opt_outs"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [f"api:{number[-2:]}" for number in reversed(numbers)]
    assert (await gateway.call("GET", "/v1/opt-outs?cursor=AAAA", shop.live))[0] == 400
    _, of_one, _ = await gateway.call("GET", "/v1/opt-outs?number=0612345603", shop.live)
    assert [each["source"] for each in of_one["opt_outs"]] == ["api:03"]


async def test_another_shops_people_answer_like_nobody(gateway: Gateway) -> None:
    one, other = await gateway.add_shop("one"), await gateway.add_shop("other")
    _, members, _ = await gateway.call("POST", "/v1/lists", one.live, json={"name": "All"})
    person = await put(gateway, one, first_name="Anna", lists=[members["id"]], **opted_in())
    await gateway.call("POST", "/v1/opt-outs", one.live, json={"number": "+33612345679"})
    for method, path in (
        ("GET", "/v1/contacts/{}"),
        ("PATCH", "/v1/contacts/{}"),
        ("DELETE", "/v1/contacts/{}"),
        ("GET", "/v1/contacts/{}/consents"),
    ):
        theirs = await gateway.call(method, path.format(person["id"]), other.live, json={})
        nobody = await gateway.call(method, path.format("ctc_00000000001"), other.live, json={})
        assert theirs[:2] == nobody[:2]
        assert theirs[0] == 404
    assert (await gateway.call("DELETE", "/v1/opt-outs/0612345679", other.live))[0] == 404
    refused = await put(gateway, other, expect=404, lists=[members["id"]])
    assert refused["path"] == "$.lists"
    for path in (
        "/v1/contacts",
        "/v1/contacts?q=0612345678",
        "/v1/lists",
        "/v1/opt-outs",
        "/v1/contact-fields",
    ):
        _, listed, _ = await gateway.call("GET", path, other.live)
        assert next(iter(listed.values())) == []
    assert (await put(gateway, other))["id"] != person["id"]
    _, found, _ = await gateway.call("GET", f"/v1/contacts?list={members['id']}", other.live)
    assert found["contacts"] == []


async def test_test_keys_have_no_people(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    status, refused, _ = await gateway.call("GET", "/v1/contacts", shop.test)
    assert (status, refused["code"]) == (403, "live_key_needed")
    reader, _ = await gateway.add_key(shop.shop, is_test=False, scopes=["audience:read"])
    assert (await gateway.call("GET", "/v1/contacts", reader))[0] == 200
    assert (await gateway.call("POST", "/v1/contacts", reader, json={"number": ANNA}))[0] == 403


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"number": "x" * 101}, "$.number"),
        ({"number": ANNA, "first_name": "A\u0000"}, "$.first_name"),
        ({"number": ANNA, "language": "French"}, "$.language"),
        ({"number": ANNA, "time_zone": "Europe/Nowhere"}, "$.time_zone"),
        ({"number": ANNA, "time_zone": "../../etc/passwd"}, "$.time_zone"),
        ({"number": ANNA, "consent": {"state": "opted_in"}}, "$.consent.source"),
        ({"number": ANNA, "consent": {"state": "maybe", "source": "x"}}, "$.consent.state"),
        ({"number": ANNA, "lists": ["cmp_00000000001"]}, "$.lists"),
        ({"number": ANNA, "attributes": {"Bad Name": 1}, "new_fields": True}, "$.attributes.Bad Name"),
        ({"number": ANNA, "attributes": {"first_name": "x"}, "new_fields": True}, "$.attributes.first_name"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(gateway: Gateway, body: Any, path: str) -> None:
    shop = await gateway.add_shop()
    status, refused, _ = await gateway.call("POST", "/v1/contacts", shop.live, json=body)
    assert (status, refused["path"]) == (422, path)
    assert await gateway.count("contact") == 0


async def test_lists_are_made_filled_renamed_and_deleted(gateway: Gateway) -> None:
    shop = await gateway.add_shop()
    anna = await put(gateway, shop, **opted_in())
    bea = await put(gateway, shop, number="+33612345679")
    _, made, _ = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "  Clients "})
    assert (made["name"], made["member_count"]) == ("Clients", 0)
    taken = await gateway.call("POST", "/v1/lists", shop.live, json={"name": "Clients"})
    assert (taken[0], taken[1]["code"]) == (409, "name_taken")
    path = f"/v1/lists/{made['id']}"
    people = {"contacts": [anna["id"], bea["id"], "ctc_00000000001", anna["id"]]}
    _, answer, _ = await gateway.call("POST", f"{path}/members", shop.live, json=people)
    assert answer == {"added": 2, "unknown": 1, "member_count": 2}
    _, answer, _ = await gateway.call("POST", f"{path}/members", shop.live, json=people)
    assert answer == {"added": 0, "unknown": 1, "member_count": 2}
    _, found, _ = await gateway.call("GET", path, shop.live)
    assert (found["member_count"], found["marketing_count"]) == (2, 1)
    _, answer, _ = await gateway.call("DELETE", f"{path}/members", shop.live, json={"contacts": [anna["id"]]})
    assert answer == {"removed": 1, "member_count": 1}
    _, renamed, _ = await gateway.call("PATCH", path, shop.live, json={"name": "Customers"})
    assert renamed["name"] == "Customers"
    async with gateway.database.connection() as connection:
        list_id = await connection.raw.fetchval("SELECT id FROM contact_list")
        await connection.raw.execute(
            """INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, created_at,
                   updated_at, state_changed_at, created_by, name, text, links, audience)
               VALUES ($1, 1, 3, 3, 0, 1, now(), now(), now(), 'x', 'Sale', '', '[]',
                       jsonb_build_object('lists', jsonb_build_array($2::int8)))""",
            shop.shop.id,
            list_id,
        )
    status, refused, _ = await gateway.call("DELETE", path, shop.live)
    assert (status, refused["code"]) == (409, "list_in_use")
    assert "Sale" in refused["detail"]
    async with gateway.database.connection() as connection:
        await connection.raw.execute("UPDATE campaign SET state = 5")
    assert (await gateway.call("DELETE", path, shop.live))[0] == 204
    assert (await gateway.call("GET", path, shop.live))[0] == 404
    assert len(await contacts(gateway, shop)) == 2

"""Links opened at the public application: where they lead, what is kept, who counts, what guessing meets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from gateway.domain.clicks import Device, Verdict
from gateway.links.clicks import CLICKS_WAITING, Visit
from gateway.store.links import TEST_CAMPAIGN
from gateway.web.serving import make_runner
from tests.links.public import CAMPAIGN, CODES, PHONE, TOKENS, Public, run_public
from tests.store.rig import CutProxy, eventually, open_rig

pytestmark = pytest.mark.integration

V = Verdict
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36"
)


async def test_a_person_is_led_on_after_the_click_is_kept_and_counts_once(public: Public) -> None:
    link = await public.add_link("https://shop.example/été?x=1")
    path = "/" + CODES.encode(link.seq)
    status, body, headers = await public.visit(path + ".?utm=ignored")
    assert (status, body, headers["Location"]) == (302, "", "https://shop.example/%C3%A9t%C3%A9?x=1")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers
    kept = await public.rig.fetch(
        "SELECT shop_id, slot, verdict, device, is_first, campaign_id, contact_id, message_id, target_id,"
        " link_seq, country, host(address), agent FROM click"
    )
    assert kept == [
        (link.shop_id, link.slot, V.PERSON, Device.PHONE, True, CAMPAIGN, link.contact_id, link.message_id,
         link.target_id, link.seq, "FR", "198.51.100.0", PHONE)
    ]  # fmt: skip
    assert (await public.visit(path, agent=ANDROID))[0] == 302
    assert await public.clicks() == [(V.PERSON, True), (V.PERSON, False)]
    assert await public.rig.fetch(
        "SELECT verdict, device, clicks, people FROM stat_click WHERE campaign_id = $1", CAMPAIGN
    ) == [(V.PERSON, Device.PHONE, 2, 1)]
    ((bucket, people),) = await public.rig.fetch("SELECT bucket, messages FROM stat_delay WHERE kind = 2")
    assert (bucket, people) == (36, 1)  # five minutes
    assert await public.rig.value("SELECT count(*) FROM click_person") == 1


async def test_machines_are_kept_with_their_reason_and_never_count_as_people(public: Public) -> None:
    seen = await public.add_link()
    just_sent = await public.add_link(sent_ago=timedelta(seconds=1))
    undelivered = await public.add_link(sent_ago=timedelta(seconds=4), is_delivered=False)
    in_flight = await public.add_link(sent_ago=None)
    await public.rig.execute(
        "INSERT INTO message_state SELECT shop_id, $1, $2, 3, 0, 0, 1, 0, 0, 1, now(), NULL, NULL, NULL, ''"
        " FROM message_state LIMIT 1",
        in_flight.message_id, in_flight.slot,
    )  # fmt: skip
    forgotten = await public.add_link(sent_ago=None)
    assert await public.open(seen, method="HEAD") == 302
    assert await public.open(seen, agent="") == 302
    assert await public.open(seen, agent="WhatsApp/2.23.20.0 A") == 302
    assert await public.open(seen, agent="curl/8.5.0") == 302
    assert await public.open(seen, headers={"Sec-Purpose": "prefetch;prerender"}) == 302
    assert await public.open(just_sent) == 302
    assert await public.open(undelivered) == 302
    assert await public.open(in_flight) == 302
    assert await public.open(forgotten) == 302  # its day was dropped: judged by what it brings alone
    assert await public.clicks() == [
        (V.HEAD, False),
        (V.NO_AGENT, False),
        (V.PREVIEW, False),
        (V.DECLARED, False),
        (V.PREFETCH, False),
        (V.TOO_SOON, False),
        (V.TOO_SOON, False),
        (V.TOO_SOON, False),
        (V.PERSON, True),
    ]
    totals = await public.rig.fetch(
        "SELECT verdict, sum(clicks)::int, sum(people)::int FROM stat_click GROUP BY 1 ORDER BY 1"
    )
    assert totals == [(V.PERSON, 1, 1), (V.DECLARED, 1, 0), (V.NO_AGENT, 1, 0), (V.PREVIEW, 1, 0),
                      (V.PREFETCH, 1, 0), (V.HEAD, 1, 0), (V.TOO_SOON, 3, 0)]  # fmt: skip


async def test_many_clicks_at_once_make_each_person_one(public: Public) -> None:
    links = [await public.add_link() for _ in range(6)]
    opened = await asyncio.gather(*(
        public.open(link, address=f"203.0.113.{number}", agent=f"{PHONE} {number}")
        for number in range(4) for link in links
    ))  # fmt: skip
    assert set(opened) == {302}
    assert await public.rig.fetch(
        "SELECT sum(clicks)::int, sum(people)::int FROM stat_click WHERE verdict = 0"
    ) == [(24, 6)]
    assert await public.rig.value("SELECT count(*) FROM click WHERE is_first") == 6


async def test_a_walk_through_codes_from_one_address_is_a_burst(public: Public) -> None:
    links = [await public.add_link() for _ in range(45)]
    for link in links:
        assert await public.open(link) == 302
    verdicts = [verdict for verdict, _ in await public.clicks()]
    assert verdicts == [V.PERSON] * 40 + [V.BURST] * 5


async def test_the_link_of_a_test_message_leads_and_counts_nowhere(public: Public) -> None:
    link = await public.add_link(campaign_id=TEST_CAMPAIGN)
    assert await public.open(link) == 302
    assert await public.clicks() == [(V.PERSON, False)]
    for table in ("stat_click", "stat_delay", "click_person"):
        assert await public.rig.value(f"SELECT count(*) FROM {table}") == 0


async def test_what_is_no_link_is_a_small_page_and_guessing_is_slowed(public: Public) -> None:
    link = await public.add_link()
    optout = await public.add_optout_link("33612340099", 77)
    for path in ("/aaaaaaa", "/" + CODES.encode(optout.seq), "/" + TOKENS.encode(link.seq), "/00000000000"):
        status, text, _ = await public.visit(path, headers={"Accept-Language": "ro-RO,ro;q=0.9"})
        assert (status, "Această adresă nu duce nicăieri" in text) == (404, True), path
    for number in range(26):
        assert (await public.visit(f"/{number:07}", address=f"198.51.100.{number}"))[0] == 404
    unseen = await public.add_link()
    status, text, headers = await public.visit("/" + CODES.encode(unseen.seq))
    assert (status, "Too many attempts" in text) == (429, True)
    assert 0 < int(headers["Retry-After"]) <= 61
    assert (await public.visit("/" + TOKENS.encode(optout.seq)))[0] == 429
    assert await public.open(unseen, address="203.0.113.5") == 302
    # Now it is remembered, so whoever comes from the guesser's network gets there all the same.
    assert await public.open(unseen) == 302
    assert (await public.visit("/" + CODES.encode(link.seq), method="POST"))[0] == 405


@asynccontextmanager
async def public_behind_proxy(database: str) -> AsyncIterator[tuple[CutProxy, Public]]:
    """The application reaches Postgres through the proxy, the test's own rows are written past it."""
    async with (
        CutProxy(database) as proxy,
        open_rig(database) as rig,
        run_public(rig, dsn=proxy.dsn) as public,
    ):
        yield proxy, public


async def test_known_links_lead_on_while_postgres_is_away_and_their_clicks_are_kept_later(
    database: str,
) -> None:
    async with public_behind_proxy(database) as (proxy, public):
        known, unknown = [await public.add_link() for _ in range(2)]
        assert await public.open(known) == 302
        public.rooms.clicks.wait_seconds = 0.05
        proxy.is_closed = True
        proxy.cut()
        loop = asyncio.get_running_loop()
        before = loop.time()
        for number in range(4):
            assert await public.open(known, address=f"203.0.113.{number}") == 302
        assert loop.time() - before < 2
        status, text, headers = await public.visit("/" + CODES.encode(unknown.seq))
        assert (status, "One moment" in text, headers["Retry-After"]) == (503, True, "5")
        counts = public.rooms.clicks.counts()
        assert (counts.waiting, counts.late, counts.lost) == (4, 4, 0)
        proxy.is_closed = False

        async def are_kept() -> bool:
            return len(await public.clicks()) == 5

        await eventually(are_kept, seconds=10)
        assert [is_first for _, is_first in await public.clicks()].count(True) == 1


async def test_beyond_ten_thousand_waiting_clicks_visitors_are_led_on_and_the_loss_is_counted(
    database: str,
) -> None:
    async with public_behind_proxy(database) as (proxy, public):
        link = await public.add_link()
        assert await public.open(link) == 302
        proxy.is_closed = True
        proxy.cut()
        clicks, visit = public.rooms.clicks, _plain_visit()
        clicks.wait_seconds = 0.01
        for _ in range(CLICKS_WAITING // 500):
            await asyncio.gather(*(clicks.note(link, visit) for _ in range(500)))
        assert await public.open(link) == 302
        assert (clicks.counts().waiting, clicks.counts().lost) == (CLICKS_WAITING, 1)


def _plain_visit() -> Visit:
    return Visit(agent=PHONE, address="203.0.113.1", kept_address=None, is_head=False, is_prefetch=False)


async def test_hostile_requests_get_an_answer_and_nothing_else(public: Public) -> None:
    link = await public.add_link()
    path = "/" + CODES.encode(link.seq)
    odd = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla \xff\x80 \xc3\xa9\r\n\r\n"
    assert b"302" in (await _speak(public, odd)).partition(b"\r\n")[0]
    assert (await public.visit(path, headers={"X-Forwarded-For": "," * 4000}))[0] == 302
    assert (await public.visit(path, headers={"Accept-Language": "x" * 4000}))[0] == 302
    for octets in (
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nUser-Agent: a\x00b\r\n\r\n",
    ):
        assert b"400" in (await _speak(public, octets)).partition(b"\r\n")[0]
    verdicts: Sequence[tuple[object, ...]] = await public.clicks()
    assert len(verdicts) == 3


async def _speak(public: Public, octets: bytes) -> bytes:
    host, _, port = public.url.rpartition("//")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(octets)
    try:
        return await asyncio.wait_for(reader.read(4096), 5)
    finally:
        writer.close()


async def test_whoever_sends_a_request_too_slowly_is_cut_off(public: Public) -> None:
    runner = make_runner(public.rooms.make_app(), keepalive_seconds=0.3)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(b"GET /")
        for _ in range(3):
            await asyncio.sleep(0.05)
            writer.write(b"a")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    finally:
        await runner.cleanup()

"""The deliverer against a real Postgres and a shop's server on loopback."""

import asyncio
from itertools import count

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from gateway.domain.public_ids import encode_public_id
from gateway.store.outbox import (
    OWN_URL,
    WEBHOOK_TEST,
    DeliveryState,
    add_test_event,
    count_waiting_deliveries,
    redeliver,
)
from gateway.store.webhook_endpoints import (
    delete_webhook_endpoint,
    find_webhook_endpoint,
    rotate_webhook_secret,
    update_webhook_endpoint,
)
from gateway.webhooks.signature import format_secret

from .conftest import ENDPOINT_SECRET, SHOP_SECRET, PostOffice, Receiver, Responder

pytestmark = pytest.mark.integration


def answering(*statuses: int) -> Responder:
    """Answers in turn, the last one for ever."""
    left = list(statuses)

    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(status=left.pop(0) if len(left) > 1 else left[0], text="no thanks")

    return respond


async def test_an_event_is_delivered_once_signed_and_whole(office: PostOffice, receiver: Receiver) -> None:
    endpoint = await office.add_endpoint()
    office.start()
    event_id = await office.add_event(endpoint.id)
    delivery = await office.until_state(event_id, DeliveryState.DELIVERED)
    assert (delivery.attempt, delivery.http_status, delivery.last_error) == (1, 204, None)
    assert delivery.finished_at is not None
    await asyncio.sleep(0.6)  # more than one poll
    assert len(receiver.seen) == 1
    path, headers, raw = receiver.seen[0]
    body = Webhook(ENDPOINT_SECRET).verify(raw, dict(headers))
    assert path == "/hook"
    assert headers["webhook-id"] == body["id"] == encode_public_id("evt", event_id)
    assert headers["content-type"] == "application/json"
    assert (body["type"], body["sequence"]) == ("message.sent", 1)
    assert body["data"]["message"]["text"] == "été 🎉"
    assert body["data"]["message"]["state"] == "sent"


async def test_a_message_with_its_own_url_is_signed_with_the_shops_secret(
    office: PostOffice, receiver: Receiver
) -> None:
    subject_id = office.node.ids.next_id(42)
    office.own_urls[subject_id] = receiver.url + "/own"
    office.start()
    await office.until_state(await office.add_event(OWN_URL, subject_id=subject_id), DeliveryState.DELIVERED)
    path, headers, raw = receiver.seen[0]
    assert path == "/own"
    Webhook(SHOP_SECRET).verify(raw, dict(headers))


async def test_a_500_is_tried_again_after_a_pause_under_the_same_id(
    office: PostOffice, receiver: Receiver
) -> None:
    receiver.respond = answering(500, 200)
    endpoint = await office.add_endpoint()
    office.start()
    event_id = await office.add_event(endpoint.id)
    waiting = await office.until_attempt(event_id, 1)
    assert waiting.state is DeliveryState.WAITING
    assert waiting.last_error == "answered 500: no thanks"
    assert 3.7 < (waiting.next_at - office.now()).total_seconds() <= 6.3
    office.put_forward(6.5)
    delivery = await office.until_state(event_id, DeliveryState.DELIVERED)
    assert (delivery.attempt, delivery.http_status, delivery.last_error) == (2, 200, None)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.seen}) == 1


async def test_after_three_days_an_event_is_given_up(office: PostOffice, receiver: Receiver) -> None:
    receiver.respond = answering(503)
    endpoint = await office.add_endpoint()
    office.start()
    event_id = await office.add_event(endpoint.id)
    await office.until_attempt(event_id, 1)
    office.put_forward(3 * 86_400)
    delivery = await office.until_state(event_id, DeliveryState.GIVEN_UP)
    assert (delivery.attempt, delivery.http_status) == (2, 503)


async def test_a_receiver_that_never_answers_runs_into_the_deadline(
    office: PostOffice, receiver: Receiver
) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    receiver.respond = stall
    endpoint = await office.add_endpoint()
    office.start()
    event_id = await office.add_event(endpoint.id)
    delivery = await office.until_attempt(event_id, 1)
    assert (delivery.state, delivery.http_status) == (DeliveryState.WAITING, None)
    assert delivery.last_error == "no answer within 1 s"


async def test_a_slow_shop_does_not_hold_up_another(office: PostOffice, receiver: Receiver) -> None:
    async def by_path(request: web.Request) -> web.StreamResponse:
        if request.path == "/slow":
            await asyncio.sleep(0.9)
        return web.Response()

    receiver.respond = by_path
    slow, quick = await office.add_endpoint("/slow"), await office.add_endpoint("/quick")
    await office.add_events(slow.id, 400)
    office.start(concurrency=8)

    async def slow_is_busy() -> bool:
        return len(receiver.seen) >= 2

    await office.until(slow_is_busy)
    began = asyncio.get_running_loop().time()
    for event_id in await office.add_events(quick.id, 50):
        await office.until_state(event_id, DeliveryState.DELIVERED)
    assert asyncio.get_running_loop().time() - began < 2.5


async def test_a_dead_shop_rests_and_its_backlog_is_put_off_without_attempts(
    office: PostOffice, receiver: Receiver
) -> None:
    receiver.respond = answering(500)
    endpoint = await office.add_endpoint()
    ids = await office.add_events(endpoint.id, 600)
    deliverer = office.start()

    async def nothing_is_due() -> bool:
        return (await count_waiting_deliveries(office.database, now=office.now())).due == 0

    await office.until(nothing_is_due)
    assert deliverer.status().resting_targets == 1
    assert len(receiver.seen) <= 16
    untried = [event_id for event_id in ids if (await office.delivery(event_id)).attempt == 0]
    assert len(untried) >= 584
    receiver.respond = answering(200)
    for _ in range(40):
        office.put_forward(30)
        await asyncio.sleep(0.03)
    await office.until_state(ids[-1], DeliveryState.DELIVERED)


async def test_410_disables_the_endpoint_and_tells_of_it_once(office: PostOffice, receiver: Receiver) -> None:
    receiver.respond = answering(410)
    endpoint = await office.add_endpoint()
    office.start()
    first = await office.until_state(await office.add_event(endpoint.id), DeliveryState.GIVEN_UP)
    assert (first.attempt, first.http_status) == (1, 410)

    async def is_disabled() -> bool:
        found = await find_webhook_endpoint(office.database, office.shop_id, endpoint.id)
        return found is not None and not found.is_enabled

    await office.until(is_disabled)
    await asyncio.sleep(0.1)  # the directory's age in these tests
    second = await office.until_state(await office.add_event(endpoint.id), DeliveryState.GIVEN_UP)
    assert second.attempt == 0
    assert second.last_error is not None
    assert "disabled" in second.last_error
    assert len(receiver.seen) == 1
    async with office.database.connection() as connection:
        events = await connection.raw.fetch("SELECT kind, subject, shop_id FROM event")
    assert [tuple(row) for row in events] == [
        ("webhook_endpoint.disabled", encode_public_id("whk", endpoint.id), office.shop_id)
    ]


async def test_a_deleted_endpoints_deliveries_are_given_up_with_the_reason(office: PostOffice) -> None:
    endpoint = await office.add_endpoint()
    assert await delete_webhook_endpoint(office.database, office.shop_id, endpoint.id)
    office.start()
    delivery = await office.until_state(await office.add_event(endpoint.id), DeliveryState.GIVEN_UP)
    assert delivery.last_error == "the endpoint was deleted"


async def test_an_orderly_stop_waits_for_the_answer_and_a_restart_does_not_repeat_it(
    office: PostOffice, receiver: Receiver
) -> None:
    async def take_time(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return web.Response()

    receiver.respond = take_time
    endpoint = await office.add_endpoint()
    office.start()
    event_id = await office.add_event(endpoint.id)

    async def is_in_flight() -> bool:
        return len(receiver.seen) == 1

    await office.until(is_in_flight)
    await office.stop()
    assert (await office.delivery(event_id)).state is DeliveryState.DELIVERED
    office.start()
    await asyncio.sleep(0.6)
    assert len(receiver.seen) == 1


async def test_a_stop_does_not_wait_beyond_its_deadline(office: PostOffice, receiver: Receiver) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    receiver.respond = stall
    endpoint = await office.add_endpoint()
    office.start(timeout_seconds=30)
    event_id = await office.add_event(endpoint.id)

    async def is_in_flight() -> bool:
        return len(receiver.seen) == 1

    await office.until(is_in_flight)
    began = asyncio.get_running_loop().time()
    await office.stop(drain_seconds=0.2)
    assert asyncio.get_running_loop().time() - began < 1
    assert (await office.delivery(event_id)).attempt == 0


async def test_a_crash_before_the_note_repeats_the_post_under_the_same_id(
    office: PostOffice, receiver: Receiver
) -> None:
    asked = count()
    is_waiting = asyncio.Event()

    async def stall_once(request: web.Request) -> web.StreamResponse:
        if next(asked) == 0:
            is_waiting.set()
            await asyncio.sleep(30)
        return web.Response()

    receiver.respond = stall_once
    endpoint = await office.add_endpoint()
    office.start(timeout_seconds=30)
    event_id = await office.add_event(endpoint.id)
    await asyncio.wait_for(is_waiting.wait(), 5)
    await office.kill()
    office.start()
    await office.until_state(event_id, DeliveryState.DELIVERED)
    assert [headers["webhook-id"] for _, headers, _ in receiver.seen] == [
        encode_public_id("evt", event_id)
    ] * 2


async def test_a_redelivery_posts_the_same_event_again(office: PostOffice, receiver: Receiver) -> None:
    endpoint = await office.add_endpoint()
    office.start()
    event_id = await office.add_event(endpoint.id)
    await office.until_state(event_id, DeliveryState.DELIVERED)
    office.put_forward(40 * 86_400)
    asked = await redeliver(office.database, office.shop_id, event_id, now=office.now())
    assert asked is not None
    assert (asked.state, asked.attempt) == (DeliveryState.WAITING, 0)
    assert asked.finished_at is not None
    await office.until_state(event_id, DeliveryState.DELIVERED)
    assert receiver.bodies()[0] == receiver.bodies()[1]


async def test_a_redelivery_that_fails_is_tried_again_though_the_event_is_old(
    office: PostOffice, receiver: Receiver
) -> None:
    receiver.respond = answering(410, 500, 200)
    subject_id = office.node.ids.next_id(42)
    office.own_urls[subject_id] = receiver.url
    office.start()
    event_id = await office.add_event(OWN_URL, subject_id=subject_id)
    await office.until_state(event_id, DeliveryState.GIVEN_UP)
    office.put_forward(9 * 86_400)
    await redeliver(office.database, office.shop_id, event_id, now=office.now())
    assert (await office.until_attempt(event_id, 1)).state is DeliveryState.WAITING
    office.put_forward(10)
    await office.until_state(event_id, DeliveryState.DELIVERED)


async def test_a_private_address_is_refused_with_a_clear_error(
    office: PostOffice, receiver: Receiver
) -> None:
    endpoint = await office.add_endpoint()
    office.start(allow_private=False)
    delivery = await office.until_state(await office.add_event(endpoint.id), DeliveryState.GIVEN_UP)
    assert delivery.last_error is not None
    assert "127.0.0.1 is a private, loopback" in delivery.last_error
    assert "webhooks.allow_private" in delivery.last_error
    assert receiver.seen == []


async def test_a_name_behind_which_a_private_address_stands_is_not_connected_to(
    office: PostOffice, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(receiver.url.rpartition(":")[2])
    answer = [(2, 1, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("gateway.webhooks.targets.socket.getaddrinfo", lambda *_: answer)
    endpoint = await office.add_endpoint(f"http://rebound.example:{port}/hook")
    office.start(allow_private=False)
    delivery = await office.until_attempt(await office.add_event(endpoint.id), 1)
    assert delivery.state is DeliveryState.WAITING
    assert delivery.last_error is not None
    assert "'rebound.example' is refused" in delivery.last_error
    assert receiver.seen == []


async def test_a_name_without_an_address_is_an_ordinary_failure(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("gateway.webhooks.targets.socket.getaddrinfo", unknown)
    endpoint = await office.add_endpoint("http://nowhere.example/hook")
    office.start()
    delivery = await office.until_attempt(await office.add_event(endpoint.id), 1)
    assert delivery.last_error is not None
    assert "Name or service not known" in delivery.last_error


@pytest.mark.parametrize(("status", "is_delivered"), [(200, True), (500, False)])
async def test_an_endless_answer_is_cut_and_only_its_status_counts(
    office: PostOffice, receiver: Receiver, status: int, is_delivered: bool
) -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for _ in range(4096):
            await response.write(b"\0\xff" * 32_768)
            written += 65_536
        return response

    receiver.respond = flood
    endpoint = await office.add_endpoint()
    office.start()
    delivery = await office.until_attempt(await office.add_event(endpoint.id), 1)
    assert (delivery.state is DeliveryState.DELIVERED) is is_delivered
    assert delivery.http_status == status
    assert len(delivery.last_error or "") < 300
    assert written < 32 << 20


async def test_a_dripping_answer_counts_by_its_status(office: PostOffice, receiver: Receiver) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        for _ in range(100):
            await response.write(b".")
            await asyncio.sleep(0.1)
        return response

    receiver.respond = drip
    endpoint = await office.add_endpoint()
    office.start(timeout_seconds=5)
    delivery = await office.until_state(await office.add_event(endpoint.id), DeliveryState.DELIVERED)
    assert delivery.http_status == 200


async def test_a_redirect_is_a_failure_and_is_not_followed(office: PostOffice, receiver: Receiver) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"location": receiver.url + "/elsewhere"})

    receiver.respond = redirect
    endpoint = await office.add_endpoint()
    office.start()
    delivery = await office.until_attempt(await office.add_event(endpoint.id), 1)
    assert (delivery.state, delivery.http_status) == (DeliveryState.WAITING, 302)
    assert delivery.last_error == "answered 302; redirects are not followed, give the final URL"
    assert [path for path, _, _ in receiver.seen] == ["/hook"]


async def test_an_answer_that_is_not_http_is_a_failure(office: PostOffice) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"\x16\x03\x01 not http\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        plain = await office.add_endpoint(f"http://127.0.0.1:{port}/")
        tls = await office.add_endpoint(f"https://127.0.0.1:{port}/")
        office.start()
        for endpoint in (plain, tls):
            delivery = await office.until_attempt(await office.add_event(endpoint.id), 1)
            assert (delivery.state, delivery.http_status) == (DeliveryState.WAITING, None)
            assert delivery.last_error


async def test_events_of_one_message_arrive_in_order(office: PostOffice, receiver: Receiver) -> None:
    async def take_time(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return web.Response()

    receiver.respond = take_time
    endpoint = await office.add_endpoint()
    subject_id = office.node.ids.next_id(42)
    ids = await office.add_events(endpoint.id, 10, subject_id=subject_id)
    office.start()
    await office.until_state(ids[-1], DeliveryState.DELIVERED)
    assert [body["sequence"] for body in receiver.bodies()] == list(range(1, 11))


async def test_after_a_rotation_both_secrets_verify(office: PostOffice, receiver: Receiver) -> None:
    endpoint = await office.add_endpoint()
    new = format_secret(b"brandnew" * 4)
    later = office.now().replace(year=office.now().year + 1)
    rotated = await rotate_webhook_secret(
        office.database, office.shop_id, endpoint.id, secret=new, previous_until=later, now=office.now()
    )
    assert rotated is not None
    assert rotated.secret == new
    office.start()
    await office.until_state(await office.add_event(endpoint.id), DeliveryState.DELIVERED)
    _, headers, raw = receiver.seen[0]
    for secret in (new, ENDPOINT_SECRET):
        Webhook(secret).verify(raw, dict(headers))


async def test_a_test_event_reaches_an_endpoint_whatever_it_asks_for(
    office: PostOffice, receiver: Receiver
) -> None:
    endpoint = await office.add_endpoint(events=["message.failed"])
    event_id = office.node.ids.next_id(0)
    await add_test_event(
        office.database, shop_id=office.shop_id, event_id=event_id, endpoint_id=endpoint.id, now=office.now()
    )
    office.start()
    await office.until_state(event_id, DeliveryState.DELIVERED)
    assert receiver.bodies()[0]["type"] == WEBHOOK_TEST
    assert receiver.bodies()[0]["data"] == {"webhook_endpoint": {"id": encode_public_id("whk", endpoint.id)}}


async def test_a_changed_url_is_used_for_what_still_waits(office: PostOffice, receiver: Receiver) -> None:
    receiver.respond = answering(500, 200)
    endpoint = await office.add_endpoint("/old")
    office.start()
    event_id = await office.add_event(endpoint.id)
    await office.until_attempt(event_id, 1)
    await update_webhook_endpoint(
        office.database, office.shop_id, endpoint.id, url=receiver.url + "/new", now=office.now()
    )
    await asyncio.sleep(0.1)  # the directory's age in these tests
    office.put_forward(10)
    await office.until_state(event_id, DeliveryState.DELIVERED)
    assert [path for path, _, _ in receiver.seen] == ["/old", "/new"]


async def test_slots_of_other_nodes_are_left_alone(office: PostOffice, receiver: Receiver) -> None:
    endpoint = await office.add_endpoint()
    deliverer = office.start()
    deliverer._owned_slots = lambda: [slot for slot in range(256) if slot != 42]
    event_id = await office.add_event(endpoint.id)
    await asyncio.sleep(0.7)
    assert (await office.delivery(event_id)).state is DeliveryState.WAITING
    assert receiver.seen == []


async def test_what_waits_in_memory_is_left_to_the_node_that_has_its_slot_now(
    office: PostOffice, receiver: Receiver
) -> None:
    """Deliveries of one message go one after another: the second waits while the first is answered."""
    answers = asyncio.Event()

    async def answer_later(request: web.Request) -> web.StreamResponse:
        await answers.wait()
        return web.Response(status=204)

    async def is_first_under_way() -> bool:
        return len(receiver.seen) == 1

    async def is_slot_gone() -> bool:
        return 42 not in deliverer._slots

    receiver.respond = answer_later
    endpoint = await office.add_endpoint()
    deliverer = office.start()
    subject_id = office.node.ids.next_id(42)
    first, second = await office.add_events(endpoint.id, 2, subject_id=subject_id)
    await office.until(is_first_under_way)
    deliverer._owned_slots = lambda: [slot for slot in range(256) if slot != 42]
    await office.until(is_slot_gone)
    answers.set()
    await office.until_state(first, DeliveryState.DELIVERED)
    left = await office.delivery(second)
    assert (left.state, left.attempt, len(receiver.seen)) == (DeliveryState.WAITING, 0, 1)
    deliverer._owned_slots = lambda: range(256)
    await office.until_state(second, DeliveryState.DELIVERED)

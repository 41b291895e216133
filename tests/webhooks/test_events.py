"""What events say, who wants them and where they go."""

import json

import pytest

from gateway.domain.identifiers import slot_of_id
from gateway.domain.message import MessageState
from gateway.domain.public_ids import encode_public_id
from gateway.store.outbox import (
    EVENT_KINDS,
    KIND_OF_STATE,
    OUTBOX_COLUMNS,
    OWN_URL,
    outbox_record,
)
from gateway.store.webhook_endpoints import ShopWebhooks, WebhookEndpoint
from gateway.webhooks.addressing import NoTarget, Target, find_target
from gateway.webhooks.errors import BadEventFilter
from gateway.webhooks.events import (
    EVENT_PATTERNS,
    EventFamily,
    Subject,
    check_event_patterns,
    compose_body,
    is_wanted,
    wants_family,
)

from .rows import NOW, due_row


def endpoint(number: int, *events: str, is_enabled: bool = True) -> WebhookEndpoint:
    return WebhookEndpoint(
        7, number, f"https://{number}.example/", f"s{number}", events, is_enabled, NOW, NOW
    )


def test_the_body_is_the_message_as_it_stands_but_for_what_the_moment_tells() -> None:
    row = due_row(data='{"state":"sent","reason":null,"stat":"internal"}', sequence=3)
    shown = {"id": "msg_x", "state": "delivered", "reason": "x", "text": "été", "metadata": {"order": 12}}
    assert json.loads(compose_body(row, Subject(shown))) == {
        "id": encode_public_id("evt", row.id),
        "type": "message.sent",
        "occurred_at": "2026-03-01T12:00:00Z",
        "sequence": 3,
        "data": {"message": {**shown, "state": "sent", "reason": None}},
    }


def test_a_message_that_is_gone_leaves_its_id_and_the_moment() -> None:
    row = due_row()
    body = json.loads(compose_body(row, None))
    assert body["data"] == {"message": {"id": encode_public_id("msg", row.subject_id), "state": "sent"}}


def test_an_inbound_text_stands_under_its_own_name() -> None:
    row = due_row(kind="inbound.received", data="{}")
    assert json.loads(compose_body(row, Subject({"id": "mo_x"})))["data"] == {"inbound": {"id": "mo_x"}}
    assert json.loads(compose_body(row, None))["data"]["inbound"]["id"].startswith("mo_")


def test_a_test_event_names_its_endpoint() -> None:
    row = due_row(kind="webhook.test", data="{}")
    assert json.loads(compose_body(row, None))["data"] == {
        "webhook_endpoint": {"id": encode_public_id("whk", row.subject_id)}
    }


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["*"], True),
        (["message.*"], True),
        (["message.sent"], True),
        (["inbound.*", "message.sent"], True),
        (["message.delivered"], False),
        (["inbound.*"], False),
        ([], False),
    ],
)
def test_patterns_choose_events(patterns: list[str], wanted: bool) -> None:
    assert is_wanted("message.sent", patterns) is wanted


def test_a_family_is_wanted_when_any_of_its_events_is() -> None:
    assert wants_family(EventFamily.MESSAGE, ["inbound.*", "message.failed"])
    assert wants_family(EventFamily.INBOUND, ["*"])
    assert not wants_family(EventFamily.INBOUND, ["message.*"])


def test_every_event_but_the_test_can_be_asked_for() -> None:
    assert set(EVENT_KINDS) - set(EVENT_PATTERNS) == {"webhook.test"}
    assert check_event_patterns(EVENT_PATTERNS) == EVENT_PATTERNS


def test_patterns_are_kept_once() -> None:
    assert check_event_patterns(["message.*", "*", "message.*"]) == ("message.*", "*")


@pytest.mark.parametrize(
    "pattern", ["message", "message.queued", "webhook.test", "inbound", "", "message.*.x", "MESSAGE.SENT"]
)
def test_a_pattern_that_matches_nothing_is_refused_with_those_that_do(pattern: str) -> None:
    with pytest.raises(BadEventFilter, match=r"message\.delivered"):
        check_event_patterns(["*", pattern])


def test_an_event_for_the_messages_own_url_is_signed_with_the_shops_secret() -> None:
    webhooks = ShopWebhooks(7, "own", (endpoint(1, "*"),))
    target = find_target(due_row(endpoint_id=OWN_URL), webhooks, Subject({}, "https://own.example/"))
    assert target == Target(OWN_URL, "https://own.example/", "own")


def test_an_addressed_delivery_keeps_its_endpoint_whatever_it_asks_for_now() -> None:
    webhooks = ShopWebhooks(7, "own", (endpoint(1, "inbound.*"), endpoint(2, "*")))
    assert find_target(due_row(endpoint_id=1), webhooks, None) == Target(1, "https://1.example/", "s1")


@pytest.mark.parametrize(("endpoint_id", "says"), [(1, "disabled"), (2, "deleted"), (OWN_URL, "webhook_url")])
def test_a_delivery_whose_place_is_gone_is_told_why(endpoint_id: int, says: str) -> None:
    webhooks = ShopWebhooks(7, "own", (endpoint(1, "*", is_enabled=False),))
    found = find_target(due_row(endpoint_id=endpoint_id), webhooks, Subject({}))
    assert isinstance(found, NoTarget)
    assert says in found.fault


def test_waiting_states_have_no_event() -> None:
    silent = [state.word for state in MessageState if state not in KIND_OF_STATE]
    assert silent == ["scheduled", "queued", "sending"]
    assert KIND_OF_STATE[MessageState.DELIVERED] == "message.delivered"


def test_a_record_holds_one_value_for_each_column() -> None:
    row = due_row()
    record = dict(
        zip(
            OUTBOX_COLUMNS,
            outbox_record(
                shop_id=7,
                event_id=row.id,
                subject_id=row.subject_id,
                sequence=1,
                endpoint_id=OWN_URL,
                kind="message.sent",
                occurred_at=NOW,
                data="{}",
            ),
            strict=True,
        )
    )
    assert record["slot"] == slot_of_id(row.id)
    assert (record["endpoint_id"], record["state"], record["attempt"]) == (OWN_URL, 1, 0)
    assert record["next_at"] == NOW

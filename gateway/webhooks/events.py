"""What an event says: its names, which of them an endpoint asks for, and its body.

Owns the JSON envelope. The subject (the message, the inbound text) comes as the API shows it; this module
knows none of its fields.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from gateway.domain.public_ids import PublicPrefix, encode_public_id
from gateway.store.outbox import EVENT_KINDS, WEBHOOK_TEST, DueDelivery
from gateway.webhooks.errors import BadEventFilter


class EventFamily(Enum):
    """What events are about; the value is the word before the dot of their names."""

    MESSAGE = "message"
    INBOUND = "inbound"
    CONTACT = "contact"
    CAMPAIGN = "campaign"


EVERY_EVENT = "*"
FAMILY_PATTERNS = tuple(f"{family.value}.*" for family in EventFamily)
EVENT_PATTERNS = (EVERY_EVENT, *FAMILY_PATTERNS, *(kind for kind in EVENT_KINDS if kind != WEBHOOK_TEST))
"""What an endpoint's `events` may hold. `webhook.test` goes to the endpoint under test, asked for or not."""

_PUBLIC_PREFIX: dict[str, PublicPrefix] = {
    EventFamily.MESSAGE.value: "msg",
    EventFamily.INBOUND.value: "mo",
    EventFamily.CONTACT.value: "ctc",
    EventFamily.CAMPAIGN.value: "cmp",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about, as the API shows it to its shop; `webhook_url` is a message's own."""

    shown: Mapping[str, object]
    webhook_url: str | None = None


SubjectReader = Callable[[Sequence[DueDelivery]], Awaitable[Mapping[int, Subject]]]
"""Reads the subjects of a batch of deliveries (a few hundred) and answers by delivery id; a subject that no
longer exists is left out."""


def check_event_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns without repetitions. Raises `BadEventFilter` for the first that can match nothing."""
    checked = tuple(dict.fromkeys(patterns))
    for pattern in checked:
        if pattern not in EVENT_PATTERNS:
            raise BadEventFilter(pattern, ", ".join(EVENT_PATTERNS))
    return checked


def is_wanted(kind: str, patterns: Iterable[str]) -> bool:
    family = kind.partition(".")[0] + ".*"
    return any(pattern in (EVERY_EVENT, kind, family) for pattern in patterns)


def wants_family(family: EventFamily, patterns: Iterable[str]) -> bool:
    """Whether any event of the family may be wanted."""
    return any(pattern == EVERY_EVENT or pattern.startswith(family.value + ".") for pattern in patterns)


def event_id(delivery_id: int) -> str:
    """The event's id outside: `webhook-id`, the same for every attempt and redelivery."""
    return encode_public_id("evt", delivery_id)


def compose_body(row: DueDelivery, subject: Subject | None) -> bytes:
    """The JSON body: the subject as it stands now, but for the fields of which the event's own moment tells.

    So `message.sent` says "sent" although the message may be delivered by the time it is posted. A subject
    that is gone (its day was dropped) leaves its id and the moment.
    """
    return msgspec.json.encode(
        {
            "id": event_id(row.id),
            "type": row.kind,
            "occurred_at": row.occurred_at,
            "sequence": row.sequence,
            "data": _data(row, subject),
        }
    )


def _data(row: DueDelivery, subject: Subject | None) -> dict[str, object]:
    if row.kind == WEBHOOK_TEST:
        return {"webhook_endpoint": {"id": encode_public_id("whk", row.subject_id)}}
    word = row.kind.partition(".")[0]
    moment = msgspec.json.decode(row.data, type=dict[str, object])
    if subject is None:
        return {word: {"id": encode_public_id(_PUBLIC_PREFIX[word], row.subject_id), **moment}}
    return {word: {**subject.shown, **{name: moment[name] for name in subject.shown.keys() & moment.keys()}}}

"""The events of people who opted out or in: outbox rows, written with the change that they tell of."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from gateway.domain.identifiers import slot_of_address
from gateway.domain.people import MarketingConsent, SuppressionScope
from gateway.domain.public_ids import encode_public_id
from gateway.store.database import Connection
from gateway.store.optouts import Restoration, Restored, Withdrawal, Withdrawn
from gateway.store.outbox import CONTACT_OPTED_IN, CONTACT_OPTED_OUT, OUTBOX_COLUMNS, outbox_record

EndpointsFor = Callable[[int, str], Sequence[int]]
"""(shop_id, event kind) → ids of the webhook endpoints that want it."""

LookUpEndpoints = Callable[[set[int]], Awaitable[EndpointsFor]]


class OptoutTeller:
    """Tells shops who opted out or in by another way than a text, which the outcome writer sees to."""

    def __init__(self, look_up: LookUpEndpoints, *, next_id: Callable[[int], int]) -> None:
        self._look_up = look_up
        self._next_id = next_id

    async def write(
        self,
        connection: Connection,
        *,
        now: datetime,
        withdrawn: Sequence[Withdrawn] = (),
        restored: Sequence[Restored] = (),
    ) -> None:
        """Write the events inside the caller's transaction, before the rollups."""
        shops = {each.withdrawal.shop_id for each in withdrawn}
        shops.update(each.restoration.shop_id for each in restored)
        if not shops:
            return
        endpoints_for = await self._look_up(shops)
        records = standing_records(endpoints_for, withdrawn, restored, next_id=self._next_id, now=now)
        if records:
            await connection.copy("outbox", OUTBOX_COLUMNS, records)


def standing_records(
    endpoints_for: EndpointsFor,
    withdrawn: Sequence[Withdrawn],
    restored: Sequence[Restored],
    *,
    next_id: Callable[[int], int],
    now: datetime,
) -> list[tuple[object, ...]]:
    """One outbox row for each person and endpoint that wants to know. A suppression of everything is an
    operator's decision, not the person's word: it has no event."""
    told: list[tuple[Withdrawal | Restoration, int | None, str, MarketingConsent]] = [
        (each.withdrawal, each.contact_id, CONTACT_OPTED_OUT, MarketingConsent.OPTED_OUT)
        for each in withdrawn
    ]
    told += [(each.restoration, each.contact_id, CONTACT_OPTED_IN, each.consent) for each in restored]
    return [
        outbox_record(
            shop_id=person.shop_id,
            event_id=next_id(slot_of_address(person.address)),
            subject_id=contact_id or 0,
            sequence=1,
            endpoint_id=endpoint_id,
            kind=kind,
            occurred_at=now,
            data=_describe(person, contact_id, consent),
        )
        for person, contact_id, kind, consent in told
        if person.scope is SuppressionScope.MARKETING
        for endpoint_id in endpoints_for(person.shop_id, kind)
    ]


def _describe(person: Withdrawal | Restoration, contact_id: int | None, consent: MarketingConsent) -> str:
    """A JSON object as text; `id` is null for a person who is no contact."""
    return json.dumps(
        {
            "id": None if contact_id is None else encode_public_id("ctc", contact_id),
            "number": f"+{person.address}",
            "marketing_consent": consent.word,
            "source": person.source,
            "said_at": person.said_at.isoformat(),
        }
    )

"""Messages in flight, in memory: what the store and dispatch need of a message from claim to end.

A `Flight` mirrors the row of `message_state` as last committed; `FlightBook` finds one by the carrier's id.
Both are caches with a cap: what is not here is read back from the database, so forgetting is always safe.
"""

from collections import OrderedDict
from datetime import datetime

from gateway.domain.message import ENDS, Progress, Reason

BOOK_CAP = 60_000
"""Parts awaiting a receipt that are remembered, about 600 octets each; older ones are read back from
`receipt_map` when their receipt comes."""


class Flight:
    """One message between its claim and its end. `progress`, `reason` and `failure_class` are what the
    database holds."""

    __slots__ = (
        "accepted_connector_id",
        "attempt",
        "body",
        "campaign_id",
        "category",
        "connector_id",
        "contact_id",
        "cost_micros",
        "country",
        "currency",
        "expires_at",
        "failure_class",
        "from_address",
        "has_webhook_url",
        "id",
        "is_doubted",
        "is_sensitive",
        "is_stopped",
        "is_test",
        "lane",
        "parts",
        "progress",
        "reason",
        "receipt_per_message",
        "refusals",
        "retry_at",
        "sent_at",
        "shop_id",
        "slot",
        "text",
        "to_address",
        "wants_events",
    )

    def __init__(
        self,
        shop_id: int,
        message_id: int,
        slot: int,
        attempt: int,
        refusals: int,
        expires_at: datetime,
        accepted_connector_id: int,
        parts: int,
        cost_micros: int,
        country: str,
        currency: str,
        campaign_id: int | None,
        contact_id: int | None,
        is_sensitive: bool,
        is_test: bool,
        wants_events: bool,
        has_webhook_url: bool,
        to_address: str | None,
        from_address: str,
        text: str | None,
        body: bytes | None,
        connector_id: int,
        lane: int,
        category: int,
        progress: Progress,
        *,
        sent_at: datetime | None = None,
    ) -> None:
        """A claim alone gives these by their place, 1.3 µs less for each message than by name; up to `body`
        they are its columns."""
        self.shop_id = shop_id
        self.id = message_id
        self.slot = slot
        self.connector_id = connector_id
        self.accepted_connector_id = accepted_connector_id
        self.lane = lane
        self.category = category
        self.attempt = attempt
        self.refusals = refusals
        self.progress = progress
        self.expires_at = expires_at
        self.parts = parts
        self.cost_micros = cost_micros
        self.country = country
        self.currency = currency
        self.campaign_id = campaign_id
        self.is_sensitive = is_sensitive
        self.is_test = is_test
        self.wants_events = wants_events
        self.has_webhook_url = has_webhook_url
        self.to_address = to_address
        self.from_address = from_address
        self.text = text
        self.body = body
        self.contact_id = contact_id
        self.sent_at = sent_at
        """When the carrier had taken it, as far as the database says; for the wait to its receipt."""
        self.reason = Reason.NONE
        self.failure_class = 0
        self.retry_at: datetime | None = None
        """How long parts that were refused must wait, kept until the last of the others is answered."""
        self.receipt_per_message = False
        self.is_stopped = False
        self.is_doubted = False
        """Its outcome was unknown once: it may have been inferred and taken back since, so that what is
        remembered here may say more than the database."""

    def copy_state(self, other: "Flight") -> None:
        """Stand where `other`, just read from the database, stands."""
        self.progress = other.progress
        self.attempt = other.attempt
        self.reason = other.reason
        self.failure_class = other.failure_class
        self.sent_at = other.sent_at

    @property
    def is_over(self) -> bool:
        return self.progress.state in ENDS


class FlightBook:
    """Carrier ids of this process's recent submissions, newest wins, oldest forgotten beyond the cap."""

    def __init__(self, *, cap: int = BOOK_CAP) -> None:
        self._cap = cap
        self._by_carrier_id: OrderedDict[tuple[int, str], tuple[Flight, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_carrier_id)

    def remember(self, connector_id: int, carrier_id: str, flight: Flight, part: int) -> None:
        book = self._by_carrier_id
        key = (connector_id, carrier_id)
        if key in book:
            del book[key]  # the SMSC started its ids again: the newest message has this one now
        book[key] = (flight, part)
        if len(book) > self._cap:
            book.popitem(last=False)

    def find(self, connector_id: int, carrier_id: str) -> tuple[Flight, int] | None:
        return self._by_carrier_id.get((connector_id, carrier_id))

    def forget(self, connector_id: int, carrier_id: str, flight: Flight) -> None:
        """The part is at its end; a repeated receipt is looked up in the database. An id that another message
        has by now stays that one's."""
        key = (connector_id, carrier_id)
        held = self._by_carrier_id.get(key)
        if held is not None and held[0] is flight:
            del self._by_carrier_id[key]

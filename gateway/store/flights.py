"""Messages in flight, in memory: what the store and dispatch need of a message from claim to end.

A `Flight` mirrors the row of `message_state` as last committed; `FlightBook` finds one by the carrier's id.
Both are caches with a cap: what is not here is read back from the database, so forgetting is always safe.
"""

from collections import OrderedDict
from datetime import datetime

import msgspec

from gateway.domain.message import ENDS, Progress, Reason

BOOK_CAP = 60_000
"""Parts awaiting a receipt that are remembered, about 400 octets each; older ones are read back from
`receipt_map` when their receipt comes."""


class Flight(msgspec.Struct, gc=False, eq=False):
    """One message between its claim and its end. `progress`, `reason` and `failure_class` are what the
    database holds.

    Nothing that it refers to leads back to it, so the garbage collector need not know it: tens of thousands
    are alive under load, and each look at the newest 50,000 stopped everything for 11 ms, against 1 ms now.
    A struct is also made in 0.2 µs, where `__init__` took 0.5. Up to `body` the fields are the columns of a
    claim, which gives them by their place.
    """

    shop_id: int
    id: int
    slot: int
    attempt: int
    refusals: int
    expires_at: datetime
    accepted_connector_id: int
    parts: int
    cost_micros: int
    country: str
    currency: str
    campaign_id: int | None
    contact_id: int | None
    is_sensitive: bool
    is_test: bool
    wants_events: bool
    has_webhook_url: bool
    to_address: str | None
    from_address: str
    text: str | None
    body: bytes | None
    connector_id: int
    lane: int
    category: int
    progress: Progress
    sent_at: datetime | None = None
    """When the carrier had taken it, as far as the database says; for the wait to its receipt."""
    reason: Reason = Reason.NONE
    failure_class: int = 0
    retry_at: datetime | None = None
    """How long parts that were refused must wait, kept until the last of the others is answered."""
    receipt_per_message: bool = False
    is_stopped: bool = False
    is_doubted: bool = False
    """Its outcome was unknown once: it may have been inferred and taken back since, so that what is
    remembered here may say more than the database."""

    def copy_state(self, other: "Flight") -> None:
        """Stand where `other`, just read from the database, stands."""
        self.progress = other.progress
        self.attempt = other.attempt
        self.reason = other.reason
        self.failure_class = other.failure_class
        self.sent_at = other.sent_at

    def forget_content(self) -> None:
        """What it says, and between whom, stands in the plan for the wire from now on, and nobody else asks
        but the trace, for the number of a sensitive one. Up to 60,000 flights wait for their receipts: 200
        octets less for each, without the text."""
        self.text = self.body = None
        self.from_address = ""
        if not self.is_sensitive:
            self.to_address = None

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

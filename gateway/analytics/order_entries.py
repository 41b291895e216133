"""What a shop may say of an order: the fields of a post, and what is wrong with one. Pure; knows no row."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from gateway.analytics.orders import OrderPost
from gateway.domain.orders import ORDER_STATE_OF_WORD
from gateway.domain.phone import InvalidNumber, normalise_number
from gateway.domain.pricing import parse_price

ORDERS_AT_ONCE: Final = 1_000
_AHEAD: Final = timedelta(days=1)
"""Clocks of shops differ, and some write local times with a wrong offset."""
_EARLIEST: Final = datetime(2015, 1, 1, tzinfo=UTC)

# No control characters: Postgres stores no NUL, and nobody could type the others again.
ExternalId = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]


class OrderEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One order as a shop tells of it, the first time or again."""

    id: ExternalId
    amount: Amount
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    number: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    ordered_at: Annotated[datetime, Meta(tz=True)] | None = None
    state: Literal["placed", "cancelled", "refunded"] = "placed"
    refunded: Amount | None = None


@dataclass(frozen=True, slots=True)
class OrderFault:
    """Why an entry cannot be taken: a code of the API, the place in the entry, what and what next."""

    code: str
    path: str
    detail: str
    action: str


def check_order(entry: OrderEntry, *, default_country: str, now: datetime) -> OrderPost | OrderFault:
    """The entry with its number in E.164 and its money in millionths; without a time it is ordered now."""
    number = None
    if entry.number is not None:
        try:
            number = normalise_number(entry.number, default_country=default_country)
        except InvalidNumber as exc:
            return OrderFault(
                "invalid_number",
                "$.number",
                str(exc),
                "Correct the number, or leave it out: such an order is credited to no campaign.",
            )
    amount = parse_price(entry.amount)
    refunded = None if entry.refunded is None else parse_price(entry.refunded)
    if refunded is not None and refunded > amount:
        return OrderFault(
            "invalid_field", "$.refunded", "More is refunded than the order amounts to.", "Correct either."
        )
    ordered_at = now if entry.ordered_at is None else entry.ordered_at.astimezone(UTC)
    if not _EARLIEST <= ordered_at <= now + _AHEAD:
        return OrderFault(
            "invalid_field",
            "$.ordered_at",
            "This is no time at which an order can have been made.",
            "Send a time from 2015 on that is not in the future, with its UTC offset.",
        )
    return OrderPost(
        external_id=entry.id,
        number=number,
        state=ORDER_STATE_OF_WORD[entry.state],
        amount_micros=amount,
        currency=entry.currency,
        ordered_at=ordered_at,
        refunded_micros=refunded,
    )

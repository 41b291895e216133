"""The judgement of messages: from what a caller asks to a plan, or to the reason why not.

Owns the order of the checks and what each refusal says. Pure: terms, clock, random draw and the state of the
connectors are passed in. Refuses to know consent, caps and storage, which need the outside.

Messages of a request are mostly alike, so a planner judges what they have in common once: their manner (who
sends, when, with which bounds), their destination (what numbers of one country and prefix share), and the way
that comes of both. What is left to do for each message is to read its number and its text, to draw a
connector, and to look these up: 2.3 µs, where judging each alone took 4.6 µs.
"""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Final

import msgspec

from gateway.domain.countries import country_in_sentence
from gateway.domain.lanes import LANE_OF_CATEGORY, Category, Lane
from gateway.domain.phone import InvalidNumber, Number, normalise_number
from gateway.domain.pricing import Price, format_micros, parse_price
from gateway.domain.routing import IsUp, Lot, NoRoute, RouteDecision
from gateway.intake.contents import CONTENT_MISSING, CONTENT_TWICE, LastContent
from gateway.intake.moments import judge_moments
from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.requests import SendRequest
from gateway.intake.terms import ConnectorTerms, SendingTerms
from gateway.smpp.carrier_text import AS_USUAL
from gateway.smpp.gsm import encode_gsm
from gateway.smpp.split import TextPlan
from gateway.smpp.text import Alphabet, replace_typographic_characters
from gateway.store.shops import Shop

ANYWHERE: Final = "*"
NO_CURRENCY: Final = "XXX"
"""ISO 4217 for "no currency": stands in the row of a message whose price nobody knows."""

_CATEGORY_OF_WORD: Final = {category.word: category for category in Category}
_GSM7: Final = Alphabet.GSM7
_SHOWN_FORCING: Final = 20
_KINDS: Final = 1_000
"""Manners, destinations and ways of one planner, about 0.3 kB each; then it begins anew."""


class Way(msgspec.Struct, frozen=True):
    """How a message goes out, as far as it is the same for others of its request: those share one object."""

    sender: str
    country: str
    category: Category
    lane: Lane
    connector: ConnectorTerms
    route_name: str
    why: tuple[str, ...]
    alphabet: Alphabet
    parts: int
    price: Price | None
    """The price of one part."""
    cost: Price | None
    """The price of the whole message; None where it is unknown."""
    cost_micros: int
    currency: str
    send_at: datetime | None
    due_at: datetime | None
    expires_at: datetime


class Plan(msgspec.Struct, frozen=True, gc=False):
    """A message that may be taken in, as far as rules alone can tell.

    Here and below structs that are made in C stand for tuples with names, one for each message: 0.1 µs, not
    0.3 µs. They hold no cycles, so the garbage collector need not look at them.
    """

    address: str
    """E.164 digits."""
    way: Way
    wire: TextPlan
    text: str | None
    """The text as it will be sent: with `smart_encoding` its characters may differ from the request's."""


class _Manner(msgspec.Struct, frozen=True):
    """What a request asks for beside its number and content, judged, with the destinations met so far."""

    sender: str
    category: Category
    send_at: datetime | None
    due_at: datetime | None
    expires_at: datetime
    max_parts: int | None
    max_price: str | None
    destinations: "dict[tuple[str, str], _Destination | Refusal]"


class _Offer(msgspec.Struct, frozen=True):
    """A connector that a message may be given, with the ways made so far, by alphabet and number of parts."""

    connector: ConnectorTerms
    route_name: str
    why: tuple[str, ...]
    price: Price | None
    max_parts: int
    ways: dict[tuple[Alphabet, int], Way | Refusal]


class _Destination(msgspec.Struct, frozen=True):
    """Numbers of one country and prefix: the connectors drawn for them so far."""

    lot: Lot | None
    """None: there is one offer, under the id 0."""
    offers: dict[int, _Offer]


_manner_of = attrgetter(
    "sender", "category", "send_at", "ttl_seconds", "webhook_url", "max_parts", "max_price"
)
_TEST_OFFER: Final = 0


class Planner:
    """Plans messages of one shop, as the terms and the connectors are at one moment.

    `prefix_digits` are those of the terms. Whether a connector is up is asked once, so that nothing tears
    while it goes down. It remembers a little for each kind of message it meets.
    """

    def __init__(
        self,
        terms: SendingTerms,
        shop: Shop,
        *,
        prefix_digits: int,
        is_test: bool,
        now: datetime,
        is_up: IsUp,
        judge_sender: Callable[[str | None], str | Refusal],
        find_url_fault: Callable[[str], str | None],
    ) -> None:
        self._terms = terms
        self.shop = shop
        self.is_test = is_test
        self.now = now
        self._ask_is_up = is_up
        self._ups: dict[int, bool] = {}
        self._judge_sender = judge_sender
        self._find_url_fault = find_url_fault
        self._allowed = None if ANYWHERE in shop.allowed_countries else shop.allowed_countries
        self._manners: dict[tuple[object, ...], _Manner | Refusal] = {}
        self._kinds = 0
        self._prefix_digits = prefix_digits
        self._last = LastContent()
        self._last_rewired = LastContent()
        """As a carrier wants it that reads other characters than usual."""

    def plan(self, request: SendRequest, draw: float) -> Plan | Refusal:
        """The plan of a message, or the first thing that stands against it. `draw` is uniform in [0, 1)."""
        text = request.text
        if (text is None) is (request.binary is None):
            return CONTENT_MISSING if text is None else CONTENT_TWICE
        try:
            number = normalise_number(request.to, default_country=self.shop.country)
        except InvalidNumber as exc:
            return _number_refusal(exc)
        address, country = number
        if self._allowed is not None and country not in self._allowed:
            return _destination_refusal(country)
        asked = _manner_of(request)
        manner = self._manners.get(asked)
        if manner is None:
            self._make_room()
            manner = self._manners[asked] = self._judge_manner(request)
        if isinstance(manner, Refusal):
            return manner
        wire = self._last.plan(request, AS_USUAL)
        if isinstance(wire, Refusal):
            return wire
        place = (country, address[: self._prefix_digits])
        destination = manner.destinations.get(place)
        if destination is None:
            self._make_room()
            destination = manner.destinations[place] = self._find_destination(number, manner)
        if isinstance(destination, Refusal):
            return destination
        lot = destination.lot
        if lot is None:
            offer = destination.offers[_TEST_OFFER]
        else:
            decision = lot.draw(draw)
            found = destination.offers.get(decision.connector_id)
            offer = self._add_offer(destination, number, decision, manner) if found is None else found
        if offer.connector.wants is not AS_USUAL:
            rewired = self._last_rewired.plan(request, offer.connector.wants)
            if isinstance(rewired, Refusal):
                return rewired
            wire = rewired
        parts = len(wire.parts)
        if parts > offer.max_parts:
            return _parts_refusal(request, wire, offer.max_parts)
        alphabet = wire.alphabet
        way = offer.ways.get((alphabet, parts))
        if way is None:
            self._make_room()
            way = offer.ways[alphabet, parts] = self._find_way(country, manner, offer, alphabet, parts)
        if isinstance(way, Refusal):
            return way
        if request.smart_encoding and text is not None and alphabet is _GSM7 and encode_gsm(text) is None:
            text = replace_typographic_characters(text)
        return Plan(address, way, wire, text)

    def _make_room(self) -> None:
        """For one more kind of message."""
        self._kinds += 1
        if self._kinds > _KINDS:
            self._manners.clear()
            self._kinds = 1

    def _judge_manner(self, request: SendRequest) -> _Manner | Refusal:
        terms = self._terms
        sender = self._judge_sender(request.sender or self.shop.default_sender or terms.default_sender)
        if isinstance(sender, Refusal):
            return sender
        moments = judge_moments(terms, request, self.now)
        if isinstance(moments, Refusal):
            return moments
        if request.webhook_url is not None:
            fault = self._find_url_fault(request.webhook_url)
            if fault is not None:
                return Refusal(
                    RefusalCode.INVALID_WEBHOOK_URL, "$.webhook_url", fault, "Give a public https URL."
                )
        category = _CATEGORY_OF_WORD[request.category]
        return _Manner(sender, category, *moments, request.max_parts, request.max_price, {})

    def _find_destination(self, number: Number, manner: _Manner) -> _Destination | Refusal:
        terms, shop = self._terms, self.shop
        if self.is_test:
            if terms.test_connector is None:
                return _TEST_MODE_OFF
            # Nobody bills a test message; it costs nothing, in real money, for guards on the price.
            free = Price(0, shop.currency)
            return _Destination(
                None, {_TEST_OFFER: _offer(terms.test_connector, "", _WHY_TEST, free, manner.max_parts)}
            )
        lot = terms.routing.narrow(
            number.address,
            number.country,
            sender=manner.sender,
            category=manner.category,
            shop=shop.name,
            is_up=self._is_up,
            price_of=terms.price_of,
        )
        if isinstance(lot, NoRoute):
            return _no_route_refusal(number.country, lot)
        return _Destination(lot, {})

    def _add_offer(
        self, destination: _Destination, number: Number, decision: RouteDecision, manner: _Manner
    ) -> _Offer:
        connector = self._terms.connectors[decision.connector_id]
        price = connector.prices.price_per_part(number.address, number.country)
        offer = _offer(connector, decision.route_name, decision.why, price, manner.max_parts)
        destination.offers[connector.id] = offer
        return offer

    def _is_up(self, connector_id: int) -> bool:
        is_up = self._ups.get(connector_id)
        if is_up is None:
            is_up = self._ups[connector_id] = self._ask_is_up(connector_id)
        return is_up

    def _find_way(
        self, country: str, manner: _Manner, offer: _Offer, alphabet: Alphabet, parts: int
    ) -> Way | Refusal:
        price = offer.price
        if manner.max_price is not None:
            refusal = _judge_price(manner.max_price, price, parts, self.shop.currency)
            if refusal is not None:
                return refusal
        cost = price if price is None or parts == 1 else Price(price.micros * parts, price.currency)
        return Way(
            sender=manner.sender,
            country=country,
            category=manner.category,
            lane=LANE_OF_CATEGORY[manner.category],
            connector=offer.connector,
            route_name=offer.route_name,
            why=offer.why,
            alphabet=alphabet,
            parts=parts,
            price=price,
            cost=cost,
            cost_micros=0 if cost is None else cost.micros,
            currency=NO_CURRENCY if cost is None else cost.currency,
            send_at=manner.send_at,
            due_at=manner.due_at,
            expires_at=manner.expires_at,
        )


def _offer(
    connector: ConnectorTerms,
    route_name: str,
    why: tuple[str, ...],
    price: Price | None,
    max_parts: int | None,
) -> _Offer:
    most = connector.max_parts if max_parts is None else min(connector.max_parts, max_parts)
    return _Offer(connector, route_name, why, price, most, {})


_WHY_TEST = ("test keys send to the simulator",)
_TEST_MODE_OFF = Refusal(
    RefusalCode.TEST_MODE_OFF,
    "",
    "This server runs no simulator for test keys.",
    "Use a live key, or have the operator set test_mode.simulator.",
)


def _number_refusal(fault: InvalidNumber) -> Refusal:
    return Refusal(
        RefusalCode.INVALID_NUMBER,
        "$.to",
        str(fault),
        "Send one mobile number in international form, such as +33612345678.",
    )


def _destination_refusal(country: str) -> Refusal:
    return Refusal(
        RefusalCode.DESTINATION_NOT_ALLOWED,
        "$.to",
        f"The shop may not send to {country_in_sentence(country)}.",
        f"Have the operator add {country} to the shop's countries.",
    )


def _no_route_refusal(country: str, decision: NoRoute) -> Refusal:
    return Refusal(
        RefusalCode.NO_ROUTE, "$.to", decision.reason, f"Have the operator add a route to {country}."
    )


def _parts_refusal(request: SendRequest, wire: TextPlan, most: int) -> Refusal:
    detail = f"It needs {len(wire.parts)} parts; at most {most} are allowed."
    action = "Shorten it."
    if wire.forcing:
        shown = " ".join(wire.forcing[:_SHOWN_FORCING])
        action = f"Shorten it, or replace the characters that force the costly alphabet: {shown}"
    path = "$.text" if request.text is not None else "$.binary"
    return Refusal(RefusalCode.TOO_MANY_PARTS, path, detail, action)


def _judge_price(max_price: str, price: Price | None, parts: int, currency: str) -> Refusal | None:
    """The caller's guard is in the shop's currency; what cannot be compared with it is refused."""
    if price is None or price.currency != currency:
        known = (
            f"The price is in {price.currency}, not in {currency}." if price else "The price is not known."
        )
        return Refusal(
            RefusalCode.PRICE_UNKNOWN,
            "$.max_price",
            known,
            "Leave max_price out, or have the operator enter the price.",
        )
    if price.micros * parts <= parse_price(max_price):
        return None
    return Refusal(
        RefusalCode.PRICE_TOO_HIGH,
        "$.max_price",
        f"It would cost {format_micros(price.micros * parts)} {currency} for {parts} parts.",
        "Raise max_price, or shorten the text.",
    )

"""How people, lists, consents and opt-outs are spelled in answers, and what their handlers share.

Owns the words of the JSON; decides nothing about people.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.audience.erasure import Erasure
from gateway.audience.opting_out import OptOuts
from gateway.audience.people import People
from gateway.audience.requests import Fault
from gateway.audience.writing import By
from gateway.domain.identifiers import IdSource
from gateway.domain.people import OptoutWay, SuppressionScope
from gateway.domain.phone import InvalidNumber, Number, normalise_number
from gateway.domain.public_ids import encode_public_id
from gateway.intake.changes import MessageChanges
from gateway.store.consents import ConsentRecord
from gateway.store.contact_lists import ContactList
from gateway.store.contacts import Contact
from gateway.store.database import Database
from gateway.store.shops import Shop
from gateway.store.suppressions import Suppression
from gateway.web.problems import Problem, ProblemRaised, describe
from gateway.web.shop_routes import ShopCaller

PAGE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class AudienceTools:
    """What the handlers of people, lists and opt-outs work with. `batch_octets` bounds a batch's body."""

    database: Database
    people: People
    erasure: Erasure
    optouts: OptOuts
    changes: MessageChanges
    ids: IdSource
    clock: Callable[[], datetime]
    batch_octets: int


def by_of(caller: ShopCaller) -> By:
    """Who stands behind a change, as the rows about people tell it."""
    return By(OptoutWay.SHOP if caller.actor.is_operator else OptoutWay.API, caller.actor.name)


def source_of(caller: ShopCaller) -> str:
    """What the row of a new person says it came from."""
    return "console" if caller.actor.is_operator else "api"


def show_contact(contact: Contact) -> dict[str, object]:
    return {
        "id": encode_public_id("ctc", contact.id),
        "number": f"+{contact.address}",
        "country": contact.country,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "tags": contact.tags,
        "attributes": msgspec.Raw(contact.attributes.encode()),
        "source": contact.source,
        "marketing_consent": contact.marketing_consent.word,
        "suppressed": contact.suppressed.word,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }


def show_consent(consent: ConsentRecord) -> dict[str, object]:
    return {
        "state": consent.state.word,
        "said_at": consent.said_at,
        "recorded_at": consent.recorded_at,
        "source": consent.source,
        "wording": consent.wording,
        "evidence": None if consent.evidence is None else msgspec.Raw(consent.evidence.encode()),
    }


def show_list(contact_list: ContactList) -> dict[str, object]:
    return {
        "id": encode_public_id("lst", contact_list.id),
        "name": contact_list.name,
        "member_count": contact_list.member_count,
        "created_at": contact_list.created_at,
        "updated_at": contact_list.updated_at,
    }


def show_opt_out(suppression: Suppression) -> dict[str, object]:
    """`number` is null for people who are no contacts: then only their hash is kept."""
    contact_id, address = suppression.contact_id, suppression.address
    return {
        "number": None if address is None else f"+{address}",
        "contact_id": None if contact_id is None else encode_public_id("ctc", contact_id),
        "scope": suppression.scope.word,
        "source": suppression.source,
        "created_at": suppression.created_at,
    }


def describe_fault(fault: Fault) -> Problem:
    return describe(fault.code, fault.detail, fault.action, path=fault.path)


def raise_fault(fault: Fault) -> ProblemRaised:
    """The refusal of a whole request; the caller raises it."""
    return ProblemRaised(fault.code, fault.detail, fault.action, path=fault.path)


def read_number(text: str, shop: Shop, *, path: str) -> Number:
    """A number as a shop writes it. Raises `ProblemRaised`; `path` is its place in the body, if any."""
    written = f"+{text[1:]}" if text[:1] == " " else text  # a "+" that was not percent-encoded
    try:
        return normalise_number(written, default_country=shop.country)
    except InvalidNumber as exc:
        raise ProblemRaised("invalid_number", str(exc), "Correct the number.", path=path) from exc


class _OptOutCursor(msgspec.Struct, frozen=True, array_like=True):
    created_at: datetime
    address_key: bytes
    scope: int


def write_cursor(last: Suppression) -> str:
    """Where the next page of opt-outs begins."""
    place = _OptOutCursor(last.created_at, last.address_key, last.scope)
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str | None) -> Suppression | None:
    """The row that a page of opt-outs follows. Raises `ProblemRaised` for text that no page gave."""
    if text is None:
        return None
    try:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        place = msgspec.json.decode(octets, type=_OptOutCursor)
        scope = SuppressionScope(place.scope)
    except (ValueError, msgspec.MsgspecError) as exc:
        raise ProblemRaised(
            "invalid_parameter", "The parameter cursor is none that a page gave.", "Copy next_cursor."
        ) from exc
    if place.created_at.tzinfo is None:
        raise ProblemRaised("invalid_parameter", "The parameter cursor has no time.", "Copy next_cursor.")
    return Suppression(scope, "", place.created_at, place.address_key)

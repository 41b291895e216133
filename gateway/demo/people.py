"""Puts the demonstration's shop, its keys and its customers into the database, where they are not there yet.

What an operator does with `estafette shop` and `estafette key`, in one go.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from gateway.demo.customers import Customer
from gateway.demo.folder import DemoKeys
from gateway.domain.identifiers import IdSource, slot_of_address
from gateway.domain.people import MarketingConsent
from gateway.domain.phone import normalise_number
from gateway.intake.keys import RANDOM_OCTETS, SCOPES, make_key
from gateway.store.contacts import Contact, put_contact
from gateway.store.database import Database
from gateway.store.shops import NewShop, create_key, create_shop, find_shop_by_name
from gateway.webhooks.signature import SECRET_OCTETS, format_secret

SHOP_NAME = "demo"
_COUNTRY = "FR"
_CURRENCY = "EUR"
_SOURCE = "demo"


async def open_shop(database: Database, now: datetime, *, with_keys: bool) -> tuple[int, DemoKeys | None]:
    """The number of the shop, made if need be, and a new live and test key if `with_keys`."""
    secret = format_secret(secrets.token_bytes(SECRET_OCTETS))
    shop = await create_shop(database, NewShop(SHOP_NAME, _COUNTRY, _CURRENCY, secret), now)
    shop = shop or await find_shop_by_name(database, SHOP_NAME)
    assert shop is not None  # made just now, or there before; shops are never deleted
    if not with_keys:
        return shop.id, None
    live = await _make_key(database, shop.id, now, is_test=False)
    test = await _make_key(database, shop.id, now, is_test=True)
    return shop.id, DemoKeys(live=live, test=test)


async def import_customers(
    database: Database, ids: IdSource, shop_id: int, customers: Sequence[Customer], now: datetime
) -> None:
    """Add the customers to the shop's contacts, or update those it has; all of them have opted in."""
    for customer in customers:
        number = normalise_number(customer.phone, default_country=_COUNTRY)
        contact = Contact(
            shop_id=shop_id,
            id=ids.next_id(slot_of_address(number.address)),
            address=number.address,
            country=number.country,
            first_name=customer.first_name,
            last_name=customer.last_name,
            language=customer.language,
            attributes=json.dumps({"city": customer.city, "order": customer.order}, ensure_ascii=False),
            source=_SOURCE,
            marketing_consent=MarketingConsent.OPTED_IN,
        )
        await put_contact(database, contact, now)


async def _make_key(database: Database, shop_id: int, now: datetime, *, is_test: bool) -> str:
    key = make_key(secrets.token_bytes(RANDOM_OCTETS), is_test=is_test)
    await create_key(
        database,
        shop_id,
        is_test=is_test,
        key_hash=key.hash,
        hint=key.hint,
        label="made by the demo",
        scopes=SCOPES,
        now=now,
    )
    return key.text

"""Puts the demonstration's shop and its keys into the database, where they are not there yet.

What an operator does with `estafette shop` and `estafette key`, in one go.
"""

import secrets
from datetime import datetime

from gateway.demo.folder import DemoKeys
from gateway.intake.keys import RANDOM_OCTETS, SCOPES, make_key
from gateway.store.database import Database
from gateway.store.shops import NewShop, create_key, create_shop, find_shop_by_name
from gateway.webhooks.signature import SECRET_OCTETS, format_secret

SHOP_NAME = "demo"
_COUNTRY = "FR"
_CURRENCY = "EUR"


async def open_shop(database: Database, now: datetime, *, with_keys: bool) -> DemoKeys | None:
    """Make the shop if need be; a new live and test key if `with_keys`."""
    secret = format_secret(secrets.token_bytes(SECRET_OCTETS))
    shop = await create_shop(database, NewShop(SHOP_NAME, _COUNTRY, _CURRENCY, secret), now)
    shop = shop or await find_shop_by_name(database, SHOP_NAME)
    assert shop is not None  # made just now, or there before; shops are never deleted
    if not with_keys:
        return None
    live = await _make_key(database, shop.id, now, is_test=False)
    test = await _make_key(database, shop.id, now, is_test=True)
    return DemoKeys(live=live, test=test)


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

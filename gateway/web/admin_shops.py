"""Admin handlers for shops and their keys."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.domain.countries import COUNTRIES
from gateway.domain.pricing import format_micros, parse_price
from gateway.domain.sender import InvalidSender, check_sender
from gateway.intake.changes import MessageChanges
from gateway.intake.keys import RANDOM_OCTETS, SCOPES, Scope, make_key
from gateway.store.database import Database
from gateway.store.shops import (
    OTP_PER_NUMBER_HOUR,
    OTP_PER_PREFIX_HOUR,
    ApiKey,
    NewShop,
    Shop,
    create_key,
    create_shop,
    list_keys,
    list_shops,
    revoke_key,
    update_shop,
)
from gateway.web.admin_access import Caller
from gateway.web.admin_handlers import find_shop_for
from gateway.web.bodies import Query, read_struct
from gateway.web.message_handlers import answer_json
from gateway.web.problems import ProblemRaised
from gateway.webhooks.signature import SECRET_OCTETS, format_secret

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Country = Annotated[str, Meta(min_length=1, max_length=2)]
Countries = Annotated[list[Country], Meta(min_length=1, max_length=250)]
Sender = Annotated[str, Meta(min_length=1, max_length=64)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
OnUnknown = Literal["hold", "resend"]
ANYWHERE = "*"


class ShopRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A shop to be made. Caps of 0 set no limit; spend is in the shop's currency."""

    name: Name
    country: Country
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "EUR"
    default_sender: Sender | None = None
    countries: Countries | None = None
    otp_per_number_hour: Count = OTP_PER_NUMBER_HOUR
    otp_per_prefix_hour: Count = OTP_PER_PREFIX_HOUR
    spend_day: Amount | None = None
    spend_month: Amount | None = None
    on_unknown: OnUnknown = "hold"


class ShopChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a shop; what is left out stays, null lifts a cap or clears the sender."""

    default_sender: Sender | UnsetType | None = UNSET
    countries: Countries | UnsetType = UNSET
    otp_per_number_hour: Count | UnsetType = UNSET
    otp_per_prefix_hour: Count | UnsetType = UNSET
    spend_day: Amount | UnsetType | None = UNSET
    spend_month: Amount | UnsetType | None = UNSET
    on_unknown: OnUnknown | UnsetType = UNSET
    is_closed: bool | UnsetType = UNSET


class KeyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made."""

    shop: Name
    mode: Literal["live", "test"]
    label: Annotated[str, Meta(max_length=100)] = ""
    scopes: Annotated[list[Scope], Meta(min_length=1)] | None = None


class ShopAdmin:
    """Shops and keys that the caller may see."""

    def __init__(
        self,
        database: Database,
        changes: MessageChanges,
        clock: Callable[[], datetime],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock
        self._random_octets = random_octets

    async def list_shops(self, request: web.Request, caller: Caller) -> web.Response:
        return answer_json({"shops": [_show_shop(shop) for shop in await self._visible_shops(caller)]})

    async def create_shop(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, ShopRequest)
        _check_countries([wanted.country], "$.country")
        new = NewShop(
            name=wanted.name,
            country=wanted.country,
            currency=wanted.currency,
            webhook_secret=format_secret(self._random_octets(SECRET_OCTETS)),
            default_sender=_check_sender(wanted.default_sender),
            allowed_countries=_check_countries(wanted.countries or [wanted.country], "$.countries"),
            otp_per_number_hour=wanted.otp_per_number_hour,
            otp_per_prefix_hour=wanted.otp_per_prefix_hour,
            spend_day_micros=_micros(wanted.spend_day),
            spend_month_micros=_micros(wanted.spend_month),
            resends_unknown=wanted.on_unknown == "resend",
        )
        shop = await create_shop(self._database, new, self._clock())
        if shop is None:
            raise ProblemRaised(
                "name_taken",
                f"There is a shop named {wanted.name} already.",
                "Choose another name.",
                path="$.name",
            )
        await self._changes.note(caller.actor, "shop.create", f"shop {shop.name}", _show_shop(shop))
        return answer_json({**_show_shop(shop), "webhook_secret": shop.webhook_secret}, status=201)

    async def change_shop(self, request: web.Request, caller: Caller) -> web.Response:
        shop = await find_shop_for(self._database, caller, request.match_info["name"])
        wanted = await read_struct(request, ShopChange)
        changed = await update_shop(self._database, _apply(wanted, shop, self._clock()))
        assert changed is not None  # shops are never deleted
        await self._changes.note(caller.actor, "shop.change", f"shop {shop.name}", _show_shop(changed))
        return answer_json(_show_shop(changed))

    async def list_keys(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = Query(request, ("shop",)).text("shop")
        shops = await self._visible_shops(caller)
        if wanted is not None:
            shops = [await find_shop_for(self._database, caller, wanted)]
        names = {shop.id: shop.name for shop in shops}
        keys = await list_keys(self._database, list(names))
        return answer_json({"keys": [_show_key(key, names[key.shop_id]) for key in keys]})

    async def create_key(self, request: web.Request, caller: Caller) -> web.Response:
        wanted = await read_struct(request, KeyRequest)
        shop = await find_shop_for(self._database, caller, wanted.shop)
        key = make_key(self._random_octets(RANDOM_OCTETS), is_test=wanted.mode == "test")
        stored = await create_key(
            self._database,
            shop.id,
            is_test=wanted.mode == "test",
            key_hash=key.hash,
            hint=key.hint,
            label=wanted.label,
            scopes=wanted.scopes or SCOPES,
            now=self._clock(),
        )
        shown = _show_key(stored, shop.name)
        await self._changes.note(caller.actor, "key.create", f"key {stored.id} of shop {shop.name}", shown)
        return answer_json({**shown, "key": key.text}, status=201)

    async def revoke_key(self, request: web.Request, caller: Caller) -> web.Response:
        text = request.match_info["id"]
        shops = {shop.id: shop.name for shop in await self._visible_shops(caller)}
        key = None
        if text.isascii() and text.isdigit() and len(text) < 10:
            key = await revoke_key(self._database, int(text), list(shops), self._clock())
        if key is None:
            raise ProblemRaised(
                "not_found", f"There is no live key {text[:20]}.", "See estafette key list for the ids."
            )
        shown = _show_key(key, shops[key.shop_id])
        await self._changes.note(caller.actor, "key.revoke", f"key {key.id} of shop {shown['shop']}", shown)
        return answer_json(shown)

    async def _visible_shops(self, caller: Caller) -> list[Shop]:
        return [shop for shop in await list_shops(self._database) if caller.may_see_shop(shop.name)]


def _apply(wanted: ShopChange, shop: Shop, now: datetime) -> Shop:
    changed = shop
    if wanted.default_sender is not UNSET:
        changed = replace(changed, default_sender=_check_sender(wanted.default_sender))
    if wanted.countries is not UNSET:
        changed = replace(changed, allowed_countries=_check_countries(wanted.countries, "$.countries"))
    if wanted.otp_per_number_hour is not UNSET:
        changed = replace(changed, otp_per_number_hour=wanted.otp_per_number_hour)
    if wanted.otp_per_prefix_hour is not UNSET:
        changed = replace(changed, otp_per_prefix_hour=wanted.otp_per_prefix_hour)
    if wanted.spend_day is not UNSET:
        changed = replace(changed, spend_day_micros=_micros(wanted.spend_day))
    if wanted.spend_month is not UNSET:
        changed = replace(changed, spend_month_micros=_micros(wanted.spend_month))
    if wanted.on_unknown is not UNSET:
        changed = replace(changed, resends_unknown=wanted.on_unknown == "resend")
    if wanted.is_closed is not UNSET:
        changed = replace(changed, closed_at=(shop.closed_at or now) if wanted.is_closed else None)
    return changed


def _check_countries(countries: list[str], path: str) -> frozenset[str]:
    for country in countries:
        if country not in COUNTRIES and country != ANYWHERE:
            raise ProblemRaised(
                "invalid_field",
                f"There is no country {country}.",
                'Write two capital letters, such as FR; "*" in countries means anywhere.',
                path=path,
            )
    return frozenset(countries)


def _check_sender(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return check_sender(text).address
    except InvalidSender as exc:
        action = "Send a name of up to 11 characters, a short code or a number."
        raise ProblemRaised("invalid_sender", str(exc), action, path="$.default_sender") from exc


def _micros(amount: str | None) -> int | None:
    return None if amount is None else parse_price(amount)


def _show_shop(shop: Shop) -> dict[str, object]:
    day, month = shop.spend_day_micros, shop.spend_month_micros
    return {
        "name": shop.name,
        "country": shop.country,
        "currency": shop.currency,
        "default_sender": shop.default_sender,
        "countries": sorted(shop.allowed_countries),
        "otp_per_number_hour": shop.otp_per_number_hour,
        "otp_per_prefix_hour": shop.otp_per_prefix_hour,
        "spend_day": None if day is None else format_micros(day),
        "spend_month": None if month is None else format_micros(month),
        "on_unknown": "resend" if shop.resends_unknown else "hold",
        "created_at": shop.created_at,
        "closed_at": shop.closed_at,
    }


def _show_key(key: ApiKey, shop_name: str) -> dict[str, object]:
    return {
        "id": key.id,
        "shop": shop_name,
        "mode": "test" if key.is_test else "live",
        "hint": key.hint,
        "label": key.label,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }

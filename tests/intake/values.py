"""Shops, terms and requests for tests of acceptance: made whole, changed by keyword."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.config import Amount, Config, ConnectorConfig, DefaultsConfig, HostPort, PriceConfig, Secret
from gateway.intake.acceptance import Acceptance
from gateway.intake.planning import Plan
from gateway.intake.refusals import Refusal
from gateway.intake.requests import decode_send
from gateway.intake.terms import build_terms
from gateway.store.shops import Shop

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
CONNECTOR_IDS = {"simulator": 1, "smsc-a": 2, "smsc-b": 3}


def make_connector(name: str = "smsc-a", **changes: Any) -> ConnectorConfig:
    values: dict[str, Any] = {
        "name": name,
        "hosts": (HostPort("127.0.0.1", 2775),),
        "system_id": "x",
        "password": Secret("x"),
        "prices": (PriceConfig(country="FR", price=Amount(45_000)),),
    }
    return ConnectorConfig(**{**values, **changes})


def make_config(**changes: Any) -> Config:
    values: dict[str, Any] = {"connectors": (make_connector(),), "defaults": DefaultsConfig(sender="GATEWAY")}
    return Config(**{**values, **changes})


def make_acceptance(config: Config | None = None, **changes: Any) -> Acceptance:
    values: dict[str, Any] = {"is_up": lambda _: True, "find_url_fault": lambda _: None}
    return Acceptance(build_terms(config or make_config(), CONNECTOR_IDS), **{**values, **changes})


SHOP = Shop(
    id=7,
    name="boutique",
    country="FR",
    currency="EUR",
    default_sender="BOUTIQUE",
    webhook_secret="",
    allowed_countries=frozenset({"FR"}),
    otp_per_number_hour=0,
    otp_per_prefix_hour=0,
    spend_day_micros=None,
    spend_month_micros=None,
    resends_unknown=False,
    created_at=NOW,
    closed_at=None,
)


def make_shop(**changes: Any) -> Shop:
    return replace(SHOP, **changes)


def judge(body: bytes, acceptance: Acceptance | None = None, **changes: Any) -> Plan | Refusal:
    """What becomes of a JSON body, from its octets to the plan."""
    request = decode_send(body)
    if isinstance(request, Refusal):
        return request
    values: dict[str, Any] = {"is_test": False, "now": NOW, "draw": 0.5, "shop": SHOP}
    values.update(changes)
    shop = values.pop("shop")
    draw = values.pop("draw")
    return (acceptance or make_acceptance()).planner(shop, **values).plan(request, draw)


def accept(body: bytes, acceptance: Acceptance | None = None, **changes: Any) -> Plan:
    plan = judge(body, acceptance, **changes)
    assert isinstance(plan, Plan), plan
    return plan


def refuse(body: bytes, acceptance: Acceptance | None = None, **changes: Any) -> tuple[str, str]:
    """(code, path) of the refusal."""
    refusal = judge(body, acceptance, **changes)
    assert isinstance(refusal, Refusal), refusal
    return refusal.code.value, refusal.path

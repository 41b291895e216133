"""The rooms of the audience as the server makes them, for a running API under test."""

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.audience.erasure import Erasure
from gateway.audience.opting_out import OptOuts
from gateway.audience.people import People
from gateway.store.evidence import Ending
from gateway.web.audience_view import AudienceTools
from gateway.web.contact_handlers import contact_routes
from gateway.web.list_handlers import list_routes
from gateway.web.optout_handlers import optout_routes
from gateway.web.shop_routes import ShopRoute
from tests.store.rig import silent_teller
from tests.web.harness import SECRET, Gateway


def now() -> datetime:
    return datetime.now(UTC)


def make_people(gateway: Gateway, put_ending: Callable[[Ending], None]) -> People:
    return People(
        gateway.database,
        ids=gateway.node.ids,
        clock=now,
        instance_secret=SECRET,
        put_ending=put_ending,
        teller=silent_teller(gateway.node.ids),
    )


def make_audience_routes(gateway: Gateway) -> list[ShopRoute]:
    """Every endpoint about people, lists and opt-outs."""
    put_ending = gateway.put_ending
    tools = AudienceTools(
        database=gateway.database,
        people=make_people(gateway, put_ending),
        erasure=Erasure(gateway.database, clock=now, instance_secret=SECRET, put_ending=put_ending),
        optouts=OptOuts(
            gateway.database,
            ids=gateway.node.ids,
            clock=now,
            instance_secret=SECRET,
            put_ending=put_ending,
            teller=silent_teller(gateway.node.ids),
        ),
        changes=gateway.changes,
        ids=gateway.node.ids,
        clock=now,
        batch_octets=8_388_608,
    )
    return [*contact_routes(tools), *list_routes(tools), *optout_routes(tools)]

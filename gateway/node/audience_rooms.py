"""The audience room of one node: people, lists and opt-outs, tied to the outcome writer and the audit log.

Decides nothing: who hears what is all there is here.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from gateway.audience.backfill import fill_missing_keys
from gateway.audience.erasure import Erasure
from gateway.audience.opting_out import OptOuts
from gateway.audience.people import People
from gateway.config import Config
from gateway.intake.changes import MessageChanges
from gateway.store.database import Database
from gateway.store.evidence import Ending
from gateway.store.leases import Node
from gateway.store.optout_events import OptoutTeller
from gateway.web.audience_view import AudienceTools
from gateway.web.contact_handlers import contact_routes
from gateway.web.list_handlers import list_routes
from gateway.web.optout_handlers import optout_routes
from gateway.web.shop_routes import ShopRoute


class AudienceRooms:
    """What works on people, and the endpoints that reach it."""

    def __init__(
        self,
        database: Database,
        node: Node,
        config: Config,
        *,
        secret: bytes,
        changes: MessageChanges,
        put_ending: Callable[[Ending], None],
        decides: Callable[[], bool],
        clock: Callable[[], datetime],
        teller: OptoutTeller,
    ) -> None:
        self._database = database
        self._secret = secret
        self._decides = decides
        self.people = People(
            database,
            ids=node.ids,
            clock=clock,
            instance_secret=secret,
            put_ending=put_ending,
            teller=teller,
        )
        self._tools = AudienceTools(
            database=database,
            people=self.people,
            erasure=Erasure(database, clock=clock, instance_secret=secret, put_ending=put_ending),
            optouts=OptOuts(
                database,
                ids=node.ids,
                clock=clock,
                instance_secret=secret,
                put_ending=put_ending,
                teller=teller,
            ),
            changes=changes,
            ids=node.ids,
            clock=clock,
            batch_octets=config.http.max_body_octets,
        )

    def list_routes(self) -> list[ShopRoute]:
        return [*contact_routes(self._tools), *list_routes(self._tools), *optout_routes(self._tools)]

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What goes on by itself, by name."""
        filling = fill_missing_keys(self._database, instance_secret=self._secret, decides=self._decides)
        return [("contact-keys", filling)]

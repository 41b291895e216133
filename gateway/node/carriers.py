"""Which connectors run on this node: those of the configuration and the built-in one, and how they run under
what people changed of them for a while.

Owns the leases that this takes, and that two who change something at a time come one after the other.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.config import Config, ConnectorConfig, HostPort
from gateway.config.values import Secret
from gateway.dispatch.dispatcher import Dispatcher
from gateway.intake.terms import TEST_CONNECTOR_NAME
from gateway.oncall.overrides import OverrideBoard, lay_over
from gateway.store.leases import BindShare, Node

_TEST_PARTS_PER_SECOND: Final = 1_000.0
_TEST_WINDOW: Final = 200


def list_connectors(config: Config, *, test_port: int | None) -> list[ConnectorConfig]:
    """The configured connectors, and the built-in one behind test keys where it runs."""
    if test_port is None:
        return list(config.connectors)
    built_in = ConnectorConfig(
        name=TEST_CONNECTOR_NAME,
        test=True,
        hosts=(HostPort("127.0.0.1", test_port),),
        system_id="estafette",
        password=Secret("test"),
        window=_TEST_WINDOW,
        parts_per_second=_TEST_PARTS_PER_SECOND,
    )
    return [*config.connectors, built_in]


class Carriers:
    """Has the dispatcher run the connectors that should run. `shop_ids` is kept, and asked by name."""

    def __init__(self, node: Node, dispatcher: Dispatcher, shop_ids: Mapping[str, int]) -> None:
        self.connectors: dict[int, ConnectorConfig] = {}
        """Those of the configuration, by number."""
        self.slots: Sequence[int] = ()
        """Slots of this node, for work that needs no carrier."""
        self._node = node
        self._dispatcher = dispatcher
        self._shop_ids = shop_ids
        self._configuring = asyncio.Lock()

    async def apply(self, board: OverrideBoard, *, drain_seconds: float) -> None:
        """Run the connectors as configured, under the changes of `board`. Raises `StoreUnavailable`.

        Routes stay: messages of a connector that was taken down wait for it, or go where they lead meanwhile.
        """
        async with self._configuring:
            await self._apply(board, drain_seconds)

    async def _apply(self, board: OverrideBoard, drain_seconds: float) -> None:
        overrides = board.overrides
        connectors = {
            connector_id: lay_over(
                connector, (each for each in overrides if each.connector_id == connector_id)
            )
            for connector_id, connector in self.connectors.items()
        }
        await self._node.take_binds(
            [
                BindShare(connector_id, bind_no, connector.parts_per_second / connector.binds)
                for connector_id, connector in connectors.items()
                for bind_no in range(1, connector.binds + 1)
            ]
        )
        shards = await self._node.take_shards(connectors)
        self.slots = await self._node.take_slots()
        await self._dispatcher.configure(
            {connector_id: connectors[connector_id] for connector_id in connectors if connector_id in shards},
            shards,
            self._shop_ids,
            drain_seconds=drain_seconds,
        )
        board.settle(overrides)

"""Which connectors run on this node: those of the configuration and the built-in one, and how they run under
what people changed of them for a while.

Owns that two who change something at a time come one after the other. What of it this node holds is
`ownership.py`'s.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from gateway.config import Config, ConnectorConfig, HostPort
from gateway.config.values import Secret
from gateway.intake.terms import TEST_CONNECTOR_NAME
from gateway.node.ownership import Ownership
from gateway.oncall.overrides import OverrideBoard, lay_over

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
    """Has the connectors run that should run. `shop_ids` is kept, and asked by name."""

    def __init__(self, ownership: Ownership, shop_ids: Mapping[str, int]) -> None:
        self.connectors: dict[int, ConnectorConfig] = {}
        """Those of the configuration, by number."""
        self._ownership = ownership
        self._shop_ids = shop_ids
        self._configuring = asyncio.Lock()

    async def apply(self, board: OverrideBoard) -> None:
        """Run the connectors as configured, under the changes of `board`. Raises `StoreUnavailable`.

        Routes stay: messages of a connector that was taken down wait for it, or go where they lead meanwhile.
        """
        async with self._configuring:
            overrides = board.overrides
            connectors = {
                connector_id: lay_over(
                    connector, (each for each in overrides if each.connector_id == connector_id)
                )
                for connector_id, connector in self.connectors.items()
            }
            await self._ownership.apply(connectors, self._shop_ids)
            board.settle(overrides)

"""A store on a real Postgres with the writers behind everything that a report counts."""

from collections.abc import AsyncIterator

import pytest

from tests.analytics.shop import Shopkeeper
from tests.store.rig import open_rig


@pytest.fixture
async def keeper(database: str) -> AsyncIterator[Shopkeeper]:
    async with open_rig(database) as rig:
        yield await Shopkeeper.open(rig)

"""The store's rig for tests that need one."""

from collections.abc import AsyncIterator

import pytest

from tests.store.desk import Desk
from tests.store.rig import Rig, open_rig


@pytest.fixture
async def rig(database: str) -> AsyncIterator[Rig]:
    async with open_rig(database) as opened:
        yield opened


@pytest.fixture
def desk(rig: Rig) -> Desk:
    return Desk(rig)

"""The public application for tests that open links."""

from collections.abc import AsyncIterator

import pytest

from tests.links.public import Public, run_public
from tests.store.rig import open_rig


@pytest.fixture
async def public(database: str) -> AsyncIterator[Public]:
    async with open_rig(database) as rig, run_public(rig) as running:
        yield running

"""The npm SMSC as a fixture, for tests of the gateway against an SMSC that we did not write."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from .spoken_peers import SpokenPeer, run_npm_smsc


@dataclass(frozen=True, slots=True)
class NpmSmsc:
    """A running npm SMSC: its port on 127.0.0.1, and what to tell and hear. `node/smsc.js` lists both."""

    port: int
    peer: SpokenPeer


@pytest.fixture
async def npm_smsc() -> AsyncIterator[NpmSmsc]:
    """An npm SMSC of its own for each test; `npm_smsc.peer.tell("set", hex_ids=True)` changes its ways."""
    async with run_npm_smsc() as (peer, port):
        yield NpmSmsc(port, peer)

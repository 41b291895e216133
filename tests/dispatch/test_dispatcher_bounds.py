"""How much evidence may wait before less is sent."""

import pytest

from gateway.dispatch.dispatcher import evidence_allowed


@pytest.mark.parametrize(("workers", "allowed"), [(1, 1_000), (2, 500), (4, 250), (16, 250)])
def test_workers_share_what_may_wait_and_none_goes_on_with_tiny_batches(workers: int, allowed: int) -> None:
    assert evidence_allowed(workers) == allowed

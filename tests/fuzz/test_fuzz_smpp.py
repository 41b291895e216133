"""A short run of the fuzz target belongs to every test run; the long form is `fuzz_smpp.py --seconds N`."""

import pytest

from .fuzz_smpp import run, try_input


async def test_two_seconds_of_hostile_octets_find_nothing():
    assert await run(2.0, seed=20250131) > 100


async def test_the_target_would_notice(monkeypatch):
    def broken(*_arguments):
        raise IndexError

    monkeypatch.setattr(f"{run.__module__}.decode_message_id", broken)
    with pytest.raises(IndexError) as caught:
        await run(1.0, seed=1)
    assert "seed 1" in caught.value.__notes__[0]
    monkeypatch.undo()
    await try_input(b"")

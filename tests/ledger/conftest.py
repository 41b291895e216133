"""The store's rig and desk, for tests of what is counted over them."""

from tests.store.conftest import desk, rig

__all__ = ["desk", "rig"]

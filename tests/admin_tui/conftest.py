"""Snapshots of screens as plain text: a reviewer reads the difference; what needs colour fails at once."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.admin_tui.console import wait_for_idle


class ScreenText(SingleFileSnapshotExtension):
    """One text file for each screen and size, in `snapshots/` beside the tests."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location: object) -> str:
        return str(Path(__file__).parent / "snapshots")

    @classmethod
    def get_snapshot_name(cls, *, test_location: object, index: object = 0) -> str:
        return str(index)

    def serialize(self, data: str, **_: object) -> str:
        """Without the spaces at the ends of lines, which editors take away."""
        return "\n".join(line.rstrip() for line in data.split("\n")) + "\n"


@pytest.fixture
def looks(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """`assert text_of(app) == looks(name="overview-80x24")`; `--snapshot-update` takes what is seen."""
    return snapshot.use_extension(ScreenText)


@pytest.fixture(autouse=True)
def _pilots_wait_for_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot goes on once there is nothing left to do, not once the process looks idle."""
    monkeypatch.setattr("textual.app.wait_for_idle", wait_for_idle)
    monkeypatch.setattr("textual.pilot.wait_for_idle", wait_for_idle)

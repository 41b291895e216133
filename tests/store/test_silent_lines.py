"""Which line is silent: decided by what the server said of it in two looks, with a clock of the test's."""

from dataclasses import dataclass

import pytest

from gateway.store.silent_lines import GONE, SilentLines

PID = 7


@dataclass(eq=False)
class FakeLine:
    asked_at: float | None = None
    backend_pid: int = PID
    is_cut: bool = False

    def cut(self) -> None:
        self.is_cut = True


class Scene:
    """A line on which somebody asked something at second 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines = SilentLines(lambda: self.now)
        self.line = FakeLine(asked_at=0.0)
        self.lines.add(self.line)

    def look(self, at: float, mark: str | None) -> bool:
        """Whether the line is cut after this look; without a mark the server is at work for it."""
        self.now = at
        self.lines.cut_silent({} if mark is None else {PID: mark})
        return self.line.is_cut


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_server_is_asked_only_about_answers_that_are_overdue(scene: Scene) -> None:
    assert scene.lines.list_overdue() == []
    scene.now = 1.0
    assert scene.lines.list_overdue() == [PID]
    scene.line.asked_at = None
    assert scene.lines.list_overdue() == []


def test_a_server_that_waits_for_us_while_we_wait_for_it_means_a_silent_line(scene: Scene) -> None:
    assert not scene.look(1.0, "idle")
    assert not scene.look(4.9, "idle")
    assert scene.look(5.0, "idle")
    assert scene.lines.list_overdue() == []


def test_a_backend_that_is_gone_is_not_waited_for(scene: Scene) -> None:
    assert scene.look(1.0, GONE)


def test_a_server_at_work_is_waited_for(scene: Scene) -> None:
    for second in range(1, 30):
        assert not scene.look(second, None)


def test_rows_that_arrive_slowly_are_no_silence(scene: Scene) -> None:
    for second in range(1, 30):
        assert not scene.look(second, f"active ClientRead {second * 65_536}")


def test_work_in_between_begins_the_wait_anew(scene: Scene) -> None:
    assert not scene.look(1.0, "idle")
    assert not scene.look(4.0, None)
    assert not scene.look(5.0, "idle")
    assert not scene.look(8.9, "idle")
    assert scene.look(9.0, "idle")


def test_a_new_question_begins_the_wait_anew(scene: Scene) -> None:
    assert not scene.look(3.0, "idle")
    scene.line.asked_at = 6.0
    assert not scene.look(7.5, "idle")
    assert scene.look(11.5, "idle")


def test_a_line_that_is_given_back_is_nobodys_concern(scene: Scene) -> None:
    scene.look(1.0, "idle")
    scene.lines.discard(scene.line)
    assert not scene.look(60.0, "idle")

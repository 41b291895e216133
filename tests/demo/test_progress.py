"""Progress on a terminal and in a file."""

from io import StringIO

from gateway.demo.progress import Progress, draw_bar


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_always_as_wide() -> None:
    assert {len(draw_bar(step / 97, 30)) for step in range(98)} == {30}
    assert draw_bar(0.0, 4) == "····"
    assert draw_bar(0.5, 4) == "██··"
    assert draw_bar(1.0, 4) == "████"
    assert draw_bar(7.0, 4) == "████"


def test_a_terminal_line_is_rewritten_in_place() -> None:
    stream = Terminal()
    progress = Progress(stream, 4)
    progress.show(1, {"delivered": 1, "failed": 0})
    progress.show(4, {"delivered": 3, "failed": 1})
    progress.end()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("100%  3 delivered, 1 failed\n")
    assert "0 failed" not in stream.getvalue()


def test_a_file_gets_one_line_for_each_quarter() -> None:
    stream = StringIO()
    progress = Progress(stream, 100)
    for finished in range(101):
        progress.show(finished, {"delivered": finished})
    progress.end()
    assert [line.split("%")[0].strip() for line in stream.getvalue().splitlines()] == [
        "0", "25", "50", "75", "100",
    ]  # fmt: skip


def test_nothing_to_do_is_done() -> None:
    stream = StringIO()
    Progress(stream, 0).show(0, {})
    assert "100%" in stream.getvalue()

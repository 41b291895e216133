import json
import os
from pathlib import Path

import pytest

from gateway.simulator.errors import LogBroken
from gateway.simulator.log import RECENT_LINES, ReceiptLine, SubmitLog


def receipt(carrier_id: str) -> ReceiptLine:
    return ReceiptLine(
        at=1.5, session=1, system_id="shop", carrier_id=carrier_id, stat="DELIVRD", err="000", attempt=1
    )


def test_lines_reach_the_file_numbered_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SubmitLog(path)
    for number in range(3):
        log.append(receipt(str(number)))
    log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["n"], line["carrier_id"], line["event"]) for line in lines] == [
        (1, "0", "receipt"),
        (2, "1", "receipt"),
        (3, "2", "receipt"),
    ]


def test_nothing_waits_once_it_is_flushed(tmp_path: Path) -> None:
    log = SubmitLog(tmp_path / "log")
    log.append(receipt("a"))
    log.flush()
    assert (tmp_path / "log").read_bytes().count(b"\n") == 1
    log.close()


def test_a_second_run_appends(tmp_path: Path) -> None:
    for _ in range(2):
        log = SubmitLog(tmp_path / "log")
        log.append(receipt("a"))
        log.close()
    assert (tmp_path / "log").read_bytes().count(b"\n") == 2


def test_a_full_buffer_does_not_wait_for_the_clock(tmp_path: Path) -> None:
    log = SubmitLog(tmp_path / "log")
    for _ in range(3_000):
        log.append(receipt("a" * 60))
    assert os.path.getsize(tmp_path / "log") > 250_000
    log.close()


def test_recent_lines_are_read_by_number() -> None:
    log = SubmitLog(None)
    for number in range(5):
        log.append(receipt(str(number)))
    assert [json.loads(line)["n"] for line in log.read_since(3)] == [4, 5]
    assert [json.loads(line)["n"] for line in log.read_since(0, most=2)] == [1, 2]
    assert log.read_since(99) == []


def test_old_lines_leave_memory() -> None:
    log = SubmitLog(None)
    for number in range(RECENT_LINES + 5):
        log.append(receipt(str(number)))
    oldest = log.read_since(0, most=1)
    assert json.loads(oldest[0])["n"] == 6
    assert log.lines == RECENT_LINES + 5


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogBroken, match="no-such-folder"):
        SubmitLog(tmp_path / "no-such-folder" / "log")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
def test_after_a_failed_write_no_line_is_taken() -> None:
    log = SubmitLog(Path("/dev/full"))
    log.append(receipt("a"))
    with pytest.raises(LogBroken, match="free the disk"):
        log.flush()
    with pytest.raises(LogBroken):
        log.append(receipt("b"))

"""Reading what the SMSC of `bench chaos` wrote down, in both of its forms, while it grows."""

import json
from pathlib import Path

import pytest

from bench.chaos_journal import Journal
from bench.errors import BenchError

SINK_LINES = (
    "B 1700000000.100000 1 bench-0",
    "S 1700000000.200000 1 901 33600000000 chaos 000000",
    "S 1700000000.300000 1 902 33600000001 chaos 000004",
    "R 1700000000.400000 1 901 0",
    "A 1700000000.450000 1 901 8",
    "R 1700000002.450000 1 901 0",
    "A 1700000002.500000 1 901 0",
    "C 1700000003.000000 1 bench-0",
)


def simulator_line(event: str, **fields: object) -> str:
    return json.dumps({"event": event, "at": 1_700_000_000.5, "session": 1, **fields})


def test_the_sinks_journal_tells_what_was_taken_and_which_receipts_are_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("\n".join(SINK_LINES) + "\n")
    journal = Journal(path, "smsc_sink")
    journal.read_more()
    assert {carrier_id: taken.serial for carrier_id, taken in journal.taken.items()} == {"901": 0, "902": 4}
    assert journal.by_serial[4][0].destination == "33600000001"
    assert (journal.binds, journal.receipts_sent, journal.receipts_refused) == (1, 2, 1)
    assert journal.receipts_accepted == {"901"}
    assert journal.last_taken_at == 1_700_000_000.3


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, "smsc_sink")
    journal.read_more()  # not even there yet
    whole = SINK_LINES[1] + "\n"
    path.write_text(whole + whole.replace("901", "903")[:20])
    journal.read_more()
    assert list(journal.taken) == ["901"]
    path.write_text(whole + whole.replace("901", "903"))
    journal.read_more()
    assert list(journal.taken) == ["901", "903"]
    assert [taken.carrier_id for taken in journal.by_serial[0]] == ["901", "903"]


def test_the_simulators_log_tells_the_same(tmp_path: Path) -> None:
    lines = (
        simulator_line("bind", command_status=0),
        simulator_line(
            "submit", command_status=0, receipt_id="a1", destination="33600000000", text="chaos 000012"
        ),
        simulator_line("submit", command_status=88, receipt_id="", destination="3360", text="chaos 000013"),
        simulator_line("receipt", carrier_id="a1"),
        simulator_line("refused", carrier_id="a1", command_status=8),
    )
    path = tmp_path / "log"
    path.write_text("\n".join(lines) + "\n")
    journal = Journal(path, "simulator")
    journal.read_more()
    assert {taken.serial for taken in journal.taken.values()} == {12}
    assert (journal.binds, journal.receipts_sent, journal.receipts_refused) == (1, 1, 1)


@pytest.mark.parametrize("line", ["S 1.0 1 901 336 no serial", "S", "Z 1.0"])
def test_a_line_that_says_nothing_spoils_the_measurement(tmp_path: Path, line: str) -> None:
    path = tmp_path / "journal"
    path.write_text(line + "\n")
    with pytest.raises(BenchError):
        Journal(path, "smsc_sink").read_more()


def test_an_id_that_was_given_twice_spoils_the_measurement(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(f"{SINK_LINES[1]}\n{SINK_LINES[1]}\n")
    with pytest.raises(BenchError, match="901"):
        Journal(path, "smsc_sink").read_more()

"""`estafette ledger --verify` on the command line: what it refuses, and what a person reads."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from gateway.cli import main
from gateway.commands.errors import ExitStatus
from gateway.commands.ledger_words import describe_verification


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["ledger", *words]) == ExitStatus.REFUSED
    return capsys.readouterr().err


def test_what_makes_no_sense_is_refused_before_anything_is_counted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "go with --verify" in refused(capsys, "--from", "2026-11-22")
    days = ("--from", "2026-11-23", "--to", "2026-11-22")
    assert "turn them round" in refused(capsys, "--verify", *days)
    assert "cannot be read" in refused(capsys, "--verify", "--carrier-log", f"a,b={tmp_path}/none.log")


@pytest.mark.integration
def test_a_difference_is_told_and_ends_with_status_1(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    state = {"state_directory": str(tmp_path / "state")}
    config.write_text(yaml.safe_dump({"node": state, "database": {"dsn": database}}))
    line = ["ledger", "--verify", "--config", str(config)]
    assert main(line) == ExitStatus.DONE
    assert "Verified" in capsys.readouterr().out

    async def tamper() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("INSERT INTO stat_receipt VALUES (now(), 1, 1, 3)")
        await connection.close()

    asyncio.run(tamper())
    log = tmp_path / "carrier.log"
    log.write_bytes(b"no log\n")
    assert main([*line, "--json"]) == ExitStatus.REFUSED
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (report["verified"], report["carrier_logs"]) == (False, [])
    told = describe_verification(report, shows_all=False)
    assert "outcome applied: rows say 0 receipts, stat_receipt says 3" in told
    assert "NOT VERIFIED" in told.splitlines()[-1]
    assert "line 1 is of no carrier's log that is known" in refused(
        capsys, *line[1:], "--carrier-log", str(log)
    )
    assert "there is no connector 'x'" in refused(capsys, *line[1:], "--carrier-log", f"x={log}")

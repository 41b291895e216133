"""The command line: every word answers to `--help`, slips meet the nearest word, errors are one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import COMMANDS, main
from gateway.commands.errors import ExitStatus

HEAVY = ("asyncio", "aiohttp", "asyncpg", "msgspec", "yaml", "phonenumbers", "structlog")


def test_help_lists_every_word_and_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(f"  {command.word} " in printed and command.purpose in printed for command in COMMANDS)
    assert all(f"\n  {status.value} " in printed for status in ExitStatus)


@pytest.mark.parametrize("word", [command.word for command in COMMANDS])
def test_every_word_explains_itself(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([word, "--help"])
    assert ended.value.code == 0
    assert f"usage: estafette {word}" in capsys.readouterr().out


def test_help_loads_no_library() -> None:
    program = (
        "import sys, contextlib, gateway.cli\n"
        "with contextlib.suppress(SystemExit): gateway.cli.main(['--help'])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stderr.split())


def test_a_slip_is_met_with_the_nearest_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serv"]) == ExitStatus.USAGE
    assert capsys.readouterr().err == "estafette: there is no command `serv`; did you mean `serve`?\n"


def test_nothing_asked_is_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitStatus.USAGE
    assert "usage: estafette WORD" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["--version"], ["version"]])
def test_the_version_is_told(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == ExitStatus.DONE
    assert capsys.readouterr().out.startswith("estafette ")


def test_json_is_one_document_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == ExitStatus.DONE
    assert set(json.loads(capsys.readouterr().out)) == {"version", "python"}


def test_no_server_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--socket", str(tmp_path / "admin.sock")]) == ExitStatus.UNREACHABLE
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "the socket does not exist" in complaint
    assert "estafette serve" in complaint


def test_a_missing_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", str(tmp_path / "config.yaml")]) == ExitStatus.REFUSED
    assert "config.example.yaml" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    line = f"{sys.executable} -m gateway.cli check-config config.example.yaml --json | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr == ""

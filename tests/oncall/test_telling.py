"""Telling by command and by webhook: the document, deadlines, repeats, and that nothing is held up."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.oncall.alerts import Alert, AlertKind
from gateway.oncall.book import Entry, Notice, NoticeKind
from gateway.oncall.telling import TELLING_FIELDS, Announcer, CommandTeller, Telling, WebhookTeller, compose

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENTRY = Entry(
    Alert(AlertKind.BIND_DOWN, "smsc-a bind 1", "smsc-a: bind 1 is down; $(reboot)"), NOON, NOON, NOON
)
NOTICE = Notice(NoticeKind.RAISED, ENTRY)
TELLING = compose(NOTICE, telling_id="evt_1", node="sms1", now=NOON)


def script(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", text]


def test_the_document_says_what_since_when_and_where_to_read_on() -> None:
    assert json.loads(TELLING.body) == {
        "id": "evt_1",
        "type": "alert.raised",
        "at": "2026-03-01T12:00:00.000Z",
        "node": "sms1",
        "kind": "bind_down",
        "subject": "smsc-a bind 1",
        "shop": None,
        "sentence": "smsc-a: bind 1 is down; $(reboot)",
        "raised_at": "2026-03-01T12:00:00.000Z",
        "cleared_at": None,
        "times_told": 1,
        "help": "docs/3am.md#bind_down",
    }
    assert tuple(json.loads(TELLING.body)) == TELLING_FIELDS


@pytest.mark.integration
async def test_a_command_gets_the_document_on_its_input_and_no_shell_sees_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    program = script(f"import sys; open({str(copy)!r}, 'wb').write(sys.stdin.buffer.read())")
    assert await CommandTeller(program).tell(TELLING) is None
    assert copy.read_bytes() == TELLING.body + b"\n"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("program", "fault"),
    [
        (script("import sys; sys.exit('no mail today')"), "ended with status 1: no mail today"),
        (script("import os; os.close(0)"), None),
        (["/nonexistent/pager"], "cannot be run"),
    ],
)
async def test_what_went_wrong_is_said_in_the_commands_own_words(
    program: list[str], fault: str | None
) -> None:
    said = await CommandTeller(program).tell(Telling("evt_1", b"x" * 1_000_000))
    assert said is None if fault is None else fault in str(said)


@pytest.mark.integration
async def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "still-there"
    child = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"
    program = script(f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])")
    said = await CommandTeller(program, timeout_seconds=0.5).tell(TELLING)
    assert "did not end within 0.5 s" in str(said)
    await asyncio.sleep(1.6)
    assert not mark.exists()


class Recorder:
    """A teller that fails a few times, or hangs."""

    def __init__(self, name: str, *, failures: int = 0, hangs: bool = False) -> None:
        self.name = name
        self.told: list[str] = []
        self.tried: list[str] = []
        self._failures = failures
        self._hangs = hangs

    async def tell(self, telling: Telling) -> str | None:
        self.tried.append(telling.id)
        if self._hangs:
            await asyncio.Event().wait()
        if self._failures:
            self._failures -= 1
            return "busy"
        self.told.append(telling.id)
        return None


def announcer(*, pauses: tuple[float, ...] = (0.0, 0.0)) -> Announcer:
    numbers = iter(range(10_000))
    return Announcer(
        node="sms1", next_id=lambda: f"evt_{next(numbers)}", clock=lambda: NOON, pauses_seconds=pauses
    )


async def run_until(announcer: Announcer, fact: object) -> None:
    task = asyncio.create_task(announcer.run())
    for _ in range(200):
        if fact():  # type: ignore[operator]  # a lambda of the test
            break
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_teller_that_hangs_holds_up_no_other() -> None:
    stuck, good = Recorder("command", hangs=True), Recorder("webhook")
    telling = announcer()
    telling.use(stuck, good)
    for _ in range(3):
        telling.put(NOTICE)
    await run_until(telling, lambda: len(good.told) == 3)
    assert good.told == ["evt_0", "evt_1", "evt_2"]
    assert stuck.tried == ["evt_0"]


async def test_a_failure_is_tried_again_under_the_same_id_and_given_up_after_the_last() -> None:
    slow, dead = Recorder("command", failures=2), Recorder("webhook", failures=99)
    telling = announcer()
    telling.use(slow, dead)
    telling.put(NOTICE)
    await run_until(telling, lambda: slow.told and telling.failed)
    assert slow.tried == ["evt_0"] * 3
    assert (slow.told, dead.told, telling.failed) == (["evt_0"], [], 1)


async def test_without_anybody_to_tell_nothing_is_kept_and_too_many_lose_the_oldest() -> None:
    telling = announcer()
    telling.put(NOTICE)
    good = Recorder("webhook")
    telling.use(None, good)
    began = time.monotonic()
    for _ in range(250):
        telling.put(NOTICE)
    assert time.monotonic() - began < 1
    await run_until(telling, lambda: len(good.told) == 200)
    assert good.told[0] == "evt_51"
    assert telling.failed == 50


async def test_a_trial_says_what_went_wrong_by_teller() -> None:
    telling = announcer()

    async def post(document: Telling) -> str | None:
        return "answered 404"

    telling.use(Recorder("command"), WebhookTeller(post))
    assert await telling.try_out(Notice(NoticeKind.TEST, ENTRY)) == {
        "command": None,
        "webhook": "answered 404",
    }

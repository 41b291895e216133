"""What follows when workers start, end, fall silent and are stopped. No process is forked here."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from gateway.main import start_until
from gateway.workers.errors import WorkerNotStarted
from gateway.workers.supervisor import Supervisor, WorkerState
from tests.workers.fake_processes import FakeForks, FakeManager


def supervise(
    forks: FakeForks,
    manager: FakeManager | None = None,
    *,
    stop: asyncio.Event | None = None,
    stop_seconds: float = 5.0,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> Supervisor:
    return Supervisor(
        2,
        forks.fork,
        manager or FakeManager(),
        stop=stop or asyncio.Event(),
        status="up",
        stop_seconds=stop_seconds,
        monotonic=monotonic,
    )


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not fact():  # noqa: ASYNC110 - looks at what tasks have done
            await asyncio.sleep(0)


async def test_the_first_starts_alone_and_ready_is_told_when_all_are() -> None:
    forks, manager = FakeForks(), FakeManager()
    forks.are_ready = False
    starting = asyncio.create_task(supervise(forks, manager).__aenter__())
    await until(lambda: forks.made)
    for _ in range(5):
        await asyncio.sleep(0)
    assert [process.number for process in forks.made] == [1]
    forks.of(1)[0].says.ready("up")
    await until(lambda: forks.of(2))
    assert manager.read() == []
    forks.of(2)[0].says.ready("up")
    supervisor = await starting
    assert manager.read() == ["READY=1\nSTATUS=up with 2 workers"]
    await supervisor.aclose()


@pytest.mark.parametrize("number", [1, 2])
async def test_a_worker_that_does_not_start_ends_the_start_with_its_words(number: int) -> None:
    forks = FakeForks()
    forks.are_ready = number == 2
    starting = asyncio.create_task(supervise(forks).__aenter__())
    await until(lambda: forks.of(1))
    forks.are_ready = False
    await until(lambda: forks.of(number))
    forks.of(number)[0].says.failed("the address is taken")
    forks.of(number)[0].end(1)
    with pytest.raises(WorkerNotStarted, match=f"worker {number} did not start: the address is taken"):
        await starting
    assert all(process.signals in ([], [signal.SIGTERM]) for process in forks.made)


async def test_a_start_that_failed_is_not_taken_for_a_stop_that_was_asked_for() -> None:
    """It would end with status 0, and no service manager would start it again."""
    forks, stop = FakeForks(), asyncio.Event()
    forks.are_ready = False
    async with AsyncExitStack() as standing:
        starting = asyncio.create_task(start_until(stop, standing, supervise(forks, stop=stop)))
        await until(lambda: forks.made)
        forks.made[0].says.failed("the address is taken")
        forks.made[0].end(1)
        with pytest.raises(WorkerNotStarted, match="the address is taken"):
            await starting


async def test_a_worker_that_ends_is_started_again_and_the_others_go_on() -> None:
    forks, manager = FakeForks(), FakeManager()
    async with supervise(forks, manager):
        manager.read()
        forks.of(2)[0].end(-signal.SIGKILL)
        await until(lambda: len(forks.of(2)) == 2)
        await until(lambda: manager.read()[-1:] == ["READY=1\nSTATUS=up with 2 workers"])
        assert (len(forks.of(1)), forks.of(1)[0].signals) == (1, [])


async def test_ready_is_not_told_while_one_is_missing() -> None:
    forks, manager = FakeForks(), FakeManager()
    async with supervise(forks, manager):
        manager.read()
        forks.are_ready = False
        forks.of(1)[0].end(1)
        await until(lambda: len(forks.of(1)) == 2)
        assert set(manager.read()) == {"STATUS=up with 1 of 2 workers"}


async def test_a_worker_that_does_not_last_waits_before_its_next_start() -> None:
    forks = FakeForks()
    async with supervise(forks):
        forks.of(1)[0].end(1)
        await until(lambda: len(forks.of(1)) == 2)
        forks.of(1)[1].end(1)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(forks.of(1)) == 2


async def test_a_worker_that_ends_once_the_stop_is_asked_for_is_not_started_again() -> None:
    """Ctrl-C reaches the workers too, perhaps before us."""
    forks, stop = FakeForks(), asyncio.Event()
    async with supervise(forks, stop=stop) as supervisor:
        stop.set()
        forks.of(1)[0].end(0)
        await until(lambda: supervisor.workers[0].process is None)
        for _ in range(10):
            await asyncio.sleep(0)
    assert len(forks.of(1)) == 1


async def test_a_machine_that_cannot_fork_just_now_is_asked_again() -> None:
    forks = FakeForks()
    async with supervise(forks):
        forks.refusals = 1
        forks.of(2)[0].end(-signal.SIGKILL)
        await until(lambda: forks.refusals == 0)
        assert len(forks.of(2)) == 1
        async with asyncio.timeout(5):
            while len(forks.of(2)) == 1:  # noqa: ASYNC110 - a pause of a second
                await asyncio.sleep(0.05)


async def test_a_stop_asks_all_at_once_and_starts_none_again() -> None:
    forks = FakeForks()
    async with supervise(forks):
        pass
    assert [process.signals for process in forks.made] == [[signal.SIGTERM]] * 2


async def test_what_does_not_stop_in_time_is_killed() -> None:
    forks = FakeForks()
    forks.are_stubborn = True
    async with supervise(forks, stop_seconds=0.01):
        pass
    assert [process.signals for process in forks.made] == [[signal.SIGTERM, signal.SIGKILL]] * 2


async def test_a_kill_ends_all_at_once() -> None:
    forks = FakeForks()
    forks.are_stubborn = True
    supervisor = supervise(forks)
    async with supervisor:
        supervisor.kill()
        await until(lambda: all(worker.process is None for worker in supervisor.workers))
    assert [process.signals for process in forks.made] == [[signal.SIGKILL]] * 2


async def test_a_reload_reaches_all_and_is_over_when_all_have_taken_it() -> None:
    forks, manager = FakeForks(), FakeManager()
    async with supervise(forks, manager) as supervisor:
        manager.read()
        supervisor.reload()
        assert [process.signals for process in forks.made] == [[signal.SIGHUP]] * 2
        assert manager.read()[0].startswith("RELOADING=1")
        forks.of(1)[0].says.ready("up")
        await until(lambda: manager.read() == ["STATUS=up with 1 of 2 workers"])
        forks.of(2)[0].says.ready("up")
        await until(lambda: manager.read() == ["READY=1\nSTATUS=up with 2 workers"])


async def test_a_worker_that_starts_during_a_reload_is_asked_once_it_is_up() -> None:
    """It was forked with the configuration of before."""
    forks, manager = FakeForks(), FakeManager()
    async with supervise(forks, manager) as supervisor:
        forks.are_ready = False
        forks.of(2)[0].end(-signal.SIGKILL)
        await until(lambda: len(forks.of(2)) == 2)
        supervisor.reload()
        manager.read()
        started = forks.of(2)[1]
        assert started.signals == []
        for process in (forks.of(1)[0], started):
            process.says.ready("up")
        await until(lambda: started.signals == [signal.SIGHUP])
        assert "READY=1\nSTATUS=up with 2 workers" not in manager.read()
        started.says.ready("up")
        await until(lambda: manager.read()[-1:] == ["READY=1\nSTATUS=up with 2 workers"])


async def test_a_reload_during_a_reload_reaches_all_again() -> None:
    forks = FakeForks()
    async with supervise(forks) as supervisor:
        supervisor.reload()
        supervisor.reload()
        assert [process.signals for process in forks.made] == [[signal.SIGHUP] * 2] * 2


async def test_a_worker_that_falls_silent_over_a_reload_is_killed_too() -> None:
    now = 0.0
    forks = FakeForks()
    async with supervise(forks, FakeManager(watchdog_seconds=0.01), monotonic=lambda: now) as supervisor:
        supervisor.reload()
        now = 1.0
        forks.of(1)[0].says.ready("up")
        await until(lambda: supervisor.workers[0].state is WorkerState.READY)
        beating = asyncio.create_task(supervisor.beat())
        await until(lambda: len(forks.of(2)) == 2)
        assert forks.of(2)[0].signals == [signal.SIGHUP, signal.SIGKILL]
        assert len(forks.of(1)) == 1
        beating.cancel()


async def test_a_silent_worker_is_killed_and_started_again_alone() -> None:
    now = 0.0
    forks, manager = FakeForks(), FakeManager(watchdog_seconds=0.01)
    async with supervise(forks, manager, monotonic=lambda: now) as supervisor:
        beating = asyncio.create_task(supervisor.beat())
        await until(lambda: "WATCHDOG=1" in manager.read())
        now = 1.0
        forks.of(1)[0].says.watchdog()
        await until(lambda: len(forks.of(2)) == 2)
        assert forks.of(2)[0].signals == [signal.SIGKILL]
        manager.read()
        await until(lambda: "WATCHDOG=1" in manager.read())
        assert (len(forks.of(1)), forks.of(1)[0].signals) == (1, [])
        beating.cancel()


async def test_the_manager_hears_nothing_while_a_killed_worker_is_still_there() -> None:
    now = 0.0
    forks, manager = FakeForks(), FakeManager(watchdog_seconds=0.01)
    forks.are_undead = True
    async with supervise(forks, manager, monotonic=lambda: now) as supervisor:
        beating = asyncio.create_task(supervisor.beat())
        now = 1.0
        await until(lambda: all(len(process.signals) > 1 for process in forks.made))
        manager.read()
        await asyncio.sleep(0.03)
        assert manager.read() == []
        for process in forks.made:
            process.end(-signal.SIGKILL)
        await until(lambda: "WATCHDOG=1" in manager.read())
        beating.cancel()
        forks.end_all()

"""The bundled Postgres under the supervisor, killed in the ways that machines kill."""

# ruff: noqa: ASYNC110, ASYNC220, ASYNC240  # these tests look at processes and files; nothing else waits for them

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.errors import HostingError, PostgresDataUnusable, PostgresStartFailed
from gateway.hosting.postgres_binaries import PostgresBinaries, find_postgres, make_reachable
from gateway.hosting.postgres_folders import SOCKET_NAME
from gateway.hosting.postgres_settings import choose_settings

pytestmark = pytest.mark.integration

BINARIES = find_postgres()
DURABLE = choose_settings(BINARIES, shared_buffers_mb=16, max_wal_size_mb=128)
QUICK = DURABLE | {"fsync": "off"}
IS_ROOT = os.geteuid() == 0

START_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from gateway.hosting.embedded import EmbeddedPostgres
from gateway.hosting.postgres_binaries import find_postgres
from gateway.hosting.postgres_settings import choose_settings

async def main():
    binaries = find_postgres()
    settings = choose_settings(binaries, shared_buffers_mb=16, max_wal_size_mb=128)
    server = EmbeddedPostgres(Path(sys.argv[1]), binaries, settings)
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def folder(open_folder: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(dir=open_folder))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A running server with a table `t (n int)`."""
    server = EmbeddedPostgres(folder, BINARIES, DURABLE | {"fsync": "off"})
    await server.start()
    await execute(server.dsn, "CREATE TABLE t (n int)")
    yield server
    await server.stop(timeout_seconds=10)


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def fetch_value(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processes_in(data: Path) -> list[int]:
    """Every live process whose working folder is `data`: a postmaster and all its children."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == str(data):
                found.append(int(link.parent.name))
    return found


async def test_rows_outlive_a_stop_and_nothing_is_left_running(server: EmbeddedPostgres) -> None:
    await execute(server.dsn, "INSERT INTO t VALUES (1)")
    pid = server.pid
    assert pid is not None
    await server.stop()
    assert server.pid is None
    assert not is_running(pid)
    assert not (server.data / "postmaster.pid").exists()
    await server.start()
    assert await fetch_value(server.dsn, "SELECT n FROM t") == 1


async def test_a_stop_does_not_wait_for_idle_clients(server: EmbeddedPostgres) -> None:
    client = await asyncpg.connect(server.dsn)
    started = time.monotonic()
    await server.stop()
    assert time.monotonic() - started < 5
    client.terminate()


async def test_commits_do_not_wait_until_a_new_file_of_the_log_is_filled(server: EmbeddedPostgres) -> None:
    await execute(server.dsn, "SELECT pg_switch_wal(); INSERT INTO t VALUES (1)")
    name = await fetch_value(server.dsn, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    file = (server.data / "pg_wal" / str(name)).stat()
    assert file.st_blocks * 512 < file.st_size


async def test_unicode_is_understood_whatever_the_locale_of_the_machine(server: EmbeddedPostgres) -> None:
    assert await fetch_value(server.dsn, "SELECT lower('ÉȚΩ')") == "éțω"
    assert await fetch_value(server.dsn, "SHOW server_encoding") == "UTF8"
    await execute(server.dsn, "CREATE EXTENSION pg_trgm")
    assert await fetch_value(server.dsn, "SELECT similarity('Été', 'éTÉ')") == 1
    assert await fetch_value(server.dsn, "SELECT cardinality(show_trgm('Été'))") == 4, "accents were dropped"


async def test_durability_stays_on(folder: Path) -> None:
    server = EmbeddedPostgres(folder, BINARIES, DURABLE)
    await server.start()
    try:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await fetch_value(server.dsn, f"SHOW {name}") == "on"
        assert await fetch_value(server.dsn, "SHOW shared_buffers") == "16MB"
        assert await fetch_value(server.dsn, "SHOW listen_addresses") == ""
    finally:
        await server.stop()


async def test_an_error_leaves_no_value_in_the_log(server: EmbeddedPostgres) -> None:
    await execute(server.dsn, "CREATE UNIQUE INDEX ON t (n)")
    await execute(server.dsn, "INSERT INTO t VALUES (33639980001 % 2147483647)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await execute(server.dsn, "INSERT INTO t VALUES (33639980001 % 2147483647)")
    log = server.log_path.read_text()
    assert "duplicate key" in log
    assert "33639980001" not in log
    assert str(33639980001 % 2147483647) not in log


async def test_rows_survive_a_killed_postmaster_and_the_owner_hears_of_it(folder: Path) -> None:
    server = EmbeddedPostgres(folder, BINARIES, DURABLE)
    await server.start()
    try:
        await execute(server.dsn, "CREATE TABLE t AS SELECT generate_series(1, 1000) n")
        ended = asyncio.create_task(server.wait_exit())
        await asyncio.sleep(0.05)
        assert not ended.done()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            assert await ended == -signal.SIGKILL
        await server.start()  # at once, while the children of the dead one may still end
        assert await fetch_value(server.dsn, "SELECT count(*) FROM t") == 1000
    finally:
        await server.stop()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the death signal is Linux's")
async def test_a_killed_parent_leaves_no_postgres_and_the_next_start_finds_the_rows(folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, folder], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    server = EmbeddedPostgres(folder, BINARIES, DURABLE)
    server_dsn = f"postgresql://estafette@/estafette?host={folder}/data&port=5432"
    await execute(server_dsn, "CREATE TABLE t AS SELECT 7 AS n")
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    await server.start()  # while the old one still shuts down
    try:
        assert not is_running(pid)
        assert await fetch_value(server.dsn, "SELECT n FROM t") == 7
    finally:
        await server.stop()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the death signal is Linux's")
def test_nothing_is_running_five_seconds_after_the_parent_was_killed(folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, folder], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) in processes_in(folder / "data")
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 5
    while processes_in(folder / "data") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_in(folder / "data") == []
    assert not (folder / "data" / "postmaster.pid").exists(), "it was killed, not shut down"


async def test_a_number_reused_after_a_power_cut_does_not_keep_it_from_starting(
    server: EmbeddedPostgres,
) -> None:
    """Both files name a live process that is not Postgres, as after a reboot in which numbers were dealt
    anew, or while a killed server waits to be collected."""
    await execute(server.dsn, "INSERT INTO t VALUES (3)")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await server.wait_exit()
    user = {"user": BINARIES_USER.pw_uid} if IS_ROOT else {}
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **user)  # type: ignore[call-overload]
    try:
        path = server.data / "postmaster.pid"
        socket_folder = Path(path.read_text().splitlines()[4])
        for file in (path, socket_folder / f"{SOCKET_NAME}.lock"):
            file.write_text("".join([f"{stranger.pid}\n", *file.read_text().splitlines(keepends=True)[1:]]))
        await server.start()
        assert stranger.poll() is None, "the stranger was killed"
        assert await fetch_value(server.dsn, "SELECT n FROM t") == 3
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_start_killed_in_the_middle_of_making_the_data_begins_anew(folder: Path) -> None:
    partial = folder / "data.partial"
    partial.mkdir()
    (partial / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder, BINARIES, QUICK)
    await server.start()
    try:
        assert await fetch_value(server.dsn, "SELECT 1") == 1
        assert not partial.exists()
    finally:
        await server.stop()


async def test_data_of_another_major_version_is_left_alone(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(PostgresDataUnusable, match=r"was written by Postgres 12 .* load the dump with psql"):
        await EmbeddedPostgres(folder, BINARIES, QUICK).start()
    assert [entry.name for entry in (folder / "data").iterdir()] == ["PG_VERSION"]


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing(folder: Path) -> None:
    server = EmbeddedPostgres(folder, BINARIES, QUICK | {"shared_buffers": "nonsense"})
    with pytest.raises(PostgresStartFailed, match='invalid value for parameter "shared_buffers"'):
        await server.start()
    assert server.pid is None
    assert processes_in(folder / "data") == []


async def test_a_cancelled_start_leaves_nothing_running(folder: Path) -> None:
    server = EmbeddedPostgres(folder, BINARIES, QUICK)
    await server.start()
    await server.stop()
    start = asyncio.create_task(server.start())
    while not (server.data / "postmaster.pid").exists():
        await asyncio.sleep(0.001)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert processes_in(server.data) == []


async def test_a_second_start_of_a_running_server_is_refused(server: EmbeddedPostgres) -> None:
    with pytest.raises(HostingError, match=f"already runs as process {server.pid}"):
        await server.start()


async def test_the_socket_stays_in_the_data_folder_while_its_path_fits(server: EmbeddedPostgres) -> None:
    assert (server.data / ".s.PGSQL.5432").is_socket()
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


async def test_a_long_path_gets_a_short_socket_folder_that_goes_with_the_server(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir()
    server = EmbeddedPostgres(deep, BINARIES, QUICK)
    await server.start()
    try:
        assert await fetch_value(server.dsn, "SELECT 1") == 1
        socket_folder = Path(str(await fetch_value(server.dsn, "SHOW unix_socket_directories")))
        assert len(str(socket_folder)) < 60
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    finally:
        await server.stop()
    assert not socket_folder.exists()


async def test_a_thread_that_will_end_is_refused(folder: Path) -> None:
    """The kernel would stop the server with the thread, seconds after a start that seemed good."""
    server = EmbeddedPostgres(folder, BINARIES, QUICK)
    raised: list[BaseException] = []

    def start() -> None:
        try:
            asyncio.run(server.start())
        except HostingError as error:
            raised.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "from the main thread only" in str(raised[0])


def find_unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("estafette")
    except KeyError:
        return pwd.getpwnam("nobody")


BINARIES_USER = find_unprivileged()
needs_root = pytest.mark.skipif(
    not IS_ROOT, reason="only root has privileges to drop; .ci/run runs it as root"
)


@needs_root
async def test_root_drops_every_privilege_before_postgres_runs(server: EmbeddedPostgres) -> None:
    status = Path(f"/proc/{server.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert fields["Uid"].split() == [str(BINARIES_USER.pw_uid)] * 4
    assert fields["Gid"].split() == [str(BINARIES_USER.pw_gid)] * 4
    assert fields["Groups"].split() == []
    assert int(fields["CapEff"], 16) == 0
    assert server.data.stat().st_uid == BINARIES_USER.pw_uid


@needs_root
async def test_a_closed_home_stays_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(HostingError, match=r"cannot enter .* Set node\.state_directory"):
        await EmbeddedPostgres(home / "state", BINARIES, QUICK).start()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@needs_root
async def test_programs_in_a_closed_home_are_copied_once_to_where_they_can_run(
    tmp_path: Path, folder: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    package = BINARIES.folder.parent.parent
    shutil.copytree(package / "pginstall", home / package.name / "pginstall", symlinks=True)
    shutil.copytree(package.with_name(package.name + ".libs"), home / f"{package.name}.libs")
    hidden = PostgresBinaries(home / package.name / "pginstall" / "bin", BINARIES.major, BINARIES.has_lz4)

    server = EmbeddedPostgres(folder, hidden, QUICK)
    await server.start()
    try:
        assert str(folder / "binaries") in Path(f"/proc/{server.pid}/cmdline").read_text()
    finally:
        await server.stop()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    copies = list((folder / "binaries").iterdir())
    assert len(copies) == 1
    assert not list(copies[0].rglob("include"))
    made_at = copies[0].stat().st_mtime_ns
    await server.start()
    await server.stop()
    assert (folder / "binaries").exists()
    assert copies[0].stat().st_mtime_ns == made_at


@needs_root
def test_programs_that_can_be_reached_are_not_copied(tmp_path: Path) -> None:
    assert make_reachable(BINARIES, None, tmp_path / "binaries") is BINARIES
    assert not (tmp_path / "binaries").exists()

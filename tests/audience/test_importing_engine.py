"""Files of people brought in on a real Postgres, by the reading process and the merging node."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from gateway.audience.importing.engine import ImportEngine
from gateway.audience.importing.errors import ImportRefused
from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.service import Imports
from gateway.audience.importing.settings import ConsentSettings, ImportSettings
from gateway.audience.importing.steps import EngineDeps, ImportSteps
from gateway.config import ImportsConfig
from gateway.domain.people import OptoutWay
from gateway.domain.public_ids import encode_public_id
from gateway.store.errors import StoreUnavailable
from gateway.store.imports import ImportJob, ImportState
from gateway.store.optouts import Withdrawal, withdraw_people
from gateway.store.rollups import Tallies
from tests.audience.import_rig import SECRET, Importer, clock, number_of, open_importer, write_csv
from tests.store.rig import take_node

pytestmark = pytest.mark.integration

AGREED = ConsentSettings("opted_in", "shop counter", "I agree to receive offers by text.")


@pytest.fixture
async def importer(database: str, tmp_path: Path) -> AsyncIterator[Importer]:
    async with open_importer(database, tmp_path) as opened:
        yield opened


async def test_a_mistake_while_the_database_is_away_ends_the_import_and_not_the_node(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail, away = ImportSteps.fail, [StoreUnavailable("away")]

    async def stumble(self: ImportSteps, job: ImportJob) -> None:
        raise ZeroDivisionError

    async def fail_late(self: ImportSteps, job: ImportJob, fault: str) -> None:
        if away:
            raise away.pop()
        await fail(self, job, fault)

    monkeypatch.setattr(ImportSteps, "take", stumble)
    monkeypatch.setattr(ImportSteps, "fail", fail_late)
    job = await importer.bring_in(write_csv([("number",), ("+33610000001",)]), new_list="customers")
    assert job.state is ImportState.FAILED
    assert job.fault is not None
    assert "mistake" in job.fault
    assert not importer.work.done()


async def test_a_list_comes_in_with_consents_members_and_fields(importer: Importer) -> None:
    octets = write_csv([
        ("Téléphone", "Prénom", "Ville", "Points"),
        ("06 10 00 00 01", "Anne", "Lyon", "12"),
        ("+33610000002", "Bob", "", "7,5"),
        ("0610000001", "Anna", "Lyon", "13"),
        ("not a number", "Zoé", "Nice", "1"),
    ])  # fmt: skip
    job = await importer.bring_in(octets, new_list="customers", consent=AGREED, tags=["2026"])
    assert (job.state, job.fault) == (ImportState.FINISHED, None)
    counts = job.counts
    assert (counts.rows, counts.new, counts.duplicates, counts.refused) == (4, 2, 1, 1)
    assert (counts.consents, counts.by_reason) == (2, {"not_a_number": 1})
    assert counts.new_fields == {"ville": "text", "points": "number"}
    rows = await importer.rig.fetch(
        "SELECT address, first_name, attributes, tags, marketing_consent, time_zone, "
        "source LIKE 'import:imp_%' FROM contact ORDER BY address"
    )
    assert rows == [
        ("33610000001", "Anna", '{"ville": "Lyon", "points": 13}', ["2026"], 1, "Europe/Paris", True),
        ("33610000002", "Bob", '{"points": 7.5}', ["2026"], 1, "Europe/Paris", True),
    ]
    assert await importer.rig.value("SELECT member_count FROM contact_list") == 2
    assert await importer.rig.value("SELECT count(*) FROM list_member") == 2
    proof = await importer.rig.fetch(
        "SELECT c.source, w.wording, c.evidence->>'row' "
        "FROM consent c JOIN consent_wording w ON w.id = c.wording_id ORDER BY 3"
    )
    assert proof == [("shop counter", AGREED.wording, "3"), ("shop counter", AGREED.wording, "4")]


async def test_a_dry_run_changes_no_one_and_counts_what_starting_does(importer: Importer) -> None:
    await importer.bring_in(write_csv([("number", "name"), *((number_of(i), "old") for i in range(50))]))
    octets = write_csv([
        ("number", "first_name"),
        *((number_of(i), "new" if i % 2 else "") for i in range(25, 100)),
        ("12", "x"),
    ])  # fmt: skip
    checked = await importer.check(octets, new_list="all", consent=AGREED)
    assert checked.state is ImportState.CHECKED
    assert await importer.rig.value("SELECT count(*) FROM contact") == 50
    assert await importer.rig.value("SELECT count(*) FROM contact_list") == 0
    settings = ImportSettings(new_list="all", consent=AGREED)
    started = await importer.imports.start(importer.shop, "uid 0", checked.id, settings)
    assert started.progress.phase == "merging", "what the check has read is not read again"
    done = await importer.end_of(checked.id)
    assert done.state is ImportState.FINISHED
    assert done.counts == checked.counts
    assert (done.counts.new, done.counts.updated, done.counts.consents) == (50, 13, 75)


async def test_the_same_file_twice_changes_nothing(importer: Importer) -> None:
    octets = write_csv([("number", "city"), *((number_of(i), "Lyon") for i in range(300))])
    await importer.bring_in(octets, new_list="customers", consent=AGREED)
    before = await read_versions(importer)
    list_id = await importer.rig.value("SELECT id FROM contact_list")
    again = await importer.bring_in(octets, contact_list=encode_public_id("lst", list_id), consent=AGREED)
    assert (again.counts.new, again.counts.updated, again.counts.unchanged) == (0, 0, 300)
    assert again.counts.consents == 0
    assert await read_versions(importer) == before, "nothing was written"
    assert await importer.rig.value("SELECT member_count FROM contact_list") == 300
    assert await importer.rig.value("SELECT count(*) FROM consent") == 300


async def read_versions(importer: Importer) -> list[object]:
    """The places of all rows, which every write moves."""
    tables = ("contact", "consent", "list_member")
    return [await importer.rig.fetch(f"SELECT ctid::text, xmin::text FROM {t} ORDER BY 1") for t in tables]


async def test_who_opted_out_stays_out_and_is_counted(importer: Importer) -> None:
    now = datetime.now(UTC)
    out = [Withdrawal(importer.shop.id, number_of(i)[1:], OptoutWay.TEXT, "STOP", now) for i in (1, 2)]
    await importer.bring_in(write_csv([("number",), (number_of(1),)]))
    async with importer.rig.database.transaction() as connection:
        await withdraw_people(
            connection, out, ids=importer.rig.node.ids, now=now, instance_secret=SECRET, tallies=Tallies()
        )
    job = await importer.bring_in(
        write_csv([("number",), *((number_of(i),) for i in range(4))]), consent=AGREED
    )
    assert (job.counts.new, job.counts.opted_out, job.counts.consents) == (3, 2, 2)
    assert await importer.rig.fetch("SELECT marketing_consent, suppressed FROM contact ORDER BY address") == [
        (1, 0),
        (2, 1),
        (2, 1),
        (1, 0),
    ]


async def test_a_broken_file_brings_in_nobody_and_says_where(importer: Importer) -> None:
    octets = write_csv([("number",), *((number_of(i),) for i in range(500))]) + b"\xc3\x28\n"
    octets = octets.replace(b"number", "numéro".encode())
    job = await importer.bring_in(octets, new_list="customers")
    assert job.state is ImportState.FAILED
    assert job.fault is not None
    assert "Row 502" in job.fault
    assert await importer.rig.value("SELECT count(*) FROM contact") == 0


@pytest.mark.parametrize(("octets", "words"), [(b"", "empty"), (b"number,name\n", "no rows of people")])
async def test_a_file_without_people_is_refused(importer: Importer, octets: bytes, words: str) -> None:
    if not octets:
        with pytest.raises(ImportRefused, match=words):
            await importer.upload(octets)
        return
    job = await importer.check(octets, columns=["number", "first_name"], has_header=True)
    assert job.state is ImportState.FAILED
    assert words in str(job.fault)


async def test_keep_leaves_known_people_alone_and_lists_them(importer: Importer) -> None:
    await importer.bring_in(write_csv([("number", "first_name"), (number_of(1), "Anne")]))
    again = write_csv([("number", "first_name"), (number_of(1), "Anna"), (number_of(2), "Bob")])
    job = await importer.bring_in(again, on_known="keep", new_list="all")
    assert (job.counts.new, job.counts.updated, job.counts.unchanged) == (1, 0, 1)
    assert await importer.rig.fetch("SELECT first_name FROM contact ORDER BY address") == [
        ("Anne",),
        ("Bob",),
    ]
    assert await importer.rig.value("SELECT member_count FROM contact_list") == 2


async def test_a_cancel_while_reading_leaves_nobody(importer: Importer) -> None:
    octets = write_csv([("number",), *((number_of(i),) for i in range(20_000))])
    job = await importer.upload(octets)
    await importer.imports.start(importer.shop, "uid 0", job.id, ImportSettings())
    await asyncio.sleep(0.1)
    cancelled = await importer.imports.cancel(importer.shop, "uid 0", job.id)
    assert cancelled.fault == "Cancelled before anyone was brought in."
    await asyncio.sleep(0.5)
    assert await importer.rig.value("SELECT count(*) FROM contact") == 0


async def test_a_cancel_while_merging_keeps_whom_it_tells(importer: Importer) -> None:
    octets = write_csv([("number",), *((number_of(i),) for i in range(60_000))])
    job = await importer.upload(octets)
    await importer.imports.start(
        importer.shop, "uid 0", job.id, ImportSettings(new_list="all", consent=AGREED)
    )
    async with asyncio.timeout(30):
        while not (job.progress.phase == "merging" and job.counts.new):
            await asyncio.sleep(0.01)
            job = await importer.imports.get(importer.shop, job.id)
    cancelled = await importer.imports.cancel(importer.shop, "uid 0", job.id)
    assert cancelled.state is ImportState.CANCELLED
    brought_in = cancelled.counts.new
    assert 0 < brought_in < 60_000
    assert f"{brought_in:,} people were brought in" in str(cancelled.fault)
    await asyncio.sleep(0.5)
    for table in ("contact", "list_member", "consent"):
        assert await importer.rig.value(f"SELECT count(*) FROM {table}") == brought_in
    assert await importer.rig.value("SELECT member_count FROM contact_list") == brought_in


async def test_what_was_read_is_removed_at_the_end_and_missed_before(
    importer: Importer, tmp_path: Path
) -> None:
    octets = write_csv([("number",), *((number_of(i),) for i in range(100))])
    checked = await importer.check(octets)
    staged = importer.files.staged_path_of(checked.id)
    assert staged.stat().st_mode & 0o077 == 0
    staged.unlink()
    await importer.imports.start(importer.shop, "uid 0", checked.id, ImportSettings())
    failed = await importer.end_of(checked.id)
    assert (failed.state, failed.counts.new) == (ImportState.FAILED, 0)
    assert "start the import again" in str(failed.fault)
    await importer.imports.start(importer.shop, "uid 0", checked.id, ImportSettings())
    assert (await importer.end_of(checked.id)).counts.new == 100
    async with asyncio.timeout(5):
        while staged.exists():  # noqa: ASYNC110 - cleared in the background
            await asyncio.sleep(0.01)


async def test_an_upload_page_is_good_once(importer: Importer) -> None:
    async def chunks(octets: bytes) -> AsyncIterator[bytes]:
        yield octets

    ticket = await importer.imports.make_ticket(importer.shop, "uid 0")
    with pytest.raises(ImportRefused):
        await importer.imports.upload_by_ticket(ticket.token, "x.csv", chunks(b""))
    job = await importer.imports.upload_by_ticket(ticket.token, "x.csv", chunks(b"number\n+33612345678\n"))
    assert job is not None
    assert await importer.imports.find_ticket(ticket.token) is None
    assert await importer.imports.upload_by_ticket(ticket.token, "x.csv", chunks(b"n\n")) is None
    assert ticket.token not in str(await importer.rig.fetch("SELECT * FROM upload_ticket"))


async def test_crashes_of_either_process_change_nothing_in_the_result(database: str, tmp_path: Path) -> None:
    """The node is ended and started, and its reader killed, at random moments; every person is there once."""
    people = 12_000
    rows = [("number", "first_name"), *((number_of(i), f"n{i}") for i in range(people))]
    octets = write_csv([*rows, *rows[1:500], ("06", "x")])
    settings = ImportSettings(new_list="all", consent=AGREED)
    random, import_id, crashes = Random(3), 0, 0
    while True:
        async with open_importer(database, tmp_path) as importer:
            if not import_id:
                import_id = (await importer.upload(octets)).id
                await importer.imports.start(importer.shop, "uid 0", import_id, settings)
            seconds = random.uniform(0.2, 1.2) if crashes < 6 else 60.0
            try:
                job = await importer.end_of(import_id, seconds=seconds)
                break
            except TimeoutError:
                crashes += 1
                for pid in readers():
                    with suppress(ProcessLookupError):  # it came to its end between look and kill
                        os.kill(pid, signal.SIGKILL)
    async with open_importer(database, tmp_path) as importer:
        assert crashes
        counts = job.counts
        assert (job.state, job.fault) == (ImportState.FINISHED, None)
        assert (counts.new, counts.duplicates, counts.refused, counts.consents) == (people, 499, 1, people)
        for table in ("contact", "list_member", "consent"):
            assert await importer.rig.value(f"SELECT count(*) FROM {table}") == people
        assert await importer.rig.value("SELECT member_count FROM contact_list") == people
        assert await importer.rig.value("SELECT count(DISTINCT address) FROM contact") == people


async def test_an_import_is_the_work_of_the_node_that_has_its_file(
    importer: Importer, tmp_path: Path
) -> None:
    """Any node starts and shows it; where the one with the file is away they say so, and fail nothing."""
    rig = importer.rig
    absent: list[str] = []
    other = await take_node(rig.database, "other")
    files = ImportFiles(tmp_path / "elsewhere")
    engine = ImportEngine(
        EngineDeps(rig.database, other.fence, other.ids, files, SECRET, clock), ImportsConfig()
    )
    elsewhere = Imports(
        rig.database,
        files,
        ImportsConfig(),
        ids=other.ids,
        clock=clock,
        random_octets=os.urandom,
        wake_engine=engine.wake,
        find_absent_node=lambda node_no: absent[-1] if absent else None,
    )
    people = write_csv([("mobile",), (number_of(1),)])
    working = asyncio.create_task(engine.run())
    first, second = await importer.upload(people), await importer.upload(people)
    settings = ImportSettings(new_list="all")
    started = await elsewhere.start(importer.shop, "uid 0", first.id, settings)
    assert elsewhere.tell_waiting(started) is None
    assert (await importer.end_of(first.id)).state is ImportState.FINISHED
    absent.append("node 1 on sms2")
    assert "node 1 on sms2" in (elsewhere.tell_waiting(started) or "")
    with pytest.raises(ImportRefused, match="node 1 on sms2"):
        await elsewhere.start(importer.shop, "uid 0", second.id, settings)
    assert (await elsewhere.cancel(importer.shop, "uid 0", second.id)).state is ImportState.CANCELLED
    working.cancel()


def readers() -> list[int]:
    """The reading processes that this one started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            is_reader = b"gateway.audience.importing" in (path / "cmdline").read_bytes()
        except OSError:
            continue
        if is_reader and parent == os.getpid():
            found.append(int(path.name))
    return found

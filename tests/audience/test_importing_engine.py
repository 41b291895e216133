"""Files of people brought in on a real Postgres, by the reading process and the merging node."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.audience.importing.settings import ConsentSettings, ImportSettings
from gateway.domain.public_ids import encode_public_id
from gateway.store.imports import ImportState
from tests.audience.import_rig import Importer, number_of, open_importer, write_csv

pytestmark = pytest.mark.integration

AGREED = ConsentSettings("opted_in", "shop counter", "I agree to receive offers by text.")


@pytest.fixture
async def importer(database: str, tmp_path: Path) -> AsyncIterator[Importer]:
    async with open_importer(database, tmp_path) as opened:
        yield opened


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
    before = await importer.rig.fetch("SELECT * FROM contact ORDER BY id")
    list_id = await importer.rig.value("SELECT id FROM contact_list")
    again = await importer.bring_in(octets, contact_list=encode_public_id("lst", list_id), consent=AGREED)
    assert (again.counts.new, again.counts.updated, again.counts.unchanged) == (0, 0, 300)
    assert again.counts.consents == 0
    assert await importer.rig.fetch("SELECT * FROM contact ORDER BY id") == before
    assert await importer.rig.value("SELECT member_count FROM contact_list") == 300
    assert await importer.rig.value("SELECT count(*) FROM consent") == 300

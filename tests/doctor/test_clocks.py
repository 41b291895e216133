"""The carrier's time zone from the dates in its receipts."""

from datetime import timedelta

import pytest

from gateway.doctor.findings import Confidence, Diagnosis
from gateway.doctor.plan import Purpose
from tests.doctor.evidence_values import NOON, read, receipt, submit


def read_dates(ahead: timedelta, *, home_zone: str = "UTC", form: str = "%y%m%d%H%M") -> Diagnosis:
    submits = [submit(Purpose.BURST, number) for number in (1, 2, 3)]
    local = (NOON + ahead).strftime(form)
    return read(
        submits, [receipt(f"id{number}", submitted=local) for number in (1, 2, 3)], home_zone=home_zone
    )


def test_dates_in_utc_propose_utc() -> None:
    assert read_dates(timedelta(0)).value_of("time_zone") == "UTC"


def test_the_zone_of_the_recipients_country_is_proposed_where_it_fits() -> None:
    diagnosis = read_dates(timedelta(hours=1), home_zone="Europe/Paris")  # in January
    assert diagnosis.value_of("time_zone") == "Europe/Paris"


@pytest.mark.parametrize(("hours", "zone"), [(3, "Etc/GMT-3"), (-5, "Etc/GMT+5")])
def test_another_distance_gets_a_name_without_summer_time(hours: int, zone: str) -> None:
    diagnosis = read_dates(timedelta(hours=hours), home_zone="Europe/Paris")
    assert diagnosis.value_of("time_zone") == zone
    proposal = next(each for each in diagnosis.proposals if each.path == "time_zone")
    assert proposal.confidence is Confidence.LIKELY
    assert "ask the carrier" in proposal.because


def test_a_distance_that_no_name_has_is_said_in_words() -> None:
    diagnosis = read_dates(timedelta(hours=5, minutes=30))
    assert diagnosis.value_of("time_zone") is None
    assert any("5 h 30 min ahead of UTC" in sentence for sentence in diagnosis.unseen)


def test_a_clock_that_is_wrong_beyond_its_zone_is_remarked() -> None:
    diagnosis = read_dates(timedelta(hours=2, minutes=6), home_zone="Africa/Johannesburg")
    assert diagnosis.value_of("time_zone") == "Africa/Johannesburg"
    assert any("off by 6 min" in sentence for sentence in diagnosis.remarks)


def test_dates_with_seconds_and_with_the_century_are_read() -> None:
    for form in ("%y%m%d%H%M%S", "%Y%m%d%H%M"):
        assert read_dates(timedelta(0), form=form).value_of("time_zone") == "UTC"


def test_dates_that_are_none_say_so_and_propose_nothing() -> None:
    diagnosis = read_dates(timedelta(0), form="0000000000")
    assert diagnosis.value_of("time_zone") is None
    assert any("3 dates in receipts cannot be read" in sentence for sentence in diagnosis.remarks)


def test_receipts_without_dates_leave_the_clock_unknown() -> None:
    diagnosis = read([submit(Purpose.BURST, 1)], [receipt("id1")])
    assert any("The carrier's clock" in sentence for sentence in diagnosis.unseen)

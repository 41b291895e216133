"""Windows, limits of speed, and refusals that are neither."""

import pytest

from gateway.doctor.evidence import SubmitSeen
from gateway.doctor.findings import Confidence, Diagnosis
from gateway.doctor.limits import read_burst
from gateway.doctor.plan import Purpose
from tests.doctor.evidence_values import connector, read, submit


def series(
    purpose: Purpose, statuses: list[int | None], *, start: float, step: float = 0.001
) -> list[SubmitSeen]:
    return [
        submit(purpose, int(start * 100) + place, status=status, at=start + step * place)
        for place, status in enumerate(statuses)
    ]


def because(diagnosis: Diagnosis, path: str) -> str:
    return next(each.because for each in diagnosis.proposals if each.path == path)


def test_a_burst_that_is_taken_keeps_the_configured_window() -> None:
    diagnosis = read(series(Purpose.BURST, [0] * 8, start=1), config=connector(window=10))
    assert diagnosis.value_of("window") == 10
    assert "more were not tried" in because(diagnosis, "window")


def test_taken_then_refused_and_all_taken_one_by_one_is_a_window() -> None:
    submits = series(Purpose.BURST, [0] * 3 + [0x14] * 5, start=1)
    submits += series(Purpose.ONE_BY_ONE, [0] * 4, start=3, step=0.02)
    diagnosis = read(submits)
    assert diagnosis.value_of("window") == 3
    assert diagnosis.value_of("parts_per_second") is None


def test_answers_too_slow_to_tell_a_window_from_a_limit_leave_it_likely() -> None:
    submits = series(Purpose.BURST, [0] * 3 + [0x14] * 5, start=1)
    submits += series(Purpose.ONE_BY_ONE, [0] * 4, start=3, step=0.5)
    proposal = next(each for each in read(submits).proposals if each.path == "window")
    assert (proposal.value, proposal.confidence) == (3, Confidence.LIKELY)


def test_taken_then_refused_one_by_one_too_is_a_limit_of_speed() -> None:
    submits = series(Purpose.BURST, [0] * 3 + [0x58] * 5, start=1)
    submits += series(Purpose.ONE_BY_ONE, [0, 0, 0, 0x58], start=3, step=0.02)
    diagnosis = read(submits)
    assert diagnosis.value_of("parts_per_second") == 3
    assert diagnosis.value_of("window") is None


def test_a_burst_that_could_not_be_followed_up_is_only_likely_a_window() -> None:
    diagnosis = read(series(Purpose.BURST, [0] * 6 + [0x58] * 2, start=1))
    proposal = next(each for each in diagnosis.proposals if each.path == "window")
    assert (proposal.value, proposal.confidence) == (6, Confidence.LIKELY)
    assert any("window or the speed" in sentence for sentence in diagnosis.unseen)


def test_0x45_above_the_window_is_to_be_read_as_throttling() -> None:
    submits = series(Purpose.BURST, [0] + [0x45] * 7, start=1)
    submits += series(Purpose.ONE_BY_ONE, [0, 0], start=3, step=0.02)
    diagnosis = read(submits)
    assert diagnosis.value_of("window") == 1
    assert diagnosis.value_of("retry.0x45") == "throttle"


def test_refusals_without_order_are_chance() -> None:
    diagnosis = read(series(Purpose.BURST, [0, 0x58, 0, 0, 0x45, 0, 0, 0], start=1))
    assert diagnosis.value_of("window") is None
    assert any("chance" in sentence for sentence in diagnosis.unseen)


def test_a_refusal_that_also_meets_single_messages_is_no_window() -> None:
    submits = [submit(Purpose.OPENING, 1, status=0x58, at=0.1), submit(Purpose.OPENING, 2, at=0.5)]
    diagnosis = read(submits + series(Purpose.BURST, [0] * 6 + [0x58] * 2, start=1))
    assert diagnosis.value_of("window") is None
    assert any("say nothing of a window" in sentence for sentence in diagnosis.unseen)


def test_an_invalid_number_behind_those_taken_is_no_window() -> None:
    assert read(series(Purpose.BURST, [0] * 6 + [0x0B] * 2, start=1)).value_of("window") != 6


def test_a_burst_without_all_answers_is_no_evidence() -> None:
    assert not read_burst(series(Purpose.BURST, [0, 0, None], start=1)).is_plain


def test_what_is_taken_between_two_refusals_is_the_speed() -> None:
    run = series(Purpose.RUN, [0] * 30 + [0x58] * 3 + [0] * 50 + [0x58], start=1)
    assert read(run).value_of("parts_per_second") == 50


@pytest.mark.parametrize("statuses", [[0] * 120, [0] * 60 + [0x58] + [0] * 60])
def test_too_few_refusals_name_no_speed(statuses: list[int | None]) -> None:
    assert read(series(Purpose.RUN, statuses, start=1)).value_of("parts_per_second") is None


def test_latency_and_missing_answers_are_told() -> None:
    diagnosis = read(series(Purpose.BURST, [0] * 8 + [None], start=1))
    assert any("Answers took 100 ms" in sentence or "101 ms" in sentence for sentence in diagnosis.remarks)
    assert any("1 submit had no answer" in sentence for sentence in diagnosis.remarks)

from collections import Counter
from random import Random

import pytest

from gateway.simulator.behaviour import Behaviour, SpeedLimit, Verdict
from gateway.simulator.magic import MAGIC_NUMBERS
from gateway.simulator.profile_reading import parse_profile
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.udh import Concatenation

ANY_NUMBER = b"33600000001"


def behave(yaml: str = "", seed: int = 1) -> Behaviour:
    return Behaviour(parse_profile(yaml, source="test"), Random(seed))


def submit(destination: bytes = ANY_NUMBER, *, registered_delivery: int = 1, text: bytes = b"x") -> SubmitSm:
    return SubmitSm(
        source_addr=b"SHOP",
        destination_addr=destination,
        registered_delivery=registered_delivery,
        short_message=text,
    )


def judge(
    behaviour: Behaviour,
    pdu: SubmitSm | DataSm | None = None,
    *,
    account: str = "shop",
    waiting_answers: int = 0,
    pending_receipts: int = 0,
    now: float = 100.0,
) -> Verdict:
    return behaviour.judge(
        account,
        pdu or submit(),
        waiting_answers=waiting_answers,
        pending_receipts=pending_receipts,
        now=now,
    )


def test_by_default_everything_is_taken_at_once_and_delivered_at_once() -> None:
    verdict = judge(behave())
    assert verdict.is_taken
    assert verdict.is_answered
    assert verdict.answer_in_seconds == 0
    assert verdict.response_id == verdict.receipt_id != ""
    assert [(each.in_seconds, each.stat, each.err) for each in verdict.receipts] == [(0, "DELIVRD", "000")]


def test_answers_are_drawn_by_their_weights() -> None:
    behaviour = behave(
        "submit: {answers: [{weight: 3}, {command_status: 0x45, weight: 1}, {command_status: 9, weight: 0}]}"
    )
    counts = Counter(judge(behaviour).command_status for _ in range(4000))
    assert set(counts) == {0, 0x45}
    assert counts[0x45] == pytest.approx(1000, rel=0.1)


def test_outcomes_are_drawn_by_their_weights() -> None:
    behaviour = behave("receipts: {outcomes: [{weight: 1}, {stat: UNDELIV, err: '001', weight: 1}]}")
    counts = Counter(judge(behaviour).receipts[0].stat for _ in range(2000))
    assert counts["UNDELIV"] == pytest.approx(1000, rel=0.1)


def test_the_same_seed_gives_the_same_verdicts() -> None:
    first, second = (
        behave("submit: {latency_ms: {least: 1, most: 90}}"),
        behave("submit: {latency_ms: {least: 1, most: 90}}"),
    )
    assert [judge(first) for _ in range(20)] == [judge(second) for _ in range(20)]


def test_a_refused_submit_gets_no_id_and_no_receipt() -> None:
    verdict = judge(behave("submit: {answers: [{command_status: 0x0b}]}"))
    assert (verdict.command_status, verdict.response_id, verdict.receipts) == (0x0B, "", ())


def test_a_message_can_be_taken_without_any_answer() -> None:
    verdict = judge(behave("submit: {answers: [{answered: false}]}"))
    assert not verdict.is_answered
    assert verdict.is_taken
    assert verdict.receipts


def test_receipts_count_from_the_response_never_before_it() -> None:
    verdict = judge(behave("submit: {latency_ms: 40}\nreceipts: {delay_seconds: 2}"))
    assert verdict.answer_in_seconds == 0.04
    assert verdict.receipts[0].in_seconds == pytest.approx(2.04)


def test_an_early_receipt_comes_before_its_response() -> None:
    verdict = judge(behave("receipts: {before_response_ms: 50, delay_seconds: 9, intermediate: true}"))
    assert verdict.answer_in_seconds == 0.05
    assert [each.in_seconds for each in verdict.receipts] == [0.0, pytest.approx(4.5)]


def test_an_intermediate_receipt_comes_first_and_is_not_final() -> None:
    receipts = judge(behave("receipts: {intermediate: true, delay_seconds: 2}")).receipts
    assert [(each.stat, each.is_final, each.in_seconds) for each in receipts] == [
        ("ENROUTE", False, 1.0),
        ("DELIVRD", True, 2.0),
    ]


def test_duplicates_and_losses_come_in_their_shares() -> None:
    behaviour = behave("receipts: {duplicate_share: 0.2, lost_share: 0.1}")
    counts = Counter(len(judge(behaviour).receipts) for _ in range(5000))
    assert counts[0] == pytest.approx(500, rel=0.15)
    assert counts[2] == pytest.approx(900, rel=0.15)


@pytest.mark.parametrize(
    ("registered_delivery", "stat", "expected"),
    [
        (0, "DELIVRD", 0),
        (1, "DELIVRD", 1),
        (1, "UNDELIV", 1),
        (2, "DELIVRD", 0),
        (2, "UNDELIV", 1),
        (3, "DELIVRD", 1),
        (3, "EXPIRED", 0),
    ],
)
def test_receipts_come_as_they_were_asked_for(registered_delivery: int, stat: str, expected: int) -> None:
    behaviour = behave(f"receipts: {{outcomes: [{{stat: {stat}}}]}}")
    assert len(judge(behaviour, submit(registered_delivery=registered_delivery)).receipts) == expected


def test_receipts_nobody_asked_for_come_when_the_profile_says_so() -> None:
    assert judge(behave("receipts: {unrequested: true}"), submit(registered_delivery=0)).receipts


def test_a_full_window_refuses_at_once() -> None:
    behaviour = behave("submit: {window: 2, window_full_with: 0x58, latency_ms: 100}")
    assert judge(behaviour, waiting_answers=1).is_taken
    verdict = judge(behaviour, waiting_answers=2)
    assert (verdict.command_status, verdict.answer_in_seconds) == (0x58, 0)


def test_a_full_queue_refuses_with_0x14() -> None:
    behaviour = behave("receipts: {capacity: 5}")
    assert judge(behaviour, pending_receipts=4).is_taken
    assert judge(behaviour, pending_receipts=5).command_status == 0x14
    assert judge(behaviour, submit(b"33639980000"), pending_receipts=5).command_status == 0x14


def test_the_speed_limit_counts_by_account_and_second() -> None:
    behaviour = behave("submit: {parts_per_second: 2, throttled_with: 0x58}")
    assert [judge(behaviour, now=10.1).command_status for _ in range(3)] == [0, 0, 0x58]
    assert judge(behaviour, account="other", now=10.2).is_taken
    assert judge(behaviour, now=11.0).is_taken


def test_the_speed_limit_can_be_moved_while_running() -> None:
    behaviour = behave()
    behaviour.parts_per_second = 1
    assert [judge(behaviour).command_status for _ in range(2)] == [0, 0x58]
    behaviour.parts_per_second = None
    assert judge(behaviour).is_taken


def test_what_a_second_leaves_over_is_lost() -> None:
    limit = SpeedLimit()
    assert limit.take("a", 1, now=1.0)
    assert [limit.take("a", 1, now=5.0), limit.take("a", 1, now=5.9)] == [True, False]


def magic(suffix: str) -> SubmitSm:
    return submit(b"336399800" + suffix.encode())


@pytest.mark.parametrize(
    ("suffix", "stats"),
    [
        ("00", ["DELIVRD"]),
        ("01", ["UNDELIV"]),
        ("02", ["EXPIRED"]),
        ("06", []),
        ("09", ["DELIVRD", "DELIVRD"]),
    ],
)
def test_magic_numbers_decide_the_receipts_whatever_the_profile_says(suffix: str, stats: list[str]) -> None:
    behaviour = behave(
        "submit: {answers: [{command_status: 8}]}\nreceipts: {outcomes: [{stat: REJECTD}], lost_share: 1}"
    )
    verdict = judge(behaviour, magic(suffix))
    assert verdict.is_taken
    assert [each.stat for each in verdict.receipts] == stats


def test_magic_03_is_refused_as_an_invalid_destination() -> None:
    assert judge(behave(), magic("03")).command_status == 0x0B


def test_magic_04_is_throttled_twice_for_each_message_then_delivered() -> None:
    behaviour = behave()
    for _ in range(2):
        assert [judge(behaviour, magic("04")).command_status for _ in range(3)] == [0x58, 0x58, 0]


def test_magic_04_counts_each_part_of_a_long_message_by_itself() -> None:
    behaviour = behave()
    first, second = submit(b"33639980004", text=b"part 1"), submit(b"33639980004", text=b"part 2")
    statuses = [judge(behaviour, part).command_status for part in (first, second) * 3]
    assert statuses == [0x58, 0x58, 0x58, 0x58, 0, 0]


def test_magic_05_is_never_answered_and_never_sent() -> None:
    verdict = judge(behave(), magic("05"))
    assert not verdict.is_answered
    assert not verdict.is_taken
    assert verdict.receipts == ()


def test_magic_08_is_delivered_after_ten_seconds() -> None:
    assert judge(behave(), magic("08")).receipts[0].in_seconds == 10


@pytest.mark.parametrize("written", [b"33639980003", b"+33639980003", b"0033639980003"])
def test_magic_numbers_are_recognised_in_each_written_form(written: bytes) -> None:
    assert judge(behave(), submit(written)).command_status == 0x0B


@pytest.mark.parametrize("suffix", ["07", "10", "99"])
def test_other_numbers_of_the_magic_range_are_ordinary(suffix: str) -> None:
    assert suffix not in MAGIC_NUMBERS
    assert judge(behave("submit: {answers: [{command_status: 8}]}"), magic(suffix)).command_status == 8


def test_magic_numbers_can_be_switched_off() -> None:
    assert judge(behave("magic_numbers: false"), magic("03")).is_taken


def test_data_sm_is_judged_like_submit_sm() -> None:
    pdu = DataSm(destination_addr=ANY_NUMBER, registered_delivery=1)
    assert judge(behave(), pdu).receipts


def part(number: int, total: int = 3) -> Concatenation:
    return Concatenation(1, 8, total, number)


@pytest.mark.parametrize(("per", "receipted"), [("part", [1, 2, 3]), ("first_part", [1]), ("last_part", [3])])
def test_a_long_text_gets_receipts_for_the_parts_that_the_profile_says(
    per: str, receipted: list[int]
) -> None:
    behaviour = behave(f"receipts: {{per: {per}}}")
    verdicts = {
        number: behaviour.judge(
            "shop", submit(), waiting_answers=0, pending_receipts=0, now=1.0, part=part(number)
        )
        for number in (1, 2, 3)
    }
    assert [number for number, verdict in verdicts.items() if verdict.receipts] == receipted
    assert judge(behaviour).receipts  # a text that stands alone is its own first and last part


def test_a_final_receipt_can_be_contradicted_right_after() -> None:
    behaviour = behave("receipts: {second_share: 1, second: {stat: EXPIRED, err: '027'}, intermediate: true}")
    stats = [(each.stat, each.is_final) for each in judge(behaviour).receipts]
    assert stats == [("ENROUTE", False), ("DELIVRD", True), ("EXPIRED", True)]


def test_only_the_person_whose_queue_is_full_is_refused() -> None:
    behaviour = behave("submit: {queue_full_for: ['77']}")
    assert judge(behaviour, submit(b"33600000077")).command_status == 0x14
    assert judge(behaviour, submit(b"33600000078")).command_status == 0


def test_a_refusal_can_bear_an_id_and_an_answer_can_lack_one() -> None:
    refused = judge(behave("submit: {answers: [{command_status: 0x0b, body: id}]}"))
    assert (refused.is_taken, refused.response_id != "", refused.receipts) == (False, True, ())
    silent = judge(behave("submit: {answers: [{body: empty}]}"))
    assert (silent.is_taken, silent.tells_id, len(silent.receipts)) == (True, False, 1)


def test_a_form_that_is_refused_gets_no_further() -> None:
    verdict = behave().judge(
        "shop", submit(), waiting_answers=0, pending_receipts=0, now=1.0, refused_with=0x62
    )
    assert (verdict.command_status, verdict.receipts) == (0x62, ())

from typing import Any

from gateway.simulator.profile import ReceiptBind
from gateway.simulator.receipt_forms import TakenMessage
from gateway.simulator.switchboard import Delivery, Seat, Switchboard

NO_SESSION: Any = None
"""The switchboard never touches a session, only hands it on."""


def seat(number: int, account: str = "shop", *, can_receive: bool = True) -> Seat:
    return Seat(number, account, NO_SESSION, can_receive)


def receipt(home: int, account: str = "shop") -> Delivery:
    message = TakenMessage("1", account, home, 5, 0, b"SHOP", 1, 1, b"33600000001", 0.0, "")
    return Delivery(account, message, "DELIVRD", "000")


def board(preference: ReceiptBind, *seats: Seat) -> Switchboard:
    switchboard = Switchboard(preference)
    for each in seats:
        switchboard.open(each)
    return switchboard


def chosen(switchboard: Switchboard, delivery: Delivery) -> int | None:
    found = switchboard.choose(delivery)
    return None if found is None else found.number


def test_a_receipt_goes_to_the_session_that_submitted() -> None:
    switchboard = board(ReceiptBind.SAME, seat(1), seat(2), seat(3))
    assert [chosen(switchboard, receipt(2)) for _ in range(3)] == [2, 2, 2]


def test_a_receipt_goes_elsewhere_when_its_session_cannot_receive_or_is_gone() -> None:
    switchboard = board(ReceiptBind.SAME, seat(1, can_receive=False), seat(2))
    assert chosen(switchboard, receipt(1)) == 2
    assert chosen(switchboard, receipt(99)) == 2


def test_a_receipt_goes_to_another_session_when_the_profile_says_so() -> None:
    switchboard = board(ReceiptBind.OTHER, seat(1), seat(2), seat(3))
    assert {chosen(switchboard, receipt(2)) for _ in range(4)} == {1, 3}
    assert chosen(board(ReceiptBind.OTHER, seat(2)), receipt(2)) == 2


def test_receipts_take_turns_over_all_sessions() -> None:
    switchboard = board(ReceiptBind.ANY, seat(1), seat(2))
    assert [chosen(switchboard, receipt(1)) for _ in range(4)] == [1, 2, 1, 2]


def test_a_session_that_did_not_answer_is_passed_over_while_there_is_another() -> None:
    delivery = receipt(1)
    delivery.avoids = 1
    assert chosen(board(ReceiptBind.SAME, seat(1), seat(2)), delivery) == 2
    assert chosen(board(ReceiptBind.SAME, seat(1)), delivery) == 1


def test_accounts_do_not_get_the_receipts_of_others() -> None:
    switchboard = board(ReceiptBind.SAME, seat(1, "other"))
    assert chosen(switchboard, receipt(1)) is None


def test_what_nobody_receives_waits_for_the_next_receiver_of_the_account() -> None:
    switchboard = board(ReceiptBind.SAME)
    delivery = receipt(1)
    switchboard.shelter(delivery)
    assert switchboard.open(seat(2, "other")) == []
    assert switchboard.open(seat(3, can_receive=False)) == []
    assert switchboard.open(seat(4)) == [delivery]
    assert switchboard.open(seat(5)) == []


def test_a_seat_that_closes_gives_back_its_line() -> None:
    switchboard = board(ReceiptBind.SAME, first := seat(1), seat(2))
    first.line.append(delivery := receipt(1))
    assert switchboard.close(first) == [delivery]
    assert [each.number for each in switchboard] == [2]
    assert switchboard.accounts_with_receivers() == ["shop"]

from gateway.simulator.agenda import Agenda


def test_items_come_in_the_order_they_are_due_and_ties_in_the_order_they_were_added() -> None:
    agenda: Agenda[str] = Agenda()
    for at, item in ((3.0, "late"), (1.0, "first"), (1.0, "second"), (2.0, "third")):
        agenda.add(at, item)
    assert agenda.next_at == 1.0
    assert agenda.pop_due(2.5, most=10) == ["first", "second", "third"]
    assert agenda.next_at == 3.0
    assert len(agenda) == 1


def test_no_more_than_asked_for_are_taken_out() -> None:
    agenda: Agenda[int] = Agenda()
    for number in range(5):
        agenda.add(0.0, number)
    assert agenda.pop_due(0.0, most=2) == [0, 1]
    assert agenda.pop_due(0.0, most=9) == [2, 3, 4]
    assert agenda.next_at is None

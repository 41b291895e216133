"""Which PDUs are one message's, among those of its number."""

import asyncio
import time

from gateway.dispatch.trace import Chunk
from gateway.dispatch.trace_search import OpenSubmits, Sought, Submission, find_message_pdus
from gateway.smpp.codec import encode
from gateway.smpp.pdus import SubmitSm, SubmitSmResp
from tests.dispatch.trace_fakes import HEX_RESPONSES, NUMBER, OTHER, Wire, forms


async def find(wire: Wire, *submissions: Submission, **wanted: object) -> list[float]:
    """When the PDUs that were found passed: seconds after 1000."""
    sought = Sought(NUMBER, 1_000.0, submissions, wanted.pop("open_submits", None))  # type: ignore[arg-type]
    found = await find_message_pdus(wire.chunks, sought, forms(**wanted))
    return [pdu.at - 1_000.0 for pdu in found]


def submission(at: float, carrier_id: str | None = None, status: int | None = 0) -> Submission:
    return Submission(1, 1, 1_000.0 + at, carrier_id, status)


async def test_two_texts_to_one_person_are_told_apart_by_the_ids_of_their_answers() -> None:
    wire = Wire()
    first, second = wire.submit(), wire.submit()  # at 1 and 2
    wire.answer(second, "B2")
    wire.answer(first, "B1")
    wire.receipt("B2", 1)  # at 5, our answer at 6
    wire.receipt("B1", 2)
    assert await find(wire, submission(1.2, "B1")) == [1, 4, 7, 8]
    assert await find(wire, submission(1.2, "B2")) == [2, 3, 5, 6]


async def test_parts_and_attempts_are_all_found() -> None:
    wire = Wire()
    wire.answer(wire.submit(), command_status=0x58)
    wire.answer(wire.submit(), "C1")
    wire.answer(wire.submit(), "C2")
    assert await find(wire, submission(1, None, 0x58), submission(3, "C1"), submission(5, "C2")) == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip


async def test_a_refusal_is_not_taken_for_the_answer_to_another_text() -> None:
    wire = Wire()
    taken, refused = wire.submit(), wire.submit()
    wire.answer(taken, "D1")
    wire.answer(refused, command_status=0x0B)
    assert await find(wire, submission(0.9, None, 0x0B)) == [2, 4]


async def test_silence_goes_to_the_submit_without_an_answer() -> None:
    wire = Wire()
    answered = wire.submit()
    wire.submit()
    wire.answer(answered, "E1")
    assert await find(wire, submission(1, None, None)) == [2]
    assert await find(wire, submission(1, None, None), submission(1, "E1")) == [1, 2, 3]


async def test_a_receipt_is_found_when_the_submit_is_no_longer_in_memory() -> None:
    wire = Wire()
    wire.receipt("26", 1, source="")
    wire.receipt("27", 2, source="")
    assert await find(wire, submission(0, "1A"), **HEX_RESPONSES) == [1, 2]


async def test_a_submit_on_its_way_is_found_without_anything_stored() -> None:
    wire = Wire()
    answered = wire.submit()
    wire.submit()
    wire.answer(answered, "F1")
    assert await find(wire, open_submits=OpenSubmits(1, 1_000.5, 1)) == [2]


async def test_other_numbers_and_other_binds_are_not_found() -> None:
    wire = Wire(bind_no=2, session_no=2)
    wire.answer(wire.submit(), "A1")
    assert await find(wire, submission(1, None, 0x58)) == []
    wire = Wire()
    wire.answer(wire.submit(OTHER), "A1")
    assert await find(wire, submission(1, None, None)) == []


async def test_a_search_through_a_full_memory_gives_way_to_the_loop() -> None:
    """32 MiB as a busy node keeps them; the turns of others must come in between."""
    submits = b"".join(
        encode(SubmitSm(destination_addr=OTHER.encode(), short_message=b"x" * 100)) * 20 for _ in "1"
    )
    answers = encode(SubmitSmResp(message_id=b"0123456789")) * 20
    chunks: list[Chunk] = []
    for second in range(4_000):
        chunks.append(Chunk(1_000.0 + second, 1, 1, "transceiver", 1, True, submits))
        chunks.append(Chunk(1_000.0 + second, 1, 1, "transceiver", 1, False, answers))
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    begun = time.perf_counter()
    sought = Sought(NUMBER, 1_000.0, (submission(1, "not-there"),))
    assert await find_message_pdus(chunks, sought, forms()) == []
    assert time.perf_counter() - begun < 2.0
    others.cancel()
    assert turns >= 8, "a turn at least for each thousand chunks"

"""Texts that come in parts, on a real Postgres: one text each, whatever the order, repeats and crashes."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.dispatch.overdue_parts import OverdueParts
from gateway.domain.identifiers import slot_of_address
from gateway.domain.keywords import Keyword
from gateway.smpp.received_text import GAP
from gateway.smpp.text import ReadAs
from gateway.store.erasure import erase_traces
from gateway.store.errors import PartsMoved
from gateway.store.evidence import InboundSeen, PartKey, PartsOverdue
from gateway.store.inbound_parts import Joining, find_overdue_parts, forget_closed_parts, key_of
from tests.store.desk import ALL_SLOTS, SECRET, Desk
from tests.store.rig import CONNECTOR, Rig, open_rig, running

pytestmark = pytest.mark.integration

ANNA, BELA = "33639981111", "40722000111"
OURS = "36111"


def part(
    number: int,
    words: str,
    *,
    total: int = 2,
    person: str = ANNA,
    reference: int = 7,
    bits: int = 8,
    shop_id: int = 1,
    connector_id: int = CONNECTOR,
    came: timedelta = timedelta(0),
    octets: bytes | None = None,
    **changes: Any,
) -> InboundSeen:
    seen = InboundSeen(
        shop_id=shop_id,
        slot=slot_of_address(person),
        connector_id=connector_id,
        data_coding=0,
        esm_class=0x40,
        reference=reference,
        part=number,
        parts=total,
        from_address=person,
        to_address=OURS,
        text=None,
        body=words.encode() if octets is None else octets,
        at=datetime.now(UTC) - came,
        acknowledge=f"seat {number}",
        reference_bits=bits,
        udh=bytes((5, 0, 3, reference & 0xFF, total, number)),
    )
    return replace(seen, **changes)


async def texts(rig: Rig) -> list[tuple[Any, ...]]:
    return await rig.fetch("SELECT text, parts, parts_came, keyword FROM inbound ORDER BY id")


async def waiting(rig: Rig) -> int:
    return int(await rig.value("SELECT count(*) FROM inbound_part WHERE inbound_id = 0"))


def overdue(seen: InboundSeen, set_no: int = 0) -> PartsOverdue:
    return PartsOverdue(key_of(seen), set_no)


async def test_a_part_alone_is_acknowledged_once_it_is_kept_and_is_no_text_yet(desk: Desk) -> None:
    await desk.tell(part(1, "STOP "))
    assert desk.ear.acknowledged == ["seat 1"]
    assert await texts(desk.rig) == []
    assert await waiting(desk.rig) == 1
    assert desk.ear.events == 0


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
async def test_parts_in_any_order_over_several_batches_become_one_text(
    desk: Desk, order: Sequence[int]
) -> None:
    words = {1: "bonjour, ", 2: "je voudrais ", 3: "deux pizzas"}
    await desk.tell(*(part(number, words[number], total=3) for number in order))
    assert await texts(desk.rig) == [("bonjour, je voudrais deux pizzas", 3, 3, Keyword.NONE)]
    assert await desk.count("outbox") == 1, "one event for one text"
    [row] = await desk.rig.fetch("SELECT reference, data_coding, esm_class, udh, body FROM inbound")
    assert row == (7, 0, 0x40, bytes((5, 0, 3, 7, 3, 1)), b"bonjour, je voudrais deux pizzas")


async def test_parts_that_come_together_leave_no_octets_behind(desk: Desk) -> None:
    await desk.tell([part(2, "b"), part(1, "a")])
    assert [row[0] for row in await texts(desk.rig)] == ["ab"]
    inbound_id = await desk.rig.value("SELECT id FROM inbound")
    kept = await desk.rig.fetch("SELECT part, inbound_id, body, udh FROM inbound_part ORDER BY part")
    assert kept == [(1, inbound_id, b"", b""), (2, inbound_id, b"", b"")]
    assert desk.ear.acknowledged == ["seat 2", "seat 1"]


async def test_octets_of_parts_are_joined_before_they_are_read(desk: Desk) -> None:
    octets = "ça va 😀 ?".encode("utf-16-be")
    cut = octets.index("😀".encode("utf-16-be")) + 2
    coded = {"data_coding": 8, "read_as": ReadAs.UCS2}
    await desk.tell(part(2, "", octets=octets[cut:], **coded), part(1, "", octets=octets[:cut], **coded))
    assert [row[0] for row in await texts(desk.rig)] == ["ça va 😀 ?"]


async def test_a_stop_cut_in_two_opts_out_once_and_only_when_it_is_whole(desk: Desk) -> None:
    await desk.rig.put_contact(ANNA)
    await desk.tell(part(1, "ST"))
    assert await desk.count("suppression") == 0
    await desk.tell(part(2, "OP"))
    assert await texts(desk.rig) == [("STOP", 2, 2, Keyword.STOP)]
    assert await desk.rig.fetch("SELECT shop_id, source FROM suppression") == [(1, "text:STOP")]
    assert await desk.count("reply_due") == 1


async def test_repeats_before_and_after_completion_are_acknowledged_and_change_nothing(desk: Desk) -> None:
    first, second = part(1, "a"), part(2, "b")
    await desk.tell(first, [first, second], second, first)
    assert [row[0] for row in await texts(desk.rig)] == ["ab"]
    assert desk.ear.acknowledged == ["seat 1", "seat 1", "seat 2", "seat 2", "seat 1"]
    assert await waiting(desk.rig) == 0


async def test_a_reference_used_again_at_once_makes_two_texts(desk: Desk) -> None:
    await desk.tell([part(1, "a"), part(2, "b"), part(1, "c")], part(2, "d"))
    assert [row[0] for row in await texts(desk.rig)] == ["ab", "cd"]


async def test_two_people_with_one_reference_are_not_mixed_nor_are_spaces_and_totals(desk: Desk) -> None:
    await desk.tell(
        [part(1, "anna "), part(1, "bela ", person=BELA), part(1, "wide ", bits=16), part(1, "x", total=3)],
        [part(2, "A"), part(2, "B", person=BELA), part(2, "W", bits=16)],
    )
    assert sorted(row[0] for row in await texts(desk.rig)) == ["anna A", "bela B", "wide W"]
    assert await waiting(desk.rig) == 1


async def test_carriers_keep_their_references_apart(desk: Desk) -> None:
    await desk.tell(part(1, "a"), part(2, "b", connector_id=CONNECTOR + 1))
    assert await texts(desk.rig) == []


async def test_a_new_process_completes_what_the_one_before_it_began(desk: Desk) -> None:
    await desk.tell(part(1, "avant "))
    desk.restart()
    await desk.tell(part(2, "apres"), part(2, "apres"))
    assert [row[0] for row in await texts(desk.rig)] == ["avant apres"]


async def test_what_came_is_stored_as_incomplete_when_the_wait_is_over(desk: Desk) -> None:
    await desk.tell([part(1, "un ", total=4), part(3, "trois ", total=4)])
    await desk.tell(overdue(part(1, "", total=4)))
    assert await texts(desk.rig) == [(f"un {GAP}trois {GAP}", 4, 2, Keyword.NONE)]
    assert await desk.count("outbox") == 1
    await desk.tell(overdue(part(1, "", total=4)))
    assert len(await texts(desk.rig)) == 1, "a text is given up once"


@pytest.mark.parametrize(
    ("came", "keyword"),
    [
        (part(1, "STOP"), Keyword.PERHAPS_STOP),
        (part(1, "START"), Keyword.NONE),
        (part(1, "HELP"), Keyword.NONE),
        (part(2, "STOP"), Keyword.NONE),
    ],
    ids=["beginning", "alone no more", "help", "end"],
)
async def test_an_incomplete_text_asks_only_for_what_its_beginning_says(
    desk: Desk, came: InboundSeen, keyword: Keyword
) -> None:
    await desk.tell(came, overdue(came))
    [row] = await texts(desk.rig)
    assert row[1:] == (2, 1, keyword)
    assert await desk.count("suppression") == (1 if keyword is Keyword.PERHAPS_STOP else 0)
    assert await desk.count("reply_due") == 0


async def test_a_part_that_comes_after_its_text_was_given_up_is_not_lost(desk: Desk) -> None:
    await desk.tell(part(1, "un "), overdue(part(1, "")), part(2, "deux"), overdue(part(2, ""), set_no=1))
    assert [row[0] for row in await texts(desk.rig)] == [f"un {GAP}", f"{GAP}deux"]


async def test_a_text_to_a_port_asks_for_nothing_and_says_to_which(desk: Desk) -> None:
    await desk.tell(
        [part(1, "ST", destination_port=2948, source_port=9200), part(2, "OP", destination_port=2948)],
        part(1, "STOP", total=1, text="STOP", destination_port=0, source_port=0),
    )
    rows = await desk.rig.fetch(
        "SELECT text, keyword, destination_port, source_port FROM inbound ORDER BY id"
    )
    assert rows == [("STOP", Keyword.NONE, 2948, 9200), ("STOP", Keyword.STOP, 0, 0)]


async def test_parts_of_binary_leave_their_octets_and_no_text(desk: Desk) -> None:
    binary = {"data_coding": 4, "read_as": ReadAs.BINARY}
    await desk.tell([part(1, "", octets=b"\x01", **binary), part(2, "", octets=b"\x02", **binary)])
    assert await desk.rig.fetch("SELECT text, body FROM inbound") == [(None, b"\x01\x02")]


async def look(desk: Desk, *, join_seconds: float) -> int:
    parts = OverdueParts(
        desk.rig.database, desk.outcomes, slots=lambda: ALL_SLOTS, join_seconds=lambda: join_seconds
    )
    async with running(desk.outcomes.run), asyncio.timeout(10):
        return await parts.look(limit=100)


async def test_the_look_takes_what_waited_long_enough_and_leaves_the_rest(desk: Desk) -> None:
    long_ago = timedelta(seconds=100)
    await desk.tell([part(1, "old", came=long_ago), part(1, "new", reference=8)])
    assert await look(desk, join_seconds=60) == 1
    assert [row[0] for row in await texts(desk.rig)] == [f"old{GAP}"]
    assert await waiting(desk.rig) == 1
    assert await look(desk, join_seconds=60) == 0


async def test_a_text_of_which_two_nodes_stored_the_last_parts_at_one_instant_is_joined_by_the_look(
    desk: Desk,
) -> None:
    await desk.tell(part(1, "a"))
    await desk.rig.execute(
        "INSERT INTO inbound_part"
        " SELECT shop_id, slot, connector_id, reference_bits, reference, parts, 2, set_no, data_coding,"
        "        esm_class, read_as, NULL, NULL, 0, received_at, from_address, to_address, udh, 'b', 'x'"
        " FROM inbound_part"
    )
    assert await look(desk, join_seconds=3_600) == 1
    assert await texts(desk.rig) == [("ab", 2, 2, Keyword.NONE)]


async def test_two_nodes_that_hear_every_part_twice_make_each_text_once(desk: Desk, database: str) -> None:
    random = Random(4)
    parts = [
        part(number, f"{reference}:{number} ", total=3, reference=reference)
        for reference in range(40)
        for number in (1, 2, 3)
    ]
    async with open_rig(database, node_key="second") as other_rig:
        other = Desk(other_rig)
        random.shuffle(parts)
        async with asyncio.timeout(20):
            await asyncio.gather(*(node.tell(*([one] for one in parts)) for node in (desk, other)))
        assert len(desk.ear.acknowledged) == len(other.ear.acknowledged) == len(parts)
    await look(desk, join_seconds=3_600)
    expected = sorted(" ".join(f"{reference}:{number}" for number in (1, 2, 3)) for reference in range(40))
    assert sorted(str(row[0]).strip() for row in await texts(desk.rig)) == expected
    assert await waiting(desk.rig) == 0


async def test_a_part_that_another_node_kept_meanwhile_has_the_batch_tried_again(desk: Desk) -> None:
    """Both looked before either wrote: without noticing, each would make a text of the same parts."""
    came, database, ids = [part(1, "a"), part(2, "b")], desk.rig.database, desk.rig.node.ids
    async with database.transaction() as ours:
        here = Joining(ours, ids)
        assert len(await here.gather(came, [])) == 1
        async with database.transaction() as theirs:
            there = Joining(theirs, ids)
            await there.gather(came, [])
            await there.write()
        with pytest.raises(PartsMoved):
            await here.write()


async def test_a_joined_text_came_when_its_last_part_did(desk: Desk) -> None:
    earlier, later = part(2, "b", came=timedelta(minutes=9)), part(1, "a")
    await desk.tell(earlier, later)
    assert await desk.rig.value("SELECT received_at FROM inbound") == later.at


async def test_stored_parts_are_forgotten_and_waiting_ones_never(desk: Desk) -> None:
    await desk.tell([part(1, "a"), part(2, "b"), part(1, "c", reference=8)])
    database = desk.rig.database
    await forget_closed_parts(database, ALL_SLOTS, before=datetime.now(UTC) - timedelta(hours=1))
    assert await desk.count("inbound_part") == 3
    await forget_closed_parts(database, ALL_SLOTS, before=datetime.now(UTC))
    assert await waiting(desk.rig) == await desk.count("inbound_part") == 1
    assert await find_overdue_parts(database, [], since_before=datetime.now(UTC), limit=9) == []


async def test_erasing_a_person_forgets_parts_that_wait_and_what_others_hold_stays(desk: Desk) -> None:
    await desk.tell(
        [part(1, "a"), part(1, "b", shop_id=2), part(1, "c", shop_id=0), part(1, "d", person=BELA)],
        [part(1, "e", shop_id=0, reference=9), part(2, "f", shop_id=0, reference=9)],
    )
    async with desk.rig.database.transaction() as connection:
        await erase_traces(connection, 1, ANNA, None, instance_secret=SECRET)
    left = await desk.rig.fetch("SELECT shop_id, from_address, inbound_id FROM inbound_part ORDER BY 1, 2")
    assert left == [(0, ANNA, 0), (1, BELA, 0), (2, ANNA, 0)]


def test_the_key_of_a_part_says_who_wrote_to_whom_and_which_reference() -> None:
    assert key_of(part(2, "x")) == PartKey(slot_of_address(ANNA), ANNA, 1, OURS, CONNECTOR, 8, 7, 2)

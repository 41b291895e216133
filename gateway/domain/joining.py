"""Which text a received part belongs to, when references repeat, parts repeat and order is nobody's promise.

Owns the rule of quirk 80 and nothing else: parts that share a key (who wrote to whom through which carrier,
with which reference out of how many) are told apart into sets, each of which becomes one text. Knows no
octets: a part is its number and the digest of its body.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

_TOGETHER: Final = timedelta(seconds=30)
"""Parts of one text come within this time of each other unless something held one up. Of two texts under one
reference that are heard of within it the older is served first, for they come interleaved; of texts further
apart the newer one is the one that goes on."""


class HeldPart(NamedTuple):
    """A part that came before. `inbound_id` is the text that its set became, 0 while it waits for others."""

    set_no: int
    part: int
    inbound_id: int
    digest: bytes
    received_at: datetime


def place_part(part: int, digest: bytes, at: datetime, held: Sequence[HeldPart]) -> int | None:
    """The set that a part belongs to, or None for one that came before.

    `held` are all parts known under its key, of texts that wait and of texts that are stored. The same octets
    under the same number are a repeat: a carrier that heard no answer sends again, also long after the text
    was complete. Only where another text is being sent that wants this number are they part of that one: long
    texts may end alike. Other octets under a number that is taken are a text whose sender used the reference
    again.
    """
    same = [each for each in held if each.part == part and each.digest == digest]
    if any(not each.inbound_id for each in same):
        return None
    waiting = _list_waiting(part, held)
    being_sent = [set_no for set_no, heard_at in waiting.items() if abs(at - heard_at) <= _TOGETHER]
    if being_sent:
        return min(being_sent)
    if same:
        return None
    if waiting:
        return max(waiting, key=lambda set_no: (waiting[set_no], set_no))
    return max((each.set_no for each in held), default=-1) + 1


def _list_waiting(part: int, held: Sequence[HeldPart]) -> dict[int, datetime]:
    """Sets that wait for this number, and when each was last heard of."""
    closed = {each.set_no for each in held if each.part == part or each.inbound_id}
    waiting: dict[int, datetime] = {}
    for each in held:
        if each.set_no not in closed:
            waiting[each.set_no] = max(each.received_at, waiting.get(each.set_no, each.received_at))
    return waiting

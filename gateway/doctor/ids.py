"""Which rule for ids brings answers and receipts together. Quirks 50, 51.

Tries the rules that a connector can have, from the plainest on, by the function that the server uses; a
plainer one wins where two fit as well. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from gateway.doctor.evidence import ReceiptSeen, SubmitSeen
from gateway.domain.carrier_ids import IdConversion, normalise_carrier_id

_CONVERSIONS: Final = (
    (IdConversion.AS_IS, IdConversion.AS_IS),
    (IdConversion.HEX_TO_DEC, IdConversion.AS_IS),
    (IdConversion.AS_IS, IdConversion.HEX_TO_DEC),
    (IdConversion.DEC_TO_HEX, IdConversion.AS_IS),
    (IdConversion.AS_IS, IdConversion.DEC_TO_HEX),
)
"""(response, receipt). The last two say the same as the two before them with the ids kept in hex."""

_LONGEST_PREFIX: Final = 32
_find_mark_end: Final = re.compile(r".*[^0-9a-fA-F]").match


@dataclass(frozen=True, slots=True)
class IdRule:
    """One setting of `id_form`."""

    response: IdConversion = IdConversion.AS_IS
    receipt: IdConversion = IdConversion.AS_IS
    strip_zeros: bool = False
    strip_prefix: str = ""

    def of_answer(self, message_id: str) -> str:
        return self._normalise(message_id, self.response)

    def of_receipt(self, carrier_id: str) -> str:
        return self._normalise(carrier_id, self.receipt)

    def _normalise(self, text: str, conversion: IdConversion) -> str:
        return normalise_carrier_id(
            text, conversion=conversion, strip_zeros=self.strip_zeros, strip_prefix=self.strip_prefix
        )


AS_IT_IS: Final = IdRule()


@dataclass(frozen=True, slots=True)
class Matching:
    """The receipts of each submit under the rule that fits best."""

    rule: IdRule
    by_submit: Mapping[SubmitSeen, tuple[ReceiptSeen, ...]]
    """Only submits that have one."""
    strangers: tuple[ReceiptSeen, ...]
    """Receipts with an id that no answer gave."""
    submits_with_id: int
    receipts_with_id: int
    matched_as_they_are: int
    """Receipts that would match without any rule."""

    @property
    def matched(self) -> int:
        """Receipts that match."""
        return sum(len(receipts) for receipts in self.by_submit.values())

    def receipts_of(self, submit: SubmitSeen) -> tuple[ReceiptSeen, ...]:
        return self.by_submit.get(submit, ())


NOTHING_MATCHED: Final = Matching(AS_IT_IS, MappingProxyType({}), (), 0, 0, 0)


def match_ids(taken: Sequence[SubmitSeen], receipts: Sequence[ReceiptSeen]) -> Matching:
    """Match receipts to submits under every rule, and keep the plainest of those that match most."""
    answered = [submit for submit in taken if submit.answer is not None and submit.answer.message_id]
    named = [receipt for receipt in receipts if receipt.tlv_id or receipt.text_id]
    if not answered or not named:
        return replace(NOTHING_MATCHED, submits_with_id=len(answered), receipts_with_id=len(named))
    best = plain = _match_under(AS_IT_IS, answered, named)
    if plain.strangers:
        for rule in _rules(answered, named):
            matching = _match_under(rule, answered, named)
            if matching.matched > best.matched:
                best = matching
    return replace(best, matched_as_they_are=plain.matched)


def _rules(answered: Sequence[SubmitSeen], named: Sequence[ReceiptSeen]) -> Iterator[IdRule]:
    prefixes = ("", *_prefixes(answered, named))
    for prefix in prefixes:
        for strip_zeros in (False, True):
            for response, receipt in _CONVERSIONS:
                yield IdRule(response, receipt, strip_zeros, prefix)


def _prefixes(answered: Sequence[SubmitSeen], named: Sequence[ReceiptSeen]) -> list[str]:
    """What all ids of one side begin with and could be in front of the other side's ids."""
    sides = (
        [submit.answer.message_id for submit in answered if submit.answer],
        [receipt.text_id or receipt.tlv_id for receipt in named],
    )
    found = []
    for ids in sides:
        common = _common_beginning([each.lower() for each in ids])
        if len(set(ids)) > 1 and (mark := _find_mark_end(common)):
            found.append(mark.group()[:_LONGEST_PREFIX])
        # A prefix of digits alone shows by what is left: the other side's id.
        shorter = sides[1] if ids is sides[0] else sides[0]
        found.extend(_heads(ids, shorter))
    return list(dict.fromkeys(found))


def _common_beginning(ids: Sequence[str]) -> str:
    first, last = min(ids), max(ids)  # whatever these two share, all between them share
    size = next((place for place, each in enumerate(first) if last[place] != each), len(first))
    return first[:size]


def _heads(longer: Iterable[str], shorter: Iterable[str]) -> list[str]:
    tails = {each.lower() for each in shorter}
    heads = {
        each.lower()[: -len(tail)]
        for each in longer
        for tail in tails
        if len(tail) >= 3 and len(each) > len(tail) and each.lower().endswith(tail)
    }
    # Zeros in front are padding, which has a setting of its own.
    return sorted(head for head in heads if head.strip("0") and len(head) <= _LONGEST_PREFIX)


def _match_under(rule: IdRule, answered: Sequence[SubmitSeen], named: Sequence[ReceiptSeen]) -> Matching:
    submits = {}
    for submit in answered:  # the newest keeps an id that the carrier gave twice, as in the server
        assert submit.answer is not None
        submits[rule.of_answer(submit.answer.message_id)] = submit
    matched: dict[SubmitSeen, list[ReceiptSeen]] = {}
    strangers = []
    for receipt in named:
        ids = [rule.of_receipt(each) for each in (receipt.tlv_id, receipt.text_id) if each]
        owner = next((submits[each] for each in ids if each in submits), None)
        if owner is None:
            strangers.append(receipt)
        else:
            matched.setdefault(owner, []).append(receipt)
    return Matching(
        rule,
        MappingProxyType({submit: tuple(found) for submit, found in matched.items()}),
        tuple(strangers),
        len(answered),
        len(named),
        0,
    )

"""What a person typed into a search box: a number, digits of one, or the beginning of a name.

Pure. The order of guesses is the order of what people paste most: whole numbers first.
"""

import re
from dataclasses import dataclass

from gateway.domain.phone import InvalidNumber, normalise_number

_NAMES = 2
_NUMBER_LIKE = re.compile(r"[\d\s()+./-]+")


@dataclass(frozen=True, slots=True)
class Search:
    """One of the three: an `address` in full, `digits` inside one, or `names` by their beginning."""

    address: str | None = None
    digits: str | None = None
    names: tuple[str, ...] = ()


def read_search(text: str, *, default_country: str) -> Search:
    """The search that `text` asks for; at most the first two words count as names."""
    if _NUMBER_LIKE.fullmatch(text):
        try:
            return Search(address=normalise_number(text, default_country=default_country).address)
        except InvalidNumber:
            digits = re.sub(r"\D", "", text)
            # 06 12 of a number being typed stands behind the calling code without its zero.
            return Search(digits=digits.lstrip("0") or digits) if digits else Search()
    return Search(names=tuple(text.split()[:_NAMES]))

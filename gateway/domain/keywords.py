"""What a text from a handset asks for: no more marketing, marketing again, help, or nothing that we know.

Owns the words by country and how a text is brought to them: capitals, accents, punctuation and politeness do
not matter. Knows no person, no consent and no answer. Words: FCC 47 CFR 64.1200 and carriers' lists (US),
AF2M (France), carriers' guides for the rest; what one is used to in one country is not heard in another
where it is an everyday word (END, CANCEL, ALTO).
"""

import unicodedata
from enum import IntEnum
from typing import Final, NamedTuple


class Keyword(IntEnum):
    """What was asked for. Stored; never renumber."""

    NONE = 0
    STOP = 1
    PERHAPS_STOP = 2
    """A stop word among others, or one letter beside one: marketing pauses, and a person decides."""
    START = 3
    HELP = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class ReadKeyword(NamedTuple):
    """A keyword and the word that it was read from, in capitals; "" for none."""

    keyword: Keyword
    word: str = ""


_NOTHING: Final = ReadKeyword(Keyword.NONE)

_STOP_ANYWHERE: Final = frozenset(
    (
        "stop", "stopall", "optout", "unsubscribe",
        "arret", "arrete", "arretez", "arreter", "desabonner", "desabonnement", "desinscription",
        "cancellami", "disiscrivi", "disiscrivimi",
        "dezabonare", "dezaboneaza",
        "abmelden", "abbestellen", "baja", "rezygnuj", "стоп",
    )
)  # fmt: skip
_STOP_IN: Final = {
    "US": frozenset(("quit", "end", "revoke", "cancel")),
    "CA": frozenset(("quit", "end", "revoke", "cancel", "td")),
    "IT": frozenset(("cancella", "basta")),
    "ES": frozenset(("alto",)),
    "RO": frozenset(("opreste",)),
    "DE": frozenset(("stopp", "ende")),
    "AT": frozenset(("stopp", "ende")),
    "CH": frozenset(("stopp", "ende", "cancella", "basta")),
}
_STOPS: Final = {country: _STOP_ANYWHERE | words for country, words in _STOP_IN.items()}
"""All of a country's: putting them together for each text took 1.1 µs."""
_START_ANYWHERE: Final = frozenset(("start", "unstop", "старт"))
_START_IN: Final = {
    "US": frozenset(("yes",)),
    "CA": frozenset(("yes",)),
    "RO": frozenset(("abonare",)),
    "ES": frozenset(("alta",)),
    "DE": frozenset(("anmelden",)),
    "AT": frozenset(("anmelden",)),
    "CH": frozenset(("anmelden",)),
}
_HELP_ANYWHERE: Final = frozenset(
    ("help", "info", "aide", "aiuto", "ajutor", "ayuda", "hilfe", "pomoc", "помощь")
)

_POLITENESS: Final = frozenset(
    (
        "please", "pls", "thanks", "thank", "you", "now", "text", "texts", "sms", "msg", "message",
        "svp", "stp", "merci", "pub", "pubs", "publicite", "publicites", "spam", "marketing", "promo",
        "promos", "grazie", "pubblicita", "multumesc", "va", "rog", "reclame", "gracias", "danke", "bitte",
        "werbung", "all", "messages",
    )
)  # fmt: skip
"""Words beside a stop word that leave no doubt."""

_EVERYDAY: Final = frozenset(
    ("top", "shop", "step", "stoc", "atop", "hstop", "strop", "arrets", "barret", "carret", "bajo", "caja")
)
"""Words one letter from a stop word that mean something themselves."""

_LONGEST_READ_CHARACTERS: Final = 1_000
_SHORT_CODE_DIGITS: Final = 6
_SHORTEST_GUESSED: Final = 4
"""Stop words of fewer letters are heard only alone: END and TD stand in many sentences."""

# Letters that no decomposition takes apart.
_LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d"})
_ASCII: Final = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


def read_keyword(text: str | None, country: str | None) -> ReadKeyword:
    """What `text` asks for, by the customs of `country` (two capital letters; None for an unknown one).

    Nothing but a keyword, politeness and the number it was sent to is the keyword; a stop word among other
    words, or a slip of one letter, is perhaps one. Any text is safe to read, of any length or alphabet.
    """
    words = fold_words((text or "")[:_LONGEST_READ_CHARACTERS])
    if not words:
        return _NOTHING
    stops = _STOPS.get(country or "", _STOP_ANYWHERE)
    joined = "".join(words)
    if joined in stops:  # S.T.O.P, STOP ALL, opt-out
        return ReadKeyword(Keyword.STOP, joined.upper())
    core = [word for word in words if word not in _POLITENESS and not _is_short_code(word)]
    if core and all(word in stops for word in core):
        return ReadKeyword(Keyword.STOP, core[0].upper())
    if len(core) == 1:
        found = _read_alone(core[0], country or "")
        if found is not _NOTHING:
            return found
    for word in words:
        if len(word) >= _SHORTEST_GUESSED and word in stops:
            return ReadKeyword(Keyword.PERHAPS_STOP, word.upper())
    if len(core) == 1 and _is_slip(core[0], stops):
        return ReadKeyword(Keyword.PERHAPS_STOP, core[0].upper())
    return _NOTHING


def fold_words(text: str) -> list[str]:
    """The words of a text without accents, capitals, width and punctuation: `ARRÊT !` is `arret`."""
    if text.isascii():  # what stands below comes to the same for it, in 0.4 µs instead of 3 to 4
        return text.translate(_ASCII).split()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = [
        character if character.isalnum() else " "
        for character in folded.translate(_LETTERS)
        if not unicodedata.combining(character)
    ]
    return "".join(kept).split()


def _read_alone(word: str, country: str) -> ReadKeyword:
    if word in _START_ANYWHERE or word in _START_IN.get(country, frozenset()):
        return ReadKeyword(Keyword.START, word.upper())
    if word in _HELP_ANYWHERE:
        return ReadKeyword(Keyword.HELP, word.upper())
    return _NOTHING


def _is_short_code(word: str) -> bool:
    """`STOP 36111`: people repeat the number that they write to."""
    return word.isdigit() and len(word) <= _SHORT_CODE_DIGITS


def _is_slip(word: str, stops: frozenset[str]) -> bool:
    """Whether one letter too many, too few, wrong or swapped with its neighbour makes a stop word."""
    if word in _EVERYDAY:
        return False
    return any(
        len(stop) >= _SHORTEST_GUESSED and abs(len(stop) - len(word)) <= 1 and _differ_by_one(word, stop)
        for stop in stops
    )


def _differ_by_one(one: str, other: str) -> bool:
    if len(one) > len(other):
        one, other = other, one
    same = 0
    while same < len(one) and one[same] == other[same]:
        same += 1
    rest, longer = one[same:], other[same:]
    if len(one) < len(other):
        return rest == longer[1:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return rest[1:] == longer[1:] or swapped == longer

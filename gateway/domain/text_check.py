"""What a person who writes a text should know before it goes: costly characters, parts, and likely mistakes.

Owns the lists of promotional words and of public short links, and the arithmetic of the preview. Judges only;
whether a warning stops anything is for others to decide. Knows no campaign and no price.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from gateway.domain.lanes import Category
from gateway.domain.sender import SenderKind
from gateway.smpp.carrier_text import AS_USUAL, CarrierText, plan_carrier_text
from gateway.smpp.gsm import CHARACTERS
from gateway.smpp.split import Concat, TextPlan, plan_text
from gateway.smpp.text import Alphabet, replace_typographic_characters


@dataclass(frozen=True, slots=True)
class ForcingCharacter:
    """A character that the GSM alphabet lacks, so that every part holds 67 characters in place of 153.

    `positions` count characters of the text as written, from 1; empty where a person's value brought it.
    `replacement` reads the same, or nearly so without an accent, and is in the alphabet; None where there is
    none.
    """

    character: str
    positions: tuple[int, ...]
    replacement: str | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A rendered text in parts. Characters are the alphabet's units: septets, or UTF-16 units."""

    alphabet: Alphabet
    characters: int
    characters_left: int
    """Until one more part is needed."""
    parts: int


_LIGATURES: Final = {"œ": "oe", "Œ": "OE", "ĳ": "ij", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"}
"""Letters of Latin alphabets that Unicode does not take apart."""


class WarningCode(Enum):
    NO_ADVERTISER = "no_advertiser"
    PROMOTIONAL_WORDS = "promotional_words"
    NO_STOP = "no_stop"
    SHORTENER = "shortener"


@dataclass(frozen=True, slots=True)
class TextWarning:
    """A likely mistake, with a sentence on what is wrong and what to do."""

    code: WarningCode
    detail: str


def find_forcing_characters(written: str, rendered: str) -> list[ForcingCharacter]:
    """The characters of `rendered` that cost UCS-2, in order, with their places in the text as `written`."""
    places: dict[str, list[int]] = {character: [] for character in rendered if character not in CHARACTERS}
    for position, character in enumerate(written, start=1):
        if character in places:
            places[character].append(position)
    return [
        ForcingCharacter(character, tuple(positions), _plain_form(character))
        for character, positions in places.items()
    ]


def _plain_form(character: str) -> str | None:
    plain = replace_typographic_characters(character)
    if plain == character:
        plain = _LIGATURES.get(character) or _strip_marks(character)
    return plain if plain != character and all(each in CHARACTERS for each in plain) else None


def _strip_marks(character: str) -> str:
    """The letter without its accents. Sending never does this by itself: whether “Noel” will do for “Noël” is
    for the person who writes to say."""
    bare = "".join(
        each for each in unicodedata.normalize("NFD", character) if not unicodedata.combining(each)
    )
    return bare or character


def measure_text(rendered: str, wants: CarrierText = AS_USUAL) -> Measure:
    """The parts of a rendered text at a carrier that `wants` texts so.

    Raises `TextTooLong` beyond 255 parts and `TextNotEncodable` for lone surrogates.
    """
    plan = plan_carrier_text(rendered, wants)
    if plan.alphabet is Alphabet.GSM7 and wants.codec is not None:
        plan = plan_text(rendered, concat=wants.concat)  # the same cuts, in units that can be counted
    return measure_plan(plan, wants.concat)


def measure_plan(plan: TextPlan, concat: Concat = Concat.UDH8) -> Measure:
    """The same for a text that is planned already."""
    is_gsm = plan.alphabet is Alphabet.GSM7
    last_units = len(plan.parts[-1]) if is_gsm else len(plan.parts[-1]) // 2
    is_wide = concat is Concat.UDH16
    if len(plan.parts) == 1:
        size = 160 if is_gsm else 70
    elif is_gsm:
        size = 152 if is_wide else 153
    else:
        size = 66 if is_wide else 67
    return Measure(plan.alphabet, plan.characters, size - last_units, len(plan.parts))


def find_shorteners(text: str) -> tuple[str, ...]:
    """The public short-link hosts that a text names, each once."""
    found = (host.lower() for host in _HOST.findall(text))
    return tuple(dict.fromkeys(host for host in found if host in PUBLIC_SHORTENERS))


def host_of_url(url: str) -> str:
    """The host of an address without `www.`; empty for what is no address."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def find_promotional_words(text: str) -> tuple[str, ...]:
    """The words and figures of a text that sell, as a carrier or an authority would read them."""
    folded = _fold(text)
    return tuple(dict.fromkeys(match.group().strip() for match in _PROMOTIONAL.finditer(folded)))


def list_warnings(
    text: str,
    *,
    category: Category,
    sender: str,
    sender_kind: SenderKind,
    shop_name: str,
    link_hosts: Collection[str] = (),
) -> list[TextWarning]:
    """What is likely wrong with a rendered text. `link_hosts` are those of the addresses behind its links."""
    warnings = []
    if category is Category.MARKETING and not _names_advertiser(text, sender, sender_kind, shop_name):
        warnings.append(
            TextWarning(
                WarningCode.NO_ADVERTISER,
                f"Nothing says who writes: name {shop_name} in the text, or send under a name.",
            )
        )
    if category is Category.TRANSACTIONAL and (words := find_promotional_words(text)):
        warnings.append(
            TextWarning(
                WarningCode.PROMOTIONAL_WORDS,
                f"A notification must not sell, and this text says {_quote(words)}. Make the campaign"
                " marketing, or leave the words out.",
            )
        )
    hosts = dict.fromkeys(
        (*find_shorteners(text), *(host for host in link_hosts if host in PUBLIC_SHORTENERS))
    )
    if hosts:
        warnings.append(
            TextWarning(
                WarningCode.SHORTENER,
                f"Carriers distrust public short links such as {_quote(tuple(hosts))}, and some refuse them."
                " Name the whole address as a link of the campaign: it gets a short one of your own.",
            )
        )
    return warnings


def _names_advertiser(text: str, sender: str, kind: SenderKind, shop_name: str) -> bool:
    """A name as the sender stands above the text, so that nobody needs to read it twice."""
    if kind is SenderKind.NAME:
        return True
    folded = _squeeze(text)
    return _squeeze(shop_name) in folded or (len(sender) > 0 and _squeeze(sender) in folded)


def _squeeze(text: str) -> str:
    """Letters and digits only: `la-boutique` is found in “La Boutique”."""
    return "".join(character for character in _fold(text) if character.isalnum())


def _fold(text: str) -> str:
    """Small letters without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _quote(words: Collection[str]) -> str:
    return ", ".join(f"“{word}”" for word in list(words)[:4])


# The last dots of an address or of a bare host; a trailing full stop is no part of it.
_HOST: Final = re.compile(
    r"(?<![\w.@/-])(?:https?://)?(?:www\.)?([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4})"
)

PUBLIC_SHORTENERS: Final = frozenset((
    "adf.ly", "bit.do", "bit.ly", "bl.ink", "buff.ly", "clck.ru", "cutt.ly", "dlvr.it", "dub.sh", "goo.gl",
    "hubs.li", "is.gd", "kutt.it", "lnkd.in", "ow.ly", "qr.ae", "rb.gy", "rebrand.ly", "s.id", "short.gy",
    "shorte.st", "shorturl.at", "shrtco.de", "snip.ly", "soo.gd", "t.co", "t.ly", "t2m.io", "tiny.cc",
    "tiny.one", "tinyurl.com", "tr.im", "trib.al", "urlz.fr", "urly.it", "v.gd", "vu.fr", "wa.link", "x.gd",
    "zws.im",
))  # fmt: skip
"""Services whose short addresses anybody can make; carriers block some of them whole."""

# In six languages, without accents. Words that notifications need too (“offer” as a verb, “free” of charge
# delivery slots) stand only in phrases that sell.
_PROMOTIONAL: Final = re.compile(
    r"\b(?:"
    r"promo(?:tions?|s|code)?|discounts?|coupons?|vouchers?|special offers?|buy now|shop now|order now"
    r"|sales? ends?|flash sale|black friday|cyber monday|deals?|save up to|half price|free gift"
    r"|soldes?|remises?|reductions?|bon de reduction|code promo|offres? (?:speciale|exclusive)s?|profitez"
    r"|offre du jour|vente flash|destockage|cadeau offert|livraison offerte"
    r"|scont[oi]|saldi|offert[ae] (?:speciale|esclusiva|del giorno)|promozion[ei]|approfitta"
    r"|buono sconto|regalo|reduceri?|oferta speciala|promoti[ei]|cod promotional|cadou"
    r"|descuentos?|rebajas?|oferta especial|promocion(?:es)?|cupon(?:es)?|aprovecha"
    r"|rabatte?|angebote?|gutscheine?|aktion(?:en)?|schnappchen"
    r")\b"
    r"|(?<!\w)-\s?\d{1,2}\s?%|\b\d{1,2}\s?% (?:off|de reduction|di sconto|reducere|de descuento|rabatt)\b"
)

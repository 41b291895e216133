"""Texts from handsets within a batch of outcomes: whose they are, which campaign they answer, what they ask
for, and what follows at once.

Owns the order: correspondence, withdrawals and restorations, then what waits for those who left. A STOP takes
effect in the transaction that stores it. Sends no answer: one that is owed becomes a row of `reply_due`.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from gateway.domain.country_rules import CountryRules
from gateway.domain.identifiers import IdSource, first_id_at
from gateway.domain.keywords import Keyword, ReadKeyword, read_keyword
from gateway.domain.lanes import Category
from gateway.domain.number_plan import country_of_mobile
from gateway.domain.people import MarketingConsent, OptoutWay, SuppressionScope
from gateway.domain.public_ids import encode_public_id
from gateway.domain.reply_texts import ReplyKind, choose_language
from gateway.smpp.received_text import GAP
from gateway.store.database import Connection
from gateway.store.evidence import Ending, InboundSeen
from gateway.store.optouts import (
    UNSURE,
    Restoration,
    Restored,
    Withdrawal,
    Withdrawn,
    find_waiting_of_people,
    restore_people,
    withdraw_people,
)
from gateway.store.rollups import Tallies

REPLY_COLUMNS = (
    "shop_id", "id", "slot", "kind", "attempt", "due_at", "to_address", "from_address", "language",
)  # fmt: skip

_CORRESPONDENCE = timedelta(days=30)
"""How long a shop's message to a person makes that person's reply the shop's."""

_LONGEST_PROOF_CHARACTERS = 160
_MISSING_WORDS = " … and more "
_OUT = frozenset((Keyword.STOP, Keyword.PERHAPS_STOP))
_Relation = tuple[str, int]
"""A person's address and a shop."""


class Correspondent(NamedTuple):
    """A shop that wrote to a person lately."""

    shop_id: int
    newest_id: int
    is_from_there: bool
    is_marketing: bool
    campaign_message_id: int
    campaign_id: int


class Heard(NamedTuple):
    """A text with what it is taken for. `correspondents` are the shops that its keyword concerns."""

    item: InboundSeen
    id: int
    read: ReadKeyword
    country: str
    campaign_id: int | None
    correspondents: tuple[Correspondent, ...]


class Obeyed(NamedTuple):
    """What keywords brought about, for the batch to write and to tell of."""

    endings: Sequence[Ending]
    withdrawn: Sequence[tuple[Heard, Withdrawn]]
    restored: Sequence[tuple[Heard, Restored]]
    replies: Sequence[tuple[object, ...]]


NOTHING_OBEYED = Obeyed((), (), (), ())


async def hear_texts(
    connection: Connection, inbound: Sequence[InboundSeen], *, ids: IdSource, now: datetime
) -> list[Heard]:
    """Give each text its shop, its keyword and the campaign that it most likely answers.

    An address without a shop of its own is a shared one: a text to it belongs to the only shop that wrote to
    that person from there in 30 days, else to the gateway's inbox. A STOP to a shared address concerns every
    shop that wrote from there, or where none did (a number that only takes STOPs, named in texts whose sender
    is a name) every shop that sent marketing.
    """
    rows = await connection.fetch(
        "find_correspondence",
        [item.slot for item in inbound],
        [item.from_address for item in inbound],
        [item.to_address for item in inbound],
        first_id_at(now - _CORRESPONDENCE),
        Category.MARKETING,
    )
    by_pair: dict[tuple[str, str], list[Correspondent]] = {}
    for row in rows:
        by_pair.setdefault((row["person"], row["ours"]), []).append(
            Correspondent(
                row["shop_id"],
                row["newest_id"],
                row["is_from_there"],
                row["is_marketing"],
                row["campaign_message_id"] or 0,
                row["campaign_id"] or 0,
            )
        )
    return [
        _hear(
            item,
            by_pair.get((item.from_address, item.to_address), []),
            item.inbound_id or ids.next_id(item.slot),
        )
        for item in inbound
    ]


def _hear(item: InboundSeen, wrote: Sequence[Correspondent], inbound_id: int) -> Heard:
    from_there = [each for each in wrote if each.is_from_there]
    if not item.shop_id and len(from_there) == 1:
        item = replace(item, shop_id=from_there[0].shop_id)
    concerned = from_there or [each for each in wrote if each.is_marketing]
    if item.shop_id:
        unheard_of = Correspondent(item.shop_id, 0, False, False, 0, 0)
        concerned = [each for each in wrote if each.shop_id == item.shop_id] or [unheard_of]
    country = country_of_mobile("+" + item.from_address) or ""
    newest = max(concerned, key=_newest_campaign, default=None)
    return Heard(
        item,
        inbound_id,
        _read_keyword(item, country),
        country,
        (newest.campaign_id or None) if newest is not None else None,
        tuple(concerned),
    )


def _read_keyword(item: InboundSeen, country: str) -> ReadKeyword:
    """A text to a port other than 0 is for a program, and nobody's wish. One of which parts are missing asks
    for nothing unless it has its beginning, and never by a word that must stand alone: what is missing may be
    words beside it."""
    if item.destination_port or item.part > 1:
        return ReadKeyword(Keyword.NONE)
    text = item.text
    if item.parts_came < item.parts:
        text = (text or "").replace(GAP, _MISSING_WORDS)
    return read_keyword(text, country)


def _newest_campaign(correspondent: Correspondent) -> int:
    return correspondent.campaign_message_id


async def obey_keywords(
    connection: Connection,
    heard: Sequence[Heard],
    *,
    ids: IdSource,
    now: datetime,
    instance_secret: bytes,
    tallies: Tallies,
    rules: CountryRules,
) -> Obeyed:
    """Take out who said STOP, let in who said START, and say what must end and be answered.

    Of several keywords of one person to one shop in a batch the last counts.
    """
    last: dict[_Relation, tuple[Heard, Correspondent]] = {}
    for each in heard:
        keyword = each.read.keyword
        if (keyword in _OUT or keyword is Keyword.START) and each.item.from_address.isdigit():
            last.update(
                ((each.item.from_address, shop.shop_id), (each, shop)) for shop in each.correspondents
            )
    if not last:
        return NOTHING_OBEYED
    leaving = [(each, shop) for each, shop in last.values() if each.read.keyword in _OUT]
    coming = [(each, shop) for each, shop in last.values() if each.read.keyword is Keyword.START]
    withdrawn = await withdraw_people(
        connection,
        [_withdrawal(each, shop) for each, shop in leaving],
        ids=ids,
        now=now,
        instance_secret=instance_secret,
        tallies=tallies,
    )
    restored = await restore_people(
        connection,
        [_restoration(each, shop) for each, shop in coming],
        ids=ids,
        now=now,
        instance_secret=instance_secret,
    )
    endings = await find_waiting_of_people(
        connection,
        [(shop.shop_id, each.item.from_address, SuppressionScope.MARKETING) for each, shop in leaving],
        now,
    )
    out = [(_find(last, each.withdrawal), each) for each in withdrawn]
    return Obeyed(
        endings,
        out,
        [(_find(last, each.restoration), each) for each in restored],
        _replies_owed(out, now, rules),
    )


def _find(last: dict[_Relation, tuple[Heard, Correspondent]], changed: Withdrawal | Restoration) -> Heard:
    """The text that brought a change about."""
    return last[changed.address, changed.shop_id][0]


def _withdrawal(heard: Heard, shop: Correspondent) -> Withdrawal:
    is_clear = heard.read.keyword is Keyword.STOP
    return Withdrawal(
        shop_id=shop.shop_id,
        address=heard.item.from_address,
        way=OptoutWay.TEXT,
        detail=heard.read.word if is_clear else UNSURE.partition(":")[2],
        said_at=heard.item.at,
        campaign_id=shop.campaign_id,
        evidence=_prove(heard),
        country=heard.country,
    )


def _restoration(heard: Heard, shop: Correspondent) -> Restoration:
    return Restoration(
        shop_id=shop.shop_id,
        address=heard.item.from_address,
        way=OptoutWay.TEXT,
        detail=heard.read.word,
        said_at=heard.item.at,
        consent=MarketingConsent.OPTED_IN,
        is_own=True,
        evidence=_prove(heard),
    )


def _prove(heard: Heard) -> str:
    """What is kept as proof: which text, its words, where it came in."""
    return json.dumps(
        {
            "inbound_id": encode_public_id("mo", heard.id),
            "text": (heard.item.text or "")[:_LONGEST_PROOF_CHARACTERS],
            "to": heard.item.to_address,
            "connector_id": heard.item.connector_id,
        }
    )


def _replies_owed(
    withdrawn: Sequence[tuple[Heard, Withdrawn]], now: datetime, rules: CountryRules
) -> list[tuple[object, ...]]:
    """One confirmation for a text whose STOP was clear and news, however many shops it concerns: from the one
    that wrote last."""
    newest: dict[int, tuple[int, Heard, Withdrawn]] = {}
    for heard, each in withdrawn:
        if heard.read.keyword is not Keyword.STOP:
            continue
        wrote_at = next(
            shop.newest_id for shop in heard.correspondents if shop.shop_id == each.withdrawal.shop_id
        )
        held = newest.get(heard.id)
        if held is None or wrote_at > held[0]:
            newest[heard.id] = (wrote_at, heard, each)
    return [
        (
            each.withdrawal.shop_id,
            heard.id,
            heard.item.slot,
            ReplyKind.STOP_CONFIRMATION,
            0,
            now,
            heard.item.from_address,
            heard.item.to_address,
            choose_language(each.language, rules.rule_for(heard.country).language),
        )
        for _, heard, each in newest.values()
    ]

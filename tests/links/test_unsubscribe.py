"""The unsubscribe page: looking changes nothing, one tap opts out with proof, and an hour takes it back."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.identifiers import slot_of_address
from gateway.domain.lanes import Category
from gateway.domain.message import MessageState, Reason
from gateway.domain.people import MarketingConsent, OptoutWay, SuppressionScope, address_key
from gateway.domain.public_ids import encode_public_id
from gateway.store.optouts import Withdrawal, withdraw_people
from gateway.store.rollups import Tallies
from tests.links.public import CAMPAIGN, PHONE, SECRET, TOKENS, Public

pytestmark = pytest.mark.integration

ANNA = "33612345678"
STOP = {"action": "stop"}
UNDO = {"action": "undo"}


async def open_anna(public: Public) -> tuple[str, int]:
    """Anna's unsubscribe path, and her contact's id. She opted in yesterday."""
    contact_id = await public.rig.put_contact(ANNA, shop_id=public.shop_id)
    slot = slot_of_address(ANNA)
    await public.rig.execute(
        "INSERT INTO consent"
        " (shop_id, id, slot, contact_id, state, said_at, recorded_at, address_key, source)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 'counter')",
        public.shop_id, public.rig.node.ids.next_id(slot), slot, contact_id, int(MarketingConsent.OPTED_IN),
        datetime.now(UTC) - timedelta(days=1), address_key(SECRET, ANNA),
    )  # fmt: skip
    link = await public.add_optout_link(ANNA, contact_id)
    return "/" + TOKENS.encode(link.seq), contact_id


async def standing(public: Public) -> tuple[int, int, int]:
    """(consent, suppressed, rows of suppression) of the only contact."""
    ((consent, suppressed),) = await public.rig.fetch("SELECT marketing_consent, suppressed FROM contact")
    return consent, suppressed, await public.rig.value("SELECT count(*) FROM suppression")


async def test_looking_at_the_page_changes_nothing(public: Public) -> None:
    path, _ = await open_anna(public)
    for method in ("GET", "HEAD", "GET"):
        assert (await public.visit(path, method=method))[0] == 200
    status, text, headers = await public.visit(path + "?lang=fr", headers={"Accept-Language": "it"})
    assert (status, headers["Content-Language"]) == (200, "fr")
    assert "Ne plus recevoir les offres de boutique" in text
    assert "+33" in text
    assert "••••" in text
    assert "612345" not in text
    assert await standing(public) == (MarketingConsent.OPTED_IN, SuppressionScope.NONE, 0)


async def test_one_tap_opts_out_with_proof_and_ends_what_waits(public: Public) -> None:
    path, contact_id = await open_anna(public)
    offer = public.rig.new_message(
        shop_id=public.shop_id, to_address=ANNA, category=Category.MARKETING, contact_id=contact_id
    )
    order = public.rig.new_message(shop_id=public.shop_id, to_address=ANNA, category=Category.TRANSACTIONAL)
    await public.rig.accept(offer, order)
    status, _, headers = await public.visit(path + "?lang=ro", method="POST", data=STOP)
    assert (status, headers["Location"]) == (303, f"{path}?lang=ro")
    assert await standing(public) == (MarketingConsent.OPTED_OUT, SuppressionScope.MARKETING, 1)
    assert [(ending.id, ending.state, ending.reason) for ending in public.endings] == [
        (offer.id, MessageState.BLOCKED, Reason.OPTED_OUT)
    ]
    ((state, source, evidence),) = await public.rig.fetch(
        "SELECT state, source, evidence FROM consent WHERE source <> 'counter'"
    )
    assert (state, source) == (MarketingConsent.OPTED_OUT, "page:link")
    assert json.loads(evidence) == {
        "address": "198.51.100.0",
        "agent": PHONE,
        "message": encode_public_id("msg", public.links[0].message_id),
        "campaign": encode_public_id("cmp", CAMPAIGN),
    }
    assert (await public.visit(path, method="POST", data=STOP))[0] == 303
    assert await public.rig.value("SELECT count(*) FROM consent") == 2
    assert await public.rig.fetch("SELECT campaign_id, country, way, people FROM stat_optout") == [
        (CAMPAIGN, "FR", OptoutWay.PAGE, 1)
    ]
    status, text, _ = await public.visit(path)
    assert (status, "You are unsubscribed" in text, "Receive offers again" in text) == (200, True, True)


async def test_what_the_page_did_can_be_taken_back_within_the_hour(public: Public) -> None:
    path, _ = await open_anna(public)
    assert (await public.visit(path, method="POST", data=UNDO))[2]["Location"] == path  # nothing to take back
    await public.visit(path, method="POST", data=STOP)
    status, _, headers = await public.visit(path + "?lang=it", method="POST", data=UNDO)
    assert (status, headers["Location"]) == (303, f"{path}?undone=1&lang=it")
    assert await standing(public) == (MarketingConsent.OPTED_IN, SuppressionScope.NONE, 0)
    status, text, _ = await public.visit(headers["Location"])
    assert (status, "Annullato: boutique" in text, "Non ricevere più offerte" in text) == (200, True, True)
    await public.visit(path, method="POST", data=STOP)
    await public.rig.execute("UPDATE suppression SET created_at = created_at - interval '61 minutes'")
    status, text, _ = await public.visit(path)
    assert ("You are unsubscribed" in text, "Receive offers again" in text) == (True, False)
    assert (await public.visit(path, method="POST", data=UNDO))[2]["Location"] == path
    assert await standing(public) == (MarketingConsent.OPTED_OUT, SuppressionScope.MARKETING, 1)


async def test_the_page_takes_back_nothing_that_a_text_or_the_shop_did(public: Public) -> None:
    path, _ = await open_anna(public)
    now = datetime.now(UTC)
    for way, detail in ((OptoutWay.TEXT, "STOP"), (OptoutWay.SHOP, "anna")):
        async with public.rig.database.transaction() as connection:
            await connection.raw.execute("DELETE FROM suppression")
            people = [Withdrawal(public.shop_id, ANNA, way, detail, said_at=now)]
            await withdraw_people(
                connection,
                people,
                ids=public.rig.node.ids,
                now=now,
                instance_secret=SECRET,
                tallies=Tallies(),
            )
        _, text, _ = await public.visit(path)
        assert ("You are unsubscribed" in text, "Receive offers again" in text) == (True, False)
        await public.visit(path, method="POST", data=UNDO)
        assert (await standing(public))[1:] == (SuppressionScope.MARKETING, 1)


async def test_a_link_works_for_whoever_is_no_contact_and_says_so_when_nobody_is_left(public: Public) -> None:
    message = public.rig.new_message(
        shop_id=public.shop_id, to_address=ANNA, category=Category.MARKETING, due_in=timedelta(hours=1)
    )
    await public.rig.accept(message)
    link = await public.add_optout_link(ANNA, 4_711, message.id)
    path = "/" + TOKENS.encode(link.seq)
    assert (await public.visit(path, method="POST", data=STOP))[0] == 303
    assert await public.rig.fetch("SELECT shop_id, slot, source FROM suppression") == [
        (public.shop_id, slot_of_address(ANNA), "page:link")
    ]
    assert [ending.id for ending in public.endings] == [message.id]
    await public.rig.execute("UPDATE message SET to_address = NULL")  # erased
    status, text, _ = await public.visit(path)
    assert (status, "Nothing is sent to this number" in text) == (200, True)
    assert (await public.visit(path, method="POST", data=STOP))[0] == 303
    assert await public.rig.value("SELECT count(*) FROM suppression") == 1


async def test_mail_programs_one_click_form_is_answered_without_a_redirect(public: Public) -> None:
    path, _ = await open_anna(public)
    form = {"List-Unsubscribe": "One-Click"}
    status, text, _ = await public.visit(path, method="POST", data=form)
    assert (status, "You are unsubscribed" in text) == (200, True)
    assert (await standing(public))[1] == SuppressionScope.MARKETING


@pytest.mark.parametrize("form", [{}, {"action": "delete"}, {"action": "stop " * 4_000}, b"\xff\xfe=\x00"])
async def test_a_form_that_is_not_ours_changes_nothing(public: Public, form: object) -> None:
    path, _ = await open_anna(public)
    status, text, _ = await public.visit(path, method="POST", data=form)
    assert (status in (400, 413), "That did not work" in text) == (True, True)
    assert (await standing(public))[2] == 0

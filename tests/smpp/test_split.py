"""Plans: the right alphabet, sizes and cuts, for any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.smpp.codec import decode_tlvs
from gateway.smpp.errors import RuleBroken, TextNotEncodable, TextTooLong
from gateway.smpp.graphemes import is_cluster_border
from gateway.smpp.gsm import CHARACTERS, decode_gsm
from gateway.smpp.pdus import find_tlv
from gateway.smpp.split import Concat, concat_udh, payload_tlv, plan_binary, plan_text, sar_tlvs
from gateway.smpp.text import Alphabet, decode_text

gsm_texts = st.text(st.sampled_from(sorted(CHARACTERS)), max_size=700)
clusters = st.sampled_from(["a", "é", "ș", "👍🏽", "👩\u200d👩\u200d👧", "🇫🇷", "e\u0301", "\r\n", "😀", "漢"])
cluster_texts = st.lists(clusters, max_size=200).map("".join)
concats = st.sampled_from(Concat)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("a" * 306, [153, 153]),
        ("€" * 80, [160]),
        ("€" * 81, [152, 10]),
        ("", [0]),
        ("ș" * 70, [140]),
        ("ș" * 71, [134, 8]),
        ("😀" * 35, [140]),
        ("😀" * 36, [132, 12]),
    ],
)
def test_sizes_of_the_standard(text, parts):
    assert [len(part) for part in plan_text(text).parts] == parts


@pytest.mark.parametrize(
    ("concat", "gsm", "ucs2", "binary"),
    [
        ("udh8", 153, 134, 134),
        ("udh16", 152, 132, 133),
        ("sar", 153, 134, 134),
        ("payload", 153, 134, 134),
    ],
)
def test_a_longer_header_leaves_less_room(concat, gsm, ucs2, binary):
    assert len(plan_text("a" * 400, concat=concat).parts[0]) == gsm
    assert len(plan_text("ș" * 400, concat=concat).parts[0]) == ucs2
    assert len(plan_binary(b"a" * 400, concat=concat).parts[0]) == binary


@given(gsm_texts, concats)
def test_gsm_parts_join_to_the_text_and_cut_no_escape(text, concat):
    plan = plan_text(text, concat=concat)
    assert plan.alphabet is Alphabet.GSM7
    assert plan.forcing == ()
    assert decode_gsm(b"".join(plan.parts)) == text
    assert "".join(decode_gsm(part) for part in plan.parts) == text
    assert plan.characters == sum(len(part) for part in plan.parts)
    assert len(plan.parts) == 1 or all(len(part) <= 153 for part in plan.parts)


@given(cluster_texts, concats)
@settings(max_examples=200)
def test_ucs2_parts_join_to_the_text_and_cut_no_cluster(text, concat):
    text += "ș"
    plan = plan_text(text, concat=concat)
    assert plan.alphabet is Alphabet.UCS2
    decoded = [decode_text(part, 8) for part in plan.parts]
    assert "".join(decoded) == text
    assert len(plan.parts) == 1 or all(len(part) <= 134 for part in plan.parts)
    position = 0
    for piece in decoded:
        position += len(piece)
        assert is_cluster_border(text, position)


@given(st.text(st.characters(exclude_categories=()), max_size=300))
@settings(max_examples=200)
def test_any_text_is_planned_or_refused_with_its_characters(text):
    surrogates = tuple(dict.fromkeys(c for c in text if "\ud800" <= c <= "\udfff"))
    if surrogates:
        with pytest.raises(TextNotEncodable) as caught:
            plan_text(text)
        assert caught.value.characters == surrogates
        return
    plan = plan_text(text)
    joined = "".join(decode_text(part, plan.data_coding) for part in plan.parts)
    assert joined.replace("\ufeff", "") == text.replace("\ufeff", "")


def test_an_emoji_at_each_border_is_moved_to_the_next_part():
    text = ("x" * 66 + "😀") * 5
    plan = plan_text(text)
    assert [len(part) // 2 for part in plan.parts] == [66, 67, 67, 67, 67, 6]
    assert plan.parts[1].decode("utf-16-be").startswith("😀")
    assert "".join(part.decode("utf-16-be") for part in plan.parts) == text


def test_a_cluster_larger_than_a_part_is_cut_between_characters():
    text = "e" + "\u0301" * 150
    plan = plan_text(text)
    assert [len(part) // 2 for part in plan.parts] == [67, 67, 17]
    zalgo = "😀" + "\u200d😀" * 60
    assert "".join(part.decode("utf-16-be") for part in plan_text(zalgo).parts) == zalgo


def test_forcing_characters_are_named_in_order():
    assert plan_text("ș „x” ț ș").forcing == ("ș", "„", "”", "ț")


def test_smart_replaces_only_where_that_avoids_ucs2():
    assert plan_text("“Hi” – you…", smart=True).parts == (b'"Hi" - you...',)
    mixed = plan_text("“Hi” ș", smart=True)
    assert mixed.alphabet is Alphabet.UCS2
    assert mixed.parts[0].decode("utf-16-be") == "“Hi” ș"
    assert mixed.forcing == ("ș",)
    assert plan_text("“Hi”").alphabet is Alphabet.UCS2


def test_ucs2_can_be_forbidden():
    with pytest.raises(TextNotEncodable) as caught:
        plan_text("ok ș", allow_ucs2=False)
    assert caught.value.characters == ("ș",)


def test_255_parts_are_the_most():
    assert len(plan_text("a" * 153 * 255).parts) == 255
    with pytest.raises(TextTooLong) as caught:
        plan_text("a" * (153 * 255 + 1))
    assert caught.value.parts == 256
    with pytest.raises(TextTooLong):
        plan_binary(b"a" * (134 * 255 + 1))


def test_headers_of_the_standard():
    assert concat_udh(0x2A, 3, 2).hex() == "0500032a0302"
    assert concat_udh(0x2A01, 3, 2, wide=True).hex() == "0608042a010302"


def test_sar_tlvs_are_three_with_2_1_and_1_octets():
    tlvs = decode_tlvs(sar_tlvs(0x2A01, 3, 2), 0, 16)
    assert tlvs == ((0x020C, b"\x2a\x01"), (0x020E, b"\x03"), (0x020F, b"\x02"))


def test_payload_tlv_holds_the_text():
    octets = payload_tlv(b"x" * 300)
    assert find_tlv(decode_tlvs(octets, 0, len(octets)), 0x0424) == b"x" * 300
    with pytest.raises(RuleBroken):
        payload_tlv(b"x" * 65536)


@pytest.mark.parametrize("arguments", [(256, 2, 1), (1, 2, 3), (1, 2, 0), (1, 256, 1)])
def test_headers_that_make_no_sense_are_refused(arguments):
    with pytest.raises(RuleBroken):
        concat_udh(*arguments)

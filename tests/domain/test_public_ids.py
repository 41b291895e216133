import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.public_ids import InvalidPublicId, decode_public_id, encode_public_id, encode_public_ids

IDS = st.integers(min_value=0, max_value=(1 << 63) - 1)

# Computed apart from the code, by Perl's Math::BigInt; ids in customers' systems depend on them.
VECTORS = [
    (0, "msg_00000000000"),
    (1, "msg_00000000001"),
    (61, "msg_0000000000z"),
    (62, "msg_00000000010"),
    (3843, "msg_000000000zz"),
    (3844, "msg_00000000100"),
    (123_456_789_012_345_678, "msg_097Qs0B7n2M"),
    ((1 << 63) - 1, "msg_AzL8n0Y58m7"),
]


def _spell(identifier: int) -> str:
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[identifier // 62**place % 62] for place in range(10, -1, -1))


@pytest.mark.parametrize(("identifier", "text"), VECTORS)
def test_the_committed_spelling_never_changes(identifier: int, text: str) -> None:
    assert encode_public_id("msg", identifier) == text
    assert decode_public_id("msg", text) == identifier


@given(IDS)
def test_every_id_survives_a_round_trip(identifier: int) -> None:
    text = encode_public_id("evt", identifier)
    assert text == "evt_" + _spell(identifier)
    assert decode_public_id("evt", text) == identifier


@given(st.lists(IDS))
def test_ids_spelled_together_are_spelled_as_each_alone(identifiers: list[int]) -> None:
    near = [*identifiers, *(identifier ^ 0x3FFF for identifier in identifiers)]
    assert list(encode_public_ids("msg", near)) == [encode_public_id("msg", each) for each in near]


@given(IDS, IDS)
def test_public_ids_sort_like_ids(one: int, other: int) -> None:
    assert (encode_public_id("msg", one) < encode_public_id("msg", other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "msg_",
        "msg",
        "msg_0",
        "msg_0000000000",
        "msg_000000000000",
        "cmp_00000000000",
        "MSG_00000000000",
        "msg-00000000000",
        "msg_0000000000-",
        "msg_0000000000 ",
        "msg_0000000000\n",
        "msg_０0000000000",
        "msg_AzL8n0Y58m8",
        "msg_zzzzzzzzzzz",
        "msg_" + "0" * 1_000_000,
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(InvalidPublicId):
        decode_public_id("msg", text)


@given(st.text(max_size=20))
def test_what_is_understood_is_the_one_spelling(text: str) -> None:
    try:
        identifier = decode_public_id("mo", "mo_" + text)
    except InvalidPublicId:
        return
    assert encode_public_id("mo", identifier) == "mo_" + text


@pytest.mark.parametrize("identifier", [-1, 1 << 63])
def test_an_id_beyond_63_bits_is_a_bug(identifier: int) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        encode_public_id("msg", identifier)

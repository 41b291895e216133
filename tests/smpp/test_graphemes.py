"""Cluster borders. Cases from Unicode's GraphemeBreakTest and emoji sequences, written by hand."""

import pytest

from gateway.smpp.graphemes import is_cluster_border

ONE_CLUSTER = [
    "\r\n",
    "e\u0301",
    "👍🏽",
    "👩\u200d👩\u200d👧",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "🇫🇷",
    "\u1100\u1161\u11a8",
    "각\u11a8",
    "क्षि",
    "\u0e01\u0e33",
    "\u0600a",
]


@pytest.mark.parametrize("cluster", ONE_CLUSTER)
def test_no_border_inside_what_reads_as_one_character(cluster):
    text = "a" + cluster + "b"
    borders = [index for index in range(len(text) + 1) if is_cluster_border(text, index)]
    assert borders == [0, 1, 1 + len(cluster), len(text)]


def test_flags_pair_from_the_left():
    text = "🇫🇷🇮🇹🇷"
    assert [i for i in range(len(text) + 1) if is_cluster_border(text, i)] == [0, 2, 4, 5]


def test_plain_letters_may_be_parted():
    assert all(is_cluster_border("abc éşà 漢字", index) for index in range(12))

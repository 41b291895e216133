"""What `estafette unknown` prints, asks and sends."""

import io
from argparse import ArgumentParser, Namespace
from typing import Any

import pytest

from gateway.commands import unknown
from gateway.commands.errors import CommandError, ExitStatus


class FakeServer:
    """Answers as the admin API does; a filter takes two requests."""

    def __init__(self, changed: int = 2, refused: tuple[str, ...] = ()) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self._changed = changed
        self._refused = refused

    def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        counts = [
            {
                "connector": "smsc-a",
                "category": "otp",
                "messages": 3,
                "parts": 4,
                "price": {"amount": "0.14", "currency": "EUR"},
            }
        ]
        return {"messages": [], "next_cursor": None, "counts": counts, "is_at_least": False}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.posted.append((path, body))
        is_first_half = "filter" in body and "cursor" not in body["filter"]
        refused = [{"id": name, "reason": "validity_passed", "detail": "Over."} for name in self._refused]
        return {
            "changed": self._changed,
            "refused_count": len(refused),
            "refused": refused,
            "next_cursor": "msg_2" if is_first_half else None,
        }


def run(monkeypatch: pytest.MonkeyPatch, server: FakeServer, *words: str, typed: str = "") -> int:
    parser = ArgumentParser()
    unknown.add_arguments(parser)
    monkeypatch.setattr(unknown, "connect", lambda _: server)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return unknown.run(parser.parse_args(words, Namespace()))


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ([{"amount": "0.14", "currency": "EUR"}, {"amount": "0.02", "currency": "EUR"}], "0.16 EUR"),
        ([{"amount": "0.14", "currency": "EUR"}, None], "0.14 EUR and some without a known price"),
        ([None], "no price is known"),
    ],
)
def test_prices_are_added_up_as_far_as_they_are_known(prices: list[dict[str, str] | None], told: str) -> None:
    assert unknown.add_prices({"counts": [{"price": price} for price in prices]}) == told


def test_a_filter_is_counted_asked_about_and_followed_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = FakeServer()
    assert run(monkeypatch, server, "resend", "--connector", "smsc-a", typed="3\n") == ExitStatus.DONE
    told = capsys.readouterr()
    assert "3 messages are sent again, which carriers bill again (0.14 EUR)." in told.err
    assert told.out == "4 sent again\n"
    (path, first), (_, second) = server.posted
    assert path == "/admin/unknown/resend"
    assert first["filter"]["before"] == second["filter"]["before"]
    assert second["filter"]["cursor"] == "msg_2"


def test_nothing_is_decided_when_something_else_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeServer()
    with pytest.raises(CommandError, match="nothing was changed"):
        run(monkeypatch, server, "close", "--all", typed="yes\n")
    assert server.posted == []


def test_ids_are_decided_without_a_question_and_refusals_are_told_by_their_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = FakeServer(changed=0, refused=("msg_1",))
    assert run(monkeypatch, server, "resend", "msg_1", "--reason", "lost") == ExitStatus.REFUSED
    assert capsys.readouterr().out == "0 sent again, 1 refused\nmsg_1: Over.\n"
    assert server.posted == [("/admin/unknown/resend", {"ids": ["msg_1"], "reason": "lost"})]


@pytest.mark.parametrize(
    "words", [["resend"], ["close", "msg_1", "--all"], ["resend", "msg_1", "--shop", "a"]]
)
def test_which_messages_must_be_said_in_one_way(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    with pytest.raises(CommandError, match="either ids, or a filter"):
        run(monkeypatch, FakeServer(), *words)


def test_each_message_has_a_line_and_each_carrier_its_count() -> None:
    message = {
        "id": "msg_1", "since": "2026-03-01T12:00:00.5Z", "shop": "alpha", "connector": "smsc-a",
        "category": "otp", "to": "+3361•••••78", "attempts": 2, "parts": 3, "parts_unknown": 1,
        "valid_seconds": 299,
    }  # fmt: skip
    answer = FakeServer().get("", {})
    told = unknown.describe_unknown({**answer, "messages": [message], "next_cursor": "msg_1"})
    assert "msg_1    2026-03-01 12:00:00  alpha  smsc-a     otp       +3361•••••78" in told
    assert "1 of 3         4 min" in told
    assert "These are the newest 1" in told
    assert unknown.describe_unknown(answer).startswith("Every message was answered")

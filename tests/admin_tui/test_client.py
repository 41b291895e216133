"""The client: answers and failures as values, never an exception; the pulse and its backoff."""

from pathlib import Path

import pytest

from admin_tui.client import ApiClient, Failure, FailureKind, ServerAddress, read_answer
from admin_tui.feed import Feed
from tests.admin_tui.fake_api import running_api


@pytest.mark.parametrize(
    ("status", "content", "kind", "sentence"),
    [
        (404, b'{"detail": "None.", "action": "Look."}', FailureKind.NOT_FOUND, "None. Look."),
        (422, b'{"title": "Wrong"}', FailureKind.REFUSED, "Wrong"),
        (409, b'{"detail": "Started."}', FailureKind.CONFLICT, "Started."),
        (403, b'{"detail": "No."}', FailureKind.FORBIDDEN, "No."),
        (503, b"<html>", FailureKind.AWAY, "503"),
        (500, b"[1]", FailureKind.BROKEN, "500"),
        (200, b"nonsense", FailureKind.BROKEN, "200, no JSON"),
        (200, b"[]", FailureKind.BROKEN, "no JSON object"),
    ],
)  # fmt: skip
def test_what_is_no_success_is_a_failure_of_a_kind(
    status: int, content: bytes, kind: FailureKind, sentence: str
) -> None:
    failure = read_answer(status, content)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.sentence) == (kind, sentence)


def test_a_success_without_a_body_is_an_empty_object() -> None:
    assert read_answer(204, b"") == {}


async def test_a_server_that_is_not_there_is_away_and_a_new_one_answers(tmp_path: Path) -> None:
    client = ApiClient(ServerAddress(socket_path=tmp_path / "a.sock"))
    failure = await client.get("/admin/whoami")
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.AWAY
    async with running_api(tmp_path):
        answer = await client.get("/admin/whoami", {"shop": None, "limit": 5})
        assert isinstance(answer, dict)
        assert answer["role"] == "operator"
    assert isinstance(await client.get("/admin/whoami"), Failure)
    await client.aclose()


async def test_files_go_up_as_they_are_and_progress_is_told(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        api.forced["POST", "/upload"] = (201, {"id": "imp_1"})
        client = ApiClient(ServerAddress(socket_path=api.socket_path))
        source = tmp_path / "list.csv"
        source.write_bytes(b"number\n" * 100_000)
        told: list[int] = []
        assert await client.upload("/upload", source, on_progress=told.append) == {"id": "imp_1"}
        assert told[-1] == 700_000
        assert api.calls("POST", "/upload") == [source.read_bytes()]
        assert isinstance(await client.upload("/upload", tmp_path / "none.csv"), Failure)
        await client.aclose()


async def test_a_download_never_overwrites_a_file(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        api.forced["GET", "/faults.csv"] = (200, {"row": 1})
        client = ApiClient(ServerAddress(socket_path=api.socket_path))
        out = tmp_path / "faults.csv"
        assert await client.download("/faults.csv", out) == len('{"row": 1}')
        again = await client.download("/faults.csv", out)
        assert isinstance(again, Failure)
        assert again.kind is FailureKind.REFUSED
        await client.aclose()


async def test_silence_is_told_by_its_age_and_asked_less_often(tmp_path: Path) -> None:
    now = [100.0]
    client = ApiClient(ServerAddress(socket_path=tmp_path / "a.sock"))
    feed = Feed(client, lambda: now[0])
    assert await feed.poll(None) is False
    assert (feed.has_answered, feed.is_stale, feed.wait_seconds) == (False, True, 2.0)
    for _ in range(20):
        await feed.poll(None)
    assert feed.wait_seconds == 5.0
    async with running_api(tmp_path):
        assert await feed.poll("boutique") is True
        assert await feed.poll("boutique") is False
        assert (feed.is_stale, feed.wait_seconds, feed.age_seconds) == (False, 1.0, 0.0)
    now[0] += 12
    await feed.poll("boutique")
    assert feed.is_stale
    assert feed.age_seconds == 12
    assert feed.snapshot["queue"] == 3_217, "what was known stays"
    await client.aclose()


async def test_a_problem_names_its_code_and_the_field_at_fault(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        api.refuse("POST", "/x", 409, "version_conflict", "Somebody changed it.", path="$.version")
        client = ApiClient(ServerAddress(socket_path=api.socket_path))
        failure = await client.post("/x", {"version": 3})
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.code, failure.path) == (
            FailureKind.CONFLICT,
            "version_conflict",
            "version",
        )
        await client.aclose()

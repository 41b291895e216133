"""The client of the admin API: answers, problems, and servers that are not there."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import AdminRefused, CommandError, ExitStatus, ServerUnreachable

pytestmark = pytest.mark.integration

PROBLEM = {
    "status": 404,
    "code": "not_found",
    "title": "Not found",
    "detail": "No such shop.",
    "action": "List them.",
    "path": "$.shop",
}


AWAY = {
    "status": 503,
    "code": "store_unavailable",
    "title": "Nothing can be stored just now",
    "detail": "The database is not reachable.",
    "action": "Repeat the request with the same Idempotency-Key.",
}


class Handler(BaseHTTPRequestHandler):
    """Echoes what it is asked; some paths answer badly."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/problem":
            self._send(404, json.dumps(PROBLEM).encode())
        elif self.path == "/away":
            self._send(503, json.dumps(AWAY).encode())
        elif self.path == "/html":
            self._send(500, b"<h1>oh</h1>")
        elif self.path.startswith("/lines"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"a": 1}\n{"a": 2}\n{"a": ')  # and then the server is gone
        elif self.path == "/nothing":
            self._send(204, b"")
        else:
            self._send(200, json.dumps([self.command, self.path, body.decode()]).encode())

    do_GET = do_POST = do_DELETE = _answer  # the names that the base class looks for

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "unix"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AdminClient]:
    path = tmp_path / "admin.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield AdminClient(path, timeout_seconds=5)
        server.shutdown()
        thread.join()


def test_requests_carry_query_and_body(client: AdminClient) -> None:
    assert client.get("/a", {"name": "x y"}) == ["GET", "/a?name=x+y", ""]
    assert client.post("/b", {"n": 1}) == ["POST", "/b", '{"n": 1}']
    assert client.post("/b") == ["POST", "/b", "{}"]
    assert client.delete("/c") == ["DELETE", "/c", ""]
    assert client.get("/nothing") is None
    assert client.answers()


def test_a_stream_gives_whole_lines_until_the_server_is_gone(client: AdminClient) -> None:
    with client.stream("/lines", {"number": "+33"}) as lines:
        assert [json.loads(line)["a"] for line in lines] == [1, 2]
    with pytest.raises(AdminRefused, match="No such shop"), client.stream("/problem", {}):
        pass


def test_a_problem_becomes_its_place_and_its_sentences(client: AdminClient) -> None:
    with pytest.raises(AdminRefused, match=r"^shop: No such shop\. List them\.$") as caught:
        client.get("/problem")
    assert (caught.value.status, caught.value.code) == (404, "not_found")
    assert caught.value.exit_status is ExitStatus.REFUSED


def test_a_server_whose_database_is_away_is_told_to_a_person_and_to_scripts(client: AdminClient) -> None:
    with pytest.raises(AdminRefused) as caught:
        client.get("/away")
    assert str(caught.value) == "The database is not reachable. `estafette status` says since when."
    assert caught.value.exit_status is ExitStatus.UNREACHABLE


def test_an_answer_that_is_not_json_is_an_error_not_a_traceback(client: AdminClient) -> None:
    with pytest.raises(CommandError, match="500"):
        client.get("/html")


def test_a_socket_that_is_missing_or_left_over_says_which(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match="does not exist"):
        AdminClient(tmp_path / "none.sock").get("/a")
    left_over = tmp_path / "old.sock"
    socketserver.UnixStreamServer(str(left_over), Handler).server_close()
    with pytest.raises(ServerUnreachable, match="left over"):
        AdminClient(left_over).get("/a")
    assert not AdminClient(left_over).answers()

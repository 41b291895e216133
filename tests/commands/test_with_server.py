"""Commands that ask a running server: `estafette serve` as a process, and every word that calls it."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from bench.server import free_ports
from gateway.cli import main
from gateway.commands.admin_client import AdminClient
from gateway.commands.errors import CommandError, ExitStatus

pytestmark = pytest.mark.integration

Ask = Callable[..., Any]


class Server:
    """A running server, and the line that leads commands to it."""

    def __init__(self, config: Path, http_port: int) -> None:
        self.line = ["--config", str(config)]
        self.url = f"http://127.0.0.1:{http_port}"

    def post(self, path: str, key: str, body: dict[str, object]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = Request(self.url + path, data=json.dumps(body).encode(), headers=headers)
        with urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer


@pytest.fixture
def server(database: str, open_folder: Path, tmp_path: Path) -> Iterator[Server]:
    http_port, public_port = free_ports(2)
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "node": {"state_directory": str(tmp_path / "state")},
                "admin": {"socket": str(open_folder / "admin.sock")},
                "database": {"dsn": database},
                "http": {"port": http_port},
                "public": {"port": public_port},
                "logging": {"level": "warning", "format": "text"},
            }
        )
    )
    process = subprocess.Popen([sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)])
    try:
        wait_until_up(process, AdminClient(open_folder / "admin.sock"))
        yield Server(config, http_port)
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0


def wait_until_up(process: subprocess.Popen[bytes], client: AdminClient) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if client.get("/admin/status")["binds_up"] == 1:
                return
        except CommandError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server was not up within 30 s")


@pytest.fixture
def ask(server: Server, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command with `--json` and return its document."""

    def run(*words: str) -> Any:
        assert main([*words, *server.line, "--json"]) == ExitStatus.DONE, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def test_key(ask: Ask) -> str:
    ask("shop", "create", "alpha", "--country", "FR", "--sender", "ALPHA")
    key: str = ask("key", "create", "--shop", "alpha", "--test")["key"]
    return key


def wait_for_state(ask: Ask, message_id: str, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        message: dict[str, Any] = ask("message", "show", message_id)
        if message["state"] == state:
            return message
        time.sleep(0.05)
    raise AssertionError(f"{message_id} is {message['state']}, not {state}")


def test_shops_and_keys(server: Server, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    made = ask("shop", "create", "alpha", "--country", "FR", "--to", "FR,IT", "--spend-day", "50.00")
    assert made["webhook_secret"].startswith("whsec_")
    [shop] = ask("shop", "list")["shops"]
    assert (shop["name"], shop["countries"], shop["spend_day"]) == ("alpha", ["FR", "IT"], "50")
    assert shop["on_unknown"] == "hold"
    changed = ask("shop", "set", "alpha", "--on-unknown", "resend", "--spend-day", "-")
    assert (changed["on_unknown"], changed["spend_day"], changed["countries"]) == (
        "resend",
        None,
        ["FR", "IT"],
    )
    assert main(["shop", "set", "alpha", *server.line]) == ExitStatus.REFUSED
    assert "--on-unknown" in capsys.readouterr().err
    key = ask("key", "create", "--shop", "alpha", "--live", "--scope", "messages:read")
    assert key["key"].startswith("est_live_")
    [listed] = ask("key", "list", "--shop", "alpha")["keys"]
    assert listed["scopes"] == ["messages:read"]
    assert ask("key", "revoke", str(key["id"]))["revoked_at"]
    assert main(["shop", "create", "alpha", "--country", "FR", *server.line]) == ExitStatus.REFUSED
    assert "alpha" in capsys.readouterr().err
    assert main(["key", "list", *server.line]) == ExitStatus.DONE
    assert listed["hint"] in capsys.readouterr().out


def test_a_message_is_shown_with_its_timeline_and_sent_again(
    server: Server, ask: Ask, test_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body: dict[str, object] = {"to": "+33639980001", "text": "Bonjour"}
    sent = server.post("/v1/messages", test_key, body)
    message = wait_for_state(ask, sent["id"], "failed")
    assert [entry["what"] for entry in message["timeline"]][-2:] == ["receipt", "failed"]
    assert main(["message", "show", sent["id"], *server.line]) == ExitStatus.DONE
    shown = capsys.readouterr().out
    assert "stat UNDELIV" in shown
    assert "submitted" in shown
    assert main(["message", "cancel", sent["id"], *server.line]) == ExitStatus.REFUSED
    capsys.readouterr()
    again = ask("message", "resend", sent["id"])
    assert again["id"] != sent["id"]
    assert ask("ledger")["balanced"] is True
    assert ask("receipt", "unmatched") == {"receipts": []}
    assert main(["receipt", "unmatched", *server.line]) == ExitStatus.DONE
    assert "Every receipt has its message." in capsys.readouterr().out
    assert main(["receipt", "unmatched", "--connector", "nobody", *server.line]) == ExitStatus.REFUSED


def test_a_held_message_waits_is_cancelled_and_the_hold_is_seen(
    server: Server, ask: Ask, test_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("hold", "all", "--reason", "a fire drill")["changed"] is True
    assert main(["hold", "all", *server.line]) == ExitStatus.DONE
    assert capsys.readouterr().out == "everything of every shop is held already\n"
    sent = server.post("/v1/messages", test_key, {"to": "+33639980000", "text": "Bonjour"})
    assert main(["status", *server.line]) == ExitStatus.DONE
    assert "a fire drill" in capsys.readouterr().out
    assert ask("message", "cancel", sent["id"])["state"] == "cancelled"
    assert ask("release", "all")["changed"] is True
    assert ask("message", "cancel", sent["id"])["state"] == "cancelled", "a repeat changes nothing"
    assert ask("status")["holds"] == []


def test_people_are_put_on_lists_found_exported_and_forgotten(
    server: Server, ask: Ask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(*words: str, expect: ExitStatus = ExitStatus.DONE) -> str:
        assert main([*words, *server.line]) == expect
        printed = capsys.readouterr()
        return printed.err if expect else printed.out

    assert "estafette shop create" in say("contact", "list", expect=ExitStatus.REFUSED)
    ask("shop", "create", "alpha", "--country", "FR")
    made = ask("list", "create", "Clients")
    person = ask(
        "contact", "put", "06 12 34 56 78", "--first-name", "=Anna", "--tag", "vip", "--list", "Clients"
    )
    assert (person["number"], person["tags"]) == ("+33612345678", ["vip"])
    assert "Clients" in say("list", "list")
    assert ask("contact", "opt-in", "0612345678", "--source", "till", "--wording", "I agree")["source"]
    assert ask("list", "show", made["id"])["marketing_count"] == 1
    assert "+33612345678" in say("contact", "list", "345", "--list", "Clients", "--consent", "opted_in")
    shown = say("contact", "show", person["id"])
    assert "I agree" in shown
    assert "Europe/Paris" in shown
    header, row = say("contact", "export", "--list", "Clients").splitlines()
    assert header.startswith("number,first_name,")
    assert row.startswith("+33612345678,'=Anna,")
    assert json.loads(say("contact", "export", "--json"))["id"] == person["id"]
    assert ask("contact", "opt-out", person["id"], "--reason", "asked")["source"] == "shop:asked"
    refused = say("contact", "opt-in", "0612345678", "--source", "till", expect=ExitStatus.REFUSED)
    assert "opted out" in refused
    assert "opted in" in say("contact", "opt-in", "0612345678", "--source", "till", "--said-at", "now")
    monkeypatch.setattr("sys.stdin", io.StringIO("something else\n"))
    assert "nothing is erased" in say("contact", "erase", "0612345678", expect=ExitStatus.REFUSED)
    assert ask("contact", "erase", person["id"])["erased"]["consents"] == 4
    assert say("contact", "list") == "Nobody is found.\n"
    assert "is called Customers now" in say("list", "rename", "Clients", "Customers")
    bob = ask("contact", "put", "0612345679")["number"]
    assert "1 of 1 are on Customers now" in say("list", "add", "Customers", bob)
    assert ask("list", "remove", "Customers", bob)["removed"] == 1
    assert ask("contact", "opt-out", bob, "--scope", "all")["scope"] == "all"
    assert "no longer kept from everything" in say("contact", "lift", bob, "--scope", "all")
    assert "not kept from anything" in say(
        "contact", "lift", bob, "--scope", "all", expect=ExitStatus.REFUSED
    )
    assert "0 people stay" in say("list", "delete", "Customers")
    assert "there is no list Clients" in say("list", "show", "Clients", expect=ExitStatus.REFUSED)


def test_a_campaign_is_written_changed_repeated_and_thrown_away(
    server: Server, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask("shop", "create", "alpha", "--country", "FR", "--sender", "ALPHA")
    members = ask("list", "create", "Clients")["id"]
    fields = tmp_path / "campaign.json"
    fields.write_text(json.dumps({"name": "Soldes", "text": "Hi", "audience": {"lists": [members]}}))
    made = ask("campaign", "create", str(fields))
    fields.write_text(json.dumps({"text": "Bonjour", "parts_per_second": 5}))
    changed = ask("campaign", "change", "Soldes", str(fields))
    assert (changed["text"], changed["version"], changed["name"]) == ("Bonjour", 2, "Soldes")
    copy = ask("campaign", "duplicate", "Soldes")
    assert ask("campaign", "delete", copy["id"]) == {"deleted": copy["id"]}
    assert ask("campaign", "estimate", made["id"])["recipients"] == 0
    assert [each["id"] for each in ask("campaign", "list", "--state", "draft")["campaigns"]] == [made["id"]]
    for words, told in (
        (["show", "cmp_00000000001"], "no campaign with this id"),
        (["show", "Noël"], "there is no campaign Noël"),
        (["create", str(tmp_path / "none.json")], "none.json cannot be read: No such file"),
        (["pause", "Soldes"], "cannot be paused"),
    ):
        assert main(["campaign", *words, *server.line]) == ExitStatus.REFUSED
        assert told in capsys.readouterr().err
    assert main(["campaign", "list", "--state", "paused", *server.line]) == ExitStatus.DONE
    assert capsys.readouterr().out.startswith("No campaign is paused.")


def test_orders_come_from_a_file_rehearsed_then_stored_and_again(
    server: Server, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask("shop", "create", "alpha", "--country", "FR", "--sender", "ALPHA")
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "N° commande;Téléphone;Montant;Date\n1001;06 39 98 00 01;59,90;01/03/2026 10:00\n"
        "1002;12;5;\n1003;;x;\n"
    )
    line = ["order", "import", str(orders), *server.line]
    assert main([*line, "--dry-run"]) == ExitStatus.REFUSED
    told = capsys.readouterr()
    assert told.out == ("3 rows: 1 orders would be new, 0 known, 2 refused; 0 came of a campaign\n")
    assert [row.split()[0] for row in told.err.splitlines()[1:]] == ["3", "4"]
    for created, known in ((1, 0), (0, 1)):
        assert main([*line, "--json"]) == ExitStatus.REFUSED
        answer = json.loads(capsys.readouterr().out)
        assert (answer["created"], answer["known"], answer["refused"]) == (created, known, 2)
    order = ask("order", "show", "1001")
    assert (order["amount"], order["ordered_at"]) == (
        {"amount": "59.90", "currency": "EUR"},
        "2026-03-01T10:00:00Z",
    )
    assert main(["order", "show", "1001", *server.line]) == ExitStatus.DONE
    assert "59.90 EUR" in capsys.readouterr().out


def test_unknown_things_are_refused_in_words(
    server: Server, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["message", "show", "msg_0000000000"],
        ["message", "show", "../shops"],
        ["key", "revoke", "4711"],
        ["hold", "all", "--shop", "nobody"],
    ):
        assert main([*words, *server.line]) == ExitStatus.REFUSED
        assert capsys.readouterr().err.startswith("estafette: ")


def test_the_built_in_carrier_is_listed_with_its_bind(ask: Ask) -> None:
    [connector] = ask("connector", "list")["connectors"]
    assert connector["name"] == "simulator"
    assert [bind["state"] for bind in connector["binds"]] == ["bound"]


def test_a_second_server_on_the_same_state_is_refused(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "serve", *server.line],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == ExitStatus.REFUSED
    assert "Traceback" not in done.stderr

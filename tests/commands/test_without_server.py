"""Commands that work on the database itself when no server answers."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import yaml

from gateway.cli import main
from gateway.commands.errors import ExitStatus
from gateway.intake.keys import hash_key, is_well_formed
from gateway.store.database import Database
from gateway.store.migrations import locate_sql
from gateway.store.queries import load_queries
from gateway.store.shops import NewShop, create_shop

pytestmark = pytest.mark.integration


@pytest.fixture
def config(database: str, tmp_path: Path) -> str:
    """A configuration on a fresh database with the shop `alpha`, and no server."""

    async def prepare() -> None:
        opened = await Database.open(database, load_queries(locate_sql() / "queries"))
        shop = NewShop("alpha", "FR", "EUR", "whsec_x")
        await create_shop(opened, shop, datetime.now(UTC))
        await opened.aclose()

    asyncio.run(prepare())
    path = tmp_path / "config.yaml"
    path.write_text(
        yaml.safe_dump({"node": {"state_directory": str(tmp_path / "state")}, "database": {"dsn": database}})
    )
    return str(path)


def fetch(dsn: str, sql: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def read(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_a_key_is_made_shown_once_listed_and_revoked(
    config: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--config", config, "--json"]
    assert main(["key", "create", "--shop", "alpha", "--test", "--label", "till", *line]) == ExitStatus.DONE
    made = read(capsys)
    assert is_well_formed(str(made["key"]))
    assert fetch(database, "SELECT hash, is_test FROM api_key") == [(hash_key(str(made["key"])), True)]
    assert main(["key", "list", *line]) == ExitStatus.DONE
    listed = read(capsys)["keys"]
    assert listed == [{name: value for name, value in made.items() if name != "key"}]
    assert main(["key", "revoke", str(made["id"]), *line]) == ExitStatus.DONE
    assert read(capsys)["revoked_at"]
    assert main(["key", "revoke", str(made["id"]), *line]) == ExitStatus.REFUSED
    assert f"no live key {made['id']}" in capsys.readouterr().err


def test_each_action_leaves_an_audit_row_and_no_node(
    config: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["key", "create", "--shop", "alpha", "--live", "--config", config])
    assert "Keep it now" in capsys.readouterr().out
    [(action, subject, actor, data)] = fetch(database, "SELECT action, subject, actor, data::text FROM audit")
    assert (action, subject) == ("key.create", "key 1 of shop alpha")
    assert "without a server" in str(actor)
    assert "est_live_" in str(data)
    assert "hash" not in str(data)
    assert fetch(database, "SELECT 1 FROM node_lease WHERE expires_at > clock_timestamp()") == []


def test_an_unknown_shop_is_named(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "create", "--shop", "beta", "--live", "--config", config]) == ExitStatus.REFUSED
    assert "there is no shop named beta" in capsys.readouterr().err


def test_an_empty_ledger_balances(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "--config", config]) == ExitStatus.DONE
    assert "The ledger balances: 0 messages" in capsys.readouterr().out


def test_a_ledger_that_differs_says_where_and_exits_with_1(
    config: str, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(
        database,
        "INSERT INTO stat_hour "
        "VALUES (date_trunc('hour', clock_timestamp()), 1, 1, 'FR', 2, 'EUR', 0, 0, 7, 7, 0)",
    )
    assert main(["ledger", "--config", config]) == ExitStatus.REFUSED
    printed = capsys.readouterr().out
    assert "DIFFERS  messages taken in" in printed
    assert "7 rollup" in printed
    assert main(["ledger", "--config", config, "--json"]) == ExitStatus.REFUSED
    assert read(capsys)["balanced"] is False


def test_the_schema_is_brought_up_to_date_once(
    empty_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"database": {"dsn": empty_database}}))
    line = ["db", "migrate", "--config", str(path), "--json"]
    assert main(line) == ExitStatus.DONE
    assert "0001_foundation.sql" in str(read(capsys)["applied"])
    assert main(line) == ExitStatus.DONE
    assert read(capsys) == {"applied": []}


def test_a_database_that_is_not_there_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"database": {"dsn": f"postgresql:///none?host={tmp_path}"}}))
    for line in (["db", "migrate"], ["ledger"], ["key", "list"]):
        assert main([*line, "--config", str(path)]) == ExitStatus.UNREACHABLE
        complaint = capsys.readouterr().err
        assert complaint.startswith("estafette: the database is not reachable")
        assert complaint.count("\n") == 1
